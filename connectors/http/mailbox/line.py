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
        self._sent = cursor
        self._shown: Sequence[Item] = ()
        self._counts: Counts | None = None

    def news(self, items: Sequence[Item]) -> News:
        """What to tell, now that the mailbox is this; the client counts as told."""
        sent, is_first = self._sent, self._counts is None
        fresh = [one for one in items if not one.is_archived and self._is_fresh(one)]
        last = max((one.number for one in items), default=0)
        self._sent = last if sent is None else max(last, sent)
        before = {one.message_id: one for one in self._shown}
        changed = [one for one in items if before.get(one.message_id, one).state != one.state]
        if is_first and sent is not None:  # it was away, and may know less of what it has
            changed = [one for one in items if one.number <= sent and any(one.state)]
        here = {one.message_id for one in items}
        gone = [message_id for message_id in before if message_id not in here]
        counts = counted(items)
        told = None if counts == self._counts else counts
        self._shown, self._counts = items, counts
        return News(fresh, changed, gone, told)

    def _is_fresh(self, item: Item) -> bool:
        return not item.is_delivered if self._sent is None else item.number > self._sent
