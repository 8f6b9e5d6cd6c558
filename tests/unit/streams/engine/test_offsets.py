"""What the cluster answers is believed only when it is no error (rules 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import errors
from aiokafka.structs import TopicPartition

from streams.engine import offsets as offsets_module
from streams.engine.api import NotYet
from streams.engine.kafka import committed_offsets
from streams.engine.offsets import CommittedOffsets, PartitionCounts

A0, A1, A2 = (TopicPartition("a", number) for number in range(3))
LOADING = 14


@dataclass(frozen=True, slots=True)
class Answer:
    topics: list[tuple[str, list[tuple[int, int, str, int]]]]
    error_code: int = 0


class Admin:
    """Gives the answer; describes topics by their partition counts."""

    def __init__(self, answer: Answer | None = None, **counts: int) -> None:
        self._answer = answer
        self.counts = counts

    async def find_coordinator(self, group: str) -> int:
        assert "app.count" == group
        return 1

    async def _send_request(self, _request: object, node: int) -> Any:
        assert 1 == node
        return self._answer

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "topic": name,
                "error_code": 0 if name in self.counts else 3,
                "partitions": [{}] * self.counts.get(name, 0),
            }
            for name in names
        ]


class TwoGroups(Admin):
    """Answers of a group, then of its elder."""

    def __init__(self, own: Answer, elder: Answer) -> None:
        super().__init__()
        self._answers = {"app.count-high": own, "app.count": elder}

    async def find_coordinator(self, group: str) -> int:
        self._answer = self._answers[group]
        return 1


class LateAdmin(Admin):
    """A broker is away for the first two questions."""

    asked = 0

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        self.asked += 1
        if self.asked <= 2:
            raise errors.NodeNotReadyError
        return await super().describe_topics(names)


class Reader:
    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 40)


async def committed(answer: Answer) -> dict[TopicPartition, int]:
    return await committed_offsets(cast("Any", Admin(answer)), "app.count", [A0, A1])


async def test_committed_offsets_are_read() -> None:
    assert {A0: 7, A1: -1} == await committed(Answer([("a", [(0, 7, "", 0), (1, -1, "", 0)])]))


@pytest.mark.parametrize(
    "answer",
    [
        Answer([], LOADING),
        Answer([("a", [(0, -1, "", 0), (1, -1, "", 0)])], LOADING),
        Answer([("a", [(0, 7, "", 0), (1, -1, "", LOADING)])]),
    ],
    ids=["of-the-group", "of-the-group-beside-rows", "of-a-partition"],
)
async def test_a_coordinator_that_still_loads_is_an_error(answer: Answer) -> None:
    """Aiokafka's own call would say "nothing committed": a stage without tables would begin anew."""
    with pytest.raises(errors.GroupLoadInProgressError):
        await committed(answer)


async def test_a_partition_left_out_is_an_error() -> None:
    with pytest.raises(errors.KafkaError, match="left out"):
        await committed(Answer([("a", [(0, 7, "", 0)])]))


async def test_what_was_never_committed_begins_at_the_logs_first_record() -> None:
    admin = Admin(Answer([("a", [(0, 7, "", 0), (1, -1, "", 0)])]))
    offsets = CommittedOffsets(cast("Any", admin), cast("Any", Reader()))
    assert ({A0: 7, A1: 40}, [A1]) == await offsets.positions("app.count", [A0, A1])


async def test_an_heir_begins_where_the_stage_stands_that_had_its_records() -> None:
    """From the first record on it would take all of them again, the oldest long out of every dedup window.

    Mutation tried: no look at the elder: fails.
    """
    reader, tps = cast("Any", Reader()), [A0, A1, A2]
    own, elder = (
        Answer([("a", [(0, 70, "", 0), (1, -1, "", 0), (2, -1, "", 0)])]),
        Answer([("a", [(0, 90, "", 0), (1, 55, "", 0), (2, 30, "", 0)])]),
    )
    offsets = CommittedOffsets(cast("Any", TwoGroups(own, elder)), reader)
    found = await offsets.positions("app.count-high", tps, "app.count")
    assert ({A0: 70, A1: 55, A2: 40}, [A1, A2]) == found


async def test_a_topic_that_is_missing_is_a_wait_until_it_is_there() -> None:
    admin = Admin(a=4)
    counts = PartitionCounts(cast("Any", admin))
    with pytest.raises(NotYet, match=r"^topic_missing:b$"):
        counts.count("b")
    admin.counts["b"] = 2
    await counts.refresh()
    assert 2 == counts.count("b")


async def first_check(admin: Admin, *go_on: bool) -> int | None:
    stage = SimpleNamespace(
        name="count", inputs=[SimpleNamespace(topic="a")], stateful=False, co_partitioned=True
    )
    answers = iter(go_on)
    counts = PartitionCounts(cast("Any", admin))
    return await counts.first_check(cast("Any", stage), cast("Any", None), lambda: next(answers))


async def test_a_worker_that_starts_beside_a_broker_that_is_away_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crash here made a worker's restart fail while one of three brokers was away (chaos run, seed 3)."""
    monkeypatch.setattr(offsets_module, "AWAY_S", 0.0)
    assert 4 == await first_check(LateAdmin(a=4), True, True, True)
    assert await first_check(LateAdmin(a=4), True, True, False) is None
