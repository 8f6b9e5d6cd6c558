"""FCM's wire: requests and answers in the forms that its documentation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.providers import fcm
from connectors.providers.fcm import Fcm
from connectors.providers.port import ProviderConfigError
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.contract.push_rigs import service_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.providers.port import Answer

CONTENT = Content(title="Заказ", body="Курьер рядом")
NOW = 1_700_000_000_000
TOKEN = "f3a9c1:APA91b-token"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class Vendor:
    """A server that says what a test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: list[web.Response] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.tokens = 0

    async def token(self, _request: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": f"ya29.{self.tokens}", "expires_in": 3599})

    async def send(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization", "")
        self.asked.append((request.path, authorization, await request.json()))
        return self.replies.pop(0)

    def will_say(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        self.replies.append(web.Response(status=status, body=orjson.dumps(body), headers=headers))


class Rig:
    def __init__(self, vendor: Vendor, url: str) -> None:
        self.vendor = vendor
        self.url = url
        self.now = NOW

    async def send(self, key: str = "m-1:0", **config: Any) -> Answer:
        given = {"url": f"{self.url}/fcm", "service_account": service_account(self.url), **config}
        carrier = Fcm("push", given, lambda: self.now)
        try:
            return await carrier.send(TOKEN, CONTENT, key)
        finally:
            await carrier.close()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    vendor = Vendor()
    app = web.Application()
    app.router.add_post("/fcm/token", vendor.token)
    app.router.add_post("/fcm/v1/projects/{project}/messages:send", vendor.send)
    async with TestServer(app) as server:
        yield Rig(vendor, str(server.make_url("")).rstrip("/"))


def refusal(status: int, word: str, *details: Any, message: str = "No.") -> tuple[int, Any]:
    return status, {"error": {"code": status, "message": message, "status": word, "details": details}}


def fcm_error(code: str) -> dict[str, str]:
    return {"@type": FCM_ERROR, "errorCode": code}


def violation(field: str) -> dict[str, Any]:
    return {"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": "Invalid."}]}


@pytest.mark.spec("NS-CH-002 NS-CH-OP-02")
async def test_the_request_is_the_documented_one(rig: Rig) -> None:
    rig.vendor.will_say(200, {"name": "projects/carillon-test/messages/0:1500415314455276%31bd1c96"})
    answer = await rig.send("m-1:2", ttl_s=60)
    assert (Verdict.ACCEPTED, "0:1500415314455276%31bd1c96") == (answer.verdict, answer.provider_message_id)
    expected = {
        "token": TOKEN,
        "notification": {"title": "Заказ", "body": "Курьер рядом"},
        "data": {"carillon_message_id": "m-1", "carillon_key": "m-1:2"},
        "android": {"priority": "HIGH", "ttl": "60s", "notification": {"tag": "m-1"}},
        "webpush": {"headers": {"TTL": "60"}, "notification": {"tag": "m-1"}},
        "apns": {
            "headers": {"apns-collapse-id": "m-1", "apns-expiration": "1700000060"},
            "payload": {"aps": {"mutable-content": 1}},
        },
    }
    path = "/fcm/v1/projects/carillon-test/messages:send"
    assert [(path, "Bearer ya29.1", {"message": expected})] == rig.vendor.asked


DEAD = (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE)
REFUSED = (Verdict.PERMANENT, Reason.PROVIDER_REFUSED)
OURS = (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED)
FOREIGN = (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED)
LIMITED = (Verdict.LIMITED, Reason.PROVIDER_LIMITED)
LIMITED_FOR_ONE = (Verdict.LIMITED, Reason.RECIPIENT_LIMITED)
LATER = (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE)
HIDDEN = (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)


@pytest.mark.spec("NS-CH-065 NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refusal(404, "NOT_FOUND", fcm_error("UNREGISTERED")), DEAD),
        (
            refusal(400, "INVALID_ARGUMENT", fcm_error("INVALID_ARGUMENT"), violation("message.token")),
            DEAD,
        ),
        (
            refusal(400, "INVALID_ARGUMENT", fcm_error("INVALID_ARGUMENT"), message=fcm.DEAD_TOKEN_SENTENCE),
            DEAD,
        ),
        (refusal(400, "INVALID_ARGUMENT", violation("message.data[0].value")), REFUSED),
        (refusal(400, "INVALID_ARGUMENT", fcm_error("INVALID_ARGUMENT")), REFUSED),  # too large
        (refusal(403, "PERMISSION_DENIED", fcm_error("SENDER_ID_MISMATCH")), FOREIGN),
        (refusal(403, "PERMISSION_DENIED"), OURS),
        (refusal(404, "NOT_FOUND"), OURS),
        (refusal(401, "UNAUTHENTICATED", fcm_error("THIRD_PARTY_AUTH_ERROR")), OURS),
        (refusal(429, "RESOURCE_EXHAUSTED", fcm_error("QUOTA_EXCEEDED")), LIMITED_FOR_ONE),
        (refusal(429, "RESOURCE_EXHAUSTED", {"reason": "RATE_LIMIT_EXCEEDED"}), LIMITED),
        (refusal(503, "UNAVAILABLE", fcm_error("UNAVAILABLE")), LATER),
        (refusal(500, "INTERNAL", fcm_error("INTERNAL")), HIDDEN),
        (refusal(504, "DEADLINE_EXCEEDED"), HIDDEN),
        (refusal(503, "A_NEW_WORD", fcm_error("UNSPECIFIED_ERROR")), HIDDEN),
        (refusal(401, "UNAUTHENTICATED", fcm_error("APNS_AUTH_ERROR")), OURS),
        ((200, None), HIDDEN),
        ((200, {"name": 7}), HIDDEN),
        ((202, {"name": "projects/p/messages/1"}), HIDDEN),
        ((503, None), HIDDEN),
        ((502, None), HIDDEN),
        ((404, None), OURS),
        ((301, None), OURS),
        ((418, None), REFUSED),
        ((400, {"error": "a text"}), REFUSED),
        ((400, {"error": {"status": 7, "details": {"no": "list"}, "message": []}}), REFUSED),
        ((400, {"error": {"status": "INVALID_ARGUMENT", "details": [7, {"fieldViolations": 7}]}}), REFUSED),
    ],
)
async def test_refusals_become_ours(
    rig: Rig, reply: tuple[int, Any], expected: tuple[Verdict, Reason]
) -> None:
    rig.vendor.will_say(*reply)
    answer = await rig.send()
    assert expected == (answer.verdict, answer.reason)
    assert answer.provider_message_id is None


