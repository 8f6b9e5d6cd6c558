"""The way out of marketing, followed from a delivered mail as the provider of a mailbox does (RFC 8058)."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.broker.house.book import PUBLIC, known, user
from tests.broker.house.house import House, Sent

if TYPE_CHECKING:
    from email.message import EmailMessage

NAME, MAIL = "leaver", "leaver@example.com"
SENT = "SELECT 1 FROM notification_messages WHERE idempotency_key = $1 AND status = 'sent'"
DECIDED = "SELECT outcome, reason, rule FROM notification_requests WHERE idempotency_key = $1"


def _promotion(key: str) -> Sent:
    value = {
        "user_id": user(NAME),
        "notification_type": "marketing_promo",
        "data": {"UserName": "Anna", "Discount": 20},
        "channels": ["email"],
        "idempotency_key": key,
    }
    return Sent("notification.send.request", value, user(NAME))


async def _delivered(house: House) -> EmailMessage:
    """The last mail that the provider took for him, as a mail program reads it."""
    url = f"{house.fake_url}/mails/last"
    async with aiohttp.ClientSession() as session, session.get(url, params={"recipient": MAIL}) as answer:
        assert 200 == answer.status
        return BytesParser(policy=policy.default).parsebytes(await answer.read())


async def _one_click(house: House, mail: EmailMessage) -> int:
    """What the provider of his mailbox does when he presses its button: no cookies, no redirects, one POST.

    The name stands for this machine, and TLS ends before the process, as in an installation.
    """
    url = str(mail["List-Unsubscribe"]).strip("<>")
    assert url.startswith(f"{PUBLIC['public_url']}/"), url
    here = url.replace(PUBLIC["public_url"], f"http://127.0.0.1:{house.http.settings['http']['port']}")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = str(mail["List-Unsubscribe-Post"])
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.post(here, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


@pytest.mark.spec("NS-API-OP-10 NS-CH-024 NS-CH-OP-04")
async def test_one_click_from_a_delivered_mail_ends_marketing(house: House) -> None:
    """Mutation: the headers are left out of mails."""
    consent = {"event_type": "user.consent_granted", "user_id": user(NAME), "data": {"source": "house"}}
    await house.send(
        *(Sent("user.events", value, user(NAME)) for value in (known(NAME, email=MAIL), consent))
    )
    await house.read_by("intake", "recipient")
    await house.send(_promotion("way-out-1"))
    assert await house.rows(SENT, ["way-out-1"], 1)
    mail = await _delivered(house)
    assert "List-Unsubscribe=One-Click" == mail["List-Unsubscribe-Post"]
    assert 200 == await _one_click(house, mail)
    await house.read_by("intake", "recipient")
    await house.send(_promotion("way-out-2"))
    (decided,) = await house.rows(DECIDED, ["way-out-2"], 1)
    assert ("skipped", "unsubscribed_all_marketing", "preferences.unsubscribed") == tuple(decided)
    assert 1 == len(await house.called(MAIL, 1))
