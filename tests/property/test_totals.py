"""Totals and seen facts under any cut into batches."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agents.forward import Queues
from agents.mark_seen import Memory, mark_seen
from agents.sum_up import sum_up
from schemas.records import SeenPosted, SeenRouted, SeenTag, StatsPartial, StatsRecord
from tables.seen import Seen, key_of
from tables.totals import Totals
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import T0

PARTIALS = st.lists(
    st.builds(
        StatsPartial,
        period=st.just("hour"),
        starts_at=st.just(T0),
        channel_type=st.sampled_from(["email", "sms"]),
        notification_type=st.none(),
        category=st.none(),
        provider_name=st.none(),
        counts=st.dictionaries(st.sampled_from(["sent", "failed"]), st.integers(-3, 3), max_size=2),
    ),
    max_size=20,
)
POSTS = st.lists(
    st.builds(
        SeenPosted,
        kind=st.sampled_from(["client", "driver"]),
        tag=st.sampled_from(["known", "unknown"]),
        id=st.sampled_from(["1", "2"]),
        seen_at=st.integers(T0, T0 + 5),
        received_at=st.just(T0),
        user_key=st.sampled_from([None, "u-1", "u-2"]),
    ),
    max_size=20,
)
REFERENCE = MemoryReference(tags=[SeenTag(tag="known", destinations=["one"])])


async def published(batches: list[list[StatsPartial]]) -> list[StatsRecord]:
    table = MemoryTable[bytes, Totals]()
    records: list[StatsRecord] = []
    for batch in batches:
        stream = FakeStream([FakeEvent(partial) for partial in batch], now=T0)
        records += [o async for o in sum_up(stream, table) if isinstance(o, StatsRecord)]
    return records


@given(PARTIALS, st.integers(1, 5))
def test_the_last_record_of_a_window_holds_the_sum_of_all_its_partials(
    partials: list[StatsPartial], size: int
) -> None:
    batches = [partials[n : n + size] for n in range(0, len(partials), size)]
    last = {r.dimensions["channel_type"]: r.metrics for r in asyncio.run(published(batches))}
    expected: dict[str | None, Counter[str]] = {}
    for partial in partials:
        expected.setdefault(partial.channel_type, Counter()).update(partial.counts)
    found = {channel: {m: n for m, n in metrics.items() if n} for channel, metrics in last.items()}
    assert {channel: {m: n for m, n in sums.items() if n} for channel, sums in expected.items()} == found


async def passed_on(posts: list[SeenPosted]) -> int:
    memory = Memory(MemoryTable[bytes, Seen](), Queues(MemoryTable(), MemoryTable(), REFERENCE))
    stream = FakeStream([FakeEvent(posted) for posted in posts], now=T0)
    return len([one async for one in mark_seen(stream, memory) if isinstance(one, SeenRouted)])


@given(POSTS)
def test_what_is_known_and_has_a_user_passes_once_and_the_rest_always(posts: list[SeenPosted]) -> None:
    once = {key_of(p) for p in posts if p.tag == "known" and p.user_key}
    always = [p for p in posts if p.tag == "unknown" or not p.user_key]
    assert len(once) + len(always) == asyncio.run(passed_on(posts))
