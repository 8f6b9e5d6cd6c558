"""Postgres put back from a backup has the same rows again: the commands of docs/restore-drill.md, run."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from connectors.clock import now_ms
from connectors.embedded import postgres as embedded
from connectors.postgres.database import Database
from connectors.postgres.partitions import add_partitions
from schemas.times import rfc3339
from schemas.topics import DAY_MS, ROWS
from tests.broker.drill_feed import PEOPLE, asked, asked_for, changed, chosen, device, first_key
from tests.broker.house.book import known
from tests.broker.house.house import PATIENCE_S, House, Sent, running_house
from tests.broker.restored import SNAPSHOTS, Snapshot, snapshot, until_written

ROOT = Path(__file__).parents[2]
STAGES = ("intake", "recipient", "delivery-email", "status", "stats")
SOON_MS = 10_000
ALL_SENT = "SELECT 1 FROM notification_messages WHERE idempotency_key LIKE $1 AND status = 'sent'"
SENT = "SELECT 1 FROM notification_messages WHERE idempotency_key = $1 AND status = 'sent'"


@dataclass(frozen=True, slots=True)
class Drill:
    """What the tables held: in the two backups, before the loss, when each backup had been put back."""

    backups: dict[str, Snapshot]
    before: Snapshot
    after: dict[str, Snapshot]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("drill")) as opened:
        yield opened


@pytest.fixture(scope="module")
def drill(house: House) -> Drill:
    """The whole drill, once."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_drilled(house))


def page(house: House, heading: str) -> None:
    """Run the commands that stand under a heading of the page."""
    text = (ROOT / "docs" / "restore-drill.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    blocks = re.findall(r"^```sh\n(.*?)^```", text.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    assert blocks, heading
    path = os.pathsep.join((str(embedded._programs()), str(Path(sys.executable).parent), os.environ["PATH"]))
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=house.folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT), **house.environment},
        check=True,
        timeout=PATIENCE_S,
    )


async def _drilled(house: House) -> Drill:
    backups, after, key_id = {}, {}, await first_key(house)
    today = todays()
    await execute(house, f"DROP TABLE {', '.join(today)}")
    backups["before the run"] = await backup(house, "before the run")
    await maintained(house, today)
    await house.send(*(Sent("user.events", known(name, email=f"{name}@example.com")) for name in PEOPLE))
    await house.read_by("intake", "recipient")
    await house.send(*asked("first"))
    await written(house)
    waits = await waiting(house, backups)
    await changed(house, key_id)
    consent = chosen("user.consent_granted", purpose="marketing")
    await house.send(*asked("second"), chosen("user.unsubscribed"), consent, device())
    await house.rows(SENT, [waits], 1)
    assert 5 == len(await house.rows(ALL_SENT, ["second-_"], 5))  # a call that runs is no lag
    await written(house)
    await house.worker.stop()
    before = await snapshot(house)
    for name in backups:
        (house.folder / name).replace(house.folder / "carillon.dump")
        page(house, "Put it back")
        house.worker.start()
        await house.worker.until_ready()
        await until_written(house)
        await house.worker.stop()
        after[name] = await snapshot(house)
    return Drill(backups, before, after)


async def waiting(house: House, backups: dict[str, Snapshot]) -> str:
    """Take the backup while a request waits for its time; its key. On a slow machine the time may be over."""
    for number in range(9):
        key = f"waits-{number}"
        await house.send(asked_for(key, scheduled_at=rfc3339(now_ms() + SOON_MS * (1 + number))))
        await written(house)
        backups["in the run"] = await backup(house, "in the run")
        if any("waiting" in row for row in backups["in the run"]["notification_requests"]):
            return key
    raise AssertionError("no backup while a request waited")


async def written(house: House) -> None:
    """Until Postgres has all that was sent."""
    await house.read_by(*STAGES)
    await until_written(house)


async def backup(house: House, name: str) -> Snapshot:
    """Take one; what it holds."""
    found = await snapshot(house)
    page(house, "Take a backup")
    (house.folder / "carillon.dump").replace(house.folder / name)
    return found


def todays() -> list[str]:
    """Partitions that the backup of before the run does not have, and all requests of the run go to."""
    days = (rfc3339(now_ms() + day * DAY_MS)[:10].replace("-", "") for day in (0, 1))
    return [f"notification_requests_{day}" for day in days]


async def maintained(house: House, missing: list[str]) -> None:
    """What a worker does with the partitions every few hours."""
    database = Database(house.postgres.address)
    try:
        assert set(missing) <= set(await add_partitions(database, now_ms()))  # at midnight one more
    finally:
        await database.close()


async def execute(house: House, statement: str) -> None:
    connection = await asyncpg.connect(house.postgres.address)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_much_has_happened_since_the_backups(drill: Drill) -> None:
    early, late = drill.backups.values()
    for name in ("notification_requests", "notification_messages", "delivery_status_logs"):
        assert [] == early[name]
        assert 0 < len(late[name]) < len(drill.before[name])
    for name in ("api_keys", "audit_log"):
        assert 0 < len(early[name]) < len(drill.before[name])
    for name in ("user_global_unsubscribes", "user_consents", "device_tokens"):
        assert [] == late[name] != drill.before[name]
    assert [] == drill.before["sink_refusals"]
    assert not any("waiting" in row for row in drill.before["notification_requests"])
    assert early["notification_template_versions"] != drill.before["notification_template_versions"]


@pytest.mark.spec("NS-OPS-071 NS-OPS-072 NS-OPS-OP-10")
@pytest.mark.parametrize("name", ["before the run", "in the run"])
@pytest.mark.parametrize("table", SNAPSHOTS)
def test_a_restored_database_has_every_row_again_and_none_twice(drill: Drill, table: str, name: str) -> None:
    """But for what the page says is made anew.

    Mutations tried: no partitions are made: fails (requests stand in the default one); reference data is not
    taken back: fails (texts, tags, outbox); the sink goes on from Kafka's committed offset: fails (gaps).
    """
    assert drill.before[table] == drill.after[name][table]


@pytest.mark.spec("NS-OPS-072")
async def test_a_backup_older_than_the_topic_stops_the_sink_with_what_to_do(
    drill: Drill, house: House
) -> None:
    """It passes over nothing by itself; what the page says then makes it go on."""
    assert drill.after
    page(house, "Put it back")
    await emptied(house)
    house.worker.start()
    assert 0 != await house.worker.ended()
    told = house.worker.tail()
    assert "stage sink: the next record to read is gone from the log" in told
    assert "carillon offsets set sink --to earliest" in told
    page(house, "When `rows` does not reach back that far")
    house.worker.start()
    await house.worker.until_ready()
    await until_written(house)


async def emptied(house: House) -> None:
    """Delete what `rows` holds, as its retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=house.kafka.address)
    await admin.start()
    try:
        (topic,) = await admin.describe_topics([ROWS])
        everything = {
            TopicPartition(ROWS, part["partition"]): RecordsToDelete(-1) for part in topic["partitions"]
        }
        await admin.delete_records(everything)
    finally:
        await admin.close()
