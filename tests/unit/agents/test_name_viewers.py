"""Under which ids a seen communication is remembered (GEN-OP-08)."""

from __future__ import annotations

from typing import Any

import pytest

from agents.name_viewers import MOST_IDS, viewers
from connectors.http.identity import identified
from schemas.ids import bucket_of
from schemas.records import SeenPosted, SeenTag
from tests.messages import T0

TAG = SeenTag(tag="promotions", destinations=[], remember_for_s=60)
CLIENT = {"X-Auth-Kind": "client", "X-User-Id": "u-1"}
DRIVER = {"X-Auth-Kind": "driver", "X-Driver-Db-Id": "d", "X-Driver-Uuid": "e"}


def posted(headers: dict[str, str], **changes: Any) -> SeenPosted:
    who = identified(headers)
    given = {"tag": "promotions", "id": "comm", "seen_at": T0, "received_at": T0 + 5, **changes}
    return SeenPosted(kind=who.kind, user=who.user, user_key=who.user_key, **given)


@pytest.mark.parametrize(
    ("headers", "users"),
    [
        (CLIENT, []),
        (CLIENT | {"X-Uid": "7"}, ["yandex_uid:7"]),
        (
            CLIENT | {"X-Uid": "7", "X-Bound-Uids": "8, 7,9", "X-Phone-Id": "p", "X-Device-Id": "d"},
            ["yandex_uid:7", "phone_id:p", "device_id:d", "yandex_uid:8", "yandex_uid:9"],
        ),
        ({"X-Device-Id": "d"}, ["device_id:d"]),
        ({}, []),
        (DRIVER | {"X-Device-Id": "d"}, []),
    ],
)
def test_a_fact_is_kept_under_each_id_that_labels_know(headers: dict[str, str], users: list[str]) -> None:
    found = viewers(posted(headers), TAG)
    assert users == [one.user for one in found]
    assert [bucket_of(user) for user in users] == [one.bucket for one in found]


def test_only_facts_of_communications_are_kept() -> None:
    assert [] == viewers(posted(CLIENT | {"X-Uid": "7"}, tag="wallet"), TAG)


@pytest.mark.spec("SEEN-OP-04")
def test_it_is_kept_as_long_as_its_tag_says_and_thirty_days_without_one() -> None:
    kept = [viewers(posted(CLIENT | {"X-Uid": "7"}), tag)[0].kept_until for tag in (TAG, None)]
    assert [T0 + 5 + 60_000, T0 + 5 + 30 * 86_400_000] == kept


def test_a_fact_with_too_many_ids_is_kept_under_the_first_ones() -> None:
    bound = ",".join(str(number) for number in range(500))
    found = viewers(posted(CLIENT | {"X-Uid": "u", "X-Phone-Id": "p", "X-Bound-Uids": bound}), TAG)
    assert (MOST_IDS, ["yandex_uid:u", "phone_id:p"]) == (len(found), [one.user for one in found[:2]])
