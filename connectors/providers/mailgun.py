"""Mail by Mailgun's v3 API, `POST /v3/<domain>/messages.mime` (NS-CH-020, NS-CH-021).

Never run against the real vendor. Sources: github.com/mailgun/documentation (`api-sending`, `api-intro`:
fields, answer, statuses, regions), "Send an email in MIME format", "API Response Codes" and "Event types"
of documentation.mailgun.com.

The mail goes as it is, with every header of `letter`. Switch off the domain's own "Unsubscribes" tracking:
what it does to a way out that a mail brings along (RFC 8058) is not documented.
Unconfirmed: that the id in the answer is our `Message-ID`, and what form the time to come back has in a 429
(`Retry-After` is read if it is there). Mailgun has no words for its errors, only a status and a sentence.
A 404 may be a domain of the other region.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from connectors.providers.http_mail import HttpMail, MailConfig, Request, text_in
from connectors.providers.http_status import UNAVAILABLE, Said
from connectors.providers.letter import letter
from connectors.providers.port import ProviderConfigError, configured, message_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http_call import Reply
    from schemas.records import Content

PUBLIC_URL = "https://api.mailgun.net"
MESSAGE_VARIABLE = "carillon_message_id"
KEY_VARIABLE = "carillon_key"

# The HTTP status → ours; others by `http_status`.
CODES: dict[str, Said] = {
    "402": UNAVAILABLE,  # "parameters were valid but request failed"
}

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class MailgunConfig(MailConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sending key and its domain. `url`: https://api.eu.mailgun.net for domains of the EU region."""

    api_key: str
    domain: str


class Mailgun(HttpMail):
    """Carrier. The vendor takes no idempotency key; ours comes back in events, as `carillon_key`."""

    codes = CODES

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        given = configured(config, MailgunConfig)
        if not _DOMAIN.fullmatch(given.domain):
            raise ProviderConfigError("config: domain is none")
        login = b64encode(f"api:{given.api_key}".encode()).decode()
        super().__init__(given, PUBLIC_URL, {"Authorization": f"Basic {login}"}, now_ms)
        self._domain = given.domain
        self._secrets = (given.api_key, login)

    def _request(self, address: str, content: Content, idempotency_key: str) -> Request:
        message_id = message_id_of(idempotency_key)
        fields = {
            "to": address,
            f"v:{MESSAGE_VARIABLE}": message_id,
            f"v:{KEY_VARIABLE}": idempotency_key,
        }
        raw = letter(self._sender, address, content, idempotency_key, self._now_ms())
        boundary = f"carillon-{message_id}"
        form = f'multipart/form-data; boundary="{boundary}"'
        url = f"{self._url}/v3/{self._domain}/messages.mime"
        return Request(url, _form(boundary, fields, raw), {"Content-Type": form})

    def _word(self, reply: Reply) -> str:  # noqa: ARG002 - it has none
        return ""

    def _told(self, reply: Reply) -> str:
        return text_in(reply.body, "message")

    def _id(self, reply: Reply) -> object:
        """Events name it without the brackets."""
        return text_in(reply.body, "id").removeprefix("<").removesuffix(">") or None


def _form(boundary: str, fields: Mapping[str, str], raw: bytes) -> bytes:
    """Make the form, the mail as its file. No line of a letter begins with our boundary: base64 has no -."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = 'Content-Disposition: form-data; name="message"; filename="message.mime"\r\n'
    head = "".join(parts) + f"--{boundary}\r\n{file}Content-Type: message/rfc822\r\n\r\n"
    return head.encode() + raw + f"\r\n--{boundary}--\r\n".encode()
