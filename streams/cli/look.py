"""`carillon why`: why it was sent, why not, why late."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import orjson
import typer

from streams.servers import located
from streams.settings import load_settings
from streams.why import explain, told


def why(
    asked: Annotated[str | None, typer.Argument(help="Id of a message or a request.")] = None,
    key: Annotated[str | None, typer.Option(help="An idempotency key instead of an id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell everything known about a request or message, with the rule and the value that decided.

    Example: carillon why --key order-1234
    """
    if (asked is None) == (key is None):
        raise typer.BadParameter("give an id or --key")
    found = asyncio.run(explain(located(load_settings()), key or asked or "", is_key=key is not None))
    if as_json:
        typer.echo(orjson.dumps(asdict(found), default=repr, option=orjson.OPT_INDENT_2))
    else:
        typer.echo(told(found))
    raise typer.Exit(1 if found.is_empty else 0)
