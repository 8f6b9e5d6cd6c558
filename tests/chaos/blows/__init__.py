"""Kinds of blows: each function strikes once, sees that what it struck is back, and proves its effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chaos.blows import brokers, outside, releases, workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.chaos.strike import Strike

STRIKES: Final[Mapping[str, Strike]] = {
    "worker killed": workers.killed,
    "worker stopped in order": workers.stopped,
    "worker frozen": workers.frozen,
    "disk wiped": workers.wiped,
    "old store brought back": workers.aged,
    "clock shifted": workers.shifted,
    "workers rolled": workers.rolled,
    "worker added and removed": workers.scaled,
    "connections slow": outside.slow,
    "connections dropped": outside.dropped,
    "broker killed": brokers.killed,
    "coordinator killed": brokers.coordinator_killed,
    "Postgres killed": outside.postgres_killed,
    "Postgres restarted": outside.postgres_restarted,
    "provider silent": outside.provider_silent,
    "release taken back": releases.taken_back,
}
