"""Web Push's wire: what is sent, and what answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey

from connectors.fake.vendors.web_push import subscribed
from connectors.providers.port import ProviderConfigError
from connectors.providers.web_push import LARGEST_BYTES, WebPush
from connectors.providers.web_push_body import unpadded
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.contract.push_rigs import APNS_KEY, FCM_KEY, VAPID_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.providers.port import Answer

CONTENT = Content(title="Заказ", body="Курьер рядом")
NOW = 1_700_000_000_000
HOUR = 3_600_000
SUBJECT = "mailto:push@carillon.test"
KEY = VAPID_KEY.as_pem(private=True).decode()


def carrier(now: int = NOW, **changes: Any) -> WebPush:
    return WebPush("push", {"private_key": KEY, "subject": SUBJECT, **changes}, lambda: now)


class Rig:
    """A push service that says what a test wants."""

    def __init__(self) -> None:
        self.status, self.headers = 201, {"Location": "https://push.test/m/abc"}
        self.asked: list[web.Request] = []
        self.url = ""
        self.now = NOW

    async def push(self, request: web.Request) -> web.Response:
        await request.read()
        self.asked.append(request)
        return web.Response(status=self.status, headers=self.headers)

    async def send(self, **changes: Any) -> Answer:
        one = WebPush(
            "push",
            {"private_key": KEY, "subject": SUBJECT, "hosts": ["127.0.0.1"], **changes},
            lambda: self.now,
        )
        try:
            return await one.send(subscribed(self.url, "browser-1"), CONTENT, "m-1:2")
        finally:
            await one.close()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    one = Rig()
    app = web.Application()
    app.router.add_post("/web-push/{token}", one.push)
    async with TestServer(app, host="127.0.0.1") as server:
        one.url = str(server.make_url("")).rstrip("/")
        yield one


@pytest.mark.spec("NS-CH-002 NS-CH-OP-02")
async def test_the_request_is_that_of_the_rfcs(rig: Rig) -> None:
    answer = await rig.send(ttl_s=60)
    assert (Verdict.ACCEPTED, "abc") == (answer.verdict, answer.provider_message_id)
    headers = rig.asked[0].headers
    assert ("aes128gcm", "application/octet-stream", "60", "high") == tuple(
        headers[name] for name in ("Content-Encoding", "Content-Type", "TTL", "Urgency")
    )
    assert 32 == len(headers["Topic"])
    kind, _, rest = headers["Authorization"].partition(" ")
    signed, _, public = rest.partition(", ")
    expected = {"aud": rig.url, "exp": (NOW + 12 * HOUR) // 1000, "sub": SUBJECT}
    assert expected == jwt.decode(signed.removeprefix("t="), VAPID_KEY, algorithms=["ES256"]).claims
    raw = unpadded(public.removeprefix("k="))
    assert ("vapid", 65, 4) == (kind, len(raw), raw[0])


async def test_the_statement_of_vapid_is_kept_for_half_its_time() -> None:
    one, now = carrier(), [NOW]
    one._vapid._now_ms = lambda: now[0]
    texts = []
    for hours in (0, 5, 2):
        now[0] += hours * HOUR
        texts.append(one._vapid.authorization("https://a.test"))
    assert (True, False) == (texts[0] == texts[1], texts[1] == texts[2])
    assert one._vapid.authorization("https://b.test") != texts[2]


DEAD = (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE)
REFUSED = (Verdict.PERMANENT, Reason.PROVIDER_REFUSED)
OURS = (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED)
FOREIGN = (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED)


@pytest.mark.spec("NS-CH-065 NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, (Verdict.ACCEPTED, None)),
        (202, (Verdict.ACCEPTED, None)),
        (301, OURS),
        (400, REFUSED),
        (401, OURS),
        (403, FOREIGN),
        (404, DEAD),
        (410, DEAD),
        (413, REFUSED),
        (429, (Verdict.LIMITED, Reason.PROVIDER_LIMITED)),
        (500, (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)),
        (502, (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)),
        (503, (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE)),
    ],
)
async def test_statuses_become_ours(rig: Rig, status: int, expected: tuple[Verdict, Reason | None]) -> None:
    rig.status, rig.headers = status, {"Retry-After": "7"}
    answer = await rig.send()
    assert (*expected, None, 7_000) == (
        answer.verdict,
        answer.reason,
        answer.provider_message_id,
        answer.retry_after_ms,
    )


async def test_a_push_without_room_in_one_record_is_refused_without_a_call(rig: Rig) -> None:
    one = carrier(hosts=["127.0.0.1"])
    answer = await one.send(subscribed(rig.url, "b"), Content(body="x" * LARGEST_BYTES), "m-1:0")
    assert (*REFUSED, []) == (answer.verdict, answer.reason, rig.asked)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"private_key": "AAAA"}, "private_key"),
        ({"private_key": "ключ"}, "private_key"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----"}, "private_key"),
        ({"private_key": APNS_KEY.as_pem(private=False).decode()}, "private_key"),
        ({"private_key": FCM_KEY.as_pem(private=True).decode()}, "private_key"),
        ({"private_key": ECKey.generate_key("P-384").as_pem(private=True).decode()}, "private_key"),
        ({"subject": "push@carillon.test"}, "subject"),
        ({"ttl_s": 2_419_201}, "ttl_s"),
    ],
)
def test_a_config_that_cannot_work_is_told_without_its_secrets(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ProviderConfigError, match=fault) as told:
        carrier(**changes)
    assert "PRIVATE" not in str(told.value)
