"""Mail by SendGrid's v3 API, `POST /v3/mail/send` (NS-CH-020, NS-CH-021). Never run against the real vendor.

Sources: github.com/sendgrid/sendgrid-oai (`spec/paths/mail_send`: fields, headers that are not ours to set),
Twilio's pages "Mail Send: Errors", "Errors" (401, 403, 406, 429, 451, 500), "Sandbox Mode" (200 and 202),
"Rate Limits" (`X-RateLimit-Reset`) and "Event Webhook Reference"; of 503 an older overview of the API, which
RapidAPI still shows. That a `Message-ID` of ours is kept: django-anymail's issue 15, not the vendor.

The vendor builds the mail, so `letter` is not used: its headers go along by name. Its own list of those who
unsubscribed is switched off for each mail, for it would put its link in the place of ours (RFC 8058).
Unconfirmed: the form of `field` in a refusal of an address beyond the examples, and whether a 500 can follow
a mail that was taken; it is read as hidden. An empty subject is refused here, unlike by SMTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.providers.http_call import MAX_RETRY_AFTER_MS
from connectors.providers.http_mail import HttpMail, MailConfig, Request, text_in
from connectors.providers.http_status import ACCEPTED, MISCONFIGURED, UNAVAILABLE, Said
from connectors.providers.letter import alternatives, own_headers
from connectors.providers.port import configured, message_id_of
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http_call import Reply
    from schemas.records import Content

PUBLIC_URL = "https://api.sendgrid.com"
TAKEN = 202
TOO_MANY = 429
RESET_HEADER = "X-RateLimit-Reset"
KEY_ARGUMENT = "carillon_key"
MESSAGE_ARGUMENT = "carillon_message_id"

# The field that a refusal names, without its numbers, or the HTTP status → ours; others by `http_status`. 401
# may mean that no credits are left, 403 a sender that is not verified or a block after many bad requests.
CODES: dict[str, Said] = {
    "personalizations.to": (Verdict.PERMANENT, Reason.INVALID_CONTACT),
    "personalizations.to.email": (Verdict.PERMANENT, Reason.INVALID_CONTACT),
    "from": MISCONFIGURED,
    "from.email": MISCONFIGURED,
    "202": ACCEPTED,  # with an empty body; 200 is what it says to a mail that it only checked
    "503": UNAVAILABLE,  # "the v3 Web API is not available"
}


class SendGridConfig(MailConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An API key with the right "Mail Send". `url`: https://api.eu.sendgrid.com for regional accounts."""

    api_key: str


class SendGrid(HttpMail):
    """Carrier. The vendor takes no idempotency key; ours comes back in events, as `carillon_key`."""

    codes = CODES

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        given = configured(config, SendGridConfig)
        headers = {"Authorization": f"Bearer {given.api_key}", "Accept": "application/json"}
        super().__init__(given, PUBLIC_URL, headers, now_ms)
        self._secrets = (given.api_key,)

    def _request(self, address: str, content: Content, idempotency_key: str) -> Request:
        sender = {"email": self._sender.address}
        if self._sender.name:
            sender["name"] = " ".join(self._sender.name.split())
        body = {
            "personalizations": [{"to": [{"email": address}]}],
            "from": sender,
            "subject": _clean(" ".join((content.subject or content.title or "").split())),
            "content": _texts(content),
            "headers": own_headers(self._sender, content, idempotency_key),
            "custom_args": {
                MESSAGE_ARGUMENT: message_id_of(idempotency_key),
                KEY_ARGUMENT: idempotency_key,
            },
            "tracking_settings": {"subscription_tracking": {"enable": False}},
        }
        return Request(f"{self._url}/v3/mail/send", orjson.dumps(body), {})

    def _word(self, reply: Reply) -> str:
        field = text_in(_first_error(reply), "field")
        return ".".join(part for part in field.split(".") if not part.isdecimal())

    def _told(self, reply: Reply) -> str:
        return text_in(_first_error(reply), "message")

    def _id(self, reply: Reply) -> object:
        """Its events begin their `sg_message_id` with it."""
        return reply.headers.get("X-Message-Id") if reply.status == TAKEN else None

    def _wait_ms(self, reply: Reply) -> int | None:
        """The end of the period, in seconds since 1970, is told with every answer: it counts with a 429."""
        told = super()._wait_ms(reply)
        reset = reply.headers.get(RESET_HEADER, "").strip()
        if told is not None or reply.status != TOO_MANY or not (reset.isascii() and reset.isdecimal()):
            return told
        return min(max(0, int(reset[:12]) * 1000 - self._now_ms()), MAX_RETRY_AFTER_MS)


def _texts(content: Content) -> list[dict[str, str]]:
    """The alternatives; an empty one would be refused."""
    found = [{"type": f"text/{kind}", "value": _clean(text)} for kind, text in alternatives(content) if text]
    return found or [{"type": "text/plain", "value": " "}]


def _clean(text: str) -> str:
    """What UTF-8 can hold, as in `letter`."""
    return text.encode("utf-8", "replace").decode()


def _first_error(reply: Reply) -> dict[str, Any]:
    errors = reply.body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}
