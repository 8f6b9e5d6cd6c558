"""How the push vendors' carriers are set up against their fakes: whose keys, which addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from joserfc.jwk import RSAKey

from connectors.fake.server import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.fake.server import RunningFake

FCM_KEY, FCM_STRANGE = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
PUBLIC_KEYS = {"fcm": FCM_KEY.as_pem(private=False).decode()}


class PushRig(NamedTuple):
    """A config that works, changes that make it wrong, a change to an address where nobody listens."""

    config: Callable[[RunningFake], dict[str, Any]]
    wrong_credentials: Callable[[RunningFake], dict[str, Any]]
    dead_address: Callable[[int], dict[str, Any]]


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


PUSH: dict[str, PushRig] = {
    "fcm": PushRig(
        lambda fake: {"url": f"{fake.url}/fcm", "service_account": service_account(fake.url)},
        lambda fake: {"service_account": service_account(fake.url, FCM_STRANGE)},
        lambda port: {"url": f"http://{LOOPBACK}:{port}/fcm"},
    ),
}
