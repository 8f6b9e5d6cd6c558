"""How the push vendors' carriers are set up against their fakes: whose keys, which addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from joserfc.jwk import ECKey, RSAKey

from connectors.fake.server import LOOPBACK
from connectors.fake.vendors.web_push import subscribed

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.fake.server import RunningFake

FCM_KEY, FCM_STRANGE = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
APNS_KEY, APNS_STRANGE = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
VAPID_KEY, VAPID_STRANGE = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
PUBLIC_KEYS = {
    "web_push": VAPID_KEY.as_pem(private=False).decode(),
    "apns": APNS_KEY.as_pem(private=False).decode(),
    "fcm": FCM_KEY.as_pem(private=False).decode(),
}


class PushRig(NamedTuple):
    """A config that works, changes that make it wrong, a change to an address where nobody listens."""

    config: Callable[[RunningFake], dict[str, Any]]
    wrong_credentials: Callable[[RunningFake], dict[str, Any]]
    dead_address: Callable[[int], dict[str, Any]]
    address: Callable[[str, str], str] = lambda _url, token: token
    """Where the fake is, and a token, as the address of a message."""


def service_account(fake_url: str, key: RSAKey = FCM_KEY) -> str:
    """The file of a service account, in the form in which the vendor hands it out."""
    account = {
        "type": "service_account",
        "project_id": "carillon-test",
        "private_key_id": "k1",
        "private_key": key.as_pem(private=True).decode(),
        "client_email": "sender@carillon-test.test",
        "token_uri": f"{fake_url}/fcm/token",
    }
    return orjson.dumps(account).decode()


def apns_config(address: str, **changes: Any) -> dict[str, Any]:
    """A whole config for Apple's."""
    given = {"team_id": "TEAM123456", "key_id": "KEY1234567", "topic": "test.carillon.app", "url": address}
    return given | {"private_key": APNS_KEY.as_pem(private=True).decode()} | changes


PUSH: dict[str, PushRig] = {
    "apns": PushRig(
        lambda fake: apns_config(fake.apns_url),
        lambda _fake: {"private_key": APNS_STRANGE.as_pem(private=True).decode()},
        lambda port: {"url": f"http://{LOOPBACK}:{port}"},
    ),
    "fcm": PushRig(
        lambda fake: {"url": f"{fake.url}/fcm", "service_account": service_account(fake.url)},
        lambda fake: {"service_account": service_account(fake.url, FCM_STRANGE)},
        lambda port: {"url": f"http://{LOOPBACK}:{port}/fcm"},
    ),
    "web_push": PushRig(
        lambda _fake: {
            "private_key": VAPID_KEY.as_pem(private=True).decode(),
            "subject": "mailto:push@carillon.test",
            "hosts": [LOOPBACK],
        },
        lambda _fake: {"private_key": VAPID_STRANGE.as_pem(private=True).decode()},
        lambda _port: {},
        subscribed,
    ),
}
