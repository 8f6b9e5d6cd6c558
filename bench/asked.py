"""Numbered requests, fed on a schedule by a process of their own: when each was due, taken, received."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.product import Product, sending, user_of
from bench.watch import Watched, python
from schemas import topics
from schemas.ids import message_named

BEGAN, FED = "BEGAN ", "FED "
"""What a feeding process says with its first due time (s of wall time), and with how late it was (ms)."""
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests numbered from `first` on, `rate` a second; 0: as fast as the broker takes them.

    `mails`: each is one mail and nothing else.
    """

    first: int
    count: int
    rate: float
    priority: str | None = None
    mails: bool = False

    @property
    def numbers(self) -> range:
        """The requests' numbers."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True)
class Feeding:
    """A process that feeds a flow. `began_ms`: wall time at which its first request is due."""

    flow: Flow
    began_ms: float
    watched: Watched
    acknowledgements: Path

    @classmethod
    async def start(cls, made: Product, flow: Flow) -> Feeding:
        """Return when its schedule begins, so that what its start costs falls into no measurement."""
        folder = made.folder / f"feeding-{flow.first}"
        file = folder / "acknowledgements"
        arguments = [
            f"--bootstrap={made.stock.bootstrap}",
            f"--first={flow.first}",
            f"--count={flow.count}",
            f"--rate={flow.rate}",
            f"--priority={flow.priority or ''}",
            f"--acknowledgements={file}",
            *(["--mails"] if flow.mails else []),
        ]
        watched = await Watched.start(python("bench.engines.asking", arguments), folder)
        await watched.until(lambda: watched.said(BEGAN), START_S, "the feed did not begin")
        return cls(flow, _told(watched, BEGAN) * 1000, watched, file)

    def due_ms(self, number: int) -> float:
        """Wall time at which a request is to be sent."""
        return self.began_ms + (number - self.flow.first) * 1000 / self.flow.rate

    async def ended(self, within_s: float) -> float:
        """Wait until every request is acknowledged; P99 of how late they were sent, ms."""
        await self.watched.until(lambda: self.watched.said(FED), within_s, "the requests were not taken")
        return _told(self.watched, FED)

    def acknowledged_ms(self) -> Callable[[int], float]:
        """Wall time of the broker's acknowledgement of a request, once all have ended."""
        times: array[float] = array("d")
        times.frombytes(self.acknowledgements.read_bytes())
        return lambda number: times[number - self.flow.first]


def _told(watched: Watched, word: str) -> float:
    return float(watched.log.read_text().partition(word)[2].split()[0])


class Line(msgspec.Struct):
    """What is read of a line of the ledger. `at`: ms; `recipient`: where the ledger says it."""

    at: int
    channel: str
    message_id: str
    recipient: str = ""


class Receipts:
    """When mails reached the fake provider, by message id: ms of wall time. Reads on where it stopped."""

    def __init__(self, ledger: Path) -> None:
        self.at: dict[str, int] = {}
        self._ledger = ledger
        self._read = 0
        self._decode = msgspec.json.Decoder(Line).decode

    def look(self) -> None:
        """Take up what has come; a line that is being written is left for the next look."""
        with self._ledger.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(end)
        for line in map(self._decode, whole.splitlines()):
            if line.channel == "email":
                self.take(line)

    def take(self, line: Line) -> None:
        """Keep one mail."""
        self.at.setdefault(line.message_id, line.at)


def request_id(number: int) -> str:
    """The id under which a request goes in."""
    return f"cccccccc-0000-4000-8000-{number:012}"


def request(
    number: int, priority: str | None, *, mails: bool = False
) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a request's record."""
    user, body = sending(number, user_of(number), priority, mails=mails)
    return user, body, [("request_id", request_id(number).encode())]


def key_of(number: int) -> str:
    """The idempotency key of a request."""
    return f"bench-{number}"


def mail_id(number: int) -> str:
    """The message id that the pipeline derives for a request's mail: what the provider's ledger knows."""
    return mail_named(request_id(number), topics.SEND_REQUEST, user_of(number), key_of(number))


def mail_named(request: str, source: str, user: str, key: str) -> str:
    """The same of any request: by its id, who asked, for whom, under which idempotency key."""
    return message_named(user, request, source, user, key, "email", "0", "0")


def received(numbers: Iterable[int], mails: Mapping[str, int]) -> dict[int, int]:
    """Of these requests, those whose mail is among the receipts, and when it came, ms."""
    ids = ((number, mail_id(number)) for number in numbers)
    return {number: mails[message] for number, message in ids if message in mails}


def waits_ms(receipts: Mapping[int, int], since_ms: Callable[[int], float]) -> list[float]:
    """From a time of each request to its receipt; the ledger's whole ms may lie a part of one before it."""
    return [max(at - since_ms(number), 0.0) for number, at in receipts.items()]
