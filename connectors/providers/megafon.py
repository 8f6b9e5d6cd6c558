"""Text messages through MegaFon: the messaging API of MegaFon Hub, `messaging/v1/send` (NS-CH-040).

From the public page "Integration by API" of docs.hub.megafon.ru (authentication, the request and its fields)
and from public clients (the answer's `state` and `txId`). Never run against MegaFon. Unconfirmed: its errors
(read by their HTTP status), the full list of states, and whether `clientRequestId` keeps a text from being
sent twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.providers.http_call import Reply
from connectors.providers.http_status import ACCEPTED, Said
from connectors.providers.port import Answer, configured, identifier
from connectors.providers.texting import Posted, TextCarrier, TextConfig, basic, by_status, with_key, word
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

# `state` of an answer → ours. Another state says neither yes nor no for certain: it stays hidden.
CODES: dict[str, Said] = {
    "ACCEPTED": ACCEPTED,
    "DELIVERED": (Verdict.DELIVERED, None),
    "SEEN": (Verdict.DELIVERED, None),
}

OK = 2
KEY_CHARACTERS = 100


class MegafonConfig(TextConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Login and password of the integration, and the approved name of the sender. Times in ms.

    `status_url`: where MegaFon reports what became of a text, the webhook's secret with it; our key is put
    behind it as `key`.
    """

    login: str
    password: str
    sender: str
    status_url: str | None = None
    url: str = "https://hub.megafon.ru"


class Megafon(TextCarrier):
    """Carrier. Our key goes along as `clientRequestId`, of 100 characters at most."""

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, MegafonConfig)
        super().__init__(self._config, basic(self._config.login, self._config.password), now_ms)
        self.secrets = (self._config.password, self._config.status_url)

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:
        step = {
            "channel": "sms",
            "recipient": {"type": "MSISDN", "value": address.removeprefix("+")},
            "sender": self._config.sender,
            "text": content.body,
        }
        body: dict[str, Any] = {"scenario": [step]}
        if len(idempotency_key) <= KEY_CHARACTERS:
            body["clientRequestId"] = idempotency_key
        if self._config.status_url is not None:
            body["callback"] = with_key(self._config.status_url, idempotency_key)
        return Posted("/messaging/v1/send", orjson.dumps(body), {})

    def _read(self, reply: Reply, address: str) -> Answer:
        state, tx_id = word(reply.body.get("state")), identifier(reply.body.get("txId"))
        said = CODES.get(state) if reply.status // 100 == OK else None
        verdict, reason = said or by_status(reply)
        return Answer(
            verdict,
            reason,
            self._told(reply, state, reply.body.get("message"), address),
            tx_id,
            self._wait_ms(reply),
        )