@pytest.mark.parametrize(("headers", "expected"), [({"Retry-After": "7"}, 7_000), ({}, 60_000)])
async def test_a_limit_lasts_as_long_as_it_says_else_a_minute(
    rig: Rig, headers: dict[str, str], expected: int
) -> None:
    rig.vendor.will_say(*refusal(429, "RESOURCE_EXHAUSTED", fcm_error("QUOTA_EXCEEDED")), headers=headers)
    assert expected == (await rig.send()).retry_after_ms


async def test_what_the_vendor_says_never_names_the_token(rig: Rig) -> None:
    rig.vendor.will_say(*refusal(400, "INVALID_ARGUMENT", message=f"Bad  token {TOKEN}\n for a@b.test"))
    assert "400 INVALID_ARGUMENT Bad token *** for ***" == (await rig.send()).detail


async def test_an_old_access_token_that_is_refused_is_renewed_and_the_push_sent_once(rig: Rig) -> None:
    carrier = Fcm(
        "push",
        {"url": f"{rig.url}/fcm", "service_account": service_account(rig.url)},
        lambda: rig.now,
    )
    rig.vendor.will_say(200, {"name": "projects/p/messages/1"})
    await carrier.send(TOKEN, CONTENT, "m-1:0")
    rig.now += 120_000
    rig.vendor.will_say(*refusal(401, "UNAUTHENTICATED"))
    rig.vendor.will_say(200, {"name": "projects/p/messages/2"})
    answer = await carrier.send(TOKEN, CONTENT, "m-2:0")
    await carrier.close()
    assert (Verdict.ACCEPTED, "2") == (answer.verdict, answer.provider_message_id)
    assert ["Bearer ya29.1", "Bearer ya29.1", "Bearer ya29.2"] == [asked[1] for asked in rig.vendor.asked]


async def test_a_new_access_token_that_is_refused_is_not_asked_for_again(rig: Rig) -> None:
    rig.vendor.will_say(*refusal(401, "UNAUTHENTICATED"))
    answer = await rig.send()
    assert (*OURS, 1, 1) == (answer.verdict, answer.reason, rig.vendor.tokens, len(rig.vendor.asked))


@pytest.mark.spec("NS-CH-OP-07")
async def test_an_emulator_takes_a_server_key(rig: Rig) -> None:
    rig.vendor.will_say(200, {"name": "projects/p/messages/1"})
    answer = await rig.send(service_account=None, server_key="AAAA-1", project_id="p")
    assert Verdict.ACCEPTED == answer.verdict
    assert ("/fcm/v1/projects/p/messages:send", "key=AAAA-1") == rig.vendor.asked[0][:2]


@pytest.mark.spec("NS-CH-035 NS-CH-OP-07")
@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({}, "service_account is needed"),
        ({"server_key": "AAAA", "project_id": "p"}, "service_account is needed"),
        ({"server_key": "AAAA", "project_id": "p", "url": fcm.PUBLIC_URL}, "service_account is needed"),
        ({"server_key": "AAAA", "url": "http://localhost:1"}, "project_id is needed"),
        ({"server_key": "AAAA", "project_id": "p", "url": "http://fcm.test"}, "url must be https"),
        ({"server_key": "AAAA", "project_id": "p", "url": "https://a\\b.test"}, "url is none"),
        ({"server_key": "AAAA", "project_id": "p", "url": "https://\u00df\u200d.test"}, "url is none"),
        ({"server_key": "AAAA\nb", "project_id": "p", "url": "http://localhost:1"}, "not printable ASCII"),
        ({"service_account": "no"}, "not the JSON of a service account"),
        ({"service_account": '{"client_email": "a", "private_key": "b"}'}, "not the JSON"),
        (
            {"service_account": '{"client_email": "a", "private_key": "b", "token_uri": "https://t.test"}'},
            "no private RSA key",
        ),
        ({"service_account": service_account("http://t.test")}, "url must be https"),
        ({"service_account": service_account("https://t.test"), "ttl_s": 2_419_201}, "ttl_s"),
    ],
)
def test_a_config_that_cannot_work_is_told_without_its_secrets(config: dict[str, Any], fault: str) -> None:
    with pytest.raises(ProviderConfigError, match=fault) as told:
        Fcm("push", config, lambda: NOW)
    assert "AAAA" not in str(told.value)
    assert "PRIVATE" not in str(told.value)
