"""A label's last day, through the real stages and the engine's timers, without a broker."""

from __future__ import annotations

from connectors.http.audience.commands import Asking, publication
from connectors.http.audience.rules import Labelled
from schemas.records import AudienceLabel, LabelAsked
from tables.publications import DAY_MS
from tests.pipeline.test_audience import Line
from tests.unit.streams.engine.desks import NOW

LEFT = AudienceLabel(
    audience_label="c:x",
    campaign_label="c",
    communication_id="x",
    starts_at=0,
    ends_at=NOW - 31 * DAY_MS,
    published_at=0,
    updated_at=0,
)
"""As a process read it when it was published."""


async def test_a_label_that_ended_long_ago_leaves_the_topic_that_http_reads() -> None:
    """Through the engine's timers. Mutation tried: no route of the tombstone: fails."""
    line = Line()
    line.book.labels["c:x"] = LEFT
    label = LabelAsked(audience_label="c:x", communication_id="x", starts_at=0, ends_at=LEFT.ends_at, users=1)
    asking = Asking("u1", "r", "k", b"d", NOW)
    answer = await line.publish(publication(asking, "c", Labelled([label], {"c:x": ["phone_id:1"]})))
    assert ("accepted", {}, {}) == (answer.outcome, line.book.labels, line.users())
    timers = [key for key in line.stages["audience"].rows if key[9:].startswith(b"label/")]
    assert [] == timers
