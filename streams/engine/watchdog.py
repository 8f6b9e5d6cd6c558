"""Ends a process whose event loop has stopped turning, after saying where it stands (design rule 12).

It watches the loop, not offsets: a task that waits for Kafka, a database or an outcome turns the loop and has
a named state; only code that holds the loop is stuck, and only a restart helps then.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import sys
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 1.0
EXIT_CODE = 70


class Watchdog:
    """A thread that counts its own ticks since the loop's last turn.

    Ticks are counted, not time: a process that was frozen or a machine that slept has not been stuck.
    """

    def __init__(
        self,
        states: Callable[[], object],
        limit_s: float = 60.0,
        *,
        end: Callable[[int], None] = os._exit,
        out: IO[str] | None = None,
    ) -> None:
        """`states`: what each task is doing, for the last words. `end` is given the exit code."""
        self._states = states
        self._tick_s = min(TICK_S, limit_s / 10)
        self._most = round(limit_s / self._tick_s)
        self._end = end
        self._out = out or sys.stderr
        self._missed = 0
        self._stopped = threading.Event()
        self._beat: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch the running loop."""
        self._turn(asyncio.get_running_loop())
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._beat is not None:
            self._beat.cancel()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._missed = 0
        self._beat = loop.call_later(self._tick_s, self._turn, loop)

    def _watch(self) -> None:
        while not self._stopped.wait(self._tick_s):
            self._missed += 1
            if self._missed > self._most:
                self._last_words()
                self._end(EXIT_CODE)
                return

    def _last_words(self) -> None:
        """Stacks of all threads, states of all tasks; not through the log, which may be what hangs."""
        stuck_s = round(self._missed * self._tick_s)
        words = {"event": "event_loop_stuck", "seconds": stuck_s, "tasks": self._states(), "exit": EXIT_CODE}
        self._out.write(json.dumps(words, default=repr) + "\n")
        self._out.flush()
        faulthandler.dump_traceback(self._out, all_threads=True)
        self._out.flush()
