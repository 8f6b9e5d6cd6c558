"""Web Push's tokens: subscriptions of browsers, whom they let be called, and what only the browser reads."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.providers.fcm import Fcm
from connectors.providers.web_push import WebPush
from connectors.providers.web_push_body import CURVE, encrypted, subscription, unpadded
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.contract.push_rigs import VAPID_KEY, service_account

CONTENT = Content(title="Заказ", body="Курьер рядом")
SUBJECT = "mailto:push@carillon.test"
KEY = VAPID_KEY.as_pem(private=True).decode()

# RFC 8291, section 5 and appendix A.
READER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
WRITER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK"
    "6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def token(endpoint: str = "https://push.services.mozilla.com/x", **keys: Any) -> str:
    given = {"p256dh": READER, "auth": AUTH} | keys
    return orjson.dumps({"endpoint": endpoint, "expirationTime": None, "keys": given}).decode()


def test_the_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    reader = subscription(token())
    assert reader is not None
    writer = ec.derive_private_key(int.from_bytes(unpadded(WRITER), "big"), CURVE)
    clear = b"When I grow up, I want to be a watermelon"
    sealed = encrypted(clear, reader, writer, unpadded(SALT))
    assert SEALED == urlsafe_b64encode(sealed).rstrip(b"=").decode()


def test_each_message_has_a_key_and_a_salt_of_its_own() -> None:
    reader = subscription(token())
    assert reader is not None
    sealed = [encrypted(b"the same", reader) for _ in range(20)]
    assert 20 == len({one[:16] for one in sealed}) == len({one[21:86] for one in sealed})


@pytest.mark.parametrize(
    "given",
    [
        "f3a9c1:APA91b-token",
        "{}",
        "[]",
        token(auth="AAAA"),
        token(auth="ключ"),
        token(p256dh="AAAA"),
        token(p256dh=READER[:40] + "AA" + READER[42:]),
        token("no address"),
        token("https://user@push.services.mozilla.com/x"),
        token("https://push.services.mozilla.com:x/"),
        token("https://[push/"),
    ],
)
async def test_a_token_that_is_no_subscription_is_left_to_another_provider(given: str) -> None:
    answer = await carrier().send(given, CONTENT, "m-1:0")
    assert (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED) == (answer.verdict, answer.reason)


async def test_a_subscription_is_left_to_another_provider_by_fcm() -> None:
    fcm = Fcm("push", {"service_account": service_account("https://issuer.test")}, lambda: 0)
    answer = await fcm.send(token(), CONTENT, "m-1:0")
    await fcm.close()
    assert (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED) == (answer.verdict, answer.reason)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.test/x",
        "https://evilpush.apple.com.test/x",
        "https://notpush.apple.com/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "http://127.0.0.1:9200/x",
        "https://169.254.169.254/latest",
        "ftp://fcm.googleapis.com/x",
    ],
)
async def test_only_known_push_services_are_called(endpoint: str) -> None:
    answer = await carrier().send(token(endpoint), CONTENT, "m-1:0")
    assert (Verdict.PERMANENT, Reason.INVALID_CONTACT) == (answer.verdict, answer.reason)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://wns2-par02p.notify.windows.com/w/?token=x",
        "https://web.push.apple.com:443/x",
    ],
)
def test_the_services_of_browsers_are_known(endpoint: str) -> None:
    reader = subscription(token(endpoint))
    assert reader is not None
    assert carrier()._is_known(reader)


def carrier(private_key: str = KEY) -> WebPush:
    return WebPush("push", {"private_key": private_key, "subject": SUBJECT}, lambda: 0)


def test_the_key_may_be_given_as_tools_print_it() -> None:
    one = carrier(WRITER)
    public = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    assert public == one._vapid._public
