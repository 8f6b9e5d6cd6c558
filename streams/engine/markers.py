"""How soon a task's next transaction may begin: when the brokers have ended the one before it.

A commit is answered before its markers are written. Until then the coordinator refuses the id's next
transaction (CONCURRENT_TRANSACTIONS), and aiokafka asks again each `BACKOFF_OVERRIDE`. A task that knows how
long its brokers take lets records gather meanwhile; tasks that keep asking keep the brokers from writing the
markers: three brokers on two cores spent their time on twenty refusals for each transaction.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import ConcurrentTransactions
from aiokafka.producer import sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka import AIOKafkaProducer

FIRST_S, FACTOR, LONGEST_S = 0.002, 1.5, 0.25
"""Waits before a refused transaction is asked for again: the first, each next one's factor, the longest."""
SHRINK = 0.8
"""What remains of the learned time after a transaction that was not refused: brokers may be faster by now."""
MOST_S = 0.5
"""Longest rest: what a broker that was away took once says nothing about the next time."""
MOST_URGENT_S = 0.02
"""Longest rest while something urgent waits: a refused request costs less than one that came too late."""


class Markers:
    """Learns from refusals. Times in s of `clock`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is known; nothing is waited for."""
        self._clock = clock
        self._ended_at = clock()
        self._taken_s = 0.0
        self._wait_s = 0.0

    def committed(self) -> None:
        """A commit was answered; its markers are being written."""
        self._ended_at = self._clock()

    def refused(self) -> float:
        """The next transaction was refused: how long to wait before asking again."""
        self._wait_s = min(max(FIRST_S, self._wait_s * FACTOR), LONGEST_S)
        return self._wait_s

    def begun(self) -> None:
        """The next transaction was let in."""
        was_refused = self._wait_s > 0
        taken_s = self._clock() - self._ended_at
        self._taken_s = min(taken_s, MOST_S) if was_refused else self._taken_s * SHRINK
        self._wait_s = 0.0

    def rest_s(self, *, urgent: bool) -> float:
        """How much longer to let the brokers write the markers; zero or less: ask for the next one now."""
        taken_s = min(self._taken_s, MOST_URGENT_S) if urgent else self._taken_s
        return self._ended_at + taken_s - self._clock()


def _patient(handler: Any) -> Any:
    """A handler of a first request in a transaction, with the waits of the producer's `Markers`."""

    class Patient(handler):  # type: ignore[misc] # aiokafka has no types for it
        def handle_response(self, resp: Any) -> float | None:
            is_first: bool = self._sender._txn_manager.is_empty_transaction()  # noqa: SLF001
            wait: float | None = super().handle_response(resp)
            markers: Markers | None = getattr(self._sender, "markers", None)
            if markers is None or not is_first:
                return wait
            if wait is None:
                markers.begun()
            return markers.refused() if _is_too_early(resp) else wait

    return Patient


def _is_too_early(resp: Any) -> bool:
    codes = [code for _, rows in getattr(resp, "errors", ()) for _, code in rows]
    return ConcurrentTransactions.errno in (*codes, getattr(resp, "error_code", 0))


sender.AddPartitionsToTxnHandler = _patient(sender.AddPartitionsToTxnHandler)
sender.AddOffsetsToTxnHandler = _patient(sender.AddOffsetsToTxnHandler)


def watch_markers(producer: AIOKafkaProducer) -> Markers:
    """Let a transactional producer wait as its markers ask; to be told of each commit."""
    markers = Markers()
    inner: Any = producer._sender  # noqa: SLF001 - no public place
    inner.markers = markers
    return markers
