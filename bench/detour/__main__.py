"""Mails of the low lane while the first of two providers dies, is busy, limits and recovers.

    python -m bench.detour                          100 000 mails; writes docs/detour.md
    python -m bench.detour --mails 5000 --rate 50   fewer, and nothing is written

A line of JSON for each phase. Exit code 1 when a mail is lost or received more often than is listed, or when
the scene has not had the effects that it is to have.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.detour.figures import rows
from bench.detour.page import write_page
from bench.detour.run import Ran, run
from bench.findings import tell
from bench.page import DOCS

MAILS, RATE = 100_000, 75.0
SHOWN = 10


def main() -> int:
    """Run what the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.detour", description="Mails on a detour.")
    parser.add_argument("--mails", type=int, default=MAILS, help=f"how many ({MAILS:,})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"how many a second ({RATE:g})")
    parser.add_argument(
        "--page", type=Path, help=f"where detour.md is put: docs, if all {MAILS:,} were asked for"
    )
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    with tempfile.TemporaryDirectory(prefix="carillon-detour-") as name:
        ran = uvloop.run(run(Path(name) / "detour", given.mails, given.rate, tell))
    report(ran)
    folder = given.page or (DOCS if given.mails >= MAILS else None)
    if folder:
        write_page(ran, folder)
    return 1 if ran.wrong else 0


def report(ran: Ran) -> None:
    """All figures, and what is wrong."""
    for row in rows(ran.told, ran.ways):
        tell("phase", **row)
    for name, ids in ran.wrong.items():
        tell("wrong", name=name, count=len(ids), of_them=ids[:SHOWN])
    books = ran.told.books
    counts = {"mails": len(books.mails), "receipts": len(books.receipts), "repeats": books.repeats}
    tell("detour", **counts, unheard=books.unheard, late_ms=ran.late_ms, is_sound=not ran.wrong)


if __name__ == "__main__":
    sys.exit(main())
