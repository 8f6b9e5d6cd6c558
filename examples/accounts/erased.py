"""Users whose account was deleted: their rows and events stay as nobody's, without the key (NS-SEC-OP-02).

What is written of them long after the deletion bears their id again, until it ends; both are the same here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from examples.accounts.decide import Ending, Key, Message
from examples.accounts.expected import Expected
from examples.accounts.found import Found

NOBODY = "00000000-0000-0000-0000-000000000000"


def nameless(expected: Expected, found: Found) -> tuple[Expected, Found]:
    """Both sides with the keys of deleted users as they are kept. Lanes of theirs cannot be told apart."""
    gone = expected.deleted

    def kept(key: Key) -> Key:
        source, user, _ = key
        return (source, NOBODY, "") if user in gone else key

    endings: dict[Key, Counter[Ending]] = {}
    for key, counted in expected.endings.items():
        endings.setdefault(kept(key), Counter()).update(counted)
    messages: dict[Key, list[Message]] = {}
    for key, made in expected.messages.items():
        messages.setdefault(kept(key), []).extend(made)
    wanted = replace(
        expected,
        endings=endings,
        messages=messages,
        lanes={key: lane for key, lane in expected.lanes.items() if key == kept(key)},
        named={request_id: kept(key) for request_id, key in expected.named.items()},
    )
    got = replace(
        found,
        requests=[replace(row, key=kept(row.key)) for row in found.requests],
        tasks=[replace(task, key=kept(task.key)) for task in found.tasks],
        told=[replace(one, key=kept(one.key)) for one in found.told],
    )
    return wanted, got
