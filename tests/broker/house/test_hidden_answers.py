"""The provider has accepted and not answered when the worker is killed: the type's policy says what follows.

One SIGKILL of a real `carillon worker` strikes all these calls at once; each test reads the end of its own.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

CASES = {
    "repeat": phone(101),
    "hold": phone(102),
    "ask": phone(103),
    "ask-lost": phone(104),
    "mail-ask": "mail-ask@example.com",
}
"""The call of `ask-lost` was never taken by the provider, only swallowed; a mail server cannot be asked."""
ENDED = """
select m.status, m.status_reason as reason, array(
  select l.status from delivery_status_logs l where l.message_id = m.id order by l.timestamp, l.id) log
from notification_messages m
where m.idempotency_key = $1 and (m.status = 'sent' or m.status_reason = 'held')
"""


@dataclass(frozen=True, slots=True)
class End:
    """How one message ended. `calls`: epoch and whether the provider took it, in the ledger's order."""

    status: str
    reason: str | None
    log: list[str]
    calls: list[tuple[int, bool]]


Ends = Callable[[str], End]


@pytest.fixture(scope="module")
def ends(house: House) -> Ends:
    """The kill, and then how each case ended."""
    found: dict[str, End] = {}
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_struck(house))
        for case in CASES:
            found[case] = runner.run(_end(house, case))
    return found.__getitem__


async def _struck(house: House) -> None:
    for case, address in CASES.items():
        fault = "hang" if case == "ask-lost" else "take_and_hang"
        await house.script(fault=fault, recipient=address, times=1)
    contacts = [
        Sent("user.events", known(case, **{_field(address): address}), user(case))
        for case, address in CASES.items()
    ]
    await house.send(*contacts)
    await house.read_by("intake", "recipient")
    await house.send(*(_asked(case) for case in CASES))
    for address in CASES.values():
        assert 1 == len(await house.called(address, 1))
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    assert len(CASES) == len([row for row in house.ledger if row["recipient"] in CASES.values()])
    house.worker.start()
    await house.worker.until_ready()


def _field(address: str) -> str:
    return "email" if "@" in address else "phone"


def _asked(case: str) -> Sent:
    value: dict[str, Any] = {
        "user_id": user(case),
        "notification_type": f"hidden_{case.partition('-')[0]}",
        "data": {"Text": case},
        "idempotency_key": f"hidden-{case}",
    }
    return Sent("notification.send.request", value, user(case))


async def _end(house: House, case: str) -> End:
    (row,) = await house.rows(ENDED, [f"hidden-{case}"], 1)
    calls = [(line["epoch"], line["taken"]) for line in house.ledger if line["recipient"] == CASES[case]]
    return End(row["status"], row["reason"], row["log"], calls)


@pytest.mark.spec("NS-SND-OP-12")
def test_repeat_calls_once_more_under_the_next_epoch(ends: Ends) -> None:
    expected = End("sent", None, ["pending", "unknown", "sent"], [(0, True), (1, True)])
    assert expected == ends("repeat")


@pytest.mark.spec("NS-SND-OP-12")
def test_hold_never_calls_again_and_leaves_the_message_unknown(ends: Ends) -> None:
    assert End("unknown", "held", ["pending", "unknown"], [(0, True)]) == ends("hold")


@pytest.mark.spec("NS-SND-OP-12")
def test_ask_learns_that_it_was_taken_and_does_not_send_again(ends: Ends) -> None:
    assert End("sent", None, ["pending", "unknown", "sent"], [(0, True)]) == ends("ask")


def test_ask_learns_that_it_never_arrived_and_sends_it(ends: Ends) -> None:
    expected = End("sent", None, ["pending", "unknown", "sent"], [(0, False), (1, True)])
    assert expected == ends("ask-lost")


def test_ask_where_nobody_can_be_asked_never_calls_again_and_leaves_the_message_unknown(ends: Ends) -> None:
    assert End("unknown", "held", ["pending", "unknown", "unknown"], [(0, True)]) == ends("mail-ask")
