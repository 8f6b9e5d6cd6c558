"""Mail by Yandex Cloud Postbox, which speaks a part of SES' API v2 (NS-CH-020, NS-CH-021, NS-SEC-OP-08).

Never run against the real vendor. Sources: github.com/yandex-cloud/docs, `en/postbox`: "SendEmail method"
(request, errors), "Signing requests", "Email event notifications", "Unsubscribe mechanism". The last one
says that a `List-Unsubscribe` of ours is kept as it is, so the way out of RFC 8058 stays ours.

Its events show the tags of a mail, but its `SendEmail` names no `EmailTags`: ours go in SES' header for
them. Events go to a stream of Yandex Data Streams; the vendor posts no webhook of its own. Unconfirmed:
whether that header makes tags (the page on configurations names another header of SES that Postbox reads),
whether `Message-ID` and `Date` are replaced, and whether a 429 says when to come back.
"""

from __future__ import annotations

from connectors.providers.http_status import Said
from connectors.providers.port import message_id_of
from connectors.providers.ses import CODES as SES_CODES
from connectors.providers.ses import MESSAGE_TAG, Ses, SesConfig

TAGS_HEADER = "X-SES-MESSAGE-TAGS"
PUBLIC_URL = "https://postbox.cloud.yandex.net"

# As SES says it, but a limit has the status 429 here. Faults of the cloud's own doors carry only a status.
CODES: dict[str, Said] = dict(SES_CODES)


class PostboxConfig(SesConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A static key of a service account with the role `postbox.sender`, as `access_key_id` and its secret."""

    region: str = "ru-central1"


class Postbox(Ses):
    """Carrier. The vendor takes no idempotency key; ours rides in the mail's headers."""

    codes = CODES
    shape = PostboxConfig
    takes_tags = False

    def _public_url(self, region: str) -> str:  # noqa: ARG002 - one address for every region
        return PUBLIC_URL

    def _tagged(self, raw: bytes, idempotency_key: str) -> bytes:
        return f"{TAGS_HEADER}: {MESSAGE_TAG}={message_id_of(idempotency_key)}\r\n".encode() + raw
