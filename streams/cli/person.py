"""`carillon person …`: what is known of somebody, its erasure, and a way back for an address that bounced."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from connectors.clock import now_ms
from schemas.facts import AudienceName
from streams.access import operator
from streams.logs import configure, hide_retries
from streams.persons import PersonDesk, ask_erasure, confirm_address
from streams.servers import database_of, located
from streams.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streams.settings import Settings

person = typer.Typer(no_args_is_help=True, add_completion=False, help="What is known of a person.")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
Repaired = Literal["email", "sms"]
UserId = Annotated[str, typer.Argument(help="Id of the user, a UUID.")]


@person.callback()
def group() -> None:
    """What is known of a person."""


@person.command()
def export(user_id: UserId) -> None:
    """Print all that is known as JSON, addresses in clear. Example: carillon person export USER_ID."""
    wanted = _user(user_id)

    async def ask(desk: PersonDesk, _settings: Settings) -> dict[str, Any]:
        await desk.note("person.export", wanted, operator())
        return await desk.known(wanted)

    typer.echo(msgspec.json.format(msgspec.json.encode(_asked(ask))))


@person.command()
def erase(
    user_id: UserId,
    known_as: Annotated[
        list[str] | None, typer.Option(help="`id_type:id` of audiences; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person for good. Example: carillon person erase USER_ID --known-as yandex_uid:4001."""
    wanted, names = _user(user_id), [_name(text) for text in known_as or []]
    if not yes:
        typer.confirm(f"Erase all that is known of {wanted}?", abort=True)

    async def ask(desk: PersonDesk, settings: Settings) -> dict[str, Any]:
        name = await desk.note("person.erase", wanted, operator())
        await ask_erasure(settings.kafka.brokers(), wanted, names, now_ms())
        return {"person": name}

    typer.echo(msgspec.json.encode(_asked(ask)))


@person.command()
def confirm(
    user_id: UserId,
    channel: Annotated[Repaired, typer.Option(help="The channel whose address bounced.")],
) -> None:
    """Send again to an address that bounced. Example: carillon person confirm USER_ID --channel email."""
    wanted = _user(user_id)

    async def ask(desk: PersonDesk, settings: Settings) -> dict[str, Any]:
        name = await desk.note("person.confirm", wanted, operator())
        await confirm_address(settings.kafka.brokers(), wanted, channel, now_ms())
        return {"person": name}

    typer.echo(msgspec.json.encode(_asked(ask)))


def _user(text: str) -> str:
    if not UUID.fullmatch(text):
        raise typer.BadParameter(f"{text} is no UUID")
    return text.lower()


def _name(text: str) -> dict[str, str]:
    id_type, _, found = text.partition(":")
    try:
        msgspec.convert(named := {"id_type": id_type, "id": found}, AudienceName)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{text}: {error}") from None
    return named


def _asked(ask: Callable[[PersonDesk, Settings], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    settings = load_settings()
    configure(settings.log)
    hide_retries()
    located_at = located(settings)

    async def answer() -> dict[str, Any]:
        database = database_of(located_at)
        try:
            return await ask(PersonDesk(located_at, database), located_at)
        finally:
            await database.close()

    return asyncio.run(answer())
