"""APNs' wire: requests and answers in the forms that its documentation shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from connectors.fake.http2_server import Http2Answer, Http2Request, Http2Server
from connectors.providers import apns
from connectors.providers.apns import Apns
from connectors.providers.port import ProviderConfigError
from schemas.ids import derived
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.contract.push_rigs import APNS_KEY, FCM_KEY, apns_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONTENT = Content(title="Заказ", body="Курьер рядом")
NOW = 1_700_000_000_000
MINUTE = 60_000
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"


class Rig:
    """A server that says what a test wants, and a carrier beside it."""

    def __init__(self) -> None:
        self.now = NOW
        self.answers: list[Http2Answer] = []
        self.asked: list[Http2Request] = []
        self.server = Http2Server(self.answer)
        self.url = ""

    async def answer(self, request: Http2Request) -> Http2Answer:
        self.asked.append(request)
        return self.answers.pop(0)

    def will_say(self, status: int, reason: str | None = None, **headers: str) -> None:
        body = b"" if reason is None else orjson.dumps({"reason": reason})
        self.answers.append(Http2Answer(status, headers, body))

    def carrier(self, **changes: Any) -> Apns:
        return Apns("push", apns_config(self.url, **changes), lambda: self.now)

    def tokens(self) -> list[str]:
        return [request.headers["authorization"] for request in self.asked]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    one = Rig()
    listening = await one.server.listen("127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield one
    one.server.cut()
    listening.close()


@pytest.mark.spec("NS-CH-003 NS-CH-036 NS-CH-OP-02")
async def test_the_request_is_the_documented_one(rig: Rig) -> None:
    rig.will_say(200, **{"apns-id": "EABC"})
    carrier = rig.carrier(ttl_s=60, sound="default")
    answer = await carrier.send(TOKEN, CONTENT, "m-1:2")
    await carrier.close()
    assert (Verdict.ACCEPTED, "EABC") == (answer.verdict, answer.provider_message_id)
    (request,) = rig.asked
    headers = dict(request.headers)
    kind, _, text = headers.pop("authorization").partition(" ")
    token = jwt.decode(text, APNS_KEY, algorithms=["ES256"])
    expected_claims = {"iss": "TEAM123456", "iat": NOW // 1000}
    assert ("bearer", expected_claims) == (kind, token.claims)
    assert ("ES256", "KEY1234567") == (token.header["alg"], token.header["kid"])
    expected = {
        ":method": "POST",
        ":scheme": "http",
        ":authority": rig.url.removeprefix("http://"),
        ":path": f"/3/device/{TOKEN}",
        "apns-topic": "test.carillon.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": "1700000060",
        "apns-id": derived("apns", "m-1:2"),
        "apns-collapse-id": "m-1",
    }
    assert expected == headers
    body = {
        "aps": {
            "alert": {"title": "Заказ", "body": "Курьер рядом"},
            "mutable-content": 1,
            "sound": "default",
        },
        "carillon_message_id": "m-1",
        "carillon_key": "m-1:2",
    }
    assert body == orjson.loads(request.body)


async def test_a_push_that_is_not_to_be_kept_expires_at_once(rig: Rig) -> None:
    rig.will_say(200)
    carrier = rig.carrier(ttl_s=0)
    await carrier.send("a/b", CONTENT, "m-1:0")
    await carrier.close()
    headers = rig.asked[0].headers
    assert ("0", "/3/device/a%2Fb") == (headers["apns-expiration"], headers[":path"])


DEAD = (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE)
REFUSED = (Verdict.PERMANENT, Reason.PROVIDER_REFUSED)
OURS = (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED)
FOREIGN = (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED)
LIMITED = (Verdict.LIMITED, Reason.PROVIDER_LIMITED)
LATER = (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE)
HIDDEN = (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)


@pytest.mark.spec("NS-CH-065 NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "BadDeviceToken", DEAD),
        (410, "Unregistered", DEAD),
        (410, "ExpiredToken", DEAD),
        (410, None, DEAD),
        (400, "DeviceTokenNotForTopic", FOREIGN),
        (400, "BadTopic", OURS),
        (400, "TopicDisallowed", OURS),
        (403, "InvalidProviderToken", OURS),
        (403, "ExpiredProviderToken", OURS),
        (403, "BadEnvironmentKeyIdInToken", OURS),
        (403, "A new reason", OURS),
        (404, "BadPath", OURS),
        (400, "PayloadEmpty", REFUSED),
        (400, "BadCollapseId", REFUSED),
        (413, "PayloadTooLarge", REFUSED),
        (400, "A new reason", REFUSED),
        (429, "TooManyRequests", (Verdict.LIMITED, Reason.RECIPIENT_LIMITED)),
        (429, "TooManyProviderTokenUpdates", LIMITED),
        (429, None, LIMITED),
        (400, "IdleTimeout", LATER),
        (503, "Shutdown", LATER),
        (503, "ServiceUnavailable", LATER),
        (503, None, LATER),
        (500, "InternalServerError", HIDDEN),
        (500, None, HIDDEN),
        (502, None, HIDDEN),
        (204, None, HIDDEN),
    ],
)
async def test_refusals_become_ours(
    rig: Rig, status: int, reason: str | None, expected: tuple[Verdict, Reason]
) -> None:
    rig.will_say(status, reason)
    carrier = rig.carrier()
    answer = await carrier.send(TOKEN, CONTENT, "m-1:0")
    await carrier.close()
    assert expected == (answer.verdict, answer.reason)
    assert (f"{status} {reason or ''}".strip(), None) == (answer.detail, answer.provider_message_id)


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"reason": 7}'])
async def test_an_unreadable_refusal_is_read_by_its_status(rig: Rig, body: bytes) -> None:
    rig.answers.append(Http2Answer(410, {}, body))
    carrier = rig.carrier()
    answer = await carrier.send(TOKEN, CONTENT, "m-1:0")
    await carrier.close()
    assert DEAD == (answer.verdict, answer.reason)


async def test_a_push_beyond_the_vendors_size_is_refused_without_a_call(rig: Rig) -> None:
    carrier = rig.carrier()
    answer = await carrier.send(TOKEN, Content(body="x" * apns.LARGEST_BYTES), "m-1:0")
    await carrier.close()
    assert (*REFUSED, []) == (answer.verdict, answer.reason, rig.asked)


async def test_a_provider_token_lasts_forty_minutes(rig: Rig) -> None:
    carrier = rig.carrier()
    for minutes in (0, 39, 2):
        rig.now += minutes * MINUTE
        rig.will_say(200)
        await carrier.send(TOKEN, CONTENT, "m-1:0")
    await carrier.close()
    first, second, third = rig.tokens()
    assert (True, False) == (first == second, second == third)


async def test_an_old_provider_token_that_is_refused_is_renewed_once(rig: Rig) -> None:
    carrier = rig.carrier()
    rig.will_say(200)
    await carrier.send(TOKEN, CONTENT, "m-1:0")
    rig.now += 25 * MINUTE
    rig.will_say(403, "ExpiredProviderToken")
    rig.will_say(200)
    answer = await carrier.send(TOKEN, CONTENT, "m-2:0")
    await carrier.close()
    first, second, third = rig.tokens()
    assert (Verdict.ACCEPTED, True, False) == (answer.verdict, first == second, second == third)


async def test_calls_whose_token_another_renewed_meanwhile_take_the_new_one(rig: Rig) -> None:
    carrier = rig.carrier()
    rig.will_say(200)
    await carrier.send(TOKEN, CONTENT, "m-1:0")
    rig.now += 25 * MINUTE
    for status, reason in ((403, "ExpiredProviderToken"),) * 2 + ((200, None),) * 2:
        rig.will_say(status, reason)
    pushes = (carrier.send(TOKEN, CONTENT, f"m-{number}:0") for number in (2, 3))
    answers = await asyncio.gather(*pushes)
    await carrier.close()
    assert [Verdict.ACCEPTED] * 2 == [answer.verdict for answer in answers]
    assert 2 == len(set(rig.tokens()))


async def test_a_new_provider_token_that_is_too_old_is_a_wrong_clock(rig: Rig) -> None:
    rig.will_say(403, "ExpiredProviderToken")
    carrier = rig.carrier()
    answer = await carrier.send(TOKEN, CONTENT, "m-1:0")
    await carrier.close()
    assert (*OURS, 1) == (answer.verdict, answer.reason, len(rig.asked))


@pytest.mark.spec("NS-CH-036")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"private_key": "PRIVATE no"}, "private_key"),
        ({"private_key": APNS_KEY.as_pem(private=False).decode()}, "private_key"),
        ({"private_key": FCM_KEY.as_pem(private=True).decode()}, "private_key"),
        ({"private_key": ECKey.generate_key("P-384").as_pem(private=True).decode()}, "private_key"),
        ({"topic": "a\nb"}, "topic"),
        ({"ttl_s": -1}, "ttl_s"),
        ({"url": "http://push.test"}, "url must be https"),
        ({"certificate": "x"}, "certificate"),
    ],
)
def test_a_config_that_cannot_work_is_told_without_its_secrets(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ProviderConfigError, match=fault) as told:
        Apns("push", apns_config("https://push.test", **changes), lambda: NOW)
    assert "PRIVATE" not in str(told.value)
