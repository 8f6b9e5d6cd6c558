"""`carillon send`: one request to notify one user, as an upstream service would produce it."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import uuid4  # noqa: TID251 - a command is not on the path of a request: its ids are new

import orjson
import typer
from aiokafka import AIOKafkaProducer

from schemas.topics import SEND_REQUEST
from streams.running import located
from streams.settings import load_settings


def send(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    user_id: Annotated[str, typer.Argument(help="UUID of the user.")],
    notification_type: Annotated[str, typer.Argument(help="A type of the registry.")],
    data: Annotated[str, typer.Option(help="JSON object with the template's variables.")] = "{}",
    key: Annotated[str | None, typer.Option(help="Idempotency key; a new one by default.")] = None,
    priority: Annotated[
        str | None, typer.Option(help="high, normal or low; the type's default otherwise.")
    ] = None,
    source: Annotated[str, typer.Option(help="Name of the producing service.")] = "carillon-cli",
) -> None:
    """Send one request and print its id, for `carillon why`.

    Example: carillon send 7b0f… order_confirmation --data '{"order_id": "A-1"}'
    """
    request_id = str(uuid4())
    body = {
        "user_id": user_id,
        "notification_type": notification_type,
        "data": orjson.loads(data),
        "idempotency_key": key or request_id,
        **({"priority": priority} if priority else {}),
    }

    async def main() -> None:
        bootstrap = str(located(load_settings()).kafka.bootstrap)
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            headers = [("source", source.encode()), ("request_id", request_id.encode())]
            await producer.send_and_wait(
                SEND_REQUEST, orjson.dumps(body), key=user_id.encode(), headers=headers
            )

    asyncio.run(main())
    typer.echo(request_id)
