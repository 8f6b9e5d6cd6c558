"""Text messages through MTS: the HTTP API of its OmniChannel platform, sold as MTS Marketolog (NS-CH-040).

From the public page "Documentation of the REST API" of support.mts.ru (MTS Marketolog) and from public
clients of `http-api/v1`. It is what MTS documents in public today for what was MTS Communicator. Never run
against MTS. Unconfirmed: its codes of errors (an error is read by its HTTP status), whether a second text
under the same `message_id` is sent, and how soon after a call a text can be asked for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from connectors.providers.http_call import Reply
from connectors.providers.http_status import ACCEPTED, MISCONFIGURED, REFUSED, UNAVAILABLE, Said
from connectors.providers.port import Answer, Positive, configured, identifier, message_id_of
from connectors.providers.texting import Posted, TextCarrier, TextConfig, basic, by_status, word
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

NEVER_SEEN = "key not exists"

# What is said of a text that is asked for → ours: its last status, or that there is none.
CODES: dict[str, Said] = {
    "200": ACCEPTED,
    "201": REFUSED,  # it was not sent, and may be sent again
    "300": (Verdict.DELIVERED, None),
    "301": ACCEPTED,  # it was sent and not delivered: reports say so, a repeat would be another text
    NEVER_SEEN: REFUSED,
}

# A question that failed says nothing of the text: not that it may have gone out, nor that it never arrived.
UNASKED: dict[Verdict, Said] = {Verdict.HIDDEN: UNAVAILABLE, Verdict.PERMANENT: MISCONFIGURED}

OK = 200
PATH = "/http-api/v1/messages"


class MtsConfig(TextConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Login and password of the integration, and the approved name of the sender. Times in ms.

    `settle_ms`: a text that MTS does not know is asked for once more after so long, before it counts as one
    that never arrived.
    """

    login: str
    password: str
    sender: str
    url: str = "https://omnichannel.mts.ru"
    settle_ms: Positive = 3_000


class Mts(TextCarrier):
    """Carrier. Our message id goes along as `message_id`, and by it MTS can be asked.

    It has no epoch, as ids in public examples are UUIDs; so a question finds any attempt of the message.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, MtsConfig)
        super().__init__(self._config, basic(self._config.login, self._config.password), now_ms)
        self.secrets = (self._config.password,)

    async def ask(self, idempotency_key: str) -> Answer:
        """Ask for the message's last status, twice before it counts as never seen."""
        answer = await self._asked(message_id_of(idempotency_key))
        if answer.detail != NEVER_SEEN:
            return answer
        await asyncio.sleep(self._config.settle_ms / 1000)
        return await self._asked(message_id_of(idempotency_key))

    async def _asked(self, message_id: str) -> Answer:
        reply = await self._calls.post(f"{self._url}{PATH}/info", {"msg_ids": [message_id]}, {})
        if not isinstance(reply, Answer) and reply.status == OK:
            return _known(reply.body)
        failed = reply if isinstance(reply, Answer) else self._read(reply, "")
        said = UNASKED.get(failed.verdict)
        return Answer(*said, failed.detail) if said else failed

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:
        recipient = {"msisdn": address.removeprefix("+"), "message_id": message_id_of(idempotency_key)}
        message = {
            "content": {"short_text": content.body},
            "from": {"sms_address": self._config.sender},
            "to": [recipient],
        }
        return Posted(PATH, orjson.dumps({"messages": [message]}), {})

    def _read(self, reply: Reply, address: str) -> Answer:
        internal_id = identifier(_first(reply.body.get("messages")).get("internal_id"))
        taken = ACCEPTED if internal_id and reply.status == OK else None
        verdict, reason = taken or by_status(reply)
        return Answer(
            verdict,
            reason,
            self._told(reply, word(reply.body.get("code")), reply.body.get("message"), address),
            internal_id,
            self._wait_ms(reply),
        )


def _known(body: dict[str, Any]) -> Answer:
    """What is said of the one text that was asked for; a text without a status has arrived."""
    about = _first(body.get("events_info"))
    events = about.get("events_info")
    if about.get("error"):
        is_unseen = about.get("error_description") == NEVER_SEEN
        return Answer(*CODES[NEVER_SEEN], NEVER_SEEN) if is_unseen else Answer(*UNAVAILABLE, "an error")
    if not isinstance(events, list):
        return Answer(*UNAVAILABLE, "the answer says nothing")
    last = events[-1] if events and isinstance(events[-1], dict) else {}
    status = word(last.get("status"))
    said = CODES.get(status, ACCEPTED)
    return Answer(*said, f"status {status or 'none'}", identifier(last.get("internal_id")))


def _first(value: Any) -> dict[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}
