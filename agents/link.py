"""The links that a message carries: out of all marketing, and to the user's choices.

consumes  a template, the category of its type, its user; port `Links`
keeps     nothing
emits     variables to render with, which win over what the request gave; the link of a mail's headers

Marketing offers a way out (NS-SEC-040, NS-SEC-OP-09). Anything else never does: who follows a link beneath
a code must not lose what he wanted to keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.links import LINKS, PREFERENCES, UNSUBSCRIBE, plain
from schemas.words import Category

if TYPE_CHECKING:
    from agents.ports import Links
    from schemas.records import NotificationType, Template


def way_out(kind: NotificationType, user_id: str, links: Links) -> str | None:
    """The link out of marketing, for marketing that may be left."""
    is_left = kind.category == Category.MARKETING and not kind.is_mandatory
    return links.unsubscribe(user_id) if is_left else None


def filled(template: Template, user_id: str, out: str | None, links: Links, at: int) -> dict[str, str]:
    """Those of the template's variables that the product fills at `at` (ms); none without links."""
    found: dict[str, str] = {}
    for name in template.variables:
        word = plain(name)
        if word in LINKS:
            url = {UNSUBSCRIBE: out, PREFERENCES: links.preferences(user_id, at)}[word]
            found |= {name: url} if url else {}
    return found
