"""What clients and this server say to each other, as types; and client frames, read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from connectors.http.mailbox.ports import Item, Letter
from schemas.mailbox_words import LONGEST_ID, MOST_IDS, Act
from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

PROTOCOL = "carillon.v1"
"""The subprotocol that a client asks for."""
BEARER = "bearer."
"""A second one that begins so carries the token: browsers can set no other header."""
LARGEST_FRAME = 16 * 1024
LATEST_NUMBER = 2**53
CURSOR = re.compile("[0-9]{1,16}", re.ASCII)

Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Ids = Id | Annotated[list[Id], Meta(min_length=1, max_length=MOST_IDS)]
Cursor = Annotated[str, Meta(pattern="^[0-9]{1,16}$", description="As a frame gave it; `0`: from the start.")]


class ClientFrame(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act on one message or several; or, as the first frame, who this is and what he has already."""

    ack: Annotated[Ids, Meta(description="This client has them: `delivered`.")] | UnsetType = UNSET
    seen: Annotated[Ids, Meta(description="They were in the list that the user looked at.")] | UnsetType = (
        UNSET
    )
    read: Annotated[Ids, Meta(description="The user opened them: `opened`.")] | UnsetType = UNSET
    archive: Annotated[Ids, Meta(description="The user put them away.")] | UnsetType = UNSET
    token: Annotated[str, Meta(max_length=8_192)] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET


class Said(NamedTuple):
    """An act."""

    act: Act
    message_ids: list[str]


class Login(NamedTuple):
    """Who it is, unless the handshake said that; and the last message that the client has, if it knows."""

    token: str | None
    cursor: int | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Of messages that are not archived."""

    total: int
    unseen: int
    unread: int


class MessageFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A message (NS-CH-OP-09)."""

    message_id: str
    notification_type: str
    title: str
    body: str
    data: Annotated[
        dict[str, Any], Meta(description="`category`, `request_id`; `unsubscribe_url` of marketing.")
    ]
    created_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    cursor: Annotated[str, Meta(description="To be given at the next connection.")]
    is_seen: bool = False
    is_read: bool = False


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was sent before, and of which more is known now."""

    message_id: str
    is_seen: bool
    is_read: bool
    is_archived: bool


_decoder = msgspec.json.Decoder(ClientFrame)
_encode = msgspec.json.Encoder().encode


def read_frame(raw: str | bytes) -> Said | Login | None:
    """What a client says; None for what nobody understands."""
    try:
        frame = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    given = {name: ids for name in Act if (ids := getattr(frame, name)) is not UNSET}
    is_login = frame.token is not UNSET or frame.cursor is not UNSET
    if len(given) + is_login != 1:
        return None
    if is_login:
        token, cursor = frame.token, frame.cursor
        return Login(None if token is UNSET else token, None if cursor is UNSET else number_of(cursor))
    ((name, ids),) = given.items()
    return Said(Act(name), [ids] if isinstance(ids, str) else list(dict.fromkeys(ids)))


def number_of(cursor: str) -> int:
    """The number in a cursor; none is later than the latest."""
    return min(int(cursor), LATEST_NUMBER)


def message_of(item: Item, letter: Letter) -> MessageFrame:
    """A message as clients get it."""
    content = letter.content
    data = {"category": letter.category, "request_id": letter.request_id}
    if content.unsubscribe_url is not None:
        data["unsubscribe_url"] = content.unsubscribe_url
    return MessageFrame(
        message_id=item.message_id,
        notification_type=letter.notification_type,
        title=content.title or "",
        body=content.body,
        data=data,
        created_at=rfc3339(letter.created_at),
        cursor=str(item.number),
        is_seen=item.is_seen,
        is_read=item.is_read,
    )


def counted(items: Sequence[Item]) -> Counts:
    """How much is there."""
    here = [one for one in items if not one.is_archived]
    return Counts(
        total=len(here),
        unseen=sum(not one.is_seen for one in here),
        unread=sum(not one.is_read for one in here),
    )


def changed(item: Item) -> Changed:
    """Where a message stands."""
    return Changed(
        message_id=item.message_id,
        is_seen=item.is_seen,
        is_read=item.is_read,
        is_archived=item.is_archived,
    )


def written(frame: Any) -> str:
    """A frame as text."""
    return _encode(frame).decode()
