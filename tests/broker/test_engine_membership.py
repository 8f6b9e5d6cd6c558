"""Membership: static ids, zombies, kills, drains and new inputs (design rules 2, 3, 4, 7, 8)."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from tests.broker.app.endless import Endless
from tests.broker.app.ledger import EXACTLY_ONCE, create_topics, ids, outcome, read_until, rows_of, write
from tests.broker.app.process import AppProcess, ended
from tests.servers import Servers

PARTITIONS = 4


async def workers(
    servers: Servers, app: str, folder: Path, *names: str, inputs: tuple[str, ...] = ("in",), **config: Any
) -> list[AppProcess]:
    """Workers of the counting scenario, the topics created; not started."""
    topics = [f"{app}.{name}" for name in (*inputs, "out", "count.changelog")]
    await create_topics(servers.bootstrap, PARTITIONS, *topics)
    return [AppProcess(servers.bootstrap, app, name, folder, "counting", config=config) for name in names]


async def started(*both: AppProcess) -> None:
    """Start them; each has its half of the tasks, open, when this returns."""
    for worker in both:
        await worker.start()
    for worker in both:
        await worker.until_ready("count", PARTITIONS // len(both))


def moved(worker: AppProcess) -> int:
    """How often the group gave this worker its tasks."""
    return len(worker.events("tasks_assigned"))


# ---- static ids ----


async def test_a_static_worker_comes_back_without_a_rebalance(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Same tasks, same generation, nothing moves at the peer. Mutation: no `group_instance_id`."""
    app, bootstrap = app_prefix, servers.bootstrap
    one, two = await workers(servers, app, tmp_path, "w1", "w2", static_id=True, session_timeout_ms=30_000)
    wanted = ids(400)
    async with ended(one, two):
        await started(one, two)
        tasks, generations = set(one.states("count")), moved(two)
        await write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted[:200]))
        await one.kill()
        await write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted[200:]))
        await one.start()
        await one.until_ready("count", 2)
        assert tasks == set(one.states("count"))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        assert generations == moved(two)


async def test_of_two_holders_of_a_static_id_one_ends_at_once(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Else they would swap for ever. Mutations: no watch for a lost member id; a rejoin before the end."""
    app, bootstrap = app_prefix, servers.bootstrap
    (first,) = await workers(servers, app, tmp_path / "a", "w1", static_id=True)
    (second,) = await workers(servers, app, tmp_path / "b", "w1", static_id=True)
    wanted = ids(100)
    async with ended(first, second):
        await first.start()
        await first.until_ready("count", PARTITIONS)
        await second.start()
        assert 2 == await first.wait()
        assert "member id of static worker 'w1' is lost" in first.events("stage_failed")[0]["reason"]
        await second.until_ready("count", PARTITIONS)
        await write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        assert 0 == await second.stop()


async def test_a_static_worker_that_will_not_come_back_leaves_its_place(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Scale-in. Mutation: no LeaveGroup for static members. The tasks then wait for the session's minutes."""
    one, two = await workers(
        servers, app_prefix, tmp_path, "w1", "w2", static_id=True, session_timeout_ms=300_000
    )
    async with ended(one, two):
        await started(one, two)
        one.signal(signal.SIGUSR1)
        assert 0 == await one.wait()
        await two.until_ready("count", PARTITIONS)
        assert 0 == await two.stop()


# ---- fences ----


async def test_a_woken_zombie_takes_nothing_back(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """Frozen beyond session and transaction time-outs under load; the peer took over.

    Mutation: reopen after a fence without the group's word. The zombie then fences the tasks' new owner.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    one, two = await workers(
        servers, app, tmp_path, "w1", "w2", transaction_timeout_ms=2_000, session_timeout_ms=3_000
    )
    two.config = {"session_timeout_ms": 3_000}  # a slow turn must not fence what it keeps
    wanted = ids(24_000)
    async with ended(one, two):
        await started(one, two)
        kept = set(two.states("count"))
        writing = asyncio.create_task(write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted), 2_000))
        await one.until_inside_a_transaction("count")
        one.freeze()
        await two.until_ready("count", PARTITIONS)
        one.thaw()
        await writing
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        await one.until_ready("count", 2)
        await two.until_ready("count", 2)
        assert kept == set(two.states("count"))
        assert set() == kept & {event["task"] for event in two.events("task_reopens")}
        assert 0 == await one.stop()
        assert 0 == await two.stop()


# ---- ends ----


async def test_kills_of_one_of_two_workers_lose_and_repeat_nothing(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """SIGKILL under load, by turns. Mutation: commit the offset outside the transaction."""
    app, bootstrap = app_prefix, servers.bootstrap
    both = await workers(servers, app, tmp_path, "w1", "w2", session_timeout_ms=2_000)
    feed = Endless()
    async with ended(*both):
        await started(*both)
        writing = asyncio.create_task(write(bootstrap, f"{app}.in", PARTITIONS, feed.rows(), 1_000))
        for turn in range(4):
            worker = both[turn % 2]
            await worker.until_inside_a_transaction("count")
            await worker.kill()
            await worker.start()
            await worker.until_ready("count", 2)
        feed.going = False
        await writing
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", feed.sent)
        for worker in both:
            assert 0 == await worker.stop()


async def test_a_rolling_restart_under_load_drains_each_worker(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """SIGTERM ends within the deadline, nothing is cut off, and the stores are free for the next process.

    Mutation: leave the stores open until the process ends by itself, or cut the tasks at once.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    both = await workers(servers, app, tmp_path, "w1", "w2", close_deadline_s=20.0)
    wanted = ids(16_000)
    async with ended(*both):
        await started(*both)
        writing = asyncio.create_task(write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted), 2_000))
        for worker in both:
            assert 0 == await worker.stop(30.0)
            assert [] == worker.events("task_cut")
            await worker.start()
            await worker.until_ready("count", 2)
            assert [] == [event for event in worker.events("task_reopens") if "store" in event["error"]]
        await writing
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        for worker in both:
            assert 0 == await worker.stop()


