"""`python -m bench.load`: load `POST /seen` and the pipeline step by step until their budgets break.

    python -m bench.load                                both, in some ten minutes
    python -m bench.load --only pipeline --seconds 60   one of them, longer steps; the other's figures stay

Everything it starts runs on this machine, speaks over the loopback interface, and ends with it.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import uvloop

from bench import results
from bench.load.climb import Subject, climb
from bench.load.page import write_page
from bench.load.pipeline import PIPELINE
from bench.load.posts import SEEN
from bench.load.profile import profile_table
from bench.load.steps import Options
from bench.sections import Place
from bench.show import Screen

SUBJECTS = (SEEN, PIPELINE)
FILE = Path(__file__).with_name("results.json")


def main() -> None:
    """Run what the command line asks for."""
    given = _given()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    options = Options(given.seconds, given.warm, given.factor, given.most, given.run_in)
    chosen = [subject for subject in SUBJECTS if given.only in (None, subject.table.name)]
    if given.first:
        chosen = [replace(subject, first_rate=given.first) for subject in chosen]
    uvloop.run(run(chosen, options))


async def run(subjects: Sequence[Subject], options: Options) -> None:
    """Load one after the other; each is kept as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="carillon-load-") as name, Screen(len(subjects)) as screen:
        for subject in subjects:
            screen.begin(subject.table)
            rows, profile = await climb(subject, Place(Path(name), screen.say), options)
            entries = results.read(FILE)
            for table, found in ((subject.table, rows), (profile_table(subject.table), profile)):
                if found:
                    screen.show(table, found)
                entries[table.name] = results.entry_of(found, asdict(options))
            results.write(entries, FILE)
            write_page(SUBJECTS, entries)


def _given() -> argparse.Namespace:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Load until the budget breaks.")
    parser.add_argument("--only", choices=[subject.table.name for subject in SUBJECTS])
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="measured of each step")
    parser.add_argument("--warm", type=float, default=usual.warm, help="seconds before, not measured")
    parser.add_argument(
        "--factor", type=float, default=usual.factor, help="from one step's rate to the next's"
    )
    parser.add_argument("--most", type=float, default=usual.most, help="requests a second of the last step")
    parser.add_argument("--run-in", type=float, default=usual.run_in, help="seconds before the first step")
    parser.add_argument("--first", type=float, help="requests a second of the first step")
    return parser.parse_args()


if __name__ == "__main__":
    main()
