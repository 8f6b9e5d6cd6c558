"""The report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import platform
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import psutil

from bench.curves import STYLE, Mark, curves
from connectors.embedded.kafka import VERSION
from tests.chaos.figures import delays, rate, recoveries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.chaos.run import Result

PAGE: Final = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .8em; text-align: left }
tr:nth-child(even) { background: #8881 } .good { color: #1a7f37 } .bad { color: #d1242f }
:root { color-scheme: light dark }
"""

RECOVERY: Final = (
    "Seconds from the blow. Struck → back: until what was struck is ready again, its time away included. "
    "Tasks go on: until each task that stood still before input has committed progress again, by looks once "
    "a second, for 60 s at most; a later blow that strikes it meanwhile makes it longer, and what aborted "
    "transactions left in its input looks like records. The budget is of a machine with two "
    "workers and nothing else on it (`make bench`)."
)

BUDGET_S: Final = {"worker killed": 15, "disk wiped": 15, "worker stopped in order": 5}
"""Until all partitions are worked on again after a worker is lost; the restart of one with its disk."""


def write_report(result: Result, folder: Path) -> Path:
    """Write the page; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"chaos-seed-{result.order.seed}.html"
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Result) -> str:
    """The page's text."""
    order = result.order
    word = '<b class="good">balanced</b>' if result.balanced else '<b class="bad">red</b>'
    parts = [
        f"<h1>Chaos run, seed {order.seed}: {word}</h1>",
        f"<p>{_summary(result)}</p>",
        *(f'<p class="bad">{escape(one)}</p>' for one in result.problems),
        *_plots(result),
        "<h2>Recovery</h2>",
        f"<p>{RECOVERY}</p>",
        _recovery(result),
        "<h2>Books</h2>",
        _books(result),
        "<h2>Blows</h2>",
        _blows(result),
    ]
    head = f"<!doctype html><meta charset=utf-8><title>Chaos run</title><style>{PAGE}{STYLE}</style>"
    return "\n".join([head, *parts, ""])


def machine() -> dict[str, str]:
    """Cores, memory and versions; nothing that names the machine."""
    return {
        "cores": str(
            len(psutil.Process().cpu_affinity()) if platform.system() == "Linux" else psutil.cpu_count()
        ),
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Kafka": VERSION,
        **{name: version(name) for name in ("aiokafka", "rocksdict")},
    }


def _summary(result: Result) -> str:
    order = result.order
    told = ", ".join(f"{name} {value}" for name, value in machine().items())
    unheard = (
        sum(many for (_, status), many in result.shelf.found.logs.items() if status == "unknown")
        if (result.shelf)
        else 0
    )
    return (
        f"{order.minutes:g} minutes at {order.rate} lines a second on three brokers and three workers: "
        f"{len(result.feed.fed)} lines, {len(result.struck)} blows, drained in {result.drain_s:.0f} s. "
        f"{unheard} attempts were listed as unheard; {len(result.late)} first attempts began after one of a "
        f"later request, each of them listed in the status log unless the books say otherwise. {told}; "
        "brokers, workers, Postgres and the feed share these cores."
    )


def _plots(result: Result) -> list[str]:
    watch, shelf = result.watch, result.shelf
    if watch is None or shelf is None or not watch.samples:
        return []
    samples, began = watch.samples, watch.samples[0].at
    last = samples[-1].at - began
    marks = [Mark(one.at - began, f"{one.blow.kind}: {one.effect.told}") for one in result.struck]
    middle, high = delays(result.feed.fed, shelf, began)
    fed, calls = (
        rate((one.at for one in result.feed.fed), began),
        rate((one.at for one in shelf.attempts), began),
    )
    asked = rate((one.acknowledged_at for one in result.feed.fed if one.acknowledged_at), began)
    lag = {"records": [(one.at - began, float(one.lag)) for one in samples]}
    still = {
        "tasks": [(one.at - began, float(len(one.still))) for one in samples],
        "stable offsets": [(one.at - began, float(one.stalled)) for one in samples],
    }
    return [
        curves("a second", {"lines fed": fed, "acknowledged": asked, "provider calls": calls}, marks, last),
        curves("lag: records not yet read", lag, marks, last),
        curves("seconds, fed → provider", {"median": middle, "95 %": high}, marks, last),
        curves("standing still", still, marks, last),
    ]


def _recovery(result: Result) -> str:
    samples = result.watch.samples if result.watch else []
    rows = [
        (
            one.kind,
            one.count,
            one.proven,
            f"{one.back_s:.1f} s",
            *(_seconds(value) for value in (one.median_s, one.longest_s)),
            f"{BUDGET_S[one.kind]} s" if one.kind in BUDGET_S else "",
        )
        for one in recoveries(result.struck, samples)
    ]
    return _table(("kind", "blows", "with effect", "struck → back", "tasks go on", "longest", "budget"), rows)


def _books(result: Result) -> str:
    rows = [(one.name, one.got.total(), len(one.missing), len(one.surplus)) for one in result.checks]
    return _table(("set of ids", "found", "missing", "surplus"), rows)


def _blows(result: Result) -> str:
    began = result.watch.samples[0].at if result.watch and result.watch.samples else 0.0
    rows = [
        (f"{one.at - began:.0f} s", one.blow.kind, "yes" if one.effect.proven else "NO", one.effect.told)
        for one in sorted(result.struck, key=lambda one: one.at)
    ]
    return _table(("at", "kind", "effect", "what was seen"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(one))}</td>" for one in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"


def _seconds(value: float | None) -> str:
    return "none stood" if value is None else f"{value:.1f} s"
