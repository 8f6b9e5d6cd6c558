"""`carillon keys`: API keys of services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
import typer

from connectors.access.desk import KeyDesk
from connectors.access.keys import SCOPES, Made, TooManyKeysError, Wanted
from connectors.http.keys import KeyMade, listed, shown
from streams.access import desk_of, operator
from streams.logs import configure, hide_retries
from streams.servers import database_of, located
from streams.settings import load_settings

keys = typer.Typer(no_args_is_help=True, add_completion=False, help="API keys of services.")
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Service = Annotated[str, typer.Argument(help="Who will use the key.")]
KeyId = Annotated[str, typer.Argument(help="Id of the key, as `keys list` shows it.")]
Found = TypeVar("Found")


@keys.command()
def create(
    service: Service,
    scope: Annotated[list[str], typer.Option(help=f"What it opens: {', '.join(SCOPES)}; may be repeated.")],
    test: Annotated[bool, typer.Option("--test", help="A `ck_test_` key.")] = False,
    days: Annotated[int | None, typer.Option(min=1, help="It ends after so many days.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Its own limit of requests.")] = None,
) -> None:
    """Make a key. It is printed once and kept nowhere. Example: carillon keys create orders --scope send."""
    if unknown := [name for name in scope if name not in SCOPES]:
        raise typer.BadParameter(f"no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")
    lives_ms = None if days is None else days * DAY_MS
    wanted = Wanted(service, tuple(scope), test, lives_ms, per_minute)
    _print(_asked(lambda desk: desk.create(wanted, operator())))


@keys.command("list")
def show(as_json: AsJson = False) -> None:
    """List keys with their ends and last uses. Example: carillon keys list."""
    for kept in _asked(lambda desk: desk.listed()):
        key = listed(kept)
        if as_json:
            typer.echo(msgspec.json.encode(key))
            continue
        state = f"revoked {key.revoked_at}" if key.revoked_at else f"until {key.expires_at or 'revoked'}"
        kind = "test" if key.is_test else "live"
        used = f"used {key.last_used_at or 'never'}"
        typer.echo(f"{key.key_id}  {kind}  {key.service}  {'+'.join(key.scopes)}  {state}  {used}")


@keys.command()
def rotate(
    key_id: KeyId,
    hours: Annotated[float, typer.Option(min=0, help="So long the old key still works.")] = 24.0,
) -> None:
    """Make a key's successor; the old one goes on for a day. Example: carillon keys rotate 0f3a5c7e9b1d."""
    made = _asked(lambda desk: desk.rotate(key_id, int(hours * HOUR_MS), operator()))
    if made is None:
        typer.echo(f"no live key {key_id}", err=True)
        raise typer.Exit(1)
    _print(made)


@keys.command()
def revoke(key_id: KeyId) -> None:
    """End a key at once. Example: carillon keys revoke 0f3a5c7e9b1d."""
    if not _asked(lambda desk: desk.revoke(key_id, operator())):
        typer.echo(f"no key {key_id}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{key_id} is revoked")


def _print(made: Made) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(KeyMade(made.secret, shown(made.record)))))


def _asked(question: Callable[[KeyDesk], Awaitable[Found]]) -> Found:
    settings = load_settings()
    configure(settings.log)
    hide_retries()
    located_at = located(settings)

    async def answer() -> Found:
        database = database_of(located_at)
        try:
            return await question(desk_of(located_at, database))
        except TooManyKeysError as error:
            typer.echo(f"{error}; revoke one of them", err=True)
            raise typer.Exit(1) from None
        finally:
            await database.close()

    return asyncio.run(answer())
