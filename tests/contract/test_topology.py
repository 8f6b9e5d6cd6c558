"""What the stages keep and read outlives a change of its schema (design, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceMetrics
from connectors.cipher import Cipher
from connectors.consumers import Consumers
from connectors.request_metrics import RequestMetrics
from connectors.seen_metrics import SeenMetrics
from schemas.codec import SchemaBook
from schemas.records import ContactChanged, RequestDecided
from schemas.words import Lane
from streams.engine.api import NotYet, Stage, ToCount, ToEffect, ToTimer
from streams.settings import Settings
from streams.topology import Outside, build
from streams.wiring import Reading
from tests.fakes import FakeEvent, FakeStream, MemoryTable

OF_ANOTHER_VERSION = b"\xc3\x01" + b"newer..." + b"\x00"


async def _never() -> bool:
    return False


def stages(cipher: Any = None) -> tuple[Stage, ...]:
    """The real topology; its other ports are not used."""
    book, port = SchemaBook(), cast("Any", None)
    figures = SeenMetrics(CollectorRegistry(), lambda: 0)
    outside = Outside(
        reading=Reading(book, _never),
        book=book,
        ignored_fields=lambda _topic: lambda _count: None,
        reference=port,
        cipher=cipher,
        renderer=port,
        addresses=port,
        links=port,
        perform=port,
        sink=port,
        consumers=Consumers(lambda _tag: None, figures),
        figures=figures,
        audience_figures=AudienceMetrics(CollectorRegistry()),
        request_figures=RequestMetrics(CollectorRegistry()),
    )
    return build(Settings(), outside)


def decoders() -> Iterator[tuple[str, Callable[[bytes], object]]]:
    """Of internal topics, tables, timers and open calls."""
    for stage in stages():
        if stage.name not in {"intake", "intake-high"}:
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


async def test_a_recipient_worker_without_a_key_waits_for_it() -> None:
    """Mutation: the stage gets the cipher as it is: a dead letter, and of a timer nobody sends it again."""
    old, new = (Cipher({name: bytes(64)}, current=name) for name in ("k1", "k2"))
    (recipient,) = (stage for stage in stages(old) if stage.name == "recipient")
    assert recipient.agent is not None
    fact = ContactChanged(user_id="u", action="updated", changed_at=1, email=new.seal(b"anna@example.com"))
    tables: Any = {table.name: MemoryTable[bytes, Any]() for table in recipient.tables}
    stream: Any = FakeStream([FakeEvent(fact)], now=1)
    with pytest.raises(NotYet, match="crypto_key"):
        _ = [one async for one in recipient.agent(stream, tables)]


@pytest.mark.spec("NS-PREF-OP-04")
@pytest.mark.spec("NS-SEC-OP-05")
def test_decisions_of_the_recipient_stage_are_counted() -> None:
    """Mutation tried: without the route nothing raises the alarm."""
    routes = next(stage.routes for stage in stages() if stage.name == "recipient")[RequestDecided]
    assert 1 == len([route for route in routes if isinstance(route, ToCount)])


def test_what_is_known_of_a_user_is_read_before_requests_to_him() -> None:
    """Else a request overtakes an address, an opt-out or a cancel. Mutation: one rank for both."""
    (recipient,) = (stage for stage in stages() if stage.name == "recipient")
    rank = {source.topic: (not source.urgent, source.lane) for source in recipient.inputs}
    facts = {name for name in rank if name.startswith("facts.") or name == "request.cancels"}
    assert 4 == len(facts)
    assert len(Lane) == len(rank) - len(facts)
    assert max(rank[name] for name in facts) < min(rank[name] for name in rank.keys() - facts)
