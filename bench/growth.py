"""`python -m bench.growth`: what a request costs as partitions and keys grow; writes docs/growth.md.

    python -m bench.growth                          1 to 64 partitions, 10⁵ and 10⁶ requests
    python -m bench.growth --full                   10⁷ requests, too
    python -m bench.growth --partitions 1,4 --keys 100000 --rounds 1 --requests 50000
    python -m bench.growth --only keys --full       the other figures stay as they are

The figures are kept in bench/growth.json.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import uvloop

from bench import results
from bench.growth_page import write_page
from bench.growth_runs import LOOK_S, PER_SECOND, by_keys, by_partitions
from bench.job import PARTITIONS, SCATTERED_REPEATS
from bench.sections import BROKER, CLIENT, RATE, RSS, Column, Ground, Plan, Section
from bench.show import Screen
from bench.stock import Stock
from connectors.embedded.kafka import EmbeddedKafka, KafkaOptions

FILE = Path(__file__).with_name("growth.json")
HEAP_MIB = 1024
REQUESTS, ROUNDS = 200_000, 3
PARTITION_COUNTS = (1, 4, 16, 64)
KEY_COUNTS, MOST_KEYS = (100_000, 1_000_000), 10_000_000
NAMES = ("partitions", "keys")
OTHERS = Column("others", "CPU of others", "{:.0%}")


def sections(partitions: Sequence[int], keys: Sequence[int]) -> tuple[Section, ...]:
    """What is measured, for these numbers of partitions and of requests."""
    return (
        Section(
            "partitions",
            "Partitions",
            f"One worker. First as many requests as it can do; then nothing, for {LOOK_S:g} s; then "
            f"{PER_SECOND} requests a second in all, for as long; then a worker opens every task again, with "
            "its disk. A partition is a task with a producer, and a transaction belongs to one task.",
            (
                Column("partitions", "partitions", "{:,.0f}"),
                RATE,
                CLIENT,
                BROKER,
                Column("idle_us", "idle: CPU µs/s", "{:,.0f}"),
                Column("idle_broker_us", "broker's", "{:,.0f}"),
                RSS,
                Column("handles", "open handles", "{:,.0f}"),
                Column("slow_us", f"at {PER_SECOND}/s: CPU µs per request", "{:,.0f}"),
                Column("slow_broker_us", "broker's", "{:,.0f}"),
                Column("transactions", "transactions/s", "{:,.0f}"),
                Column("per_transaction", "requests in one", "{:,.1f}"),
                Column("transaction_us", "CPU µs per transaction", "{:,.0f}"),
                Column("transaction_broker_us", "broker's", "{:,.0f}"),
                Column("open_s", "s to open all", "{:,.2f}"),
                OTHERS,
            ),
            partial(by_partitions, counts=partitions),
        ),
        Section(
            "keys",
            "Keys",
            f"One worker, {PARTITIONS} partitions; one request in {SCATTERED_REPEATS} repeats an older one, "
            "keys are digests. Costs are those of the second half of what was added for the row. Restore: a "
            "worker without its disk reads the changelog so far.",
            (
                Column("keys", "keys", "{:,.0f}"),
                RATE,
                CLIENT,
                BROKER,
                RSS,
                Column("disk_mib", "stores on disk, MiB", "{:,.0f}"),
                Column("restored", "restore: records", "{:,.0f}"),
                Column("restore_s", "s", "{:,.2f}"),
                Column("restore_rate", "records/s", "{:,.0f}"),
                Column("restore_us", "CPU µs per record", "{:,.1f}"),
                OTHERS,
            ),
            partial(by_keys, counts=keys),
        ),
    )


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    keys = options.keys or [*KEY_COUNTS, *([MOST_KEYS] if options.full else [])]
    plan = Plan(options.requests, options.rounds, options.full)
    wanted = [one for one in sections(options.partitions, keys) if one.name in options.only]
    uvloop.run(run(plan, wanted))


async def run(plan: Plan, wanted: Sequence[Section]) -> None:
    """Measure the sections; each is kept as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="carillon-growth-") as name, Screen(len(wanted)) as screen:
        folder = Path(name)
        screen.say("starting the broker")
        kafka_options = KafkaOptions(heap_mib=HEAP_MIB, say=screen.say, lasting=True)
        async with EmbeddedKafka(folder / "kafka", kafka_options) as kafka:
            ground = Ground(folder, screen.say, Stock(kafka.address), kafka.pid, class_path="")
            for section in wanted:
                screen.begin(section)
                rows = await section.measure(ground, plan)
                screen.show(section, rows)
                entries = results.read(FILE)
                entries[section.name] = results.entry_of(rows, asdict(plan))
                results.write(entries, FILE)
                write_page(entries, sections((), ()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description="What costs as it grows.")
    parser.add_argument("--only", type=lambda text: text.split(","), default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--partitions", type=_numbers, default=PARTITION_COUNTS, help="1,4,16,64")
    parser.add_argument("--keys", type=_numbers, help="requests, 100000,1000000; with --full 10000000, too")
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help=f"of each partition count ({REQUESTS:,})"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of partitions and restores ({ROUNDS})")
    parser.add_argument("--full", action="store_true", help="with 10⁷ requests; takes many minutes")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
