"""Faults of a worker process at exact moments of its transactions, armed by files from outside.

`die_before`, `die_after`, `stop_after`, `fail_before`: the process's next commit strikes and disarms it.
Before: all is sent and nothing is committed. After: the broker has committed and the engine does not know.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError


def arm(folder: Path, moment: str) -> None:
    """From the test's side."""
    (folder / moment).touch()


def struck(folder: Path, moment: str) -> bool:
    """From the test's side: whether the armed moment has come."""
    return not (folder / moment).exists()


class PerilousProducer(AIOKafkaProducer):  # type: ignore[misc] # aiokafka has no types
    """What `keep_watch` makes of aiokafka's producer."""

    folder = Path()

    async def commit_transaction(self) -> None:
        """The commit, and what was armed around it."""
        if self._strikes("die_before"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._strikes("fail_before"):
            raise KafkaTimeoutError("armed by the test")
        await super().commit_transaction()
        if self._strikes("die_after"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._strikes("stop_after"):
            os.kill(os.getpid(), signal.SIGSTOP)

    def _strikes(self, moment: str) -> bool:
        try:
            (self.folder / moment).unlink()
        except FileNotFoundError:
            return False
        return True
