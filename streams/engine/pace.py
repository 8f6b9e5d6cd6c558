"""How long a task rests between two transactions: the less urgent, and the slower the machine, the longer.

The transaction is the unit of cost (rule 17). Where one takes long, for the cores or the brokers are busy,
many small ones make it take longer still: at 200 requests/s on two busy cores each of some thirty tasks began
its next transaction at once, with a handful of records, and the pipeline carried 117. So a task rests in
proportion to its last turn, and records gather meanwhile.
"""

from __future__ import annotations

USUAL_S = 0.025
"""Intervals are meant for turns that take so long; where they take longer, rests grow with them."""
LONGEST_S = 1.0
"""Longest rest that a long turn asks for."""


GATHER_S = 0.1
"""Least rest while a turn would deal with few results of calls and more are on their way."""
URGENT_S = 0.1
"""Longest rest while something urgent waits, beyond its interval: the turn before it may have been bulk's."""


def rest_s(interval_s: float, turn_s: float, *, urgent: bool = False) -> float:
    """Least time from the end of a turn that took `turn_s` to the next one. Seconds.

    A stage without an interval rests as long as its turn took, one with 25 ms twice as long, one with 100 ms
    five times as long.
    """
    longest = URGENT_S if urgent else LONGEST_S
    return max(interval_s, min(turn_s * (1 + interval_s / USUAL_S), longest))
