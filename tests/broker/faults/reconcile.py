"""The checker: every id that went in against every id that came out. Imports none of the rooms.

What a run without faults must give is computed by `examples.accounts` from the lines alone. A crash may
change one thing: a call whose answer was never heard is listed as `unknown`, and then repeated or held as its
type says. The checks that know nothing of this are replaced here by ones that do.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from examples.accounts.compare import Check, check, compare
from examples.accounts.expected import Expected, expect
from examples.accounts.reading import catalogue

if TYPE_CHECKING:
    from collections.abc import Hashable

    from examples.accounts.found import Found
    from tests.broker.faults.load import Line

EXAMPLES = Path(__file__).parents[3] / "examples"
REPLACED = {
    "messages by key, channel and ending (Postgres)",
    "status log: each status of a message once (Postgres)",
    "messages by key, channel and address (providers' ledger)",
    "each message taken once, as its row says (providers' ledger)",
    "one event for each status of a message (notification.events)",
}


def expected(lines: list[Line]) -> Expected:
    """What must come out of these lines."""
    return expect(catalogue(EXAMPLES), enumerate(lines, start=1))


def checks(wanted: Expected, found: Found) -> list[Check]:
    """All checks; the books balance when each has the same ids on both sides."""
    usual = [one for one in compare(wanted, found) if one.name not in REPLACED]
    return [*usual, *_despite_faults(wanted, found)]


def differences(results: list[Check]) -> dict[str, tuple[list[Hashable], list[Hashable]]]:
    """Of each check that differs, the first ids missing and the first in surplus."""
    return {one.name: (one.missing[:5], one.surplus[:5]) for one in results if one.wanted != one.got}


def ambiguous(found: Found) -> Counter[str]:
    """Attempts listed as unheard, by message."""
    return Counter({message: many for (message, status), many in found.logs.items() if status == "unknown"})


def listed(found: Found) -> Counter[str]:
    """Attempts of which the status log says that they were not the last, by message."""
    return Counter(
        {
            message: found.logs[message, "unknown"] + found.logs[message, "retrying"]
            for message, status in found.logs
            if status in {"unknown", "retrying"}
        }
    )


def _despite_faults(wanted: Expected, found: Found) -> list[Check]:
    keys = {row.request_id: row.key for row in found.requests if row.outcome == "accepted"}
    unheard = ambiguous(found)
    rows = found.messages
    sent = [row.message_id for row in rows if row.status == "sent"]
    calls = Counter(call.message_id for call in found.calls)
    taken = {call.message_id for call in found.calls if call.is_taken}
    known = listed(found)
    many_calls = {one: many for one, many in calls.items() if many > 1 + known[one]}
    unended = [
        (row.message_id, row.status) for row in rows if not _has_ended(row.status, unheard[row.message_id])
    ]
    messages = [(*key, m.channel) for key, made in wanted.messages.items() for m in made]
    events = Counter((one.message_id, one.event_type) for one in found.told if one.channel is not None)
    return [
        check(
            "messages by key and channel (Postgres)",
            messages,
            [(*keys.get(r.request_id, ("?",)), r.channel) for r in rows],
        ),
        check(
            "message ids once (Postgres)", {row.message_id for row in rows}, [row.message_id for row in rows]
        ),
        check("messages that have not ended (Postgres)", [], unended),
        check("one `sent` line for each sent message (Postgres)", sent, _with(found.logs, "sent")),
        check("one `sent` event for each sent message (notification.events)", sent, _with(events, "sent")),
        check(
            "an event for each unheard message (notification.events)",
            unheard.keys(),
            _with(events, "unknown"),
        ),
        check("sent messages that no provider took (ledger)", [], set(sent) - taken),
        check(
            "calls of messages that are not there (ledger)",
            [],
            calls.keys() - {row.message_id for row in rows},
        ),
        check("calls repeated beyond the listed ones (ledger)", [], many_calls.items()),
    ]


def _has_ended(status: str, unheard: int) -> bool:
    return status == "sent" or (status == "unknown" and unheard > 0)


def _with(counted: Counter[tuple[str, str]], word: str) -> list[str]:
    return [one for (one, status), many in counted.items() if status == word for _ in range(many)]
