"""`carillon crypto …`: keys that encrypt."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from connectors.cipher import Cipher, CipherError
from streams.logs import configure, hide_retries
from streams.resealing import reseal as sealed_anew
from streams.scaling.plan import ScaleError
from streams.servers import located
from streams.settings import load_settings

crypto = typer.Typer(no_args_is_help=True, add_completion=False, help="Keys that encrypt.")


@crypto.callback()
def group() -> None:
    """Keys that encrypt."""


@crypto.command("new-key")
def new_key(key_id: Annotated[str, typer.Argument(help="1 to 32 letters, digits, `_`, `.` or `-`.")]) -> None:
    """Print a random key in the form of `crypto.keys`. Example: carillon crypto new-key k2."""
    key = Cipher.new_key(key_id)
    try:
        Cipher.of_text(key)
    except CipherError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(key)


@crypto.command()
def reseal(
    check: Annotated[bool, typer.Option("--check", help="Only count addresses and tokens by key.")] = False,
) -> None:
    """Seal addresses and tokens with the newest key: older ones can go. Example: carillon crypto reseal."""
    settings = load_settings()
    configure(settings.log)
    hide_retries()
    try:
        done = asyncio.run(sealed_anew(located(settings), is_only_counted=check))
    except ScaleError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(msgspec.json.encode(done._asdict()))
