"""The checker of the fault test finds what it is there to find: each kind of loss and each kind of repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from examples.accounts.expected import Expected
from examples.accounts.found import Call, Found, MessageRow, RequestRow, Task, Told
from tests.broker.faults.load import Load
from tests.broker.faults.reconcile import checks, differences, expected


def lines() -> tuple[Expected, Found]:
    """Some lines, and a world in which each of them came out once."""
    load = Load(seed=7)
    wanted = expected([*load.users(), *(load.next() for _ in range(100))])
    found = Found(seen=wanted.seen)
    for request, (key, endings) in enumerate(wanted.endings.items()):
        for outcome, reason in endings.elements():
            row = f"r{request}" if outcome == "accepted" else f"r{request}-again"
            found.requests.append(RequestRow(row, key, wanted.lanes[key], outcome, reason))
            if outcome != "accepted":
                found.told.append(Told("skipped", row, key, None, reason))
        for made in wanted.messages.get(key, []):
            name = f"r{request}-{made.channel}"
            found.messages.append(MessageRow(name, f"r{request}", made.channel, "sent", None))
            found.logs[name, "sent"] = 1
            found.tasks.append(Task(name, key, made.channel))
            found.told.append(Told("sent", name, key, made.channel, None))
            found.calls.append(Call(name, made.channel, made.address, "accepted", is_taken=True))
    found.stats = Counter(one.event_type for one in found.told)
    return wanted, found


def lost_request(found: Found) -> None:
    found.requests.pop()


def request_taken_twice(found: Found) -> None:
    found.requests.append(found.requests[0])


def lost_task(found: Found) -> None:
    found.tasks.pop()


def task_twice(found: Found) -> None:
    found.tasks.append(found.tasks[0])


def lost_row(found: Found) -> None:
    found.messages.pop()


def row_twice(found: Found) -> None:
    found.messages.append(found.messages[0])


def event_twice(found: Found) -> None:
    found.told.append(next(one for one in found.told if one.event_type == "sent"))


def lost_event(found: Found) -> None:
    found.told.pop()


def unlisted_second_call(found: Found) -> None:
    found.calls.append(found.calls[0])


def sent_without_a_call(found: Found) -> None:
    found.calls.pop()


def lost_seen_fact(found: Found) -> None:
    found.seen = {topic: Counter() for topic in found.seen}


def never_ended(found: Found) -> None:
    last = found.messages.pop()
    found.messages.append(MessageRow(last.message_id, last.request_id, last.channel, "pending", None))


FAULTS = (
    lost_request,
    request_taken_twice,
    lost_task,
    task_twice,
    lost_row,
    row_twice,
    event_twice,
    lost_event,
    unlisted_second_call,
    sent_without_a_call,
    lost_seen_fact,
    never_ended,
)


def test_a_world_in_which_all_came_out_once_balances() -> None:
    wanted, found = lines()
    assert {} == differences(checks(wanted, found))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_kind_of_loss_and_repeat_is_found(fault: Callable[[Found], None]) -> None:
    wanted, found = lines()
    fault(found)
    assert {} != differences(checks(wanted, found))


def test_a_call_repeated_after_an_unheard_answer_balances_when_it_is_listed() -> None:
    wanted, found = lines()
    twice = found.calls[0]
    owner = next(one.key for one in found.tasks if one.message_id == twice.message_id)
    found.calls.append(twice)
    found.logs[twice.message_id, "unknown"] = 1
    found.told.append(Told("unknown", twice.message_id, owner, twice.channel, None))
    found.stats["unknown"] += 1
    assert {} == differences(checks(wanted, found))


def test_the_same_seed_draws_the_same_lines() -> None:
    one, other = Load(seed=3), Load(seed=3)
    assert [one.next() for _ in range(50)] == [other.next() for _ in range(50)]
