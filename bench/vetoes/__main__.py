"""`python -m bench.vetoes`: how soon a change holds for mails that wait already; writes docs/vetoes.md.

    python -m bench.vetoes --waiting 1000000
    python -m bench.vetoes --waiting 50000 --changes 100 --limit 20

Three scenes on one installation: nothing waits; so many mails of the low lane wait for delivery-email, which
sends as fast as it can; and the same behind a provider that takes `--limit` mails a second. In each, some
users a second change something over HTTP (NS-PREF-OP-04). A line of JSON for each figure. Exit code 1 when
the server got a mail more than a second after the change that forbids it was answered, when a change was
never in force, or when nothing waited.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from bench.findings import tell
from bench.page import DOCS, table_text
from bench.product import USERS, Product, free_ports, installed, register, user_of
from bench.results import entry_of
from bench.sections import Row
from bench.sends import WAIT_S, read_by, sink
from bench.vetoes.changes import Callers
from bench.vetoes.overheard import Mails
from bench.vetoes.rows import CANCELLED, ERASED, SWITCHED_OFF, TABLE, UNSUBSCRIBED, compared, faults
from bench.vetoes.scenes import Deal, Scene, Stand, play
from schemas import topics
from streams.settings import load_settings

QUIET = "nothing waits"
LEAST_RATE = 200
"""Requests a second that intake and recipient put through at least, before mails can wait."""
WAITED_FROM = 1_000_000_000
"""Number of the first request of the scenes in which mails wait."""
TEXT = """\
# Vetoes

Made by `python -m bench.vetoes --waiting {waiting}`; do not edit. {about}

{table}

{verdict}

{measured}; {machine}. Processes, servers and the bench share the cores.
"""


def counts_of(changes: int) -> dict[str, int]:
    """Changes of a scene by kind; erasures are fewer."""
    return {UNSUBSCRIBED: changes, SWITCHED_OFF: changes, CANCELLED: changes, ERASED: -(-changes // 10)}


def scenes_of(each: int, limit: int) -> tuple[Scene, Scene, Scene]:
    """The scenes; in each as many users change something. Those of the last two wait together."""
    waiting = Deal(WAITED_FROM, range(each, 3 * each))
    return (
        Scene(QUIET, range(each), Deal(0, range(each))),
        Scene("mails wait", range(each, 2 * each), waiting),
        Scene(f"mails wait, {limit} a second", range(2 * each, 3 * each), waiting, limit),
    )


def page(rows: list[Row], found: Sequence[str], waiting: int) -> str:
    """The text of docs/vetoes.md. `found`: what is wrong."""
    entry = entry_of(rows, {})
    return TEXT.format(
        waiting=waiting,
        about=TABLE.about,
        table=table_text(TABLE, entry),
        verdict="".join(f"- {one}\n" for one in found) or "No mail was later than a second after its change.",
        measured=entry.measured,
        machine=", ".join(f"{name} {value}" for name, value in entry.machine.items()),
    )


async def run(given: argparse.Namespace) -> list[Row]:
    """All of it."""
    counts = counts_of(given.changes)
    users = sum(counts.values())
    quiet, *busy = scenes_of(users, given.limit)
    with tempfile.TemporaryDirectory(prefix="carillon-vetoes-") as name:
        folder = Path(name)
        ledger = folder / "mails.jsonl"
        async with installed(folder / "vetoes", tell) as made, sink(folder / "sink", ledger) as sunk:
            made.flags |= {"smtp.host": "127.0.0.1", "smtp.port": str(sunk.smtp)}
            await register(made, (user_of(number) for number in range(3 * users)), tell)
            callers = Callers(folder)
            front = _front(made, callers)
            stand = Stand(made, front.settings.http.port, callers, Mails(ledger), counts)
            http = await front.http()
            try:
                await _filled(made, quiet.deal, users)
                rows = await play(stand, quiet)
                await _filled(made, busy[0].deal, given.waiting)
                for scene in busy:
                    rows += await play(stand, scene)
            finally:
                await http.watched.stop()
    return compared(rows, QUIET)


async def _filled(made: Product, deal: Deal, count: int) -> None:
    """So many requests go through the stages before delivery."""
    tell("filling", requests=count)
    await asyncio.to_thread(made.stock.fill, topics.SEND_REQUEST, map(deal.record, range(count)))
    before = await made.worker("intake,recipient")
    try:
        await read_by(made, "intake", "recipient", within_s=WAIT_S + count / LEAST_RATE)
    finally:
        await before.watched.stop()


def _front(made: Product, callers: Callers) -> Product:
    """The same installation for a process beside the worker, which knows who may call."""
    ports = free_ports()
    own = {"http.port": str(next(ports)), "http.ops_port": str(next(ports))}
    flags = {**made.flags, **callers.flags, **own}
    return replace(made, flags=flags, settings=load_settings(flags))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.vetoes", description="How soon a change holds.")
    parser.add_argument("--waiting", type=int, default=50_000, help="mails that wait (50 000)")
    parser.add_argument("--changes", type=int, default=200, help="of each kind in each scene (200)")
    parser.add_argument("--limit", type=int, default=50, help="mails a second in the last scene (50)")
    parser.add_argument("--page", action="store_true", help="write docs/vetoes.md")
    given = parser.parse_args()
    if 3 * sum(counts_of(given.changes).values()) > USERS:
        parser.error(f"there are only {USERS:,} users")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    rows = uvloop.run(run(given))
    found = faults(rows, {str(row["subject"]) for row in rows} - {QUIET})
    for one in found:
        tell("fault", text=one)
    if given.page:
        (DOCS / "vetoes.md").write_text(page(rows, found, given.waiting), encoding="utf-8")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
