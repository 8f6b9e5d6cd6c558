"""A mail as bytes: text and HTML alternatives, deterministic, so that a repeat carries the same words.

`Message-ID` names the message and not the epoch: mailboxes that recognise a repeat may then show it once.
Written out by hand: of 405 µs that sending a mail took, 230 went into Python's e-mail classes.
"""

from __future__ import annotations

from base64 import b64encode, encodebytes
from email.utils import formataddr, formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from connectors.providers.port import message_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import Content

MESSAGE_ID_HEADER = "Carillon-Message-Id"
IDEMPOTENCY_HEADER = "Carillon-Idempotency-Key"
WORD_BYTES = 45
"""Of UTF-8 in one encoded word, which may be 75 characters long (RFC 2047)."""
LINE_CHARACTERS = 900
"""A header line may have 998 (RFC 5322)."""


class Sender(msgspec.Struct, frozen=True):
    """Who writes: the From address and the name shown beside it."""

    address: str
    name: str = ""


def letter(sender: Sender, address: str, content: Content, idempotency_key: str, at: int) -> bytes:
    """Build the mail of one message. `at`: milliseconds, becomes the Date header.

    `address` must be free of spaces and controls. Letters beyond ASCII stay as they are, in UTF-8: no encoded
    word may stand for an address (RFC 2047, 5), and SMTPUTF8 takes it so (RFC 6532).
    """
    message_id = message_id_of(idempotency_key)
    lines = [
        f"From: {_from(sender)}",
        f"To: {address}",
        f"Subject: {_header(content.subject or content.title or '')}",
        f"Date: {_date(at // 1000)}",
        *(f"{name}: {value}" for name, value in own_headers(sender, content, idempotency_key).items()),
        "MIME-Version: 1.0",
    ]
    texts = alternatives(content)
    if len(texts) == 1:
        return _crlf(lines) + _part(*texts[0])
    boundary = f"=_{message_id}"
    head = _crlf([*lines, f'Content-Type: multipart/alternative; boundary="{boundary}"', "", ""])
    between = f"--{boundary}\r\n".encode()
    parts = b"".join(between + _part(kind, text) for kind, text in texts)
    return head + parts + f"--{boundary}--\r\n".encode()


def own_headers(sender: Sender, content: Content, idempotency_key: str) -> dict[str, str]:
    """Headers that no vendor makes for us, by name: our ids, and the way out of marketing (RFC 8058)."""
    message_id = message_id_of(idempotency_key)
    return {
        "Message-ID": f"<{message_id}@{sender.address.rpartition('@')[2]}>",
        MESSAGE_ID_HEADER: message_id,
        IDEMPOTENCY_HEADER: idempotency_key,
        **_way_out(content.unsubscribe_url),
    }


def alternatives(content: Content) -> list[tuple[str, str]]:
    """The texts of a mail as (`plain` or `html`, text), the plainest first (RFC 2046, 5.1.4)."""
    if content.body_text is not None:
        return [("plain", content.body_text), ("html", content.body)]
    return [("html" if content.body.lstrip().startswith("<") else "plain", content.body)]


def _way_out(url: str | None) -> dict[str, str]:
    """What lets a mail program offer one click (RFC 8058, which wants https); a signature must cover both."""
    if url is None:
        return {}
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if url.startswith("https:") else {}
    return {"List-Unsubscribe": f"<{url}>", **one_click}


def _part(kind: str, text: str) -> bytes:
    """Headers and body of one text, in base64: lines of any length and words of any script pass."""
    head = [f'Content-Type: text/{kind}; charset="utf-8"', "Content-Transfer-Encoding: base64", ""]
    return _crlf(head) + encodebytes(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")


def _crlf(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    return formatdate(second)


@lru_cache(maxsize=64)
def _from(sender: Sender) -> str:
    return formataddr((" ".join(sender.name.split()), sender.address))


def _header(text: str) -> str:
    """One line, encoded when it needs to be: line breaks of a rendered subject must not become headers."""
    line = " ".join(text.split())
    if line.isascii() and line.isprintable() and len(line) < LINE_CHARACTERS and "=?" not in line:
        return line
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(line))


def _words(line: str) -> Iterator[bytes]:
    """The text in pieces, none of which ends within a character."""
    word = b""
    for character in line:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > WORD_BYTES:
            yield word
            word = b""
        word += encoded
    yield word
