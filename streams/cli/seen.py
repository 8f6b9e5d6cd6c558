"""`carillon seen …`: facts that no API took, and facts of tags nobody had configured."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from connectors.kafka_admin import topics_of
from connectors.kafka_clients import writing_together
from schemas.codec import encode
from schemas.topics import SEEN, SEEN_FAILED, SEEN_REDRIVEN, SEEN_UNKNOWN
from streams.cli.dead import records_in
from streams.seen_again import Again, Wanted, line_of, mark_of
from streams.servers import located
from streams.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.kafka_clients import Brokers, Record

    Chosen = Callable[[bytes, bytes | None, int], Any]

AT_ONCE = 1_000
"""Records of one transaction."""
seen = typer.Typer(no_args_is_help=True, add_completion=False, help="Seen facts that were not delivered.")
Tag = Annotated[str | None, typer.Option(help="Facts of this tag only.")]


@seen.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False) -> None:
    """Count what was not delivered, by tag, destination and reason. Example: carillon seen list."""

    async def counted() -> Counter[tuple[str, str, str]]:
        found: Counter[tuple[str, str, str]] = Counter()
        for topic in (SEEN_FAILED, SEEN_UNKNOWN):
            async for record in records_in(_brokers(), topic):
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
    again: Annotated[bool, typer.Option("--again", help="Those too that were sent again before.")] = False,
) -> None:
    """Send facts again, once all is in order. Example: carillon seen redrive --tag wallet."""
    if unknown and destination is not None:
        raise typer.BadParameter("a fact of an unknown tag has no destination")
    wanted = Wanted(tag, destination)
    topic, chosen = (SEEN_UNKNOWN, wanted.post) if unknown else (SEEN_FAILED, wanted.parcel)
    typer.echo(asyncio.run(_sent_again(topic, chosen, repeats=again)).told())


async def _sent_again(topic: str, chosen: Chosen, *, repeats: bool) -> Again:
    """Each fact and the mark that it was sent again are one transaction."""
    settings = located(load_settings())
    brokers = settings.kafka.brokers()
    await _can_remember(brokers)
    done = Again({mark.key async for mark in records_in(brokers, SEEN_REDRIVEN)})
    group: list[Record] = []
    async with writing_together(brokers, f"{settings.kafka.app}.seen-redrive") as write:
        async for record in records_in(brokers, topic):
            found = chosen(record.value, record.key, record.timestamp)
            if found is None or not done.takes(record, repeats=repeats):
                continue
            group.append((SEEN, record.key, encode(found), record.headers))
            group.append((SEEN_REDRIVEN, mark_of(record), b"", ()))
            if len(group) >= AT_ONCE:
                await write(group)
                group = []
        if group:
            await write(group)
    return done


async def _can_remember(brokers: Brokers) -> None:
    async with topics_of(brokers) as topics:
        if SEEN_REDRIVEN not in await topics.names():
            raise typer.BadParameter(f"no topic {SEEN_REDRIVEN}: `carillon topics create` makes it")


def _brokers() -> Brokers:
    return located(load_settings()).kafka.brokers()
