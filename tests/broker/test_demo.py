"""The demo as a stranger runs it, and what it leaves on the disk: addresses in clear only in input topics."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import rocksdict

from schemas.catalogue import catalogue
from schemas.topics import Use

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "examples" / "requests.ndjson"
TOKEN = re.compile(rb'"token": ?"([^"]{12,})"')
PHONE = re.compile(rb'"phone": ?"(\+7\d{10})"')
MAIL = re.compile(rb'"email": ?"(player\.\d+@example\.com)"')
OUTSIDE = (
    "run"  # the fake provider's ledger and our own settings: the outside world, and what only we may read
)


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo that balanced its books."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    run = subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo", "--keep"],
        cwd=ROOT,
        env={**environment, "CARILLON_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (0, "") == (run.returncode, run.stderr[-2000:] if run.returncode else "")
    assert "The books balance" in run.stdout
    return folder


def addresses() -> list[bytes]:
    """Addresses in the demo's input."""
    raw = REQUESTS.read_bytes()
    return sorted({found for pattern in (TOKEN, PHONE, MAIL) for found in pattern.findall(raw)})


def topic_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every log segment with its topic."""
    for path in (folder / "kafka").rglob("*.log"):
        topic, _, number = path.parent.name.rpartition("-")
        if number.isdecimal():
            yield topic, path.read_bytes()


def holds(raw: bytes, wanted: list[bytes]) -> list[bytes]:
    return [address for address in wanted if address in raw]


def test_only_input_topics_hold_addresses_in_clear(left_behind: Path) -> None:
    """Dead letters of an input topic are its own bytes."""
    inputs = {topic.name for topic in catalogue() if topic.use is Use.PUBLIC_IN}
    inputs |= {f"{name}.dlq" for name in inputs}
    wanted = addresses()
    clear = {topic for topic, raw in topic_files(left_behind) if holds(raw, wanted)}
    assert "user.events" in clear, "the search finds what is there"
    assert set() == clear - inputs


def test_tables_hold_no_address_in_clear(left_behind: Path) -> None:
    wanted, rows = addresses(), 0
    for current in (left_behind / "tables").rglob("CURRENT"):
        store = rocksdict.Rdict(str(current.parent), rocksdict.Options(raw_mode=True))
        for key, value in store.items():
            rows += 1
            assert [] == holds(cast("bytes", key) + value, wanted)
        store.close()
    assert rows > 1000


def test_postgres_holds_no_address_in_clear(left_behind: Path) -> None:
    """Heap files are searched as they are: short values lie in them uncompressed."""
    wanted = addresses()
    files = [path for path in (left_behind / "postgres").rglob("*") if path.is_file()]
    found = {str(path): clear for path in files if (clear := holds(path.read_bytes(), wanted))}
    assert len(files) > 100
    assert {} == found
