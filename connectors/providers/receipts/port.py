"""What a vendor's webhook is: a proof of who posts, and events in the vendor's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from schemas.errors import DecodeError, Fault
from schemas.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.receipts import ReceiptKind

SECOND_MS = 1000
LONGEST_STAMP = 10
"""Digits of a second."""
LAST_MS = 4_102_444_800_000
"""Times from the year 2100 on are none."""


class Post(NamedTuple):
    """One call of a webhook, as it came. `headers`: by name in whatever case; `query`: behind the path.

    `url`: where the vendor was told to post, if it was told with each message (`status_url`), and the query.
    `certificate`: what the post says it is signed by, in PEM, of vendors who sign with one.
    """

    headers: Mapping[str, str]
    body: bytes
    query: str = ""
    url: str = ""
    certificate: bytes = b""


class Told(NamedTuple):
    """One event. `kind` None: it means nothing here; `message_id` empty: it is of no message of ours.

    `at` is the vendor's time (ms); `event_id` tells it from the others of its message, kind and time.
    """

    kind: ReceiptKind | None
    message_id: str
    at: int
    event_id: str
    detail: str = ""


class Webhook(Protocol):
    """One vendor's way. Both are pure; `key` is the provider's `webhook_key`.

    is_genuine  whether the post is the vendor's; a key that is none proves nothing
    events      what a post tells, in order; `DecodeError` when it is none of this vendor. No headers by then
    """

    def is_genuine(self, post: Post, key: str, now: int) -> bool: ...
    def events(self, post: Post) -> Iterator[Told]: ...


class CertifiedWebhook(Webhook, Protocol):
    """A vendor that signs with a certificate, and posts nothing before somebody has agreed to it.

    certificate_url   where the certificate of this post is; None when it is at no place of the vendor's
    confirmation_url  what to GET after a genuine post that asks for agreement; None for any other
    """

    def certificate_url(self, post: Post, key: str) -> str | None: ...
    def confirmation_url(self, post: Post, key: str) -> str | None: ...


def json_in(body: bytes, form: Any = Any) -> Any:
    """A body as JSON; `DecodeError` for any other. What a `form` does not name costs nothing to skip."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(Fault.NOT_JSON, type(error).__name__) from None
    except RecursionError:
        raise DecodeError(Fault.TOO_LONG, "nested too deeply") from None


def objects(found: Any, place: str) -> list[dict[str, Any]]:
    """A list of objects; `DecodeError` when it is none."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DecodeError(Fault.WRONG_FIELD, f"{place} is no list of objects")
    return found


def text(found: Any) -> str:
    """Text, or an empty one in the place of anything else."""
    return found if isinstance(found, str) else ""


def at_of(seconds: Any) -> int:
    """A time in seconds since 1970 as ms; 0, which is before any message, for what is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0
    at = seconds * SECOND_MS
    return int(at) if 0 <= at < LAST_MS else 0


def at_in(told: str) -> int:
    """A time in RFC 3339 as ms; 0 for what is none."""
    try:
        return parse_rfc3339(told)
    except ValueError:
        return 0


def at_in_digits(told: str) -> int:
    """Seconds since 1970 as digits, as ms; 0 for what is none."""
    is_time = told.isascii() and told.isdecimal() and len(told) <= LONGEST_STAMP
    return at_of(int(told)) if is_time else 0


def member(found: Any, *names: str) -> Any:
    """What stands under these names in objects inside each other; None when it is not there."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found
