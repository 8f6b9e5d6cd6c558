"""Blows of the courses: each falls at a moment that a promise of the engine is about."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer

from tests.broker.app.proxy import Api
from tests.chaos.mutants.scene import configure, events, kill, kinds, until
from tests.chaos.mutants.wire import UNKNOWN_SERVER_ERROR, Catch
from tests.chaos.mutants.world import RETENTION_MS, SESSION_MS

if TYPE_CHECKING:
    from tests.chaos.mutants.scene import Blow, Scene

SESSION_S: Final = SESSION_MS / 1000
OUTPUTS: Final = ("request.", "channel.", "outcomes", "rows", ".changelog")
LARGEST: Final = 6_000
"""Bytes of a batch that the broker takes while it refuses larger ones; no single record is so large."""
BURST: Final = 250
CROWD: Final = 400


async def refuse_large_batches(scene: Scene) -> None:
    """For a while the topics of the stages take small batches only; single records always fit."""
    at, address = time.time(), scene.world.kafka.address
    await _script_all(scene, fault="refuse", times=40)
    await scene.burst(BURST)
    topics = await configure(address, OUTPUTS, {"max.message.bytes": str(LARGEST)})
    await asyncio.sleep(0.5)
    await scene.burst(BURST)
    await asyncio.sleep(2.0)
    await configure(address, OUTPUTS, {"max.message.bytes": None})
    found = [row for each in scene.world.workers.values() for row in events(each, "task_reopens", at)]
    told = f"{topics} topics took small batches only; tasks reopened {len(found)} times: {kinds(found)}"
    scene.note(told, proven="refused" in kinds(found))


def kill_at_the_end_of_a_transaction(stage: str, *, committed: bool) -> Blow:
    """SIGKILL between the broker's commit and the worker's knowledge of it; or before that commit.

    Before means: all outputs are in the log, the offsets of input records are about to join them.
    """
    api = Api.END_TRANSACTION if committed else Api.ADD_OFFSETS

    async def blow(scene: Scene) -> None:
        at = time.time()
        catch = scene.world.wire.catch(Catch(api, stage, answered=committed))
        try:
            async with scene.hold() as worker:
                await scene.caught(catch)
                await asyncio.sleep(0.3)
                await kill(worker)
                catch.dropped = True
                catch.release.set()
                await until(lambda: bool(scene.taken_over(at)), "a takeover", SESSION_S + 20)
        finally:
            scene.world.wire.forget(catch)
        moment = "after" if committed else "before"
        scene.note(f"{stage}: killed {moment} its commit", proven=bool(scene.taken_over(at)))

    return blow


def false_answer(stage: str, api: Api) -> Blow:
    """The coordinator has done what it was asked, and says that it failed for an unknown reason."""

    async def blow(scene: Scene) -> None:
        at = time.time()
        answered = Catch(api, stage, answered=True, error=UNKNOWN_SERVER_ERROR)
        catch = scene.world.wire.catch(answered)
        await scene.burst(40)
        try:
            await scene.caught(catch)
            await until(lambda: bool(_reopened(scene, stage, at)), "a task that reopens", 5.0)
        except TimeoutError:
            pass
        finally:
            scene.world.wire.forget(catch)
        found = kinds(_reopened(scene, stage, at))
        scene.note(f"{stage}: {api.name} said to have failed; reopened: {found}", proven=bool(found))

    return blow


def _reopened(scene: Scene, stage: str, at: float) -> list[dict[str, object]]:
    return [row for row in events(scene.worker, "task_reopens", at) if row["stage"] == stage]


async def foreign_transaction(scene: Scene) -> None:
    """Somebody else's transaction stands open in the changelogs while tasks move."""
    address, at = scene.world.kafka.address, time.time()
    stages = ("recipient", "delivery-email", "delivery-push", "delivery-sms", "status", "stats", "seen")
    foreign = AIOKafkaProducer(
        bootstrap_servers=address, transactional_id="foreign", transaction_timeout_ms=60_000
    )
    async with foreign:
        await foreign.begin_transaction()
        for stage in stages:
            for number in range(4):
                await foreign.send_and_wait(f"carillon.{stage}.changelog", b"", b"foreign", partition=number)
        await scene.burst(BURST)
        await asyncio.sleep(2.0)
        async with scene.hold() as worker:
            await kill(worker)
            await until(lambda: bool(scene.taken_over(at)), "a takeover", SESSION_S + 20)
            await asyncio.sleep(4.0)
            await foreign.abort_transaction()
    scene.note("a foreign transaction in all changelogs over a takeover", proven=bool(scene.taken_over(at)))


