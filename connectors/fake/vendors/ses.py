"""`SendEmail` of Amazon SES v2 and of Yandex Cloud Postbox: signed JSON with a raw mail in base64.

The signature is checked with the secret of the fake, so the mail, its headers and the time must be those that
were signed. The two vendors differ in where they say the name of an error, and in tags.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from calendar import timegm
from time import strptime
from typing import TYPE_CHECKING, NamedTuple

from connectors.fake.judge import Word
from connectors.fake.mail_call import mail_call
from connectors.fake.vendors.wire import is_taken, json_answer, object_in
from connectors.providers.signature_v4 import AwsKey, signed

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

PATH = "/v2/email/outbound-emails"

# The status and the name of an error, and its sentence.
REFUSALS: dict[Word, tuple[int, str, str]] = {
    Word.INVALID_RECIPIENT: (400, "MessageRejected", "Address is on the suppression list"),
    Word.UNREGISTERED: (400, "MessageRejected", "Address is on the suppression list"),
    Word.REJECTED: (400, "MessageRejected", "Message has a part that is not allowed"),
    Word.BAD_REQUEST: (400, "BadRequestException", "The input is invalid"),
    Word.UNAUTHORIZED: (403, "InvalidSignatureException", "The request signature does not match"),
    Word.RATE_LIMITED: (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    Word.UNAVAILABLE: (503, "ServiceUnavailable", "Try again later"),
    Word.SILENT: (503, "ServiceUnavailable", "Try again later"),
}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/ses/aws4_request, SignedHeaders=([^,]+), "
    r"Signature=[0-9a-f]{64}"
)
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class _Vendor(NamedTuple):
    """What tells the two apart."""

    name: str
    takes_tags: bool
    names_error_in: str  # a header, or a field of the body


SES = _Vendor("ses", takes_tags=True, names_error_in="x-amzn-ErrorType")
POSTBOX = _Vendor("postbox", takes_tags=False, names_error_in="Code")


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve both vendors' paths."""

    async def ses(request: web.Request) -> web.Response:
        return await _send(api, SES, request)

    async def postbox(request: web.Request) -> web.Response:
        return await _send(api, POSTBOX, request)

    app.router.add_post(f"/ses{PATH}", ses)
    app.router.add_post(f"/postbox{PATH}", postbox)


async def _send(api: ApiDesk, vendor: _Vendor, request: web.Request) -> web.Response:
    body = await request.read()
    if api.api_key is not None and not _is_signed(request, body, api.api_key):
        return _refused(vendor, Word.UNAUTHORIZED)
    mail = _mail(vendor, body)
    if mail is None:
        return _refused(vendor, Word.BAD_REQUEST)
    reaction, line = await api.take(mail_call(*mail, vendor.name), request, mail[1])
    if is_taken(reaction):
        return json_answer(200, {"MessageId": line.provider_message_id})
    return _refused(vendor, reaction.word)


def _is_signed(request: web.Request, body: bytes, secret: str) -> bool:
    """Sign it once more: what was signed must be what came."""
    given = request.headers.get("Authorization", "")
    found = _AUTHORIZATION.fullmatch(given)
    if found is None:
        return False
    at = timegm(strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) * 1000
    known = set(found[3].split(";")) - {"host", "x-amz-date"}
    headers = {name: request.headers.get(name, "") for name in known}
    url = f"http://{request.headers['Host']}{request.path}"
    again = signed(AwsKey(found[1], secret, found[2], "ses"), url, body, headers, at)
    return hmac.compare_digest(given, again["Authorization"])


def _mail(vendor: _Vendor, body: bytes) -> tuple[str, bytes] | None:
    """Recipient and mail; None for a request that the vendor would not understand."""
    whole = object_in(body)
    try:
        if whole is None or ("EmailTags" in whole and not _are_tags(vendor, whole["EmailTags"])):
            return None
        (address,) = whole["Destination"]["ToAddresses"]
        return str(address), b64decode(whole["Content"]["Raw"]["Data"], validate=True)
    except (KeyError, TypeError, ValueError):
        return None


def _are_tags(vendor: _Vendor, tags: list[dict[str, str]]) -> bool:
    texts = [text for tag in tags for text in (tag["Name"], tag["Value"])]
    return vendor.takes_tags and all(_TAG.fullmatch(text) for text in texts)


def _refused(vendor: _Vendor, word: Word) -> web.Response:
    status, name, message = REFUSALS[word]
    if vendor.names_error_in == "Code":
        return json_answer(status, {"Code": name, "message": message})
    response = json_answer(status, {"message": message})
    response.headers[vendor.names_error_in] = f"{name}:http://internal.amazon.com/coral/"
    return response
