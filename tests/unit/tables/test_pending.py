"""What a cancel can reach."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.catalogue import catalogue
from schemas.records.reference import LONGEST_TTL_S
from schemas.topics import DAY_MS, Topic
from tables.pending import NOTED_MS, WRONG_CLOCK_MS, Pending, key_of
from tests.messages import DECIDED
from tests.requests import T0, USER


def test_keys_of_one_user_stand_together() -> None:
    assert key_of(USER, "shop", "r1").startswith(b"user:" + USER.encode() + b"/")


@pytest.mark.parametrize(
    "other", [("u2", "shop", "r1"), ("u1", "kiosk", "r1"), ("u1", "shop", "r2"), ("u1", "shop\0r", "1")]
)
def test_a_request_is_its_user_its_source_and_its_id(other: tuple[str, str, str]) -> None:
    assert key_of("u1", "shop", "r1") != key_of(*other)


def test_the_first_cancel_stands() -> None:
    once = Pending(waiting=[DECIDED]).cancelled(T0)
    assert (True, False) == (Pending(waiting=[DECIDED]).waits, once.waits)
    assert once == once.cancelled(T0 + 1)


def test_each_request_of_an_id_waits_by_itself() -> None:
    other = replace(DECIDED, origin="t/0/9")
    both = Pending().with_waiting(DECIDED).with_waiting(other).with_waiting(DECIDED)
    assert [other, DECIDED] == both.waiting
    assert [other] == both.without(DECIDED.origin).waiting


def test_a_cancel_is_of_what_was_asked_before_it_by_any_clock() -> None:
    assert not Pending().forbids(T0)
    cancelled = Pending().cancelled(T0)
    assert [True, True, False] == [cancelled.forbids(T0 + WRONG_CLOCK_MS + late) for late in (-1, 0, 1)]


def test_a_cancel_is_remembered_for_longer_than_a_request_may_be_on_its_way() -> None:
    def on_the_way(topic: Topic) -> bool:
        is_request = topic.name.startswith("request.") or topic.name == "notification.send.request"
        return is_request and topic.is_consumed

    kept = [topic.retention_ms or 0 for topic in catalogue() if on_the_way(topic)]
    assert max(kept) + DAY_MS <= NOTED_MS


def test_a_cancel_is_remembered_for_as_long_as_another_channel_may_follow() -> None:
    """Mutation: 8 days: a reserve channel follows in the second week of a request that was taken back."""
    assert LONGEST_TTL_S * 1000 < NOTED_MS
