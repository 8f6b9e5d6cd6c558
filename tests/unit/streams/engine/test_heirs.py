"""What one stage passes over another one handles, whichever of the two opens first (streams/intake.py)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from aiokafka.structs import TopicPartition

from streams.engine.api import Input
from streams.engine.shared import Shared
from tests.unit.streams.engine.lives import STAGE, shared

IN, OTHER = TopicPartition("in", 0), TopicPartition("other", 0)


class Offsets:
    """Committed offsets by group; partitions without one begin at 40."""

    def __init__(self, **groups: dict[TopicPartition, int]) -> None:
        self.groups = groups
        self.elders: list[str | None] = []

    async def positions(self, group: str, tps: Any, elder: str | None = None) -> Any:
        self.elders.append(elder)
        known = self.groups.get(group.rpartition(".")[2], {})
        return {tp: known.get(tp, 40) for tp in tps}, [tp for tp in tps if tp not in known]


class Transactions:
    def __init__(self) -> None:
        self.committed: list[tuple[dict[TopicPartition, int], str]] = []

    def outputs(self) -> str:
        return "none"

    async def commit(self, outputs: str, positions: dict[TopicPartition, int], group: str) -> None:
        assert "none" == outputs
        self.committed.append((positions, group.rpartition(".")[2]))


def elder(offsets: Offsets) -> Shared:
    made = shared()
    passing = Input("in", bytes, passes=lambda raw: raw == b"high")
    made.stage = replace(STAGE, inputs=(passing, Input("other", bytes)), heir="heir")
    made.offsets = cast("Any", offsets)
    return made


async def test_an_heir_without_offsets_gets_those_from_which_on_its_records_are_passed_over() -> None:
    """It opens later: what was passed over until then would be nobody's. Mutation tried: not given: fails."""
    transactions = Transactions()
    found = await elder(Offsets(count={IN: 7})).positions((IN, OTHER), cast("Any", transactions))
    assert ({IN: 7, OTHER: 40}, [OTHER]) == found
    assert [({IN: 7}, "heir")] == transactions.committed


async def test_an_heir_that_has_offsets_keeps_them() -> None:
    """Mutation tried: given at each open: fails. It would go back, or leave out what it has not read."""
    transactions = Transactions()
    await elder(Offsets(count={IN: 7}, heir={IN: 3})).positions((IN, OTHER), cast("Any", transactions))
    assert [] == transactions.committed


async def test_an_heir_looks_where_its_elder_stands() -> None:
    made, offsets = shared(), Offsets()
    made.stage, made.offsets = replace(STAGE, heir_of="elder"), cast("Any", offsets)
    await made.positions((IN,), cast("Any", Transactions()))
    assert [made.config.group("elder")] == offsets.elders
