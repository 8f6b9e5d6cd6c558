"""The status machine of one message (NS-SND-OP-06, NS-SND-OP-07, NS-STAT-OP-01)."""

from __future__ import annotations

from functools import reduce

import pytest
from msgspec.structs import replace

from schemas.records import MessageQueued, MessageRow
from schemas.words import Status
from tables.progress import LATE_MS, Cell, Progress
from tables.standing import Fact
from tests.messages import DAY, QUEUED, T0

NEW = Progress(queued=QUEUED, is_complete=True)


def known(*statuses: str) -> Progress:
    """A message of which these statuses became known, a millisecond apart."""
    progress = NEW
    for n, status in enumerate(statuses):
        fact = Fact(event_id=f"{status}-{n}", status=status, at=T0 + n, attempt=1, provider="p")
        progress = progress.merge(fact)
    return progress


def metrics(progress: Progress) -> dict[str, int]:
    return {status: cell.at - T0 for status, cell in progress.counts().items()}


@pytest.mark.spec("NS-SND-OP-07 NS-STAT-001")
@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), Status.PENDING),
        (("pending", "sent"), Status.SENT),
        (("sent", "pending"), Status.SENT),
        (("opened", "delivered", "sent"), Status.OPENED),
        (("unknown", "sent"), Status.SENT),
        (("sent", "unknown"), Status.SENT),
        (("failed", "delivered"), Status.DELIVERED),
        (("delivered", "failed"), Status.DELIVERED),
        (("sent", "failed"), Status.FAILED),
        (("expired", "unknown"), Status.UNKNOWN),
    ],
)
def test_the_highest_rank_is_the_status(statuses: tuple[str, ...], expected: Status) -> None:
    assert expected == known(*statuses).status


@pytest.mark.spec("NS-STAT-OP-01")
@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("pending",), {}),
        (("sent",), {"sent": 0}),
        (("delivered",), {"sent": 0, "delivered": 0}),
        (("sent", "delivered"), {"sent": 0, "delivered": 1}),
        (("clicked",), {"sent": 0, "delivered": 0, "opened": 0, "clicked": 0}),
        (("clicked", "delivered"), {"sent": 0, "delivered": 0, "opened": 0, "clicked": 0}),
        (("failed",), {"failed": 0}),
        (("sent", "failed"), {"sent": 0, "failed": 1}),
        (("failed", "delivered"), {"sent": 1, "delivered": 1}),
        (("delivered", "failed"), {"sent": 0, "delivered": 0}),
        (("unknown", "sent"), {"unknown": 0, "sent": 1}),
        (("expired",), {"expired": 0}),
        (("expired", "unknown"), {"unknown": 1}),
        (("unknown", "failed"), {"unknown": 0, "failed": 1}),
    ],
)
def test_each_status_counts_once_with_the_missing_ones_below_it(
    statuses: tuple[str, ...], expected: dict[str, int]
) -> None:
    assert expected == metrics(known(*statuses))


def test_a_repeat_of_a_fact_is_the_same_object() -> None:
    fact = Fact(event_id="e", status="sent", at=T0)
    once = NEW.merge(fact)
    assert once.merge(fact) is once


def test_the_version_counts_facts_and_not_status_changes() -> None:
    assert [1, 2, 3] == [known(*["sent", "pending", "pending"][:n]).version for n in (1, 2, 3)]


def test_of_two_sent_facts_the_first_stands() -> None:
    later, sooner = (Fact(event_id=str(n), status="sent", at=n) for n in (9, 3))
    assert 3 == NEW.merge(later).merge(sooner).row().sent_at


def test_of_two_retries_the_last_one_explains_the_waiting() -> None:
    first = Fact(event_id="1", status="pending", at=T0 + 1, reason="provider_unavailable", attempt=1)
    second = Fact(event_id="2", status="pending", at=T0 + 2, reason="provider_limited", attempt=2)
    row = NEW.merge(second).merge(first).row()
    assert ("pending", "provider_limited", 2, T0 + 2) == (
        row.status,
        row.reason,
        row.attempts,
        row.updated_at,
    )


def test_a_late_fact_counts_as_late_when_it_arrived_and_still_moves_the_status() -> None:
    late = NEW.merge(Fact(event_id="e", status="opened", at=T0, late_at=T0 + 9, provider="p"))
    assert Status.OPENED == late.status
    assert {Cell("late", T0 + 9, "p")} == set(late.counts().values())


@pytest.mark.spec("NS-STAT-006")
def test_the_row_holds_the_message_and_what_became_of_it() -> None:
    sent = Fact(event_id="1", status="sent", at=T0 + 1, attempt=2, provider="p", provider_message_id="p-1")
    opened = Fact(event_id="2", status="opened", at=T0 + 5)
    row = NEW.merge(sent).merge(opened).row()
    assert ("opened", T0 + 1, None, T0 + 5, None) == (
        row.status,
        row.sent_at,
        row.delivered_at,
        row.opened_at,
        row.clicked_at,
    )
    assert (2, "p", "p-1", 2) == (row.version, row.provider, row.provider_message_id, row.attempts)
    assert (QUEUED.recipient, QUEUED.payload, "ru", 3) == (
        row.recipient,
        row.payload,
        row.language,
        row.template_version,
    )


def test_the_row_holds_whatever_a_row_has_in_common_with_its_message() -> None:
    row = NEW.row()
    common = set(MessageRow.__struct_fields__) & set(MessageQueued.__struct_fields__)
    assert {name: getattr(QUEUED, name) for name in common} == {name: getattr(row, name) for name in common}


