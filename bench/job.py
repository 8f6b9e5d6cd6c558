"""The job that every engine does: decode a JSON request, drop repeats, write an e-mail and a push message.

Five requests in a hundred repeat an idempotency key; a repeat has the user of its original, so both lie in
one partition. An engine that loses, repeats or forgets is seen by the ids in its output topics.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b

import orjson

PARTITIONS = 8
USERS = 50_000
REPEATS_PERCENT = 5
CHANNELS = ("email", "push")
SCATTERED_REPEATS = 20
ENDLESS = 1_000_000_000
PRIME, FACTOR = 2_147_483_647, 1_103_515_245


def unique_of(records: int) -> int:
    """How many of so many requests are no repeats."""
    return records - records * REPEATS_PERCENT // 100


def user_of(number: int) -> str:
    """The user of a request that is no repeat."""
    return f"user-{number % USERS}"


def request(number: int, unique: int) -> tuple[str, bytes]:
    """The user and the JSON of one request; numbers from `unique` on repeat those from 0 on."""
    original = number % unique
    user = user_of(original)
    body = {
        "idempotency_key": f"k{original}",
        "user_id": user,
        "type": "order_confirmation",
        "channels": list(CHANNELS),
        "priority": "high",
        "params": {"name": "Ivan", "order": f"A-{number}", "amount": "129.90", "currency": "RUB"},
        "locale": "ru",
        "ts": 1_700_000_000 + number,
    }
    return user, orjson.dumps(body)


def scattered(number: int) -> tuple[str, bytes]:
    """The user and the JSON of one request of a source without end: one of twenty repeats any older one.

    Keys are digests, as those of the product: neighbours in the source are none in a table.
    """
    original = number
    if number % SCATTERED_REPEATS == SCATTERED_REPEATS - 1:
        original = number * FACTOR % PRIME % number
        original -= original % SCATTERED_REPEATS == SCATTERED_REPEATS - 1
    user, body = request(original, ENDLESS)
    key = blake2b(str(original).encode(), digest_size=16).hexdigest()
    return user, body.replace(b'"k%d"' % original, b'"%b"' % key.encode(), 1)


def scattered_unique(records: int) -> int:
    """How many of the first so many scattered requests are no repeats."""
    return records - records // SCATTERED_REPEATS


@dataclass(frozen=True, slots=True)
class Order:
    """What one engine process is told: where to read and write, under which names.

    `hop`: the source is not keyed by the user, so the job has to re-key it first. `interval_ms`: the least
    time between commits. `data`: a folder of its own. `worker`: the process's name, where there are several;
    `static`: it keeps its tasks over a restart.
    """

    bootstrap: str
    app: str
    source: str
    data: str
    hop: bool = False
    interval_ms: int = 0
    worker: str = "bench"
    static: bool = False

    @property
    def outputs(self) -> dict[str, str]:
        """Output topic by channel."""
        return {channel: f"{self.app}.{channel}" for channel in CHANNELS}

    def argv(self) -> list[str]:
        """As command line arguments, which `order_of` reads back."""
        return [f"--{name.replace('_', '-')}={value}" for name, value in asdict(self).items()]


def order_of(argv: Sequence[str] | None = None) -> Order:
    """The order out of the command line."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "app", "source", "data"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("hop", "static"):
        parser.add_argument(f"--{name}", type=lambda text: text == "True", default=False)
    parser.add_argument("--interval-ms", type=int, default=0)
    parser.add_argument("--worker", default="bench")
    return Order(**vars(parser.parse_args(argv)))


def say_first() -> None:
    """Tell the bench that the first record has reached the job: the measurement begins."""
    print("FIRST", flush=True)
