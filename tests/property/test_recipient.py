"""Invariants of the recipient stage and its tables, in any order of facts, requests and repeats."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.choose import Chosen, Dropped, choose
from schemas.codec import Decoder, encode
from schemas.records import (
    MessageQueued,
    PreferenceChanged,
    RequestDecided,
    RequestDue,
    RequestReceived,
    SendTask,
)
from schemas.words import Category, Channel
from tables.contacts import FIELDS, Address, Contacts
from tables.preferences import ALL_MARKETING, MARKETING, Preferences
from tests.requests import (
    DAY,
    ORDER,
    PHONES,
    PROMO,
    REGISTERED,
    REQUEST,
    RESET,
    T0,
    USER,
    Desk,
    messages,
    tasks,
)
from tests.strategies import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.recipient import Input

CHANNELS = st.sampled_from(list(map(str, Channel)))
KINDS = st.sampled_from([ORDER, RESET, PROMO]).flatmap(
    lambda kind: st.builds(
        replace,
        st.just(kind),
        default_channels=st.lists(CHANNELS, max_size=3),
        fallback_channels=st.lists(CHANNELS, max_size=3),
        is_mandatory=st.booleans(),
        category=st.sampled_from(list(map(str, Category))),
    )
)
WORDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "type": {
        "notification_type": st.sampled_from([ORDER.code, RESET.code, PROMO.code]),
        "channels": st.lists(CHANNELS, max_size=3, unique=True),
        "is_enabled": st.booleans(),
    },
    "unsubscribed": {"channel": CHANNELS | st.just(ALL_MARKETING)},
    "resubscribed": {"channel": CHANNELS | st.just(ALL_MARKETING)},
    "consent_granted": {"purpose": st.sampled_from([MARKETING, PROMO.code]), "channel": st.none() | CHANNELS},
    "consent_revoked": {"purpose": st.sampled_from([MARKETING, PROMO.code]), "channel": st.none() | CHANNELS},
}


def _change(kind: str) -> st.SearchStrategy[PreferenceChanged]:
    times = st.integers(T0 - 50, T0)
    return st.builds(
        PreferenceChanged, user_id=st.just(USER), kind=st.just(kind), changed_at=times, **WORDS[kind]
    )


CHANGES = st.lists(
    st.sampled_from(list(WORDS)).flatmap(_change), max_size=8, unique_by=lambda change: change.changed_at
)


def _after(changes: list[PreferenceChanged]) -> Preferences:
    known = Preferences()
    for change in changes:
        known = known.merge(change)
    return known


@given(CHANGES.flatmap(lambda changes: st.tuples(st.just(changes), st.permutations(changes))))
def test_preferences_are_the_same_in_any_order_and_however_often(
    orders: tuple[list[PreferenceChanged], list[PreferenceChanged]],
) -> None:
    one, other = orders
    assert _after(one) == _after(other + one)


@pytest.mark.spec("NS-PREF-020 NS-PREF-OP-05")
@given(KINDS, CHANGES)
def test_the_decision_list_ends_with_channels_or_with_a_rule_and_a_value(kind: Any, changes: Any) -> None:
    known = _after(changes)
    verdict = choose(kind, known)
    assert verdict.rule
    match verdict:
        case Chosen():
            assert verdict.channels
            assert not set(verdict.channels) & set(verdict.reserve)
            assert len(verdict.channels) == len(set(verdict.channels))
            if not kind.is_mandatory:
                assert not any(known.is_unsubscribed(c) for c in (*verdict.channels, *verdict.reserve))
        case Dropped():
            is_empty_choice = verdict.rule in {"preferences.allowed_channels", "type.default_channels"}
            assert verdict.value or is_empty_choice or not kind.default_channels


@pytest.mark.spec("NS-SEC-041")
@given(KINDS, CHANGES)
def test_no_advertising_goes_anywhere_without_a_consent(kind: Any, changes: Any) -> None:
    kind = replace(kind, category="marketing", is_mandatory=False)
    known = _after(changes)
    verdict = choose(kind, known)
    if isinstance(verdict, Chosen):
        assert not known.is_unsubscribed(ALL_MARKETING)
        for channel in (*verdict.channels, *verdict.reserve):
            assert known.consents_to(MARKETING, channel) or known.consents_to(kind.code, channel)


ADDRESS = st.builds(Address, sealed=st.binary(max_size=2), is_valid=st.just(True))
VALUES = {
    "email": st.none() | ADDRESS,
    "phone": st.none() | ADDRESS,
    "devices": st.lists(ADDRESS, max_size=2),
    "language": st.none() | st.sampled_from(["ru", "en"]),
    "timezone": st.none() | st.sampled_from(["Europe/Moscow", "Asia/Omsk"]),
}
STATED = st.fixed_dictionaries({}, optional=VALUES)
TIMED = st.dictionaries(st.integers(1, 50), STATED, max_size=6)  # one fact at a time


def _merged(facts: list[tuple[int, dict[str, Any]]]) -> Contacts:
    known = Contacts()
    for at, stated in facts:
        known = known.merge(stated, at)
    return known


@given(
    TIMED.flatmap(
        lambda facts: st.tuples(st.just(sorted(facts.items())), st.permutations(list(facts.items())))
    )
)
def test_contacts_are_the_same_in_any_order_and_however_often(orders: Any) -> None:
    one, other = orders
    assert _merged(one) == _merged([*other, *one])


ACT = st.tuples(st.sampled_from(["merge", "register", "delete"]), st.integers(1, 50), STATED)


@pytest.mark.spec("NS-SEC-OP-02")
@given(st.lists(ACT, max_size=10))
def test_a_deleted_user_has_no_address_left_whatever_came_before_or_after(acts: Any) -> None:
    known = Contacts()
    for name, at, stated in acts:
        steps: dict[str, Callable[[Contacts], Contacts]] = {
            "merge": lambda now, at=at, stated=stated: now.merge(stated, at),  # type: ignore[misc]
            "register": lambda now, at=at: now.register(at),  # type: ignore[misc]
            "delete": lambda now, at=at: now.delete(at),  # type: ignore[misc]
        }
        known = steps[name](known)
        if known.is_deleted:
            assert [None, None, [], None, None] == [getattr(known, field) for field in FIELDS]


@given(records(Contacts) | records(Preferences))
def test_table_values_come_back_from_their_bytes(value: Any) -> None:
    assert value == Decoder(type(value))(encode(value))


REQUESTS = st.builds(
    replace,
    st.just(REQUEST),
    request_id=st.sampled_from(["r1", "r2", "r3"]),
    idempotency_key=st.sampled_from(["k1", "k2"]),
    source=st.sampled_from(["shop", "kiosk"]),
    notification_type=st.sampled_from([ORDER.code, RESET.code, "no_such_type"]),
    scheduled_at=st.none() | st.integers(T0, T0 + DAY),
    data=st.sampled_from([b"{}", b'{"OrderNumber":"A-1","Code":"1"}']),
)
INPUTS = st.lists(st.one_of(REQUESTS, st.sampled_from([REGISTERED, PHONES])), max_size=10)


@pytest.mark.spec("NS-SND-043")
@given(INPUTS)
def test_of_all_repeats_one_is_carried_out_and_every_request_is_answered(inputs: list[Input]) -> None:
    numbered = [
        replace(value, origin=f"t/0/{place}") if isinstance(value, RequestReceived) else value
        for place, value in enumerate(inputs)
    ]
    decisions, queued, sent = asyncio.run(_run(numbered))

    asked = [value for value in numbered if isinstance(value, RequestReceived)]
    assert sorted(one.origin for one in asked) == sorted(one.origin for one in decisions)
    carried = [d for d in decisions if d.outcome not in {"repeated", "rejected"}]
    keys = [(d.source, d.idempotency_key) for d in carried]
    assert len(keys) == len(set(keys))
    assert len(queued) == len({one.message_id for one in queued})
    pending = {one.message_id for one in queued if one.status == "pending"}
    assert pending == {one.message_id for one in sent}
    assert all(d.rule is not None and (d.reason or d.outcome == "accepted") for d in decisions)


async def _run(inputs: list[Input]) -> tuple[list[RequestDecided], list[MessageQueued], list[SendTask]]:
    """Everything that comes out, with each timer back once its time has come."""
    desk = Desk()
    found: list[Any] = list(await desk.tell(*inputs))
    while timers := [one for one in found if isinstance(one, RequestDue)]:
        due = min(timers, key=lambda timer: timer.due_at)
        found.remove(due)
        desk.now = max(desk.now, due.due_at)
        found += await desk.tell(due)
    decisions = [one for one in found if isinstance(one, RequestDecided) and one.outcome != "waiting"]
    return decisions, messages(found), tasks(found)
