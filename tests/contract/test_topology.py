"""What the stages keep and read outlives a change of its schema (design, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceMetrics
from connectors.consumers import Consumers
from connectors.seen_metrics import SeenMetrics
from schemas.codec import SchemaBook
from schemas.words import Lane
from streams.engine.api import NotYet, Stage, ToEffect, ToTimer
from streams.settings import Settings
from streams.topology import Outside, build
from streams.wiring import Reading

OF_ANOTHER_VERSION = b"\xc3\x01" + b"newer..." + b"\x00"


async def _never() -> bool:
    return False


def stages() -> tuple[Stage, ...]:
    """The real topology; its ports are not used."""
    book, port = SchemaBook(), cast("Any", None)
    figures = SeenMetrics(CollectorRegistry(), lambda: 0)
    outside = Outside(
        reading=Reading(book, _never),
        book=book,
        ignored_fields=lambda _topic: lambda _count: None,
        reference=port,
        cipher=port,
        renderer=port,
        addresses=port,
        links=port,
        perform=port,
        sink=port,
        consumers=Consumers(lambda _tag: None, figures),
        figures=figures,
        audience_figures=AudienceMetrics(CollectorRegistry()),
    )
    return build(Settings(), outside)


def decoders() -> Iterator[tuple[str, Callable[[bytes], object]]]:
    """Of internal topics, tables, timers and open calls."""
    for stage in stages():
        if stage.name != "intake":
            yield from ((f"{stage.name} {source.topic}", source.decode) for source in stage.inputs)
        yield from ((f"{stage.name} {table.name}", table.decode) for table in stage.tables)
        for routes in stage.routes.values():
            for route in routes:
                if isinstance(route, ToTimer | ToEffect):
                    yield f"{stage.name} {type(route).__name__}", route.decode


DECODERS = list(decoders())


@pytest.mark.parametrize("decode", [each for _, each in DECODERS], ids=[name for name, _ in DECODERS])
async def test_what_another_version_wrote_waits_for_its_schema(decode: Callable[[bytes], object]) -> None:
    """Mutation: a decoder made without the book. An upgrade would then bury timers, calls and rows."""
    with pytest.raises(NotYet):
        decode(OF_ANOTHER_VERSION)


@pytest.mark.spec("NS-PREF-OP-04")
def test_what_is_known_of_a_user_is_read_before_requests_to_him() -> None:
    """Else a request overtakes an address, an opt-out or a cancel. Mutation: one rank for both."""
    (recipient,) = (stage for stage in stages() if stage.name == "recipient")
    rank = {source.topic: (not source.urgent, source.lane) for source in recipient.inputs}
    facts = {name for name in rank if name.startswith("facts.") or name == "request.cancels"}
    assert 4 == len(facts)
    assert len(Lane) == len(rank) - len(facts)
    assert max(rank[name] for name in facts) < min(rank[name] for name in rank.keys() - facts)
