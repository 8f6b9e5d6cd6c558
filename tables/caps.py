"""Table `caps`: when a user was last written to (NS-SEC-OP-05, NS-CAMP-032).

key     user key
value   `Caps`
writer  agents/recipient.py, when messages are made

Sliding windows over the times themselves, so no cap is exceeded in any minute, day or week. A list keeps no
more than its limit; the row ends by itself when its longest window is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUTE_MS = 60_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS


class Limits(NamedTuple):
    """Of one user; 0: none. Messages of a channel by minute and day, marketing by day and week.

    `campaigns`: whatever bears the label of a campaign counts as marketing does.
    """

    per_minute: int = 0
    per_day: int = 0
    marketing_per_day: int = 0
    marketing_per_week: int = 0
    campaigns: bool = False


class Over(NamedTuple):
    """A limit that is reached: its name in the settings, and how many it allows."""

    rule: str
    most: int


class Caps(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user. `sent`: times (ms, the oldest first) by channel, by `!` and channel what is mandatory."""

    sent: dict[str, list[int]] = {}
    marketing: list[int] = []

    def over(self, channel: str, limits: Limits, now: int) -> Over | None:
        """The limit of a channel that one more would exceed."""
        windows = (("per_minute", limits.per_minute, MINUTE_MS), ("per_day", limits.per_day, DAY_MS))
        return _over(self.sent.get(channel, []), windows, now)

    def over_marketing(self, limits: Limits, now: int) -> Over | None:
        """The limit of marketing that one more request would exceed."""
        windows = (
            ("marketing_per_day", limits.marketing_per_day, DAY_MS),
            ("marketing_per_week", limits.marketing_per_week, WEEK_MS),
        )
        return _over(self.marketing, windows, now)

    def with_sent(self, channels: Iterable[str], limits: Limits, now: int) -> Caps:
        """One more on each of these channels."""
        most = max(limits.per_minute, limits.per_day)
        live = {name: kept for name, times in self.sent.items() if (kept := _since(times, now - DAY_MS))}
        return replace(self, sent={**live, **{c: _kept([*live.get(c, []), now], most) for c in channels}})

    def with_marketing(self, limits: Limits, now: int) -> Caps:
        """One more request of marketing."""
        most = max(limits.marketing_per_day, limits.marketing_per_week)
        return replace(self, marketing=_kept([*_since(self.marketing, now - WEEK_MS), now], most))


def _over(times: Sequence[int], windows: Iterable[tuple[str, int, int]], now: int) -> Over | None:
    for rule, most, length_ms in windows:
        if most and len(_since(times, now - length_ms)) >= most:
            return Over(rule, most)
    return None


def _since(times: Sequence[int], after: int) -> list[int]:
    return [at for at in times if at > after]


def _kept(times: list[int], most: int) -> list[int]:
    """The newest: more are never needed to see that the limit is reached."""
    return sorted(times)[-most:] if most else []
