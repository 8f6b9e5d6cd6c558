"""How long the read of campaigns relies on a look at all it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.http.campaigns.ports import NotCaughtUpError
from connectors.reference.book import ReferenceBook
from schemas.codec import SchemaBook
from streams.campaigns import MOMENT_MS, CampaignsRead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import AudienceLabel

NOW = 1_800_000_000_000


class Empty:
    """Labels and rows of nobody. `looks`: how often somebody asked whether they are there."""

    def __init__(self) -> None:
        self.known = ReferenceBook()
        self.now = self.fresh_at = NOW
        self.trouble: str | None = None
        self.looks = 0

    @property
    def unread(self) -> str | None:
        self.looks += 1
        return self.trouble

    def labels(self) -> Mapping[str, AudienceLabel]:
        return {}

    def row(self, _kafka_key: bytes, _table: int, _key: bytes) -> bytes | None:
        return None

    def lag_ms(self) -> int | None:
        return 0


def asked(empty: Empty, read: CampaignsRead, at: int) -> int | None:
    """How many labels are shown at a time; None: it says that it cannot know."""
    empty.now = at
    try:
        return len(read.of(["phone_id:1"], {}, seen_too=False))
    except NotCaughtUpError:
        return None


@pytest.mark.parametrize("later", [MOMENT_MS, -1, 10 * MOMENT_MS], ids=["later", "set back", "long after"])
def test_what_is_not_read_any_more_is_noticed_when_the_moment_is_over(later: int) -> None:
    """Mutations tried: a look for good, and one that a clock set back makes good for longer: both fail."""
    empty = Empty()
    read = CampaignsRead(empty, empty, SchemaBook(), lambda: empty.now)
    assert [0] * 50 == [asked(empty, read, NOW + number) for number in range(50)]
    assert 1 == empty.looks
    empty.trouble = "labels are not read"
    assert [0, None] == [asked(empty, read, NOW + MOMENT_MS - 1), asked(empty, read, NOW + later)]
    empty.trouble = None
    assert 0 == asked(empty, read, NOW + later)
