"""Keys of the seen table (SEEN-OP-03)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import SeenPosted
from tables.seen import key_of
from tests.messages import T0

POSTED = SeenPosted(kind="client", tag="promotions", id="p-1", seen_at=T0, received_at=T0, user_key="u-1")


@pytest.mark.spec("SEEN-013")
@pytest.mark.parametrize(
    "other",
    [
        replace(POSTED, kind="driver"),
        replace(POSTED, tag="other"),
        replace(POSTED, id="p-2"),
        replace(POSTED, user_key="u-2"),
        replace(POSTED, tag="promotionsp", id="-1"),
    ],
)
def test_each_part_tells_facts_apart(other: SeenPosted) -> None:
    assert key_of(POSTED) != key_of(other)


def test_the_time_of_display_does_not() -> None:
    assert key_of(POSTED) == key_of(replace(POSTED, seen_at=T0 + 5, received_at=T0 + 9))


@pytest.mark.spec("SEEN-OP-03")
def test_without_a_user_key_there_is_no_key() -> None:
    assert key_of(replace(POSTED, kind="unauthorized", user_key=None)) is None
