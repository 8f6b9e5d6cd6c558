"""The checker: each id that went in against each that came out, and their order. Imports no room."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from examples.accounts.compare import Check, check
from examples.accounts.decide import key_of
from examples.accounts.expected import Expected, expect
from examples.accounts.reading import catalogue, message
from tests.broker.faults.reconcile import EXAMPLES, checks, listed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from examples.accounts.decide import Key
    from tests.chaos.feed import Fed, Place
    from tests.chaos.shelf import Shelf

FACTS: Final = "user.events"
RANK: Final = {
    "pending": 0,
    "queued": 0,
    "unknown": 1,
    "retrying": 1,
    "sent": 2,
    "failed": 2,
    "skipped": 2,
    "expired": 2,
    "cancelled": 2,
    "delivered": 3,
    "opened": 4,
    "clicked": 5,
}


def wanted(fed: Iterable[Fed]) -> Expected:
    """What must come out: what users say of themselves, then all else, as the log has it; then the posts."""
    lines = sorted(fed, key=_reading_order)
    return expect(catalogue(EXAMPLES), ((one.number, one.line) for one in lines))


def _reading_order(one: Fed) -> tuple[int, Place, int]:
    if one.place is None:
        return 2, ("", 0, 0), one.number
    return int(one.place[0] != FACTS), one.place, one.number


def balance(expected: Expected, fed: Iterable[Fed], shelf: Shelf) -> list[Check]:
    """All checks; each has the same ids on both sides when the books balance."""
    late = overtaken(fed, shelf)
    known = listed(shelf.found)
    unlisted = [one for one in late if not known[one[0]]]
    return [
        *checks(expected, shelf.found),
        check("first attempts out of order and not listed (ledger)", [], unlisted),
        check("statuses that went back (Postgres)", [], _backwards(shelf.histories)),
        check("statuses that went back (notification.events)", [], _backwards_told(shelf)),
    ]


def overtaken(fed: Iterable[Fed], shelf: Shelf) -> list[tuple[str, Place, Place]]:
    """First attempts that began after one of a later record of the same recipient, channel, lane and source.

    Each is message, its place in the log, and the place that overtook it.
    """
    places = _places(fed)
    requests = {row.request_id: row for row in shelf.found.requests if row.outcome == "accepted"}
    rows = {row.message_id: row for row in shelf.found.messages}
    ways: dict[Hashable, list[tuple[int, str, Place]]] = defaultdict(list)
    begun: set[str] = set()
    for attempt in sorted(shelf.attempts, key=lambda one: one.seq):
        row = rows.get(attempt.message_id)
        asked = requests.get(row.request_id) if row else None
        place = places.get(asked.key) if asked else None
        if attempt.message_id in begun or asked is None or place is None:
            continue
        begun.add(attempt.message_id)
        way = (attempt.recipient, attempt.channel, asked.lane, *place[:2])
        ways[way].append((place[2], attempt.message_id, place))
    return [late for each in ways.values() for late in _late(each)]


def _late(way: list[tuple[int, str, Place]]) -> list[tuple[str, Place, Place]]:
    found, highest = [], way[0]
    for one in way:
        if one[0] < highest[0]:
            found.append((one[1], one[2], highest[2]))
        highest = max(highest, one)
    return found


def _places(fed: Iterable[Fed]) -> dict[Key, Place]:
    """Where each request lies first."""
    found: dict[Key, Place] = {}
    for one in fed:
        value = message(one.line) if one.line["to"] == "kafka" else None
        if value is None or one.place is None:
            continue
        key = key_of(one.line, value)
        found[key] = min(found.get(key, one.place), one.place)
    return found


def first_sent(fed: Iterable[Fed]) -> dict[Key, float]:
    """When each request was sent first, in s since the epoch."""
    found: dict[Key, float] = {}
    for one in fed:
        value = message(one.line) if one.line["to"] == "kafka" else None
        if value is not None:
            found.setdefault(key_of(one.line, value), one.at)
    return found


def goes_back(statuses: Iterable[str]) -> bool:
    """Whether a status follows one of a higher rank."""
    highest = 0
    for status in statuses:
        rank = RANK.get(status, 0)
        if rank < highest:
            return True
        highest = rank
    return False


def _backwards(histories: dict[tuple[str, ...], tuple[int, str]]) -> Counter[Hashable]:
    return Counter(
        {(statuses, one): many for statuses, (many, one) in histories.items() if goes_back(statuses)}
    )


def _backwards_told(shelf: Shelf) -> list[Hashable]:
    return [(one, tuple(told)) for one, told in shelf.told_in_order.items() if goes_back(told)]
