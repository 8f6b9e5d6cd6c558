"""A message waits for its retry when its user unsubscribes; then the worker is killed (NS-PREF-OP-04).

It is not sent, another that waits beside it is, and so is one that is made after the user came back. Of a
campaign that is withdrawn nothing is sent, neither what waits nor what is asked for later (CRM-OP-03).
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from schemas.words import Channel
from streams.stages import DELIVERY
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import PATIENCE_S, House, Sent

GONE, STAYS, CALLED_OFF = "veto-gone", "veto-stays", "veto-called-off"
PHONES = {GONE: phone(601), STAYS: phone(602), CALLED_OFF: phone(603)}
CAMPAIGN = "veto-campaign"
AUDIENCE = "/communications-audience/v1"
PAUSE_S = 8
ENDED = """
select m.status, m.status_reason as reason, m.status_details as details from notification_messages m
where m.idempotency_key = $1 and m.status <> 'pending'
"""
DECIDED = "select r.outcome as status, r.reason from notification_requests r where r.idempotency_key = $1"


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
    await _called_off(house)
    await house.read_by("intake", "recipient", DELIVERY[Channel.SMS])
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    rows = {f"{who}-1": (await house.rows(ENDED, [f"{who}-1"], 1))[0] for who in (GONE, CALLED_OFF)}
    await house.forget_scripts()
    rows[f"{STAYS}-1"] = (await house.rows(ENDED, [f"{STAYS}-1"], 1))[0]
    calls = {who: [row for row in house.ledger if row["recipient"] == PHONES[who]] for who in PHONES}
    await house.send(_said("user.resubscribed"))
    await house.read_by("intake", "recipient")
    await house.send(_asked(GONE, 2), _asked(CALLED_OFF, 2))
    rows[f"{GONE}-2"] = (await house.rows(ENDED, [f"{GONE}-2"], 1))[0]
    rows[f"{CALLED_OFF}-2"] = (await house.rows(DECIDED, [f"{CALLED_OFF}-2"], 1))[0]
    return Ended(rows, calls)


async def _called_off(house: House) -> None:
    """A campaign is published to somebody, and withdrawn."""
    url = f"http://127.0.0.1:{house.http.settings['http']['port']}{AUDIENCE}"
    dates = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2090-01-01T00:00:00Z"}
    users = [{"id_type": "phone_id", "id": CALLED_OFF}]
    published = {
        "id": f"{CAMPAIGN}-published",
        "campaign_label": CAMPAIGN,
        "communication": {**dates, "communication_id": "new-in-town"},
        "personal_communications": [{"users": users, "communication_id": "spring-sale"}],
    }
    withdrawn = {"id": f"{CAMPAIGN}-withdrawn", "campaign_label": CAMPAIGN}
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer ck_live_house_audience"}) as session:
        for path, body in (("publish", published), ("unpublish", withdrawn)):
            assert 200 == await _answered(session, f"{url}/{path}", body)


async def _answered(session: aiohttp.ClientSession, url: str, body: Any) -> int:
    """The status; asked again, as clients do, while a server that another test struck is not back."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with session.post(url, json=body) as answer:
                if answer.status != 503:
                    return answer.status
            await asyncio.sleep(1)


def _said(event_type: str) -> Sent:
    value = {"event_type": event_type, "user_id": user(GONE), "data": {"channel_type": "sms"}}
    return Sent("user.events", value, user(GONE))


def _asked(who: str, number: int) -> Sent:
    value = {
        "user_id": user(who),
        "notification_type": "hidden_repeat",
        "data": {"Text": who},
        "idempotency_key": f"{who}-{number}",
        **({"campaign_label": CAMPAIGN} if who == CALLED_OFF else {}),
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


@pytest.mark.spec("CRM-OP-03 NS-PREF-OP-04")
def test_what_waits_of_a_campaign_that_is_withdrawn_is_cancelled_and_so_is_what_comes_later(
    ended: Ended,
) -> None:
    """The message by a worker that read of it at its start, the request before anything is made of it."""
    rows = [ended.rows[f"{CALLED_OFF}-{number}"] for number in (1, 2)]
    assert [("cancelled", "campaign_withdrawn")] * 2 == [(row["status"], row["reason"]) for row in rows]
    assert f"campaigns.withdrawn = {CAMPAIGN}" in rows[0]["details"]
    assert not any(call["taken"] for call in ended.calls[CALLED_OFF])
