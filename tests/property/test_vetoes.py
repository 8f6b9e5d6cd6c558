"""Whatever order changes, requests and reads come in: what is forbidden stays, what follows goes."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.choose import Chosen, choose
from agents.heed import Memory, heed, remember
from agents.permit import permit
from schemas.ids import subject_key
from schemas.records import ProviderCall, RequestReceived, SendTask, Vetoed
from schemas.topics import DELIVERED_CHANNELS
from tables.preferences import Preferences
from tests.fakes import MemoryTable
from tests.property.test_recipient import CHANGES, KINDS, WORDS, _after, _change
from tests.requests import ORDER, PHONES, PROMO, REGISTERED, REQUEST, RESET, T0, USER, Desk

TYPES = [ORDER, RESET, PROMO]
REQUESTS = st.builds(
    replace, st.just(REQUEST), notification_type=st.sampled_from([one.code for one in TYPES])
)
STEPS = st.lists(st.one_of(REQUESTS, st.sampled_from(list(WORDS)).flatmap(_change)), max_size=14)


@given(KINDS, CHANGES)
def test_what_would_be_made_now_is_let_through_and_nothing_else(kind: Any, changes: Any) -> None:
    kind = replace(kind, is_mandatory=False)
    known = _after(changes)
    verdict = choose(kind, known)
    made = {*verdict.channels, *verdict.reserve} if isinstance(verdict, Chosen) else set()
    choice = known.choice(kind.code)
    wanted = kind.default_channels if choice is None else choice.channels
    offered = {*wanted, *(c for c in kind.fallback_channels if choice is None or c in choice.channels)}
    passed = {c for c in offered if permit(kind.code, kind.category, c, known) is None}
    alone = passed & set(DELIVERED_CHANNELS) if passed & set(wanted) & set(DELIVERED_CHANNELS) else made
    assert made <= passed
    assert alone <= made


@given(STEPS, st.data())
def test_a_message_goes_unless_any_newer_choice_that_was_read_forbids_it(steps: Any, data: Any) -> None:
    """Delivery reads vetoes in order and messages in any order after they were made, each at any time."""
    desk, written, states = Desk(), _written(steps), _states(steps)
    vetoes = [one for one in written if isinstance(one, Vetoed)]
    for task in [one for one in written if isinstance(one, SendTask)]:
        memory = Memory(MemoryTable(), MemoryTable())
        read = data.draw(st.integers(0, len(vetoes)))
        for veto in vetoes[:read]:
            remember(veto, memory)
        call = ProviderCall(task=task, provider="mail")
        goes = heed(call, memory, desk.outside.reference, T0) == call
        told = [veto.version for veto in vetoes[:read] if veto.version > task.preferences_version]
        named = task.notification_type, task.category, task.channel
        let = all(permit(*named, states[version]) is None for version in told)
        assert goes == (task.notification_type == RESET.code or let)


def _written(steps: list[Any]) -> list[Any]:
    desk = Desk()
    numbered = [
        replace(one, idempotency_key=str(place)) if isinstance(one, RequestReceived) else one
        for place, one in enumerate(steps)
    ]
    return list(asyncio.run(desk.tell(REGISTERED, PHONES, *numbered)))


def _states(steps: list[Any]) -> dict[int, Preferences]:
    """What was chosen, by version."""
    desk, states = Desk(), {0: Preferences()}
    for one in steps:
        if not isinstance(one, RequestReceived):
            asyncio.run(desk.tell(one))
            known = desk.preferences.get(subject_key(USER))
            if known is not None:
                states[known.version] = known
    return states
