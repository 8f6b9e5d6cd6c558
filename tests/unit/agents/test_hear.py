"""What a provider reports is a status of the message, and a choice or a bounce of its user."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.hear import KEPT, MOST_FACTS
from agents.settle import Memory, Outcome, settle
from schemas.receipts import LOOKS, STATUSES, ReceiptKind
from schemas.records import ContactChanged, PersonErased, PreferenceChanged, ReceiptHeard, StatusLogged
from tables.progress import KEEP_MS
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, QUEUED, T0, fact
from tests.unit.agents.test_settle import NOW, Table, events, minutes, rows, settled

AT = T0 + 5_000
SENT = fact("sent", T0 + 10)


def heard(kind: str, at: int = AT, event_id: str = "", detail: str | None = None) -> ReceiptHeard:
    which = event_id or f"{kind}@{at}"
    return ReceiptHeard(
        event_id=which, message_id=QUEUED.message_id, kind=kind, at=at, provider="first", detail=detail
    )


async def after(*receipts: ReceiptHeard, queued: Any = QUEUED) -> list[Outcome]:
    """What follows from receipts of a message that was sent."""
    table = Table()
    await settled(table, queued, SENT)
    return await settled(table, *receipts)


def followed(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if isinstance(one, PreferenceChanged | ContactChanged)]


def lines(outcomes: list[Outcome]) -> list[StatusLogged]:
    return [one for one in outcomes if isinstance(one, StatusLogged)]


@pytest.mark.spec("NS-CH-011 NS-CH-023 NS-CH-043 NS-SND-022 NS-STAT-001 NS-STAT-005")
@pytest.mark.parametrize("kind", STATUSES)
async def test_a_receipt_is_a_status_a_line_an_event_and_a_count(kind: ReceiptKind) -> None:
    outcomes = await after(heard(kind, detail="250 OK"))
    status, reason = STATUSES[kind]
    ((row,), (line,), (event,)) = (rows(outcomes), lines(outcomes), events(outcomes))
    assert (status, reason, "first", AT) == (row.status, row.reason, row.provider, row.updated_at)
    assert (status, "250 OK") == (line.status, json.decode(line.details)["detail"])
    assert f"notification.{status}" == event.event_type
    assert 1 == minutes(outcomes)[0][status]


@pytest.mark.spec("NS-CH-OP-05 NS-SND-OP-07")
@pytest.mark.parametrize("kind", ["opened_by_machine", "clicked_by_machine", "complained", "unsubscribed"])
async def test_what_no_person_read_and_what_is_about_the_user_is_logged_and_moves_no_status(
    kind: str,
) -> None:
    outcomes = await after(heard(kind))
    assert ["sent"] == [row.status for row in rows(outcomes)]
    assert [kind] == [line.status for line in lines(outcomes)]
    assert ([], []) == (events(outcomes), minutes(outcomes))


@pytest.mark.spec("NS-SND-OP-07")
async def test_a_repeat_says_nothing_and_asks_for_nothing() -> None:
    once = await after(heard("bounced"), heard("complained"))
    assert once == await after(heard("bounced"), heard("complained"), heard("complained"), heard("bounced"))


@pytest.mark.spec("NS-CH-024 NS-CH-OP-04")
@pytest.mark.parametrize(("kind", "reason"), [("complained", "complaint"), ("unsubscribed", None)])
async def test_a_complaint_and_an_unsubscribe_end_all_marketing(kind: str, reason: str | None) -> None:
    outcomes = await after(heard(kind), queued=replace(QUEUED, campaign_label="autumn"))
    left = PreferenceChanged(
        user_id="user-1",
        kind="unsubscribed",
        changed_at=AT,
        channel="all_marketing",
        reason=reason,
        campaign="autumn",
    )
    assert [left] == followed(outcomes)


@pytest.mark.spec("NS-CH-OP-04")
@pytest.mark.parametrize(("channel", "field"), [("email", "email"), ("sms", "phone")])
async def test_a_bounce_names_the_address_that_it_went_to(channel: str, field: str) -> None:
    address: dict[str, Any] = {field: QUEUED.recipient}
    told = ContactChanged(user_id="user-1", action="bounced", changed_at=AT, **address)
    assert [told] == followed(await after(heard("bounced"), queued=replace(QUEUED, channel=channel)))


@pytest.mark.spec("NS-SND-OP-07 NS-CH-OP-04")
async def test_a_bounce_after_the_delivery_moves_no_status_and_spares_the_address() -> None:
    outcomes = await after(heard("delivered"), heard("bounced", AT + 1))
    assert ["delivered", "delivered"] == [row.status for row in rows(outcomes)]
    assert [ContactChanged] == [type(one) for one in followed(outcomes)]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("failed", {}),
        ("bounced", {"channel": "push"}),
        ("bounced", {"recipient": b""}),
        ("bounced", {"is_test": True}),
        ("complained", {"is_test": True}),
    ],
)
async def test_nothing_follows_where_nobody_and_no_address_is_meant(
    kind: str, changes: dict[str, Any]
) -> None:
    assert [] == followed(await after(heard(kind), queued=replace(QUEUED, **changes)))


@pytest.mark.spec("NS-SEC-OP-02")
async def test_of_an_erased_user_nothing_follows() -> None:
    memory = Memory(Table(), MemoryTable(), MemoryTable())
    gone = PersonErased(user_id="user-1", person="p", deleted_at=T0 + 1, erased_at=T0 + 1)
    values = (QUEUED, SENT, gone, heard("bounced"), heard("complained"))
    stream = FakeStream([FakeEvent(value, at=NOW) for value in values], now=NOW)
    assert [] == followed([one async for one in settle(stream, memory)])


@pytest.mark.spec("NS-CH-OP-01")
async def test_a_receipt_of_an_unknown_message_is_laid_aside() -> None:
    table = Table()
    assert [heard("delivered")] == await settled(table, heard("delivered"))
    await settled(table, SENT)  # known by its attempt only
    assert [heard("delivered")] == await settled(table, heard("delivered"))


@pytest.mark.spec("NS-STAT-OP-02")
@pytest.mark.parametrize("at", [T0 - 1, NOW + 1])
async def test_a_time_before_the_message_or_in_the_future_is_that_of_the_post(at: int) -> None:
    (row,) = rows(await after(heard("delivered", at)))
    assert NOW == row.delivered_at


@pytest.mark.spec("NS-CH-OP-04 NS-STAT-OP-02")
@pytest.mark.parametrize("at", [1, T0 - 1, NOW + 1])
@pytest.mark.parametrize("kind", ["complained", "unsubscribed", "bounced"])
async def test_what_follows_has_the_same_time(kind: str, at: int) -> None:
    """Else a provider whose clock is behind would complain in vain of who came back lately."""
    (told,) = followed(await after(heard(kind, at)))
    assert isinstance(told, PreferenceChanged | ContactChanged)
    assert NOW == told.changed_at


@pytest.mark.spec("NS-SEC-OP-02 NS-STAT-OP-02")
@pytest.mark.parametrize("kind", sorted(LOOKS))
async def test_whoever_looks_again_and_again_makes_no_state_live_longer(kind: str) -> None:
    memory = Memory(MemoryTable(), MemoryTable(), MemoryTable())
    values = (QUEUED, SENT, heard("delivered"), heard(kind))
    for now, value in zip((NOW, NOW, NOW + DAY, NOW + 30 * DAY), values, strict=True):
        stream = FakeStream([FakeEvent(value, at=now)], now=now)
        assert [] != [one async for one in settle(stream, memory)]
    key = QUEUED.message_id.encode()
    assert isinstance(memory.progress, MemoryTable)
    assert NOW + DAY + KEEP_MS == memory.progress.rows[key][1]


async def test_who_loads_a_picture_for_ever_fills_no_row() -> None:
    table = Table()
    await settled(table, QUEUED, SENT, *(heard("opened", AT, str(number)) for number in range(MOST_FACTS)))
    assert [] == await settled(
        table, heard("opened", AT, "more"), heard("clicked", AT), heard("opened_by_machine")
    )
    assert ["complained"] == [line.status for line in lines(await settled(table, heard("complained")))]
    known = table.get(QUEUED.message_id.encode())
    assert known is not None
    assert MOST_FACTS + 1 == known.version


@pytest.mark.spec("NS-CH-OP-01 NS-CH-OP-04")
async def test_who_reports_for_ever_fills_no_row_and_keeps_nobody_from_leaving() -> None:
    """With new ids each time, be it a vendor's defect or whoever has the key of the webhook."""
    table = Table()
    said = ("delivered", "failed", "opened", "bounced", "complained")
    for kind in said[:3]:
        await settled(table, QUEUED, SENT, *(heard(kind, AT, f"{kind}{n}") for n in range(MOST_FACTS * 2)))
    for kind in said[3:]:
        assert [kind.replace("bounced", "failed")] == [
            line.status for line in lines(await settled(table, heard(kind)))
        ]
    for kind in said:
        await settled(table, *(heard(kind, AT, f"{kind} again {n}") for n in range(MOST_FACTS * 2)))
    known = table.get(QUEUED.message_id.encode())
    assert known is not None
    assert MOST_FACTS + 2 * KEPT == known.version
    assert [] == await settled(table, *(heard(kind, AT, f"{kind} once more") for kind in said))
