"""What a person must know ends a command with one message, not with a stack."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer.main
from typer.testing import CliRunner

from connectors.cipher import Cipher
from connectors.kafka_admin import TopicError
from streams.cli import main, topic
from streams.cli.app import app

GIVEN = {
    "CARILLON_KAFKA__BOOTSTRAP": "127.0.0.1:1",
    "CARILLON_POSTGRES__DSN": "postgresql://nobody@127.0.0.1:1/none",
    "CARILLON_CRYPTO__KEYS": Cipher.new_key("k1"),
}


USER = "7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"
COMMANDS = (
    "up",
    "demo",
    "worker",
    "http",
    "migrate",
    "apply -f examples",
    f"send {USER} welcome",
    "why --key k",
    "doctor",
    "topics create",
    "topics list",
    "topics acls --allow orders=notification.send.request",
    "topics scale recipient --partitions 12",
    "dlq list",
    "dlq show payment.events",
    "dlq redrive payment.events",
    "seen list",
    "seen redrive --tag wallet --destination wallet.internal",
    "seen redrive --unknown",
    "keys create orders --scope send --scope stats --test --days 30 --per-minute 600",
    "keys list --json",
    "keys rotate 0f3a5c7e9b1d --hours 1",
    "keys revoke 0f3a5c7e9b1d",
    "audit list --object key:0f3a5c7e9b1d --actor user:ann --days 7 --limit 5 --json",
    f"person export {USER}",
    f"person erase {USER} --yes --known-as yandex_uid:4001",
    "quarantine list --json",
    "quarantine release crm marketing_promo",
    "quarantine reject crm marketing_promo",
    "quarantine approve crm marketing_promo --hours 6",
    f"person confirm {USER} --channel email",
    "crypto reseal --check",
    "offsets set sink --to earliest",
    "template push -f examples",
    "template pull -f examples",
)
LOCAL = (
    "template lint -f examples",
    "template show welcome.email.ru",
    "template preview welcome.email.ru",
    "consent import consents.csv --check",
    "crypto new-key k2",
)
"""Need no settings."""
GROUPS = {
    "topics",
    "dlq",
    "seen",
    "offsets",
    "keys",
    "audit",
    "template",
    "consent",
    "person",
    "crypto",
    "quarantine",
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


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, those of groups with their group's name."""
    for name in group.list_commands(None):
        command, inner = group.get_command(None, name), (*path, name)
        yield from commands(command, inner) if hasattr(command, "commands") else [inner]


def test_a_question_imports_no_stage() -> None:
    """Else `why` would take longer to load than to answer."""
    loaded = "import sys, streams.cli, streams.cli.look; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=True, text=True)
    assert set() == {"faust", "jinja2", "aiosmtplib", "streams.topology"} & set(names.stdout.split())


def test_the_list_above_names_every_command() -> None:
    listed = {words[: 2 if words[0] in GROUPS else 1] for words in map(words_of, (*COMMANDS, *LOCAL))}
    assert set(commands(typer.main.get_command(app))) == listed


def words_of(line: str) -> tuple[str, ...]:
    return tuple(line.split())


@pytest.mark.parametrize("line", COMMANDS)
def test_wrong_settings_are_told_in_one_message_and_end_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARILLON_HTTP__PORT", "0")
    monkeypatch.setenv("CARILLON_KAFKA__PARTITIONS", "many")
    monkeypatch.setenv("CARILLON_DATA_DIR", str(tmp_path))
    assert 2 == run(monkeypatch, *words_of(line))
    told = capsys.readouterr()
    heading, *problems, where = told.err.splitlines()
    assert "The settings are wrong:" == heading
    assert ["CARILLON_KAFKA__PARTITIONS", "CARILLON_HTTP__PORT"] == [
        problem.split(":")[0].strip() for problem in problems
    ]
    assert "Every setting is described in docs/configuration.md." == where
    assert "" == told.out
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("words", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_the_help_of_a_command_has_an_example_of_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert 0 == result.exit_code
    assert f"Example: carillon {' '.join(words)}" in result.output


@pytest.mark.parametrize("line", ["why --key k", "doctor", "topics create", "topics list", "dlq list"])
def test_given_servers_that_are_away_are_told_and_end_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, tmp_path: Path
) -> None:
    """Given addresses are used, whatever runs here."""
    monkeypatch.setenv("CARILLON_DATA_DIR", str(tmp_path))
    assert 1 == run(monkeypatch, *words_of(line))
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    assert "127.0.0.1" in told.out + told.err


def test_a_stage_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(monkeypatch, "worker", "--stages", "nope")
    assert "no stage nope" in capsys.readouterr().err


def test_topics_that_do_not_grow_are_told_in_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Mutation: `scale` does not catch `TopicError`: a stack."""

    async def refused(*_: object) -> None:
        raise TopicError("no leader within 30 s")

    monkeypatch.setenv("CARILLON_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(topic, "scale_stage", refused)
    assert 1 == run(monkeypatch, *words_of("topics scale recipient --partitions 12"))
    assert "no leader within 30 s\n" == capsys.readouterr().err
