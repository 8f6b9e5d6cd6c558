"""The memory of taken requests."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tables.requests import Taken, key_of, remembered_until
from tests.requests import DAY, ORDER, REQUEST, SECOND, T0

FIRST = Taken(request_id=REQUEST.request_id, taken_at=T0)


@pytest.mark.spec("NS-SND-OP-11")
def test_a_key_is_source_recipient_and_idempotency_key() -> None:
    same = replace(
        REQUEST, request_id="r2", data=b"{}", lane="low", notification_type="refund", origin="x/1/2"
    )
    assert key_of(REQUEST) == key_of(same)


@pytest.mark.parametrize(
    "changed",
    [{"source": "kiosk"}, {"user_id": "another"}, {"idempotency_key": "2"}, {"source": "shop\0order"}],
)
def test_whatever_differs_in_it_is_another_request(changed: dict[str, str]) -> None:
    assert key_of(REQUEST) != key_of(replace(REQUEST, **changed))


def test_keys_of_one_user_stand_together() -> None:
    assert key_of(REQUEST).startswith(b"user:" + REQUEST.user_id.encode() + b"/")


@pytest.mark.spec("NS-SND-OP-11")
def test_the_window_counts_from_the_release_and_is_never_shorter_than_the_time_to_live() -> None:
    room = 30 * SECOND
    assert T0 + room + DAY == remembered_until(REQUEST, ORDER, T0)
    assert T0 + room + 2 * DAY == remembered_until(REQUEST, replace(ORDER, ttl_s=2 * 86_400), T0)
    planned = replace(REQUEST, scheduled_at=T0 + 9 * DAY)
    assert T0 + room + 10 * DAY == remembered_until(planned, ORDER, T0)


def test_a_repeat_keeps_its_own_id() -> None:
    assert "r2" == FIRST.repeat_id(replace(REQUEST, request_id="r2"))


def test_a_repeat_with_the_first_ones_id_gets_another_for_each_place_it_came_from() -> None:
    ids = {FIRST.repeat_id(replace(REQUEST, origin=f"t/0/{offset}")) for offset in (1, 2, 2)}
    assert 2 == len(ids - {FIRST.request_id})
