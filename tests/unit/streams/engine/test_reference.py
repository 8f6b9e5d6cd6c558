"""How often a global table is asked for its end (design rule 16)."""

from __future__ import annotations

from streams.engine.api import EngineConfig
from streams.engine.reference import GlobalTable
from streams.engine.turns import Turns


class Counted(GlobalTable):
    """Counts questions; answers as told."""

    answers = True
    asked = 0

    async def _caught_up(self) -> bool:
        self.asked += 1
        return self.answers


def counted() -> Counted:
    return Counted(EngineConfig("nowhere", "app", "w1", "/nowhere"), "t", lambda _key, _value: None)


async def test_a_batch_asks_once_for_all_its_records() -> None:
    """A flood of invented names costs one question a batch. Mutation tried: `asked` never added to: fails."""
    table, order = counted(), Turns()
    for batch in (1, 2):
        async with order.turn(lambda: False):
            assert [True] * 3 == [await table.catch_up() for _ in range(3)]
        assert batch == table.asked
    assert await table.catch_up()
    assert 3 == table.asked


async def test_a_question_without_an_answer_is_asked_again() -> None:
    table, order = counted(), Turns()
    table.answers = False
    async with order.turn(lambda: False):
        assert [False, False] == [await table.catch_up() for _ in range(2)]
    assert 2 == table.asked
