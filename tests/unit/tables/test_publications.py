"""Progress of requests under one id: it adds up, and it stays small."""

from __future__ import annotations

from schemas.codec import encode_json
from schemas.records import LabelCount, RequestProgress
from tables.publications import MOST_COUNTS, Campaign, asked_for, counted
from tests.audiences import T0, asked


def names(progress: RequestProgress) -> list[str]:
    return [count.audience_label for count in progress.counts]


def test_several_bodies_under_one_id_add_up() -> None:
    progress = asked_for(None, "r", [asked("c:a", 5)], T0)
    progress = asked_for(progress, "r", [asked("c:b", 1), asked("c:a", 2)], T0 + 1)
    assert {"c:a": 7, "c:b": 1} == {count.audience_label: count.total for count in progress.counts}
    assert T0 + 1 == progress.updated_at


def test_a_row_of_an_id_that_comes_for_ever_stays_small() -> None:
    """Mutation tried: all counts are kept: fails."""
    progress = None
    for call in range(2 * MOST_COUNTS):
        label = asked(f"{'c' * 128}:{call:0100}", 1, communication_id=f"{call:0100}")
        progress = asked_for(progress, "r", [label], T0)
    assert progress is not None
    assert MOST_COUNTS == len(progress.counts)
    assert len(encode_json(progress)) < 150_000


def test_what_is_done_is_forgotten_first_and_then_the_oldest() -> None:
    progress = asked_for(None, "r", [asked(f"c:{n}", 1) for n in range(MOST_COUNTS)], T0)
    progress = counted(progress, [LabelCount(audience_label="c:7", processed=1)], T0)
    progress = asked_for(progress, "r", [asked("c:new", 1), asked("c:0", 1)], T0)
    assert [f"c:{n}" for n in range(1, MOST_COUNTS) if n != 7] + ["c:new", "c:0"] == names(progress)
    progress = asked_for(progress, "r", [asked("c:newer", 1)], T0)
    assert ("c:2", "c:newer") == (names(progress)[0], names(progress)[-1])


def test_counts_of_forgotten_labels_change_nothing() -> None:
    progress = asked_for(None, "r", [asked("c:a", 5)], T0)
    assert progress.counts == counted(progress, [LabelCount(audience_label="c:x", processed=1)], T0).counts


def test_a_campaign_names_each_label_once() -> None:
    campaign = Campaign().add(["a", "b"])
    assert (["a", "b", "c"], campaign) == (campaign.add(["b", "c"]).labels, campaign.add(["b"]))
