"""A gate between one worker and one broker: passes bytes, passes them slowly, or cuts every connection."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from connectors.embedded.kafka import HOST

CHUNK: Final = 64 * 1024
OPEN_S: Final = 5.0


class Gate:
    """Listens on `port` and passes everything on to `target`.

    `delay_s`: how long each chunk waits. `shut`: nobody gets in. `delayed`: bytes that waited; `cut`:
    connections that were ended; both since the gate was opened.
    """

    def __init__(self, port: int, target: int) -> None:
        self.delay_s = 0.0
        self.shut = False
        self.delayed = 0
        self.cut = 0
        self._port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, HOST, self._port)

    async def close(self) -> None:
        """End every connection and listen no more."""
        self.shut = True
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def drop(self) -> int:
        """Cut every connection without a farewell; how many."""
        dropped = len(self._writers)
        for writer in list(self._writers):
            writer.transport.abort()
        self.cut += dropped
        return dropped

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if not self.shut:
                await self._join(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # a broker that is away, or the end of the run: the other side sees its connection end
        finally:
            writer.transport.abort()
            self._serving.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(OPEN_S):
            there, onward = await asyncio.open_connection(HOST, self._target)
        self._writers.add(writer)
        ways = [
            asyncio.create_task(self._pass(reader, onward)),
            asyncio.create_task(self._pass(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers.discard(writer)
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            onward.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if self.delay_s:
                    self.delayed += len(chunk)
                    await asyncio.sleep(self.delay_s)
                to.write(chunk)
                await to.drain()
