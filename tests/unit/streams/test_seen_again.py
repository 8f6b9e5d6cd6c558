"""Facts on their way back from `seen.unknown` and `seen.failed`."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec.structs import replace

from agents.mark_seen import fact_of
from schemas.codec import encode_json
from schemas.records import SeenFailed, SeenPosted
from schemas.seen_figures import Result, SeenTried
from schemas.words import Verdict
from streams.seen_again import Again, Wanted, line_of, mark_of
from tests.consumers import SeenTask, api, tag_of
from tests.fakes import MemoryReference
from tests.messages import T0

POSTED = SeenPosted(
    kind="client",
    tag="promotions",
    id="p",
    seen_at=T0,
    received_at=T0 + 7,
    user={"user_id": "u-1", "uid": None, "bound_uids": [], "phone_id": None},
    user_key="user:u-1",
)
NOBODY = replace(POSTED, kind="unauthorized", user={}, user_key=None)


@pytest.mark.parametrize("posted", [POSTED, NOBODY])
def test_a_fact_of_an_unknown_tag_comes_back_as_it_was_posted(posted: SeenPosted) -> None:
    key = None if posted.user_key is None else posted.user_key.encode()
    assert posted == Wanted().post(encode_json(fact_of(posted)), key, T0 + 7)


def failed_fact() -> SeenFailed:
    task = SeenTask(MemoryReference(tags=[tag_of(api("a"), api("b"))]))
    task.post()
    task.answer(task.calls_of("a")[0], Verdict.PERMANENT)
    (failed,) = task.failed()
    return failed


def test_a_fact_that_was_given_up_goes_to_its_destination_alone_and_can_succeed() -> None:
    failed = failed_fact()
    parcel = Wanted().parcel(encode_json(failed), None, 0)
    assert parcel is not None
    task = SeenTask(MemoryReference(tags=[tag_of(api("a"), api("b"))]), now=T0 + 999)
    task.take(parcel)
    (call,) = task.calls
    assert ("a", failed.fact_id, failed.fact) == (
        call.parcel.destination,
        call.parcel.fact_id,
        call.parcel.fact,
    )
    task.answer(call, Verdict.ACCEPTED)
    assert [Result.OK] == [one.result for _, one in task.log if isinstance(one, SeenTried)]


@pytest.mark.parametrize("wanted", [Wanted(tag="other"), Wanted(destination="b"), Wanted("promotions", "b")])
def test_what_was_not_asked_for_stays(wanted: Wanted) -> None:
    assert wanted.parcel(encode_json(failed_fact()), None, 0) is None


def test_a_tag_chooses_among_facts_of_unknown_tags() -> None:
    raw = encode_json(fact_of(POSTED))
    assert Wanted(tag="other").post(raw, None, 0) is None
    assert Wanted(tag="promotions").post(raw, None, 0) is not None


def test_a_list_names_tag_destination_and_reason() -> None:
    assert ("promotions", "a", "refused") == line_of(encode_json(failed_fact()), has_failed=True)
    assert ("promotions", "", "unknown tag") == line_of(encode_json(fact_of(POSTED)), has_failed=False)


class Read(NamedTuple):
    """A record of `seen.failed`, as far as it is told apart."""

    topic: str = "seen.failed"
    partition: int = 0
    offset: int = 5
    timestamp: int = T0


def test_a_record_that_was_sent_again_is_not_sent_once_more_unless_it_is_wanted() -> None:
    again = Again({mark_of(Read())})
    assert [False, True] == [again.takes(Read(), repeats=repeats) for repeats in (False, True)]
    assert again.takes(Read(offset=6), repeats=False)
    assert "2 sent again; 1 were before, --again sends them once more" == again.told()
    assert "0 sent again" == Again(set()).told()


def test_a_topic_that_was_made_anew_has_other_records_under_the_same_offsets() -> None:
    assert 3 == len({mark_of(Read()), mark_of(Read(timestamp=T0 + 1)), mark_of(Read(topic="seen.unknown"))})
