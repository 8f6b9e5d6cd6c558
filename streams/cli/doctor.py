"""`carillon doctor`: is everything in place, and if not, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import typer

from connectors.embedded.process import EmbeddedError
from connectors.kafka_admin import topics_of
from connectors.postgres.migrate import pending
from streams.refused import advised
from streams.servers import database_of, located
from streams.settings import Settings, load_settings
from streams.topics import mending, unsafe, wanted

Check = Callable[[Settings], Awaitable[str]]
UNSAFE = "{} topics would lose what they keep by their settings, or refuse it. Kafka's own tool mends that:"


def doctor() -> None:
    """Check settings, Kafka, topics, Postgres and tables; says what to do about each problem.

    Example: carillon doctor
    """
    settings = load_settings()
    typer.echo("ok    settings")
    try:
        settings = located(settings)
    except EmbeddedError as error:
        typer.echo(f"FAIL  servers: {error}")
        raise typer.Exit(1) from None
    healthy = True
    for name, check in (("kafka", _topics), ("postgres", _tables)):
        try:
            typer.echo(f"ok    {name}: {asyncio.run(check(settings))}")
        except Exception as error:  # noqa: BLE001 - every failure is a finding
            healthy = False
            typer.echo(f"FAIL  {name}: {advised(error)}")
    raise typer.Exit(0 if healthy else 1)


async def _topics(settings: Settings) -> str:
    specs = wanted(settings)
    names = [spec.name for spec in specs]
    async with topics_of(settings.kafka.brokers()) as topics:
        counts = await topics.partition_counts(names)
        missing = [name for name in names if name not in counts]
        if missing:
            raise RuntimeError(
                f"{len(missing)} topics are missing ({missing[0]} …): run `carillon topics create`"
            )
        found = await topics.configs(names)
    if needs := {spec.name: lacks for spec in specs if (lacks := unsafe(spec, found[spec.name]))}:
        lines = (mending(name, lacks) for name, lacks in needs.items())
        raise RuntimeError("\n  ".join([UNSAFE.format(len(needs)), *lines]))
    return f"{settings.kafka.bootstrap}, {len(counts)} topics"


async def _tables(settings: Settings) -> str:
    database = database_of(settings)
    try:
        late = await pending(database)
    finally:
        await database.close()
    if late:
        raise RuntimeError(f"migrations wait: {', '.join(late)}; run `carillon migrate`")
    return "tables are up to date"
