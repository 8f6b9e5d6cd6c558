"""Calls that wait when a notice of their subject is committed: they lapse, so that the agent looks again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

from aiokafka.structs import TopicPartition

from schemas.ids import subject_key
from schemas.records import ProviderCall, Vetoed
from streams.engine.api import LATER, Event, Input, ToEffect, ToTopic
from streams.engine.effects import Effects
from streams.engine.lanes import Lane, Lanes
from tests.contract.test_topology import stages
from tests.messages import TASK
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns
from tests.unit.streams.engine.outsides import Outside

TOLD, BULK = TopicPartition("told", 0), TopicPartition("bulk", 0)


def heeding() -> tuple[Outside, asyncio.Event]:
    """An outside behind a gate, whose calls are of the subject that is their key."""
    outside, opened = Outside(), asyncio.Event()

    async def passing() -> None:
        await opened.wait()

    gate = lambda call: passing() if call.body == b"limited" else None  # noqa: E731
    outside.route = replace(outside.route, subject=lambda call: call.key, gate=gate)
    outside.effects = Effects(outside.route, lambda: 77, outside.woken.set)
    return outside, opened


async def test_a_call_at_its_gate_lapses_when_a_notice_came_and_others_go() -> None:
    """Mutations tried: nothing is doubted; everything is; no look after the gate."""
    outside, opened = heeding()
    outside.begin(Call(b"1", b"ann", b"limited"), Call(b"2", b"bob", b"limited"))
    await turns(10)
    outside.effects.doubt({b"ann"})
    opened.set()
    assert {("lapsed", b"1"), ("done", b"2")} == set(await outside.results(2))
    assert [b"2"] == outside.begun


async def test_a_call_under_way_ends_as_it_would_and_those_behind_it_lapse() -> None:
    """Mutation tried: only the first of a key is doubted."""
    outside, _ = heeding()
    outside.begin(Call(b"1", b"ann", b"hang"), Call(b"2", b"ann"))
    await turns(10)
    outside.effects.doubt({b"ann"})
    outside.let_go.set()
    assert [("done", b"1"), ("lapsed", b"2")] == await outside.results(2)


async def test_what_is_recorded_after_the_notice_goes() -> None:
    outside, _ = heeding()
    outside.effects.doubt({b"ann"})
    outside.begin(Call(b"1", b"ann"))
    assert [("done", b"1")] == await outside.results(1)


def test_only_notices_count() -> None:
    """Mutation tried: the keys of all events: every batch of mails makes calls lapse."""
    inputs = (Input("told", bytes, urgent=True, notices=True), TOLD), (Input("bulk", bytes), BULK)
    lanes = Lanes([Lane(source, tp, 0) for source, tp in inputs])
    events = [
        Event(LATER, key, 0, (), topic, 0, 1) for topic, key in (("told", b"a"), ("bulk", b"b"), ("", b"c"))
    ]
    assert {b"a"} == lanes.noticed(events)


def test_a_veto_and_the_calls_of_its_user_have_one_key() -> None:
    """Mutation tried: the key of the lane, by which calls stand in line: nothing lapses."""
    by_name = {stage.name: stage for stage in stages()}
    veto = Vetoed(user_id=TASK.user_id, scope="user", at=0, expires_at=1, version=1)
    told = {cast("ToTopic", route).key(veto) for route in by_name["recipient"].routes[Vetoed]}
    for name in ("delivery-email", "delivery-sms", "delivery-push"):
        (route,) = by_name[name].routes[ProviderCall]
        subject = cast("ToEffect", route).subject
        assert subject is not None
        assert told == {subject(ProviderCall(task=TASK, provider="p"))} == {subject_key(TASK.user_id)}
