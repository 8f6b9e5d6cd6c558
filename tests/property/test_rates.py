"""However reports and grants are lost, repeated and delayed, and workers die: the rate is never exceeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rates import Rate
from schemas.records import RateDemanded
from tables.rates import BURST_MS, Budget

RATES = (Rate(1, 1_000), Rate(10, 1_000), Rate(90, 1_000), Rate(30, 60_000))


@dataclass
class Worker:
    """What one worker counts. `used`: calls it made."""

    waiting: int = 0
    seen: int = 0
    back: int = 0
    used: int = 0
    number: int = 0
    sent: list[RateDemanded] = field(default_factory=list)

    def report(self, name: str) -> None:
        self.number += 1
        half = self.waiting // 2
        figures = {"high": half, "others": self.waiting - half, "seen": self.seen, "back": self.back}
        self.sent.append(RateDemanded(account="sms/a", worker=name, number=self.number, **figures))

    def grant(self, total: int) -> int:
        new = max(total - self.seen, 0)
        used = min(new, self.waiting)
        self.seen += new
        self.waiting -= used
        self.used += used
        self.back += new - used
        return used


class Play:
    """Three workers, each in its newest life, and the account. `given`: when how many more were granted."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.now = self.lives = 0
        self.workers = [(str(number), Worker()) for number in range(3)]
        self.budget = Budget()
        self.said: dict[str, list[int]] = {}
        self.given: list[tuple[int, int]] = []

    def join(self, which: int, many: int) -> None:
        self.workers[which][1].waiting += many

    def give_up(self, which: int, many: int) -> None:
        one = self.workers[which][1]
        one.waiting = max(one.waiting - many, 0)

    def report(self, which: int, _many: int) -> None:
        name, one = self.workers[which]
        one.report(name)

    def ask(self, which: int, many: int) -> None:
        """As it goes where nothing is lost."""
        self.join(which, many)
        self.report(which, many)
        self.arrive(which, -1)

    def hand_back(self, which: int, many: int) -> None:
        """All gave up before their grants came."""
        self.workers[which][1].waiting = 0
        self.hear(which, -1)
        self.report(which, many)
        self.arrive(which, -1)

    def arrive(self, which: int, place: int) -> None:
        """Any that was sent, and maybe once more later."""
        name, one = self.workers[which]
        if not one.sent:
            return
        known = self.budget.leases.get(name)
        self.budget = self.budget.heard(one.sent[place % len(one.sent)], self.rate, self.now)
        self.given.append((self.now, known.back - self.budget.leases[name].back if known else 0))

    def hear(self, which: int, place: int) -> None:
        name, one = self.workers[which]
        if said := self.said.get(name):
            one.grant(said[place % len(said)])

    def die(self, which: int, _many: int) -> None:
        self.lives += 1
        self.workers[which] = (f"{which}/{self.lives}", Worker())

    def share(self, _which: int, _many: int) -> None:
        before = {name: one.granted for name, one in self.budget.leases.items()}
        self.budget, totals, _ = self.budget.shared(self.rate, self.now)
        for worker, total in totals.items():
            self.said.setdefault(worker, []).append(total)
            self.given.append((self.now, total - before[worker]))


ORDERLY = (Play.ask, Play.hear, Play.share)
WHAT = (*ORDERLY * 2, Play.hand_back, Play.join, Play.give_up, Play.report, Play.arrive, Play.die)
WAITS_MS = (0, 0, 20, 100, 700, 2_900)
STEPS = st.tuples(st.sampled_from(WAITS_MS), st.sampled_from(WHAT), st.integers(0, 2), st.integers(1, 40))
"""ms until it, what, which worker, how many or which."""


@pytest.mark.spec("NS-CH-OP-03")
@given(st.sampled_from(RATES), st.lists(STEPS, min_size=10, max_size=80))
def test_no_schedule_of_losses_repeats_and_deaths_exceeds_the_rate(
    rate: Rate, steps: list[tuple[int, Callable[[Play, int, int], None], int, int]]
) -> None:
    """Grants of any window, less what came back in it, are at most its time's and a burst.

    Mutations tried: credit saved without end: fails; what was handed back counts again and again: fails;
    a grant for half its credit: fails.
    """
    play = Play(rate)
    for wait_ms, step, which, many in steps:
        play.now += wait_ms
        step(play, which, many)
    _assert_bounded(rate, play.given)


def _assert_bounded(rate: Rate, given_at: list[tuple[int, int]]) -> None:
    burst = max(1.0, rate.calls * BURST_MS / rate.period_ms)
    for start in range(len(given_at)):
        amount = 0
        for at, more in given_at[start:]:
            amount += more
            assert amount <= burst + (at - given_at[start][0]) * rate.calls / rate.period_ms
