"""A message waits for its retry when its user unsubscribes; then the worker is killed (NS-PREF-OP-04).

It is not sent, another that waits beside it is, and so is one that is made after the user came back.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.words import Channel
from streams.stages import DELIVERY
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

GONE, STAYS = "veto-gone", "veto-stays"
PHONES = {GONE: phone(601), STAYS: phone(602)}
PAUSE_S = 8
ENDED = """
select m.status, m.status_reason as reason, m.status_details as details from notification_messages m
where m.idempotency_key = $1 and m.status <> 'pending'
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """Rows by idempotency key; `calls`: of the ledger by name, as they were before anybody came back."""

    rows: dict[str, Any]
    calls: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ended(house: House) -> Ended:
    """The whole story."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_played(house))


async def _played(house: House) -> Ended:
    for number in PHONES.values():
        limited = {"fault": "refuse", "word": "rate_limited", "retry_after_s": PAUSE_S}
        await house.script(**limited, channel="sms", recipient=number)
    await house.send(*(Sent("user.events", known(who, phone=PHONES[who]), user(who)) for who in PHONES))
    await house.read_by("intake", "recipient")
    await house.send(*(_asked(who, 1) for who in PHONES))
    for number in PHONES.values():
        await house.called(number, 1)
    await house.send(_said("user.unsubscribed"))
    await house.read_by("intake", "recipient", DELIVERY[Channel.SMS])
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    rows = {f"{GONE}-1": (await house.rows(ENDED, [f"{GONE}-1"], 1))[0]}
    await house.forget_scripts()
    rows[f"{STAYS}-1"] = (await house.rows(ENDED, [f"{STAYS}-1"], 1))[0]
    calls = {who: [row for row in house.ledger if row["recipient"] == PHONES[who]] for who in PHONES}
    await house.send(_said("user.resubscribed"))
    await house.read_by("intake", "recipient")
    await house.send(_asked(GONE, 2))
    rows[f"{GONE}-2"] = (await house.rows(ENDED, [f"{GONE}-2"], 1))[0]
    return Ended(rows, calls)


def _said(event_type: str) -> Sent:
    value = {"event_type": event_type, "user_id": user(GONE), "data": {"channel_type": "sms"}}
    return Sent("user.events", value, user(GONE))


def _asked(who: str, number: int) -> Sent:
    value = {
        "user_id": user(who),
        "notification_type": "hidden_repeat",
        "data": {"Text": who},
        "idempotency_key": f"{who}-{number}",
    }
    return Sent("notification.send.request", value, user(who))


@pytest.mark.spec("NS-PREF-023 NS-PREF-OP-04")
def test_what_waits_for_a_user_who_unsubscribed_is_skipped_over_a_kill(ended: Ended) -> None:
    """Mutation: no `heed` in `agents/deliver.py`."""
    row = ended.rows[f"{GONE}-1"]
    assert ("skipped", "unsubscribed_channel") == (row["status"], row["reason"])
    assert "preferences.unsubscribed = sms" in row["details"]
    assert ended.calls[GONE]
    assert not any(call["taken"] for call in ended.calls[GONE])


def test_what_waits_for_others_goes(ended: Ended) -> None:
    assert "sent" == ended.rows[f"{STAYS}-1"]["status"]
    *refused, last = [call["taken"] for call in ended.calls[STAYS]]
    assert (True, True, False) == (last, bool(refused), any(refused))


def test_what_is_made_after_the_user_came_back_goes(ended: Ended) -> None:
    assert "sent" == ended.rows[f"{GONE}-2"]["status"]
