"""`carillon consent …`: consents that other systems kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer

from connectors.clock import now_ms
from streams.consents import ConsentFileError, read_consents, write_consents
from streams.logs import hide_retries
from streams.servers import located
from streams.settings import load_settings

consent = typer.Typer(no_args_is_help=True, add_completion=False, help="Consents to marketing.")


@consent.callback()
def group() -> None:
    """Consents to marketing, and withdrawals."""


@consent.command("import")
def take(
    file: Annotated[Path, typer.Argument(help="CSV with a header (.csv), or JSON lines.")],
    check: Annotated[bool, typer.Option("--check", help="Only read the file; needs no server.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take over consents with their source and date; a file with a fault is not taken at all.

    Fields: user_id, source, at (RFC 3339); action (granted or revoked), purpose, channel_type, text_version.
    To repeat an import is harmless, and a newer word of the user stays in force.

    Example: carillon consent import old-crm.csv
    """
    try:
        found = read_consents(file, now_ms())
    except ConsentFileError as error:
        typer.echo(
            orjson.dumps({"errors": error.faults}) if as_json else "\n".join(error.faults), err=not as_json
        )
        raise typer.Exit(2) from None
    written = 0
    if not check:
        hide_retries()
        written = asyncio.run(write_consents(located(load_settings()).kafka.brokers(), found))
    told = {"read": len(found), "written": written}
    typer.echo(orjson.dumps(told) if as_json else f"{len(found)} read, {written} written")
