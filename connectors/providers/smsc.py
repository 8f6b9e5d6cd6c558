"""Text messages through SMSC.ru: its HTTP API, `sys/send.php` with answers in JSON (NS-CH-040).

From the public pages `api/http` (sending, answers and codes of errors, `status_messages`) of smsc.ru and of
its English site smscentre.com, and from its library `smsc_api`. Never run against SMSC. Unconfirmed: what
makes two requests "identical" for it (its error 9), and whether the id is part of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    LIMITED_FOR_ONE,
    MISCONFIGURED,
    REFUSED,
    UNAVAILABLE,
    Said,
)
from connectors.providers.port import (
    Answer,
    Positive,
    ProviderConfigError,
    configured,
    identifier,
    is_repeat,
    message_id_of,
)
from connectors.providers.texting import (
    FORM,
    NO_PHONE,
    Posted,
    TextCarrier,
    TextConfig,
    by_status,
    form,
    word,
)
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http_call import Reply
    from schemas.records import Content

# `error_code` of an answer → ours. Every answer comes with HTTP 200.
CODES: dict[str, Said] = {
    "1": REFUSED,  # parameters
    "2": MISCONFIGURED,  # login or password, or an address of ours that is not allowed
    "3": MISCONFIGURED,  # no money
    "4": UNAVAILABLE,  # our address is blocked for a while, after too many faulty requests
    "5": REFUSED,  # a date, and we send none
    "6": REFUSED,  # the text or the sender is forbidden
    "7": NO_PHONE,
    "8": REFUSED,  # the phone cannot be reached
    "9": LIMITED,  # the same request twice in a minute, or more than 15 requests at once
}

DUPLICATE = "duplicate request, wait a minute"
"""What `error` says when the 9 is about one phone and text, and not about requests at once."""
TAKEN = {"-1", "0", "1", "2", "3", "4"}
LIMIT_LASTS_MS = 60_000
_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")


class SmscConfig(TextConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose account: `api_key`, or `login` and `password`. `sender`: a name that SMSC has approved.

    `connections`: SMSC takes 15 requests at once from an account; let all processes together stay below.
    Times in ms.
    """

    login: str | None = None
    password: str | None = None
    api_key: str | None = None
    sender: str | None = None
    url: str = "https://smsc.ru"
    connections: Positive = 5


class Smsc(TextCarrier):
    """Carrier. SMSC has no idempotency key. It takes an id of ours, and no equal text within a minute.

    The id is the message's, without the epoch. So a repeat that is turned away asks whether the attempt
    before it was taken, and is not sent again if it was.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, SmscConfig)
        self._access = _access(self._config)
        super().__init__(self._config, {}, now_ms)
        self.secrets = (self._config.password, self._config.api_key)

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one text; what SMSC holds for a repetition is looked up."""
        answer = await super().send(address, content, idempotency_key)
        message_id = _id(idempotency_key)
        if answer.verdict is not Verdict.LIMITED or message_id is None:
            return answer
        status = await self._status(address, message_id)
        if status in TAKEN:
            return Answer(*ACCEPTED, f"an earlier attempt was taken, status {status}", message_id)
        if not status and is_repeat(idempotency_key):  # after the minute it would be sent a second time
            return Answer(*HIDDEN, "turned away, and nothing is said of the attempt before")
        return answer

    async def _status(self, address: str, message_id: str) -> str:
        """The status of the last attempt; empty when SMSC does not say."""
        fields = {**self._access, "phone": address, "id": message_id}
        reply = await self._calls.post(f"{self._url}/sys/status.php", form(fields), FORM)
        return "" if isinstance(reply, Answer) else word(reply.body.get("status"))

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:
        fields = {
            **self._access,
            "phones": address,
            "mes": content.body,
            "id": _id(idempotency_key),
            "sender": self._config.sender,
        }
        return Posted("/sys/send.php", form(fields), FORM)

    def _read(self, reply: Reply, address: str) -> Answer:
        code, message_id = word(reply.body.get("error_code")), identifier(reply.body.get("id"))
        taken = ACCEPTED if message_id and not code and reply.status == 200 else None  # noqa: PLR2004 - HTTP
        said = LIMITED_FOR_ONE if reply.body.get("error") == DUPLICATE else CODES.get(code)
        verdict, reason = taken or said or by_status(reply)
        return Answer(
            verdict,
            reason,
            self._told(reply, code, reply.body.get("error"), address),
            message_id,
            LIMIT_LASTS_MS if verdict is Verdict.LIMITED else self._wait_ms(reply),
        )


def _access(config: SmscConfig) -> dict[str, str | None]:
    """The fields of every request: who asks, answers in JSON, text in UTF-8."""
    if not config.api_key and not (config.login and config.password):
        raise ProviderConfigError("config: api_key, or login and password")
    shape = {"fmt": "3", "charset": "utf-8"}
    if config.api_key:
        return {"apikey": config.api_key, **shape}
    return {"login": config.login, "psw": config.password, **shape}


def _id(idempotency_key: str) -> str | None:
    """The message's id if SMSC can take it, 40 letters, digits, dots and dashes at most."""
    message_id = message_id_of(idempotency_key)
    return message_id if _ID.fullmatch(message_id) else None
