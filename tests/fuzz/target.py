"""What can be fuzzed: a strategy of inputs, and a check that any of them must pass."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

CPU_S = 5.0
"""Far more than any input may take, so that only what never ends, or grows without bound, is found."""
STUCK_S = 120.0
"""Then the process is ended: a loop in a library written in C hears no signal."""

Check = Callable[[Any], None]


class NeverEndsError(AssertionError):
    """One input took more CPU time than any may."""


@dataclass(frozen=True, slots=True)
class Target:
    """`inputs` give what `check` takes; `world` opens what the check needs beyond itself, a server for one.

    A check returns for every input, or raises: whatever it raises is a finding.
    """

    name: str
    about: str
    inputs: st.SearchStrategy[Any]
    world: Callable[[], AbstractContextManager[Check]]

    @classmethod
    def of(cls, name: str, about: str, inputs: st.SearchStrategy[Any], check: Check) -> Target:
        """A check that needs nothing."""
        return cls(name, about, inputs, lambda: nullcontext(check))


@contextmanager
def bounded(cpu_s: float = CPU_S, stuck_s: float = STUCK_S) -> Iterator[None]:
    """`NeverEndsError` when the block computes for longer: time of the process, not of the clock.

    What cannot be interrupted ends the process with 1 after `stuck_s`, and says where it stood.
    """

    def ended(*_: object) -> None:
        raise NeverEndsError(f"more than {cpu_s:g} s of CPU time")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, ended)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    faulthandler.dump_traceback_later(stuck_s, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
