"""Where a process spends its time: stacks sampled from outside, and what the functions in them make of it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.load.steps import Options
from bench.sections import Column, Row, Table

PER_SECOND = 100
FUNCTIONS = 20
FRAME = re.compile(r"(?P<function>.+) \((?P<module>[^()]*?)(?::\d+)?\)$")
SPY = Path(sys.executable).with_name("py-spy")


async def sampled(pid: int, folder: Path, options: Options) -> list[Row]:
    """Rows of the functions that take most; none where the system lets no process look into another."""
    if not SPY.exists():
        return []
    await asyncio.sleep(options.warm)
    file = folder / f"{pid}.stacks"
    words = [
        "record",
        f"--pid={pid}",
        f"--rate={PER_SECOND}",
        "--function",
        "--format=raw",
        f"--output={file}",
    ]
    spy = await asyncio.create_subprocess_exec(
        *(str(SPY), *words, f"--duration={options.seconds:.0f}", "--nonblocking"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await spy.wait()
    return shares(file.read_text().splitlines()) if file.exists() else []


def shares(stacks: Iterable[str], most: int = FUNCTIONS) -> list[Row]:
    """Of lines `outer (module:1);inner (module:2) 12`: shares of the samples, own and with callees."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        names = [_name(frame) for frame in stack.split(";")]
        own[names[-1]] += int(count)
        for name in set(names):
            whole[name] += int(count)
    total = own.total() or 1
    return [
        {"function": name, "own": count / total, "whole": whole[name] / total}
        for name, count in own.most_common(most)
    ]


def _name(frame: str) -> str:
    found = FRAME.fullmatch(frame)
    return f"{found['module']}: {found['function']}" if found else frame


def profile_table(of: Table) -> Table:
    """The table of a subject's profile."""
    columns = (
        Column("function", "function"),
        Column("own", "own", "{:.1%}"),
        Column("whole", "with what it calls", "{:.1%}"),
    )
    return Table(
        f"{of.name}-profile",
        f"{of.title}: where the process spends its time",
        f"Shares of {PER_SECOND} samples a second while the process ran, at the rate of the last step that "
        "held, in a run of their own. What an extension does counts for the function that called it.",
        columns,
    )
