"""The demo as a stranger runs it, what it leaves on the disk, and `up` on the same data."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
import rocksdict

from connectors.embedded.kafka import bindable
from connectors.embedded.process import in_use
from examples.accounts.expected import expect
from examples.accounts.reading import catalogue as catalogue_of
from examples.accounts.reading import numbered
from schemas.catalogue import catalogue
from schemas.topics import SEND_REQUEST, Use
from tests.broker.faults.system import free_port

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "examples" / "requests.ndjson"
TOKEN = re.compile(rb'"token": ?"([^"]{12,})"')
PHONE = re.compile(rb'"phone": ?"(\+7\d{10})"')
MAIL = re.compile(rb'"email": ?"(player\.\d+@example\.com)"')
MAGIC = rb"delivered|bounce|timeout|slow|429|flaky"
SHAPES = (
    re.compile(rb"player\.\d+@example\.com"),
    re.compile(rb"\+7\d{10}"),
    re.compile(rb"(?=([0-9a-f]{64}))"),
    re.compile(rb"(?:" + MAGIC + rb")-[0-9a-f-]{36}"),
)
LOGS = ("run/worker.log", "run/http.log", "kafka/kafka.log", "postgres/postgres.log")
"""Beside them in `run` lie the fake provider's ledger, which is the outside world, and our own settings."""
ADDRESSES = ("Kafka", "Postgres", "HTTP", "Worker", "Providers", "Database")
PATIENCE_S = 60.0
NOT_FOUND = 1


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo that balanced its books, and whose campaigns were shown as they must be."""
    folder = tmp_path_factory.mktemp("demo")
    told = carillon(folder, "demo", "--keep")
    assert "The books balance" in told
    assert "CRM: withdraw spring" in told
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of ours but the data folder."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    return {**others, "CARILLON_DATA_DIR": str(folder), **more}


def carillon(folder: Path, *words: str, other: int = 0) -> str:
    """What a command prints; it must end with 0 or this other code."""
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", *words],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert run.returncode in (0, other), (run.returncode, run.stderr[-2000:])
    return run.stdout


def addresses() -> frozenset[bytes]:
    """Addresses in the demo's input."""
    raw = REQUESTS.read_bytes()
    return frozenset(found for pattern in (TOKEN, PHONE, MAIL) for found in pattern.findall(raw))


