"""Calls that wait for their turn, by key: one in flight each, so a key keeps its order (design rule 14)."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.engine.intent import Waiting


class Queues:
    """The first of each key may begin, or has begun; `ready`: those that have not been begun yet."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._by_key: defaultdict[bytes, deque[Waiting]] = defaultdict(deque)
        self.ready: deque[Waiting] = deque()

    def __iter__(self) -> Iterator[Waiting]:
        """All of them."""
        return chain.from_iterable(self._by_key.values())

    def join(self, waiting: Waiting) -> None:
        """Behind all others of its key."""
        queue = self._by_key[waiting.key]
        queue.append(waiting)
        if len(queue) == 1:
            self.ready.append(waiting)

    def replace(self, waiting: Waiting) -> None:
        """In the place of the first of its key."""
        self._by_key[waiting.key][0] = waiting
        self.ready.append(waiting)

    def leave(self, waiting: Waiting) -> None:
        """The first of its key makes way for the next one."""
        queue = self._by_key[waiting.key]
        queue.popleft()
        if queue:
            self.ready.append(queue[0])
        else:
            del self._by_key[waiting.key]
