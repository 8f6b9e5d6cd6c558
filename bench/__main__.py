"""`python -m bench`: start a broker, measure, show a table, and keep the figures, the page and the plot.

    python -m bench                       everything, in some twenty minutes
    python -m bench --only engines,hop    some sections; the figures of the others stay as they are
    python -m bench --full                as many records and rounds as the budgets name

Everything it starts runs on this machine, speaks over the loopback interface, and ends with it.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import uvloop

from bench import results
from bench.catalogue import SECTIONS
from bench.engines import kafka_streams
from bench.page import write_page
from bench.sections import Ground, Plan, Row, Section
from bench.show import Screen
from bench.stock import Stock
from connectors.embedded.kafka import EmbeddedKafka, KafkaOptions

BROKER_HEAP_MIB = 1024
FULL = Plan(rounds=5, full=True)


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    usual = FULL if options.full else Plan()
    plan = Plan(
        options.records or usual.records, options.rounds or usual.rounds, options.full, options.high_rate
    )
    uvloop.run(run(plan, [section for section in SECTIONS if section.name in options.only]))


async def run(plan: Plan, sections: Sequence[Section]) -> None:
    """Measure the sections one after the other; each is kept as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as name, Screen(len(sections)) as screen:
        folder = Path(name)
        screen.say("starting the broker")
        options = KafkaOptions(heap_mib=BROKER_HEAP_MIB, say=screen.say, lasting=True)
        async with EmbeddedKafka(folder / "kafka", options) as kafka:
            class_path = await kafka_streams.compiled(folder / "java", screen.say)
            ground = Ground(folder, screen.say, Stock(kafka.address), kafka.pid, class_path)
            for section in sections:
                screen.begin(section)
                rows = await section.measure(ground, plan)
                screen.show(section, rows)
                _keep(section, rows, plan)


def _keep(section: Section, rows: list[Row], plan: Plan) -> None:
    entries = results.read()
    entries[section.name] = results.entry_of(rows, asdict(plan))
    results.write(entries)
    write_page(entries)


def _options() -> argparse.Namespace:
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the budgets of the design.")
    parser.add_argument("--only", type=_names(names), default=names, help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (3; 5 with --full)")
    parser.add_argument("--records", type=int, help="requests of each round (1 000 000)")
    parser.add_argument(
        "--high-rate",
        type=int,
        default=Plan().high_rate,
        help="high-priority requests a second, in `priority`",
    )
    parser.add_argument("--full", action="store_true", help="as much as the budgets name; takes over an hour")
    return parser.parse_args()


def _names(known: list[str]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - argparse's own form of a type
    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        if unknown := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}")
        return wanted

    return parse


if __name__ == "__main__":
    main()
