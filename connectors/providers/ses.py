"""Mail by Amazon SES, API v2, `SendEmail` with the whole mail as `Raw` (NS-CH-020, NS-CH-021).

Never run against the real vendor. Sources: the service model of github.com/boto/botocore (`sesv2`: request,
errors and their statuses, letters of tags), "Errors related to the sending quotas" and "SendRawEmail" of
the SES guide, "Common errors" of AWS, "Event data that SES publishes"; of
"Email address is not verified" the article "554 or 400 Message rejected" of AWS re:Post.

`Raw` keeps every header of `letter`, the way out of RFC 8058 with it; SES sets `Message-ID` and `Date`
itself, so a mailbox cannot know a repeat by them. SES signs by DKIM as its identity of the domain says.
Unconfirmed: that no answer to a throttled call says when to come back (the guide: wait up to ten minutes),
and which of the common errors v2 gives.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import orjson

from connectors.providers.http_mail import HttpMail, MailConfig, Request, text_in
from connectors.providers.http_status import HIDDEN, LIMITED, MISCONFIGURED, REFUSED, UNAVAILABLE, Said
from connectors.providers.letter import letter
from connectors.providers.port import ProviderConfigError, configured, in_headers
from connectors.providers.signature_v4 import AwsKey, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http_call import Reply
    from schemas.records import Content

PATH = "/v2/email/outbound-emails"
SERVICE = "ses"
MESSAGE_TAG = "carillon_message_id"
EPOCH_TAG = "carillon_epoch"
REJECTED = "MessageRejected"
NOT_VERIFIED = "MessageRejected of an identity"
NOT_VERIFIED_SENTENCE = "Email address is not verified"

# The vendor's exceptions → ours. Those of `SendEmail` first, then those that any call may meet.
CODES: dict[str, Said] = {
    "AccountSuspendedException": MISCONFIGURED,
    "BadRequestException": REFUSED,
    "LimitExceededException": LIMITED,
    "MailFromDomainNotVerifiedException": MISCONFIGURED,
    REJECTED: REFUSED,
    NOT_VERIFIED: MISCONFIGURED,  # our sender, or an account that is still in the sandbox
    "NotFoundException": MISCONFIGURED,  # no such configuration set
    "SendingPausedException": MISCONFIGURED,
    "TooManyRequestsException": LIMITED,
    "AccessDeniedException": MISCONFIGURED,
    "ExpiredTokenException": MISCONFIGURED,
    "IncompleteSignature": MISCONFIGURED,
    "IncompleteSignatureException": MISCONFIGURED,
    "InternalFailure": HIDDEN,
    "InternalServiceErrorException": HIDDEN,
    "InvalidClientTokenId": MISCONFIGURED,
    "InvalidSignatureException": MISCONFIGURED,
    "MissingAuthenticationToken": MISCONFIGURED,
    "MissingAuthenticationTokenException": MISCONFIGURED,
    "NotAuthorized": MISCONFIGURED,
    "OptInRequired": MISCONFIGURED,
    "RequestExpired": MISCONFIGURED,
    "ServiceUnavailable": UNAVAILABLE,
    "ServiceUnavailableException": UNAVAILABLE,
    "SignatureDoesNotMatch": MISCONFIGURED,
    "Throttling": LIMITED,
    "ThrottlingException": LIMITED,
    "UnrecognizedClientException": MISCONFIGURED,
    "ValidationError": REFUSED,
    "ValidationException": REFUSED,
}

_REGION = re.compile(r"[a-z0-9-]{1,40}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class SesConfig(MailConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key that may `ses:SendEmail` and `ses:SendRawEmail`; `session_token` of a temporary one.

    `configuration_set` names where events go. `url` is by default that of the region.
    """

    access_key_id: str
    secret_access_key: str
    region: str
    session_token: str | None = None
    configuration_set: str | None = None


class Ses(HttpMail):
    """Carrier. The vendor takes no idempotency key; message id and epoch come back in events, as tags."""

    codes = CODES
    shape: type[SesConfig] = SesConfig
    takes_tags = True

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        given = configured(config, self.shape)
        if not _REGION.fullmatch(given.region):
            raise ProviderConfigError("config: region is none")
        headers = {"Accept": "application/json"}
        super().__init__(given, self._public_url(given.region), headers, now_ms)
        in_headers(given.access_key_id, given.session_token or "")
        self._set = given.configuration_set
        self._key = AwsKey(
            given.access_key_id, given.secret_access_key, given.region, SERVICE, given.session_token
        )
        self._secrets = (given.secret_access_key, given.session_token)

    def _public_url(self, region: str) -> str:
        return f"https://email.{region}.amazonaws.com"

    def _request(self, address: str, content: Content, idempotency_key: str) -> Request:
        now = self._now_ms()
        raw = self._tagged(letter(self._sender, address, content, idempotency_key, now), idempotency_key)
        whole: dict[str, Any] = {
            "FromEmailAddress": self._sender.address,
            "Destination": {"ToAddresses": [address]},
            "Content": {"Raw": {"Data": b64encode(raw).decode()}},
        }
        if self.takes_tags:
            message_id, _, epoch = idempotency_key.rpartition(":")
            tags = {MESSAGE_TAG: message_id, EPOCH_TAG: epoch}
            whole["EmailTags"] = [
                {"Name": name, "Value": value} for name, value in tags.items() if _TAG.fullmatch(value)
            ]
        if self._set is not None:
            whole["ConfigurationSetName"] = self._set
        body, url = orjson.dumps(whole), self._url + PATH
        return Request(url, body, signed(self._key, url, body, {"Content-Type": "application/json"}, now))

    def _tagged(self, raw: bytes, idempotency_key: str) -> bytes:  # noqa: ARG002 - tags go beside the mail
        return raw

    def _word(self, reply: Reply) -> str:
        """`x-amzn-ErrorType: <name>:<address>`, else a field of the body, perhaps `<namespace>#<name>`."""
        told = reply.headers.get("x-amzn-ErrorType") or text_in(reply.body, "__type", "Code", "code")
        word = told.partition(":")[0].rpartition("#")[2].strip()
        is_ours = word == REJECTED and self._told(reply).startswith(NOT_VERIFIED_SENTENCE)
        return NOT_VERIFIED if is_ours else word

    def _told(self, reply: Reply) -> str:
        return text_in(reply.body, "message", "Message")

    def _id(self, reply: Reply) -> object:
        return reply.body.get("MessageId")
