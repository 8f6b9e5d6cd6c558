"""A mail as bytes: text and HTML alternatives, deterministic, so that a repeat carries the same words.

`Message-ID` names the message and not the epoch: mailboxes that recognise a repeat may then show it once.
"""

from __future__ import annotations

from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr, formatdate
from typing import TYPE_CHECKING

import msgspec

from connectors.providers.port import message_id_of

if TYPE_CHECKING:
    from email.message import Message

    from schemas.records import Content

MESSAGE_ID_HEADER = "Carillon-Message-Id"
IDEMPOTENCY_HEADER = "Carillon-Idempotency-Key"


class Sender(msgspec.Struct, frozen=True):
    """Who writes: the From address and the name shown beside it."""

    address: str
    name: str = ""


def letter(sender: Sender, address: str, content: Content, idempotency_key: str, at: int) -> bytes:
    """Build the mail of one message. `at`: milliseconds, becomes the Date header."""
    message_id = message_id_of(idempotency_key)
    mail = _body(content, message_id)
    mail["From"] = formataddr((sender.name, sender.address))
    mail["To"] = address
    mail["Subject"] = _header(content.subject or content.title or "")
    mail["Date"] = formatdate(at / 1000)
    mail["Message-ID"] = f"<{message_id}@{sender.address.rpartition('@')[2]}>"
    mail[MESSAGE_ID_HEADER] = message_id
    mail[IDEMPOTENCY_HEADER] = idempotency_key
    return mail.as_bytes()


def _body(content: Content, message_id: str) -> Message:
    if content.body_text is None:
        is_html = content.body.lstrip().startswith("<")
        return MIMEText(content.body, "html" if is_html else "plain", "utf-8")
    mail = MIMEMultipart("alternative", boundary=f"=_{message_id}")
    mail.attach(MIMEText(content.body_text, "plain", "utf-8"))
    mail.attach(MIMEText(content.body, "html", "utf-8"))
    return mail


def _header(text: str) -> str:
    """One line, encoded when it needs to be: line breaks of a rendered subject must not become headers."""
    line = " ".join(text.split())
    return line if line.isascii() and line.isprintable() else Header(line, "utf-8").encode()
