"""Variables of templates that the product fills by itself: links to where a user says what he wants.

Templates may write them in any case and with underscores: `UnsubscribeUrl`, `unsubscribe_url`.
"""

from __future__ import annotations

UNSUBSCRIBE = "unsubscribeurl"
PREFERENCES = "preferencesurl"
LINKS = frozenset({UNSUBSCRIBE, PREFERENCES})


def plain(name: str) -> str:
    """The name of a variable as it is compared with these."""
    return name.replace("_", "").lower()