async def freeze_inside_a_transaction(scene: Scene) -> None:
    """SIGSTOP while a commit of the intake is on its way; it arrives when another worker has the task."""
    at = time.time()
    async with scene.hold() as worker:
        catch = scene.world.wire.catch(Catch(Api.END_TRANSACTION, "intake"))
        try:
            await scene.caught(catch)
            worker.signal(signal.SIGSTOP)
            await until(lambda: all_of_it(scene, "intake", at), "a takeover", SESSION_S + 20)
            await asyncio.sleep(1.5)
        finally:
            scene.world.wire.forget(catch)
            await asyncio.sleep(0.5)
            worker.signal(signal.SIGCONT)
        reopened = await fenced(scene, at)
    scene.note(f"frozen in a commit, which came late; reopened: {reopened}", proven="fenced" in reopened)


def all_of_it(scene: Scene, stage: str, at: float) -> bool:
    """Whether the other worker has been given each task of the stage since."""
    return len([one for one in scene.taken_over(at) if one[0] == stage]) == 4


async def fenced(scene: Scene, at: float) -> set[str]:
    """What tasks of the woken worker reopened for, once it has noticed that it was replaced."""
    with suppress(TimeoutError):
        await until(lambda: bool(events(scene.worker, "task_reopens", at)), "a task that reopens")
    return kinds(events(scene.worker, "task_reopens", at))


async def freeze(scene: Scene) -> None:
    """SIGSTOP for longer than the session, under load."""
    at = time.time()
    async with scene.hold() as worker:
        await scene.burst(BURST)
        worker.signal(signal.SIGSTOP)
        await until(lambda: all_of_it(scene, "sink", at), "a takeover", SESSION_S + 20)
        await asyncio.sleep(2.0)
        worker.signal(signal.SIGCONT)
        reopened = await fenced(scene, at)
    scene.note(f"frozen; reopened: {reopened}", proven="fenced" in reopened)


async def crowd(scene: Scene) -> None:
    """Many mails at once to each of a few recipients, who may have one call under way each."""
    before = len(scene.calls())
    await scene.feed.all(scene.load.crowd(CROWD))
    await until(lambda: len(scene.calls()) >= before + CROWD, "a call for each mail")
    scene.note(f"{CROWD} mails at once to a few recipients", proven=True)


async def kill_in_calls(scene: Scene) -> None:
    """The provider refuses for a while, and all is tried again; then it is slow; SIGKILL, and once more."""
    before = len(scene.calls())
    await _script_all(scene, fault="refuse", times=40)
    await scene.burst(BURST)
    await until(lambda: len(scene.calls()) >= before + 120, "refusals")
    await asyncio.sleep(4.0)
    refused = sum(line["verdict"] == "unavailable" for line in scene.calls()[before:])
    await _script_all(scene, fault="late", after_ms=2_500, times=25)
    at = time.time()
    async with scene.hold() as worker:
        before = len(scene.calls())
        await scene.burst(BURST)
        await until(lambda: len(scene.calls()) >= before + 40, "calls under way")
        await kill(worker)
        await until(lambda: bool(scene.taken_over(at)), "a takeover", SESSION_S + 20)
        await asyncio.sleep(2.0)
    async with scene.hold() as worker:
        await kill(worker)
    told = f"{refused} calls refused and tried again; killed while calls were under way; killed again"
    scene.note(told, proven=refused > 60 and bool(scene.taken_over(at)))


async def _script_all(scene: Scene, *, times: int, **rule: object) -> None:
    """The same for each channel; a fourth for SMS: they are few, and none may use up all its attempts."""
    for channel, many in (("email", times), ("push", times), ("sms", times // 4)):
        await scene.script(**rule, channel=channel, times=many)


async def old_store(scene: Scene) -> None:
    """A copy of the disk comes back after the tombstones it never saw were compacted away."""
    memory = {
        "delete.retention.ms": str(RETENTION_MS // 2),
        "segment.ms": "1000",
        "min.cleanable.dirty.ratio": "0.01",
    }
    await configure(scene.world.kafka.address, (".changelog",), memory)
    data = scene.world.data_of("worker-a")
    copy = scene.world.folder / "old"
    async with scene.hold() as worker:
        before = len(scene.calls())
        await _script_all(scene, fault="refuse", times=60)
        await scene.burst(BURST)
        await until(lambda: len(scene.calls()) >= before + 120, "refusals")
        worker.signal(signal.SIGTERM)
        await worker.ended()
        shutil.copytree(data, copy)
    await asyncio.sleep(3 * RETENTION_MS / 1000)
    at = time.time()
    async with scene.hold() as worker:
        await kill(worker)
        shutil.rmtree(data)
        copy.rename(data)
        worker.start()
        await worker.until_ready()
        await asyncio.sleep(2.0)
    rebuilt = [row for row in events(scene.worker, "store_restored", at) if row["rebuilt"] and row["records"]]
    scene.note(f"an old disk came back; {len(rebuilt)} stores were rebuilt", proven=bool(rebuilt))
