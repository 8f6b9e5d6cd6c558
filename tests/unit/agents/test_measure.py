"""How soon a provider reports: told with the sending and with the first sign of what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.settle import Memory, settle
from schemas.punctuality import SendTimed, within_ms
from schemas.records import MessageSeen, Provider, ReceiptHeard
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import QUEUED, SECOND, T0, fact

AT = T0 + 10
SENT = fact("sent", AT)
LIMIT_MS = 60 * SECOND
IN_TIME = SendTimed(
    account="email/first", within_ms=LIMIT_MS, sent_at=AT, told_at=AT, is_new=False, is_in_time=True
)
NEW = replace(IN_TIME, is_new=True, is_in_time=False)


def heard(kind: str, posted_at: int | None, provider: str = "first") -> ReceiptHeard:
    return ReceiptHeard(
        event_id=f"{kind}@{posted_at}",
        message_id=QUEUED.message_id,
        kind=kind,
        at=AT,
        provider=provider,
        posted_at=posted_at,
    )


async def timed(*values: Any, at: int = AT, limit_ms: int | None = LIMIT_MS) -> list[SendTimed]:
    """What is measured of the sample message; the stage reads all of it at `at`."""
    stream = FakeStream([FakeEvent(value, at=at) for value in (QUEUED, *values)], now=at)
    memory = Memory(MemoryTable(), MemoryTable(), MemoryTable())
    outcomes = settle(stream, memory, within=lambda channel, name: limit_ms if channel and name else None)
    return [one async for one in outcomes if isinstance(one, SendTimed)]


async def test_a_message_that_was_sent_is_told_at_once() -> None:
    assert [NEW] == await timed(SENT)


@pytest.mark.parametrize("kind", ["delivered", "opened", "clicked", "failed", "bounced"])
async def test_the_first_report_is_told_whatever_it_says(kind: str) -> None:
    posted_at = AT + LIMIT_MS
    assert [NEW, replace(IN_TIME, told_at=posted_at)] == await timed(SENT, heard(kind, posted_at))


async def test_a_report_behind_its_time_is_late() -> None:
    """Mutation tried: without the comparison: fails."""
    late = replace(IN_TIME, told_at=AT + LIMIT_MS + 1, is_in_time=False)
    assert [NEW, late] == await timed(SENT, heard("delivered", AT + LIMIT_MS + 1))


async def test_a_report_is_as_late_as_its_post_and_not_as_the_stage_that_reads_it() -> None:
    """Mutation tried: the record's time: fails."""
    behind = AT + 100 * LIMIT_MS
    found = await timed(SENT, heard("delivered", AT + SECOND), at=behind)
    assert [True] == [one.is_in_time for one in found if not one.is_new]


async def test_a_report_of_an_older_worker_counts_by_the_records_time() -> None:
    assert [AT] == [one.told_at for one in await timed(SENT, heard("delivered", None)) if not one.is_new]


async def test_later_reports_say_nothing_new() -> None:
    reports = [heard("delivered", AT), heard("opened", AT), heard("failed", AT), heard("delivered", AT)]
    assert [NEW, IN_TIME] == await timed(SENT, *reports)


async def test_a_report_that_overtakes_its_sending_is_in_time() -> None:
    assert [replace(NEW, is_in_time=True)] == await timed(heard("delivered", AT), SENT)


async def test_what_a_client_reports_counts_for_the_provider_that_sent_it() -> None:
    seen = MessageSeen(message_id=QUEUED.message_id, user_id=QUEUED.user_id, tag="notification", seen_at=AT)
    assert [NEW, IN_TIME] == await timed(SENT, seen)


async def test_what_moves_no_status_is_no_report() -> None:
    assert [NEW] == await timed(SENT, heard("opened_by_machine", AT))


async def test_what_was_not_sent_and_what_has_no_provider_is_not_measured() -> None:
    assert [] == await timed(fact("failed"))
    assert [] == await timed(fact("sent", AT, provider=None), heard("opened", AT))


async def test_a_provider_without_the_time_is_not_measured() -> None:
    assert [] == await timed(SENT, heard("delivered", AT), limit_ms=None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(60, 60_000), (3_600, 3_600_000), (0, None), (3_601, None), ("60", None), (True, None), (None, None)],
)
def test_the_time_is_a_number_of_seconds_up_to_an_hour(given: object, expected: int | None) -> None:
    provider = Provider(name="a", channel_type="sms", kind="smsc", config={"receipts_within_s": given})
    assert expected == within_ms(provider)
