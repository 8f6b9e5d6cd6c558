"""What cannot be scaled is refused before anything is touched, with what to do instead."""

from __future__ import annotations

import pytest

from streams.engine.layout import Layout, Phase
from streams.scaling.plan import Plan, ScaleError, plan, writers_of
from streams.stages import input_topics

LOG = "carillon.status.changelog"
OUTCOMES = ("intake", "recipient", "delivery-email", "delivery-sms", "delivery-push", "mailbox", "seen")


def asked(new: int, counts: dict[str, int] | None = None, known: dict[str, Layout] | None = None) -> Plan:
    return plan("status", new, counts or {"outcomes": 4, LOG: 4}, LOG, known or {})


def test_a_multiple_is_planned() -> None:
    assert Plan("status", 4, 12, ("outcomes",), tuple(sorted(OUTCOMES))) == asked(12)
    assert (12, 12) == (
        (found := asked(12, {"outcomes": 12, LOG: 12}, {"status": Layout(4, 12, Phase.DONE)})).old,
        found.new,
    )


def test_a_stage_that_writes_an_input_of_its_own_is_one_of_its_writers() -> None:
    """The task of a token says whose it is, to the tasks of its users: by `facts.devices`."""
    assert ("delivery-push", "intake", "intake-high", "quarantine", "recipient", "status") == writers_of(
        "recipient"
    )


@pytest.mark.parametrize("new", [2, 6, 0])
def test_other_counts_are_refused(new: int) -> None:
    with pytest.raises(ScaleError, match="must be a multiple"):
        asked(new)


def test_an_interrupted_change_goes_on_from_its_old_count_whatever_has_grown() -> None:
    """Mutation: `plan` looks at the counts first."""
    grown = {"outcomes": 12, LOG: 4}
    assert 4 == asked(12, grown, {"status": Layout(4, 12, Phase.GROW)}).old


@pytest.mark.parametrize(("stage", "new"), [("status", 8), ("recipient", 12)])
def test_no_other_change_begins_beside_one_under_way(stage: str, new: int) -> None:
    known = {"status": Layout(4, 12, Phase.MOVE)}
    counts = dict.fromkeys((*input_topics(stage), LOG), 4)
    with pytest.raises(ScaleError, match="first `carillon topics scale status --partitions 12`"):
        plan(stage, new, counts, LOG, known)


def test_unequal_and_missing_topics_are_told() -> None:
    with pytest.raises(ScaleError, match="partition counts differ"):
        asked(12, {"outcomes": 4, LOG: 8})
    with pytest.raises(ScaleError, match=f"no topic {LOG}"):
        asked(12, {"outcomes": 4})


@pytest.mark.parametrize(
    ("stage", "text"),
    [("seen", "is written by http"), ("intake", "there are recipient"), ("sink", "there are recipient")],
)
def test_stages_that_cannot_be_scaled_say_why(stage: str, text: str) -> None:
    with pytest.raises(ScaleError, match=text):
        writers_of(stage)
