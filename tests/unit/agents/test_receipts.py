"""A seen fact about a message is a status of that message (GEN-OP-06)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import MessageSeen
from tests.messages import QUEUED, T0, fact
from tests.unit.agents.test_settle import Table, events, rows, settled

SEEN = MessageSeen(message_id=QUEUED.message_id, user_id=QUEUED.user_id, tag="notification", seen_at=T0 + 20)


@pytest.mark.spec("NS-CH-033 NS-CH-OP-06 NS-CH-053 NS-SND-022 NS-SND-OP-06 NS-STAT-005")
@pytest.mark.parametrize(
    ("channel", "tag", "status"),
    [
        ("push", "notification", "delivered"),
        ("in_app", "notification", "opened"),
        ("push", "notification.opened", "opened"),
    ],
)
async def test_what_the_user_saw_is_a_status_of_the_provider_that_sent_it(
    channel: str, tag: str, status: str
) -> None:
    """GEN-OP-06, NS-CH-OP-06."""
    table = Table()
    await settled(table, replace(QUEUED, channel=channel), fact("sent", T0 + 10, provider="second"))
    outcomes = await settled(table, replace(SEEN, tag=tag))
    (row,) = rows(outcomes)
    assert (status, 1) == (row.status, row.attempts)
    assert [(f"notification.{status}", "second")] == [
        (event.event_type, event.data["provider_name"]) for event in events(outcomes)
    ]
    assert [] == await settled(table, replace(SEEN, tag=tag))


@pytest.mark.spec("NS-CH-OP-06")
async def test_only_the_messages_own_user_can_have_seen_it() -> None:
    table = Table()
    assert [] == await settled(table, SEEN)
    await settled(table, QUEUED, fact("sent"))
    assert [] == await settled(table, replace(SEEN, user_id="other"))
    assert {QUEUED.message_id.encode()} == table.rows.keys()
