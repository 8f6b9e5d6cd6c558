"""What one connection was told, and what it is to be told next: no socket, no clock, no waiting.

A client that comes back with its cursor gets what came after it, each message once: what was sent last is
the only thing that is remembered, and the mailbox itself is the queue. A slow client costs no memory: it is
told what there is when it is ready to hear it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connectors.http.mailbox.frames import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.http.mailbox.frames import Counts
    from connectors.http.mailbox.ports import Item


class News(NamedTuple):
    """In the order in which it is told: new messages, older ones that changed or are gone, the counts."""

    fresh: list[Item]
    changed: list[Item]
    gone: list[str]
    counts: Counts | None


class Line:
    """One connection.

    `cursor`: the last message that the client has; None: it does not know, and gets what nobody confirmed.
    """

    def __init__(self, cursor: int | None) -> None:
        self._sent = cursor or 0
        self._has_cursor = cursor is not None
        self._confirmed: frozenset[str] = frozenset()
        self._shown: Sequence[Item] = ()
        self._counts: Counts | None = None

    def news(self, items: Sequence[Item]) -> News:
        """What to tell, now that the mailbox is this. New messages are asked for till `told` has them."""
        before = {one.message_id: one for one in self._shown}
        changed = [one for one in items if self._has_changed(before.get(one.message_id), one)]
        if self._counts is None and not self._has_cursor:
            self._confirmed = frozenset(one.message_id for one in items if one.is_delivered)
        here = {one.message_id for one in items}
        counts = counted(items)
        told = None if counts == self._counts else counts
        self._shown, self._counts = items, counts
        fresh = [one for one in items if self._is_fresh(one)]
        return News(fresh, changed, [name for name in before if name not in here], told)

    def told(self, item: Item) -> None:
        """The client was sent this one, and all before it."""
        self._sent = max(self._sent, item.number)

    def _has_changed(self, before: Item | None, now: Item) -> bool:
        """Since it was shown; what the client has from elsewhere, and we see first, may have changed, too."""
        if before is None:
            return now.number <= self._sent and any(now.state)
        return before.state != now.state

    def _is_fresh(self, item: Item) -> bool:
        is_known = item.number <= self._sent or item.message_id in self._confirmed
        return not is_known and not item.is_archived
