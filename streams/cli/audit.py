"""`carillon audit`: who changed what."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from connectors.clock import now_ms
from connectors.postgres.audit import Wish, list_changes
from schemas.ids import person_named
from schemas.records import ChangeLogged
from schemas.times import rfc3339
from streams.outside import cipher_of
from streams.servers import database_of, located
from streams.settings import load_settings

if TYPE_CHECKING:
    from connectors.cipher import Cipher
    from streams.settings import Settings

audit = typer.Typer(no_args_is_help=True, add_completion=False, help="The audit log.")


USER: Final = "user"


@audit.callback()
def group() -> None:
    """The audit log."""


@audit.command("list")
def show(
    object_: Annotated[str | None, typer.Option("--object", help="`kind`, or `kind:name`.")] = None,
    actor: Annotated[str | None, typer.Option(help="Changes of this actor only.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most lines.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """List changes, the newest first. Example: carillon audit list --object template:welcome/email/ru.

    Lines about a person have a keyed name of his, and are found by `user:` and his id.
    """
    kind, _, name = (object_ or "").partition(":")
    since = datetime.fromtimestamp(now_ms() / 1000, UTC) - timedelta(days=days)
    wish = Wish(since, actor, kind or None, name or None, limit)
    settings = located(load_settings())
    wishes = by_name(wish, cipher_of(settings)) if kind == USER and name else [wish]
    for line in asyncio.run(_found(settings, wishes))[:limit]:
        typer.echo(msgspec.json.encode(line) if as_json else line_of(line))


def line_of(line: ChangeLogged) -> str:
    """One change, for people: when, who, what, and which fields."""
    before, after = line.before or {}, line.after or {}
    names = sorted(before.keys() | after.keys()) if line.before and line.after else []
    changed = [name for name in names if name != "version" and before.get(name) != after.get(name)]
    fields = f"  ({', '.join(changed)})" if changed else ""
    return f"{rfc3339(line.at)}  {line.actor_id}  {line.action}  {line.object_id}{fields}"


def by_name(wish: Wish, cipher: Cipher) -> list[Wish]:
    """What to look for: a user's name of today, and his id, which lines of earlier versions have."""
    user_id = (wish.object_id or "").lower()
    person = person_named(cipher.digest(user_id.encode()))
    return [wish._replace(object_type="person", object_id=person), wish._replace(object_id=user_id)]


async def _found(settings: Settings, wishes: list[Wish]) -> list[ChangeLogged]:
    database = database_of(settings)
    try:
        lines = [line for wish in wishes for line in await list_changes(database, wish)]
        return sorted(lines, key=lambda line: line.at, reverse=True)
    finally:
        await database.close()
