"""`carillon seen …`: facts that no API took, and facts of tags nobody had configured."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import orjson
import typer

from connectors.kafka_clients import writing
from schemas.codec import encode
from schemas.topics import SEEN, SEEN_FAILED, SEEN_UNKNOWN
from streams.cli.dead import records_in
from streams.seen_again import Wanted, line_of
from streams.servers import located
from streams.settings import load_settings

seen = typer.Typer(no_args_is_help=True, add_completion=False, help="Seen facts that were not delivered.")
Tag = Annotated[str | None, typer.Option(help="Facts of this tag only.")]


@seen.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False) -> None:
    """Count what was not delivered, by tag, destination and reason. Example: carillon seen list."""

    async def counted() -> Counter[tuple[str, str, str]]:
        found: Counter[tuple[str, str, str]] = Counter()
        for topic in (SEEN_FAILED, SEEN_UNKNOWN):
            async for record in records_in(_bootstrap(), topic):
                found[line_of(record.value, has_failed=topic == SEEN_FAILED)] += 1
        return found

    for (tag, destination, reason), count in sorted(asyncio.run(counted()).items()):
        if as_json:
            line = {"tag": tag, "destination": destination or None, "reason": reason, "count": count}
            typer.echo(orjson.dumps(line))
        else:
            typer.echo(f"{count:>8}  {tag}  {destination}  {reason}")


@seen.command()
def redrive(
    tag: Tag = None,
    destination: Annotated[str | None, typer.Option(help="Facts of this destination only.")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Facts of unknown tags instead.")] = False,
) -> None:
    """Send facts again, once all is in order. Example: carillon seen redrive --tag wallet."""
    if unknown and destination is not None:
        raise typer.BadParameter("a fact of an unknown tag has no destination")
    wanted = Wanted(tag, destination)
    topic, chosen = (SEEN_UNKNOWN, wanted.post) if unknown else (SEEN_FAILED, wanted.parcel)

    async def again() -> int:
        sent, bootstrap = 0, _bootstrap()
        async with writing(bootstrap) as write:
            async for record in records_in(bootstrap, topic):
                found = chosen(record.value, record.key, record.timestamp)
                if found is not None:
                    await write(SEEN, encode(found), key=record.key, headers=record.headers)
                    sent += 1
        return sent

    typer.echo(f"{asyncio.run(again())} sent again")


def _bootstrap() -> str:
    return str(located(load_settings()).kafka.bootstrap)
