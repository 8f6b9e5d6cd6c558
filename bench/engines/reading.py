"""Asks what to show to random users, on a fixed schedule; a wait counts from when its question was due."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time

import uvloop

from bench.engines.posting import END, OK, Client, Posting, Schedule
from bench.waits import at_share, distribution
from connectors.http.campaigns.operations import PATH

HEAD = "GET {path}?{query} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n"
IDS = 3


class Reader(Client):
    """One connection that asks for users of whom `users` numbers are known, by three ids each."""

    def __init__(self, posting: Posting, users: int) -> None:
        super().__init__(posting)
        self._users = users

    def data_received(self, data: bytes) -> None:
        """A refusal is counted, and the next question asked; a wait is that of an answer."""
        if data.startswith(OK):
            super().data_received(data)
            return
        self._posting.refused.append(data)
        self._posting.after(self)

    def post(self, due: float) -> None:
        """Ask the next question, which was due at this time."""
        assert self._transport is not None
        number = random.randrange(self._users)  # noqa: S311 - a load, no secret
        ids = (("phone_id", number), ("yandex_uid", number), ("device_id", number))
        query = "&".join(f"id_type={kind}&id={name}" for kind, name in ids[:IDS])
        self._due = due
        self._transport.write(HEAD.format(path=PATH, query=query, key=self._posting.secret).encode())


async def on_schedule(options: argparse.Namespace) -> dict[str, object]:
    """Figures of the measured part."""
    schedule = Schedule(options)
    loop = asyncio.get_running_loop()
    for _ in range(options.connections):
        await loop.create_connection(
            lambda: Reader(schedule.posting, options.users), "127.0.0.1", options.port
        )
    started = time.monotonic()
    await schedule.run(started)
    began, ended = started + options.warm, started + options.warm + options.seconds
    waits = schedule.posting.waits
    kept = [(wait.answered - wait.due) * 1000 for wait in waits if wait.due >= began]
    refused = [answer.partition(END)[0].split(b"\r\n")[0].decode() for answer in schedule.posting.refused]
    return {
        "rate": sum(began <= wait.answered < ended for wait in waits) / options.seconds,
        "unanswered": schedule.unanswered - len(schedule.posting.refused),
        "refused": len(refused),
        "first_refusal": refused[0] if refused else None,
        "late_ms": at_share(sorted(schedule.late_s), 0.99) * 1000,
        **distribution(kept),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--warm", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2_000.0)
    told = uvloop.run(on_schedule(parser.parse_args()))
    print("POSTED", json.dumps(told), flush=True)
