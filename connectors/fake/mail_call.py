"""A mail that arrived, as a call for the desk: our ids are found in its header lines."""

from __future__ import annotations

from connectors.fake.judge import Call

KEY_HEADER = b"carillon-idempotency-key"
MESSAGE_HEADER = b"carillon-message-id"


def mail_call(recipient: str, raw: bytes, account: str) -> Call:
    """Find the ids in the header lines; nothing else of the mail is parsed."""
    headers = {}
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    key = headers.get(KEY_HEADER, b"").decode("ascii", "replace")
    message_id = headers.get(MESSAGE_HEADER, b"").decode("ascii", "replace")
    return Call("email", account, recipient, key, message_id)
