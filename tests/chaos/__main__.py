"""The chaos run: feed a whole installation steadily, strike at it, and count every id at the end.

    python -m tests.chaos --minutes 10 --seed 1 [--rate 25] [--report DIR]

The same seed gives the same plan and the same lines. Ends 0 only when all books balance and every kind of
blow had its effect.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.chaos.plan import KINDS
from tests.chaos.report import write_report
from tests.chaos.run import Order, Result, run

SHOWN = 5


def main() -> int:
    """Parse, run, print; the exit code."""
    given = _arguments()
    console, began = Console(highlight=False), time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  ", end="")
        console.print(text, markup=False)

    with tempfile.TemporaryDirectory(prefix="carillon-chaos-", ignore_cleanup_errors=True) as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        logging.basicConfig(filename=folder / "clients.log")  # of brokers away, hundreds of lines a second
        order = Order(given.minutes, given.seed, given.rate, folder, tuple(given.only))
        result = asyncio.run(run(order, say))
        if given.report is not None:
            say(f"report: {write_report(result, given.report)}")
        for line in verdict(result):
            console.print(line, markup=False)
    return 0 if result.balanced else 1


def verdict(result: Result) -> list[str]:
    """The books, what differs by id, what went wrong, and the last word."""
    lines = []
    for one in result.checks:
        balanced = one.wanted == one.got
        lines.append(f"{'ok  ' if balanced else 'DIFF'} {one.got.total():7} {one.name}")
        for word, ids in (("missing", one.missing), ("surplus", one.surplus)):
            lines += [f"       {word}: {each}" for each in ids[:SHOWN]]
            lines += [f"       … {len(ids) - SHOWN} more {word}"] if len(ids) > SHOWN else []
    lines += [f"PROBLEM {one}" for one in result.problems]
    fed, struck, late = len(result.feed.fed), len(result.struck), len(result.late)
    lines.append(f"{fed} lines, {struck} blows, {late} first attempts overtaken")
    lines.append("BALANCED" if result.balanced else "RED")
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long blows fall")
    parser.add_argument("--seed", type=int, default=1, help="of the plan and of the lines")
    parser.add_argument("--rate", type=int, default=25, help="lines fed a second")
    parser.add_argument("--report", type=Path, help="folder for a page with plots")
    parser.add_argument("--folder", type=Path, help="keep data and logs here; else they are deleted")
    parser.add_argument(
        "--only", nargs="*", choices=KINDS, default=KINDS, help="kinds of blows; none: a calm run"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
