"""The spread of tasks: whole, even, sticky by name, blind to topics that not all read (rule 2)."""

from __future__ import annotations

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignor import assignor_for, spread

NAMES = st.lists(st.text("abcdef-0123456789", min_size=1, max_size=8), min_size=1, max_size=12, unique=True)
TASKS = st.integers(0, 96)


@given(TASKS, NAMES)
def test_every_task_goes_to_exactly_one_worker(tasks: int, workers: list[str]) -> None:
    given_tasks = spread(tasks, sorted(workers))
    assert set(workers) == set(given_tasks)
    assert list(range(tasks)) == sorted(task for each in given_tasks.values() for task in each)


@given(TASKS, NAMES)
def test_workers_differ_by_at_most_one_task(tasks: int, workers: list[str]) -> None:
    sizes = [len(each) for each in spread(tasks, sorted(workers)).values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 96), NAMES)
def test_a_worker_that_leaves_and_comes_back_gets_its_tasks_back(tasks: int, workers: list[str]) -> None:
    before = spread(tasks, sorted(workers))
    spread(tasks, sorted(workers)[1:])
    assert before == spread(tasks, sorted(workers))


def test_a_fifth_worker_moves_little_more_than_its_own_share() -> None:
    """A plain round robin would move three quarters of the tasks."""
    names = [f"worker-{number}" for number in range(5)]
    before, after = spread(48, names[:4]), spread(48, names)
    stayed = sum(len(set(before[name]) & set(after[name])) for name in names[:4])
    assert stayed >= 48 - 2 * len(after["worker-4"])


def test_no_worker_no_spread() -> None:
    assert {} == spread(4, [])


class Cluster(ClusterMetadata):  # type: ignore[misc] # aiokafka is untyped
    """Partition counts only."""

    def __init__(self, **counts: int) -> None:
        super().__init__()
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        count = self._counts.get(topic)
        return None if count is None else set(range(count))


def member(name: str, *topics: str) -> ConsumerProtocolMemberMetadata:
    return assignor_for(name).metadata(topics)


def assigned(cluster: Cluster, **members: ConsumerProtocolMemberMetadata) -> dict[str, dict[str, list[int]]]:
    answer = assignor_for("leader").assign(cluster, members)
    return {name: dict(each.assignment) for name, each in answer.items()}


def test_a_number_goes_to_one_worker_over_all_inputs() -> None:
    answer = assigned(Cluster(a=4, b=4), m1=member("w1", "a", "b"), m2=member("w2", "a", "b"))
    for topics in answer.values():
        assert topics["a"] == topics["b"]
    assert [0, 1, 2, 3] == sorted(number for topics in answer.values() for number in topics["a"])


def test_a_topic_that_one_member_does_not_read_is_given_to_nobody() -> None:
    answer = assigned(Cluster(a=4, new=4), m1=member("w1", "a"), m2=member("w2", "a", "new"))
    assert [{"a"}, {"a"}] == [set(topics) for topics in answer.values()]


def test_two_members_of_one_name_share() -> None:
    """A killed worker's member is still there when the next process of its name joins."""
    answer = assigned(Cluster(a=4), dead=member("w1", "a"), alive=member("w1", "a"))
    assert [2, 2] == [len(topics["a"]) for topics in answer.values()]


def test_inputs_of_different_counts_are_given_as_far_as_they_go() -> None:
    answer = assigned(Cluster(a=3, b=1), m1=member("w1", "a", "b"))
    assert {"m1": {"a": [0, 1, 2], "b": [0]}} == answer


def test_the_tasks_follow_the_workers_name_not_its_member_id() -> None:
    first = assigned(Cluster(a=8), x=member("w1", "a"), y=member("w2", "a"))
    second = assigned(Cluster(a=8), z=member("w1", "a"), b=member("w2", "a"))
    assert first["x"] == second["z"]
