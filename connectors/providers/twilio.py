"""Text messages through Twilio: Programmable Messaging, the Messages resource (NS-CH-040).

From Twilio's public documentation: "Messages resource", "Twilio API responses", "Twilio API requests",
"Outbound Message Status in Status Callbacks" and the pages of the error dictionary; twilio/twilio-oai.
Never run against Twilio. Unconfirmed: whether a 429 of this resource bears `Retry-After` (it is read if it
does). Twilio changes its codes now and then and says so: an unknown one is read by its HTTP status.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.providers.http_call import Reply
from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    MISCONFIGURED,
    NOT_SERVED,
    REFUSED,
    UNAVAILABLE,
    Said,
)
from connectors.providers.port import Answer, configured, identifier
from connectors.providers.texting import (
    FORM,
    NO_PHONE,
    Posted,
    TextCarrier,
    TextConfig,
    basic,
    by_status,
    form,
    with_key,
    word,
)
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

# Twilio's words → ours: `status` of a message, `code` of an error, `error_code` of a message that failed.
CODES: dict[str, Said] = {
    "accepted": ACCEPTED,
    "scheduled": ACCEPTED,
    "queued": ACCEPTED,
    "sending": ACCEPTED,
    "sent": ACCEPTED,
    "delivered": (Verdict.DELIVERED, None),
    "read": (Verdict.DELIVERED, None),
    "undelivered": REFUSED,
    "failed": REFUSED,
    "canceled": REFUSED,
    "20003": MISCONFIGURED,  # wrong credentials, or the account is suspended
    "20404": MISCONFIGURED,  # no such account
    "20429": LIMITED,  # never processed, says Twilio
    "20500": HIDDEN,  # a text may have been sent, says Twilio
    "20503": UNAVAILABLE,
    "21211": NO_PHONE,
    "21212": MISCONFIGURED,  # the sender
    "21408": NOT_SERVED,  # the country is not switched on
    "21601": MISCONFIGURED,  # the sender sends no texts
    "21602": REFUSED,  # no body
    "21603": MISCONFIGURED,  # no sender
    "21604": NO_PHONE,
    "21606": MISCONFIGURED,
    "21608": NOT_SERVED,  # a trial account, and a phone that it has not verified
    "21610": REFUSED,  # the recipient wrote STOP to this sender
    "21611": LIMITED,  # ten hours of texts wait for this sender
    "21612": REFUSED,  # no way from this sender to this phone
    "21614": NO_PHONE,  # not a mobile phone
    "21617": REFUSED,  # too long
    "21635": NO_PHONE,  # a landline
    "21659": MISCONFIGURED,
    "21660": MISCONFIGURED,
    "21661": MISCONFIGURED,
    "21701": MISCONFIGURED,  # no such messaging service
    "21705": MISCONFIGURED,
    "21730": UNAVAILABLE,  # maintenance
    "30001": LIMITED,
    "30002": MISCONFIGURED,  # the account is suspended
    "63017": LIMITED,
    "63038": LIMITED,  # the account's day
}

SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
"""Of a messaging service; a name may begin like it."""
CREATED = 2


class TwilioConfig(TextConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose account, and who sends: a phone, a short code, a name, or a messaging service (`MG…`).

    `secret` belongs to `key_sid`, an API key (`SK…`); without one it is the account's token. `status_url`:
    where Twilio reports what became of a text; our key is put behind it as `key`. Times in ms.
    """

    account_sid: str
    secret: str
    sender: str
    key_sid: str | None = None
    status_url: str | None = None
    url: str = "https://api.twilio.com"


class Twilio(TextCarrier):
    """Carrier. The Messages resource takes no idempotency key: the same text posted twice is sent twice.

    So a 5xx without one of Twilio's own words for "not now" stays hidden. A message is found again only by
    Twilio's own id, which an unanswered call has not.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, TwilioConfig)
        user = self._config.key_sid or self._config.account_sid
        super().__init__(self._config, basic(user, self._config.secret), now_ms)
        self.secrets = (self._config.secret,)
        self._path = f"/2010-04-01/Accounts/{quote(self._config.account_sid, safe='')}/Messages.json"

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:
        sender = self._config.sender
        fields = {
            "To": address,
            "MessagingServiceSid" if SERVICE.fullmatch(sender) else "From": sender,
            "Body": content.body,
            "StatusCallback": with_key(self._config.status_url, idempotency_key),
        }
        return Posted(self._path, form(fields), FORM)

    def _read(self, reply: Reply, address: str) -> Answer:
        body = reply.body
        words = [word(body.get(field)) for field in ("code", "error_code", "status")]
        sid = identifier(body.get("sid"))
        unknown = ACCEPTED if sid and reply.status // 100 == CREATED else by_status(reply)
        verdict, reason = next((CODES[one] for one in words if one in CODES), unknown)
        code = next((one for one in words if one), "")
        return Answer(
            verdict,
            reason,
            self._told(reply, code, body.get("message") or body.get("error_message"), address),
            sid,
            self._wait_ms(reply),
        )
