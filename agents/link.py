"""The links that a message carries: out of all marketing, and to the user's choices.

consumes  a template, the category of its type, its request; port `Links`
keeps     nothing
emits     variables to render with, which win over what the request gave; the link of a mail's headers

Marketing offers a way out (NS-SEC-040, NS-SEC-OP-09). Anything else never does: who follows a link beneath
a code must not lose what he wanted to keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.links import LINKS, PREFERENCES, UNSUBSCRIBE, plain
from schemas.words import Category, Channel

if TYPE_CHECKING:
    from agents.ports import Links
    from schemas.records import NotificationType, RequestReceived, Template


LONGEST_IN_TEXT = 32
"""Bytes of a campaign's label in the link of a text message: each segment costs money."""


def way_out(kind: NotificationType, request: RequestReceived, channel: str, links: Links) -> str | None:
    """The link out of marketing, for marketing that may be left; it says which campaign was left."""
    if kind.category != Category.MARKETING or kind.is_mandatory:
        return None
    label = request.campaign_label or ""
    fits = channel != Channel.SMS or len(label.encode()) <= LONGEST_IN_TEXT
    return links.unsubscribe(request.user_id, label if label and fits else None)


def filled(template: Template, user_id: str, out: str | None, links: Links, at: int) -> dict[str, str]:
    """Those of the template's variables that the product fills at `at` (ms); none without links."""
    found: dict[str, str] = {}
    for name in template.variables:
        word = plain(name)
        if word in LINKS:
            url = {UNSUBSCRIBE: out, PREFERENCES: links.preferences(user_id, at)}[word]
            found |= {name: url} if url else {}
    return found
