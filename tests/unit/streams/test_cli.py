"""What a person must know ends a command with one message, not with a stack."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connectors.cipher import Cipher
from streams.cli import main

GIVEN = {
    "CARILLON_KAFKA__BOOTSTRAP": "127.0.0.1:1",
    "CARILLON_POSTGRES__DSN": "postgresql://nobody@127.0.0.1:1/none",
    "CARILLON_CRYPTO__KEYS": Cipher.new_key("k1"),
}


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command sets up logs for its process; other tests share this one."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    """The exit code of a command with servers given that nobody reaches."""
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["carillon", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_faults_of_files_are_told_before_a_broker_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "types.yaml").write_text("- code: welcome\n")
    assert 2 == run(monkeypatch, "apply", "-f", str(tmp_path))
    assert "types.yaml, entry 1: Object missing required field `title`\n" == capsys.readouterr().err


def test_wrong_settings_are_told_and_end_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARILLON_HTTP__PORT", "0")
    assert 2 == run(monkeypatch, "doctor")
    assert "CARILLON_HTTP__PORT" in capsys.readouterr().err


def test_a_stage_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(monkeypatch, "worker", "--stages", "nope")
    assert "no stage nope" in capsys.readouterr().err
