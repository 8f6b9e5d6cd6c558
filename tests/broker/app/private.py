"""A broker that a file of tests has for itself: to be frozen, and to be reached through a door."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.embedded.kafka import HOST, EmbeddedKafka
from tests.broker.app.proxy import proxied_options


@dataclass(frozen=True, slots=True)
class PrivateKafka:
    """Addresses of one broker: direct, and through the door that a test opens."""

    kafka: EmbeddedKafka
    door_port: int
    real_port: int

    @property
    def direct(self) -> str:
        """For the test's own clients."""
        return self.kafka.address

    @property
    def through_door(self) -> str:
        """For the worker under test."""
        return f"{HOST}:{self.door_port}"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP for the length of the block."""
        os.kill(self.kafka.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.kafka.pid, signal.SIGCONT)


@contextmanager
def private_kafka(folder: Path) -> Iterator[PrivateKafka]:
    """A started broker."""
    options, door, real = proxied_options()
    kafka = EmbeddedKafka(folder, options)
    try:
        asyncio.run(kafka.start())
        yield PrivateKafka(kafka, door, real)
    finally:
        asyncio.run(kafka.stop())
