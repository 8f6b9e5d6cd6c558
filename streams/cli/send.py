"""`carillon send`: one request to notify one user, as an upstream service would produce it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID, uuid4  # noqa: TID251 - a command is not on the path of a request: its ids are new

import orjson
import typer

from connectors.kafka_clients import writing
from schemas.topics import SEND_REQUEST, USER_EVENTS
from streams.logs import hide_retries
from streams.servers import located
from streams.settings import load_settings


def send(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    user_id: Annotated[str, typer.Argument(help="UUID of the user.")],
    notification_type: Annotated[str, typer.Argument(help="A type of the registry.")],
    data: Annotated[str, typer.Option(help="JSON object with the template's variables.")] = "{}",
    key: Annotated[str | None, typer.Option(help="Idempotency key; a new one by default.")] = None,
    priority: Annotated[
        str | None, typer.Option(help="high, normal or low; the type's default otherwise.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="First say that this is the user's mail address.")] = None,
    source: Annotated[str, typer.Option(help="Name of the producing service.")] = "carillon-cli",
) -> None:
    """Send one request and print its id, for `carillon why`.

    A user of whom no address is known is waited for 30 s; `--email` makes one known.

    Example: carillon send 7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61 system_alert \
        --email ana@carillon.test --data '{"Text": "Back at noon"}'
    """
    user, request_id = _user(user_id), str(uuid4())
    request = {
        "user_id": user,
        "notification_type": notification_type,
        "data": _variables(data),
        "idempotency_key": key or request_id,
        **({"priority": priority} if priority else {}),
    }
    records = [(SEND_REQUEST, request)]
    if email is not None:
        profile = {"event_type": "user.updated", "user_id": user, "data": {"email": email}}
        records.insert(0, (USER_EVENTS, profile))
    hide_retries()
    asyncio.run(_produce(records, [("source", source.encode()), ("request_id", request_id.encode())]))
    typer.echo(request_id)


def _user(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise typer.BadParameter(f"the user id {text!r} is no UUID") from None


def _variables(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"--data is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise typer.BadParameter("--data must be a JSON object")
    return found


async def _produce(records: list[tuple[str, dict[str, Any]]], headers: list[tuple[str, bytes]]) -> None:
    """In this order, each acknowledged before the next."""
    brokers = located(load_settings()).kafka.brokers()
    for topic, body in records:
        async with writing(brokers) as write:
            await write(topic, orjson.dumps(body), key=body["user_id"].encode(), headers=headers)