def topic_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every log segment with its topic."""
    for path in (folder / "kafka").rglob("*.log"):
        topic, _, number = path.parent.name.rpartition("-")
        if number.isdecimal():
            yield topic, path.read_bytes()


def holds(raw: bytes, wanted: frozenset[bytes]) -> list[bytes]:
    """Which of them stand in these bytes: whatever looks like one is looked up."""
    return sorted(wanted & {found for shape in SHAPES for found in shape.findall(raw)})


def test_the_search_finds_every_address_wherever_it_stands() -> None:
    wanted = addresses()
    assert len(wanted) > 1000
    assert sorted(wanted) == holds(b"0a".join(sorted(wanted)), wanted)


@pytest.mark.spec("NS-SEC-OP-01")
def test_only_input_topics_hold_addresses_in_clear(left_behind: Path) -> None:
    """Dead letters of an input topic are its own bytes."""
    inputs = {topic.name for topic in catalogue() if topic.use is Use.PUBLIC_IN}
    inputs |= {f"{name}.dlq" for name in inputs}
    wanted = addresses()
    clear = {topic for topic, raw in topic_files(left_behind) if holds(raw, wanted)}
    assert "user.events" in clear, "the search finds what is there"
    assert set() == clear - inputs


@pytest.mark.spec("NS-SEC-OP-01")
def test_tables_hold_no_address_in_clear(left_behind: Path) -> None:
    wanted, rows = addresses(), 0
    for current in (left_behind / "tables").rglob("CURRENT"):
        store = rocksdict.Rdict(str(current.parent), rocksdict.Options(raw_mode=True))
        for key, value in store.items():
            rows += 1
            assert [] == holds(cast("bytes", key) + value, wanted)
        store.close()
    assert rows > 1000


@pytest.mark.spec("NS-DATA-OP-15")
def test_postgres_holds_no_address_in_clear(left_behind: Path) -> None:
    """Heap files are searched as they are: short values lie in them uncompressed."""
    wanted = addresses()
    files = [path for path in (left_behind / "postgres").rglob("*") if path.is_file()]
    found = {str(path): clear for path in files if (clear := holds(path.read_bytes(), wanted))}
    assert len(files) > 100
    assert {} == found


def test_logs_hold_no_address(left_behind: Path) -> None:
    wanted = addresses()
    raw = {name: (left_behind / name).read_bytes() for name in LOGS}
    assert b"worker_started" in raw["run/worker.log"]
    assert {} == {name: clear for name, text in raw.items() if (clear := holds(text, wanted))}


def test_the_demo_leaves_nothing_running(left_behind: Path) -> None:
    assert [False, False] == [in_use(left_behind / name) for name in ("kafka", "postgres")]


@contextmanager
def running_up(folder: Path, code: int = 0, last: str = "Draining…") -> Iterator[list[str]]:
    """`carillon up` from its first line to `Ready`, and Ctrl-C at the end unless it ends by itself."""
    ports = {"CARILLON_HTTP__PORT": str(free_port()), "CARILLON_HTTP__OPS_PORT": str(free_pair())}
    command = [sys.executable, "-u", "-m", "streams.cli", "up"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(folder, **ports), stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout is not None
        lines: list[str] = []
        try:
            for line in up.stdout:
                lines.append(line)
                if line.startswith("Ready"):
                    break
            yield lines
        finally:
            if not code:
                up.send_signal(signal.SIGINT)
            lines += up.stdout.readlines()
        assert (code, True) == (up.wait(PATIENCE_S), lines[-1].startswith(last)), lines[-3:]


def free_pair() -> int:
    """A port that nobody listens on, nor on the one after it, which the worker takes."""
    while not bindable((port := free_port()) + 1):
        pass
    return port


def traced(folder: Path, key: str, many: int) -> list[dict[str, Any]]:
    """The requests that `carillon why` knows of a key, as soon as there are so many."""
    found: list[dict[str, Any]] = []
    began = time.monotonic()
    while len(found) < many and time.monotonic() - began < PATIENCE_S:
        told = carillon(folder, "why", "--key", key, "--json", other=NOT_FOUND)
        found = json.loads(told)["requests"]
    return found


def accepted() -> tuple[dict[str, Any], str]:
    """A request of the input that the books expect to be accepted, once; and who sent it."""
    expected = expect(catalogue_of(REQUESTS.parent), numbered(REQUESTS))
    for _, line in numbered(REQUESTS):
        if line["to"] == "kafka" and line["topic"] == SEND_REQUEST and "value" in line:
            value, source = line["value"], line["headers"].get("source")
            key = (source, value.get("user_id"), value.get("idempotency_key"))
            if {("accepted", None): 1} == expected.endings.get(key):
                return value, source
    raise AssertionError("no request of the input is accepted once")


def listening(lines: list[str], word: str) -> int:
    """The process id behind the address on a line that begins with this word."""
    line = next(line for line in lines if line.startswith(word))
    port = int(re.findall(r":(\d+)", line)[-1])
    found = {each.pid for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port}
    (pid,) = found - {None}
    assert pid is not None
    return pid


def ready_again(lines: list[str], word: str, before: int) -> int:
    """The process id of the one that listens in its place, once it does."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        with suppress(ValueError):
            if (now := listening(lines, word)) != before:
                return now
    raise AssertionError(f"nobody took the place of {before}")


def test_up_starts_a_killed_worker_again_and_goes_on(left_behind: Path) -> None:
    asked, source = accepted()
    user_id, kind = asked["user_id"], asked["notification_type"]
    with running_up(left_behind) as told:
        killed = listening(told, "Worker")
        os.kill(killed, signal.SIGKILL)
        carillon(left_behind, "send", user_id, kind, "--key", "beyond-a-kill", "--source", source)
        assert ["accepted"] == [one["outcome"] for one in traced(left_behind, "beyond-a-kill", 1)]
        assert killed != ready_again(told, "Worker", killed)
    assert 1 == told.count("worker ended by SIGKILL; starts again in 1 s\n")


def test_up_ends_and_says_so_when_its_broker_is_killed(left_behind: Path) -> None:
    with running_up(left_behind, code=1, last="Kafka ended by SIGKILL.") as told:
        os.kill(listening(told, "Kafka"), signal.SIGKILL)
    assert [False, False] == [in_use(left_behind / name) for name in ("kafka", "postgres")]


def test_a_second_up_prints_every_address_finds_its_data_and_stops_all_of_it(left_behind: Path) -> None:
    """What was taken by the demo is still known: to `why`, and to the table that finds repeats."""
    asked, source = accepted()
    key, kind = asked["idempotency_key"], asked["notification_type"]
    with running_up(left_behind) as told:
        assert [] == [word for word in ADDRESSES if not any(line.startswith(word) for line in told)]
        before = traced(left_behind, key, 1)
        assert ["accepted"] == [request["outcome"] for request in before]
        carillon(left_behind, "send", asked["user_id"], kind, "--key", key, "--source", source)
        after = traced(left_behind, key, 2)
        assert ["repeated"] == [one["outcome"] for one in after if one not in before]
    assert [False, False] == [in_use(left_behind / name) for name in ("kafka", "postgres")]
