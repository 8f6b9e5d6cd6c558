"""The last step of a change, in its order."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalOperation, NodeNotReadyError, ProducerFenced

from streams.engine.layout import Phase
from streams.scaling import change as change_module
from streams.scaling import workers as workers_module
from streams.scaling.change import Change
from streams.scaling.copies import Copies as RealCopies
from streams.scaling.hand import Hand as RealHand
from streams.stages import input_topics
from tests.unit.streams.scaling.grounds import CONFIG, LOG, PLAN, Copies, Ground, Hand, Topics, at

NOTHING: Any = None


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_module, "SETTLED_POLL_S", 0.0)


async def test_new_tasks_are_let_in_only_when_their_offsets_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Markers of one transaction reach brokers one by one: `done` may be seen before offsets beside it.

    Mutations: the offsets go into the transaction that says `done`; nobody waits for them.
    """
    ground = Ground()
    monkeypatch.setattr(workers_module, "layouts", ground.layouts)
    clients = cast("Any", Hand(ground, pending=2))
    await Change(clients, cast("Any", Topics()), PLAN, NOTHING, lambda _: None).move(
        cast("Any", Copies(ground))
    )
    assert [
        "move",
        "fence status 4",
        "copy",
        "offsets 8 {40}",
        "commit",
        "look in vain",
        "look in vain",
        "look",
        "leave",
        "done",
        "commit",
    ] == ground.asked


async def test_a_stage_that_writes_to_itself_is_fenced_before_ends_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a task could write by the old count what nobody reads any more. Its tasks open again, and read on.

    Mutations: `drain` leaves the stage itself out; it looks at the ends before.
    """
    ground = Ground(layout=at(Phase.DRAIN))
    monkeypatch.setattr(workers_module, "layouts", ground.layouts)
    counts = dict.fromkeys((*input_topics("recipient"), LOG), 4) | {"outcomes": 12, LOG: 12}
    topics, found = cast("Any", Topics(counts)), replace(PLAN, writers=("recipient", "status"))
    await Change(cast("Any", Hand(ground)), topics, found, NOTHING, lambda _: None).drain(
        cast("Any", Copies(ground))
    )
    assert ["fence recipient 4", "fence status 12", "ends", "copy", "look", "copy"] == ground.asked


async def test_records_behind_an_open_transaction_are_counted() -> None:
    """Mutation: `unsettled` asks the same consumer for both ends."""

    async def ends(tps: list[Any]) -> dict[Any, int]:
        return {tp: 10 + tp.partition for tp in tps}

    async def stable(tps: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 10)

    clients = SimpleNamespace(config=CONFIG, committed=SimpleNamespace(end_offsets=stable), ends=ends)
    assert 1 + 2 + 3 == await RealCopies(cast("Any", clients), PLAN, NOTHING).unsettled()


class Producer:
    """A producer whose sender has ended before the transaction."""

    def __init__(self, cause: Exception | None) -> None:
        def result() -> None:
            if cause is not None:
                raise cause

        task = SimpleNamespace(done=lambda: cause is not None, result=result)
        self._sender = SimpleNamespace(sender_task=task)

    def transaction(self) -> Producer:
        return self

    async def __aenter__(self) -> None:
        raise IllegalOperation

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("cause", [ProducerFenced(), NodeNotReadyError(), None])
async def test_a_producer_that_has_failed_says_of_what(cause: Exception | None) -> None:
    """Else a command that another has fenced would show a stack. Mutation: the sender is not asked."""
    clients = RealHand(CONFIG, NOTHING, NOTHING, NOTHING, cast("Any", Producer(cause)))
    with pytest.raises(IllegalOperation if cause is None else type(cause)):
        async with clients.transaction():
            pass