# ---- a new input ----


async def test_a_new_input_deploys_in_two_steps(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """While one worker does not know the new input nobody reads it; then it must be said where it begins.

    Mutation: assign topics that only some members subscribe, or read every configured input.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    old, new = await workers(servers, app, tmp_path, "w1", "w2", inputs=("in", "more"))
    new.params = {"inputs": ["in", "more"]}
    first, second = ids(200), ids(200, 200)
    async with ended(old, new):
        await old.start()
        await old.until_ready("count", PARTITIONS)
        await new.start()
        await new.until_ready("count", 2)
        await old.until_ready("count", 2)
        await write(bootstrap, f"{app}.more", PARTITIONS, rows_of(second))
        await write(bootstrap, f"{app}.in", PARTITIONS, rows_of(first))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        assert 0 == await old.stop()
        assert 2 == await new.wait()
        assert f"no committed offset for {app}.more" in new.events("stage_failed")[0]["reason"]
        await begin_at_first(bootstrap, f"{app}.count", f"{app}.more")
        old.params = new.params
        await started(old, new)  # one alone might do all the work before the other hears a signal
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first + second)
        assert 0 == await old.stop()
        assert 0 == await new.stop()


async def begin_at_first(bootstrap: str, group: str, topic: str) -> None:
    """What `carillon offsets set … --to earliest` does."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(tps)
        await consumer.commit(dict(await consumer.beginning_offsets(tps)))
    finally:
        await consumer.stop()


async def test_a_worker_killed_and_started_under_its_name_waits_only_for_the_session(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Its dead member is still in the group: two members of one name. Mutation: forget one of them."""
    app, bootstrap = app_prefix, servers.bootstrap
    (worker,) = await workers(servers, app, tmp_path, "w1", session_timeout_ms=3_000)
    wanted = ids(100)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("count", PARTITIONS)
        await worker.kill()
        await worker.start()
        await worker.until_ready("count", PARTITIONS)
        await write(bootstrap, f"{app}.in", PARTITIONS, rows_of(wanted))
        found = await read_until(bootstrap, f"{app}.out", lambda rows: len(rows) >= len(wanted))
        assert len(wanted) == len(found)
        assert [] == worker.events("group_failed")
        assert 0 == await worker.stop()
