"""docs/detour.md and docs/detour.svg, made out of one run."""

from __future__ import annotations

from pathlib import Path

from bench.detour.figures import TABLE, panels, rows
from bench.detour.run import Ran
from bench.detour.scene import PHASES, Phase
from bench.detour.server import ANSWER_S
from bench.lines import plot
from bench.page import DOCS, table_text
from bench.results import Entry

TEXT = """\
# Detour

Made by `python -m bench.detour`; do not edit. {mails:,} mails of the low lane, {rate:g} a second whatever
becomes of them, come in by `notification.send.request` and go out through two providers by SMTP: a first, and
a reserve of lower priority. Both are mail servers of aiosmtpd, a process each, which write each mail into a
ledger of their own and answer {answer_ms:.0f} ms later.

**{verdict}**

{phases}

The check (`bench/detour/books.py`) shares nothing with the pipeline. It holds the keys of the requests that
the broker has acknowledged against the rows of Postgres and the two ledgers: every request has one mail;
every mail was received, and is `sent` by one who received it; each further receipt is an attempt at that
very provider that is listed as `unknown`, because its answer was never heard.

![Mails a second, and how long they took](detour.svg)

{table}

Waits are from the broker's acknowledgement of a request to the line in the ledger; a mail belongs to the
phase in which it was asked for. A detour is a mail that the reserve received after a failed attempt at the
first, counted from its first intent of a call there (the broker's time of that record) to the line in the
reserve's ledger; straight is one that the first took at once, counted from the same. The other mails of the
reserve found the first left alone. A server that refuses for its limit is waited for (docs/providers.md),
so those mails come late and mostly by the first.

{measured}; a provider that fails is left alone for {pause:g} s; feed late by {late:.1f} ms (P99); {machine};
one worker, the broker, Postgres, both mail servers and the feed share the cores.
"""


def write_page(ran: Ran, folder: Path = DOCS) -> None:
    """Write both files."""
    (folder / "detour.md").write_text(page(ran), encoding="utf-8")
    (folder / "detour.svg").write_text(plot(panels(ran.told, ran.ways)), encoding="utf-8")


def page(ran: Ran) -> str:
    """The page's text."""
    return TEXT.format(
        mails=ran.mails,
        rate=ran.rate,
        answer_ms=ANSWER_S * 1000,
        verdict=verdict(ran),
        phases="\n".join(_phases()),
        table=table_text(TABLE, Entry(rows(ran.told, ran.ways), ran.measured, {}, {})),
        measured=ran.measured,
        pause=ran.pause_ms / 1000,
        late=ran.late_ms,
        machine=", ".join(f"{name} {value}" for name, value in ran.machine.items()),
    )


def verdict(ran: Ran) -> str:
    """The sentence that counts."""
    books = ran.told.books
    wrong = [f"{name}: {len(ids):,}" for name, ids in ran.wrong.items()]
    return (
        f"{'Red: ' + '; '.join(wrong) if wrong else 'None lost, none repeated without being listed'}. "
        f"{len(books.receipts):,} receipts of {len(books.mails):,} mails, {books.repeats:,} of them repeats; "
        f"{books.unheard:,} attempts are listed as unheard."
    )


def _phases() -> list[str]:
    shares = (f"{phase.share:.0%}{' by it' if phase.by_first else ''}" for phase in PHASES)
    told = zip(PHASES, shares, strict=True)
    rows = [f"| {phase.name} | {share} | {_about(phase)} |" for phase, share in told]
    return ["| the first | until so many were received | |", "| --- | ---: | --- |", *rows]


def _about(phase: Phase) -> str:
    if phase.takes is None:
        return "It takes all."
    if phase.takes == 0:
        return "Its process is killed and its port closed."
    return f"It takes {phase.takes:.0%} of the rate so far and says to the others `{phase.refusal}`."