def test_of_facts_with_a_providers_id_the_highest_names_it() -> None:
    sent = Fact(event_id="1", status="sent", at=T0, provider="p", provider_message_id="p-1")
    delivered = Fact(event_id="2", status="delivered", at=T0, provider="q", provider_message_id="q-1")
    assert ("q", "q-1") == _named(sent, delivered)
    assert ("q", "q-1") == _named(delivered, sent)
    assert ("p", "p-1") == _named(sent, replace(delivered, provider_message_id=None))


def _named(*facts: Fact) -> tuple[str | None, str | None]:
    row = reduce(Progress.merge, facts, NEW).row()
    return row.provider, row.provider_message_id


def test_a_failure_tells_its_reason_and_provider() -> None:
    failed = Fact(
        event_id="1", status="failed", at=T0, reason="provider_refused", detail="no", provider="p", attempt=1
    )
    row = NEW.merge(failed).row()
    assert ("provider_refused", "no", "p", None) == (row.reason, row.detail, row.provider, row.sent_at)


def test_the_last_attempt_tells_why_it_is_unknown_even_when_its_worker_has_a_slow_clock() -> None:
    first = Fact(event_id="1", status="unknown", at=T0 + 300_000, attempt=1, reason="answer_hidden")
    last = Fact(event_id="2", status="unknown", at=T0, attempt=2, reason="not_repeated")
    ended = Fact(event_id="3", status="unknown", at=T0 - 1, attempt=1, reason="held")
    assert "not_repeated" == NEW.merge(first).merge(last).row().reason
    assert "held" == NEW.merge(first).merge(ended).row().reason
    assert NEW.merge(first).merge(last) == NEW.merge(last).merge(first)


def heard(status: str, at: int, lag: int = 0) -> Fact:
    """A fact of `at` ms after T0 that came `lag` ms later."""
    late_at = T0 + at + lag if lag > LATE_MS else None
    name = f"{status}@{at}"
    return Fact(event_id=name, status=status, at=T0 + at, heard_at=T0 + at + lag, late_at=late_at)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((heard("opened", 0), heard("delivered", 8 * DAY)), {"sent": 0, "delivered": 0, "opened": 0}),
        ((heard("opened", 1), heard("delivered", 0, 9 * DAY)), {"sent": 1, "delivered": 1, "opened": 1}),
        (
            (heard("delivered", 8 * DAY), heard("delivered", 0, 9 * DAY)),
            {"sent": 8 * DAY, "delivered": 8 * DAY},
        ),
        ((heard("failed", 0), heard("delivered", 7 * DAY)), {"sent": 7 * DAY, "delivered": 7 * DAY}),
        (
            (heard("failed", 0), heard("delivered", 7 * DAY + 1)),
            {"sent": 7 * DAY + 1, "delivered": 7 * DAY + 1, "failed": 0},
        ),
        ((heard("failed", 0), heard("delivered", 1, 8 * DAY)), {"late": 8 * DAY + 1, "failed": 0}),
        ((heard("sent", 0), heard("opened", 1, 8 * DAY)), {"sent": 0, "late": 8 * DAY + 1}),
    ],
    ids=[
        "opened means delivered by then",
        "a late delivery does not move what an opening counted",
        "a late one takes no count from one in time",
        "a failure is taken back for seven days",
        "a failure stays in a bucket that is final",
        "a late delivery takes nothing back",
        "a late opening counts nothing below it",
    ],
)
def test_nothing_leaves_a_bucket_that_is_final(facts: tuple[Fact, ...], expected: dict[str, int]) -> None:
    for order in (facts, facts[::-1]):
        cells = reduce(Progress.merge, order, NEW).counts().values()
        assert expected == {cell.metric: cell.at - T0 for cell in cells}


def test_of_two_facts_the_time_of_the_first_to_be_heard_is_kept() -> None:
    """Else a failure that was taken back would count again."""
    facts = heard("failed", 0), heard("delivered", 6 * DAY), heard("delivered", 5 * DAY, 7 * DAY)
    cells = reduce(Progress.merge, facts, NEW).counts()
    assert {"sent", "delivered"} == set(cells)


def test_facts_of_earlier_versions_were_heard_when_they_happened() -> None:
    old = Fact(event_id="1", status="failed", at=T0), Fact(event_id="2", status="delivered", at=T0 + 1)
    assert {"sent", "delivered"} == set(reduce(Progress.merge, old, NEW).counts())


@pytest.mark.spec("NS-OPS-OP-12")
def test_a_cost_counts_where_its_message_was_sent_and_stays_when_it_fails() -> None:
    sent = Fact(event_id="1", status="sent", at=T0 + 1, provider="p", cost=3_500_000)
    progress = NEW.merge(sent).merge(Fact(event_id="2", status="failed", at=T0 + 5, provider="p"))
    costs = {Cell("priced", T0 + 1, "p"), Cell("cost_micros", T0 + 1, "p", 3_500_000)}
    assert costs <= {*progress.counts().values()}
    assert 3_500_000 == progress.row().cost
    assert f'["priced",{T0 + 1},"p"]' in progress.counted()
    assert "cost" not in progress.counted()


def test_what_a_message_cost_that_only_a_report_tells_of_is_not_known() -> None:
    progress = NEW.merge(Fact(event_id="1", status="delivered", at=T0))
    assert (None, {"sent", "delivered"}) == (progress.row().cost, {*progress.counts()})


def test_a_cost_that_is_told_late_counts_in_the_hour_of_its_telling() -> None:
    late = NEW.merge(Fact(event_id="1", status="sent", at=T0, late_at=T0 + 9, provider="p", cost=0))
    assert Cell("cost_micros", T0 + 9, "p", 0) in late.counts().values()
