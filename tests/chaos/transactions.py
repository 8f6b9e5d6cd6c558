"""Asks the coordinators about transactional ids: who keeps one, its epoch, and whether a transaction is open.

Neither Python client can: this speaks Kafka's DescribeTransactions (key 65, version 0) by itself.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.embedded.kafka import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY: Final = 65
CLIENT: Final = b"chaos"
PATIENCE_S: Final = 3.0
ERROR_FREE: Final = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transactional id. `node`: the broker that coordinates it."""

    node: int
    producer_id: int
    epoch: int
    state: str


async def transactions(ports: Mapping[int, int], ids: Iterable[str]) -> dict[str, Transaction]:
    """What every living broker coordinates, by transactional id; unknown ids are left out."""
    wanted = list(ids)
    answers = await asyncio.gather(*(_ask(node, port, wanted) for node, port in ports.items()))
    return {name: one for answer in answers for name, one in answer.items()}


async def _ask(node: int, port: int, ids: list[str]) -> dict[str, Transaction]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(request(ids))
                size = struct.unpack(">i", await reader.readexactly(4))[0]
                return answer(node, await reader.readexactly(size))
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return {}


def request(ids: list[str]) -> bytes:
    """A frame that asks for these ids."""
    body = struct.pack(">hhih", KEY, 0, 1, len(CLIENT)) + CLIENT + b"\0"
    body += _varint(len(ids) + 1)
    for name in ids:
        body += _varint(len(name) + 1) + name.encode()
    body += b"\0"
    return struct.pack(">i", len(body)) + body


def answer(node: int, frame: bytes) -> dict[str, Transaction]:
    """What a broker says; ids that it does not coordinate carry an error."""
    bytes_left = _Bytes(frame)
    bytes_left.take(4)  # correlation
    bytes_left.varint()  # tags of the header
    bytes_left.take(4)  # throttle time
    found = {}
    for _ in range(bytes_left.varint() - 1):
        error = bytes_left.number(">h")
        name, state = bytes_left.text(), bytes_left.text()
        bytes_left.take(4 + 8)  # time-out and start
        producer_id, epoch = bytes_left.number(">q"), bytes_left.number(">h")
        for _ in range(bytes_left.varint() - 1):
            bytes_left.text()
            bytes_left.take(4 * (bytes_left.varint() - 1))
            bytes_left.varint()
        bytes_left.varint()
        if error == ERROR_FREE:
            found[name] = Transaction(node, producer_id, epoch, state)
    return found


class _Bytes:
    """Reads Kafka's compact forms from the front."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._raw[self._at - count : self._at]

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def varint(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7

    def text(self) -> str:
        return self.take(max(0, self.varint() - 1)).decode()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
