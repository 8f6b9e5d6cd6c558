"""What the vendors' fakes share: reading a body, writing an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from connectors.fake.judge import End, Word

if TYPE_CHECKING:
    from connectors.fake.judge import Reaction


def object_in(raw: bytes) -> dict[str, Any] | None:
    """The JSON object of a body; None if it is none."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def json_answer(status: int, body: Any) -> web.Response:
    """An answer in JSON."""
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def is_taken(reaction: Reaction) -> bool:
    """Whether the answer is a yes; a call that hangs or is cut gets none, whatever stands here."""
    return reaction.word in (Word.ACCEPTED, Word.DELIVERED) and reaction.end is End.ANSWER
