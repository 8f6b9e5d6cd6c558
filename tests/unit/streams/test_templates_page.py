"""docs/templates.md is true: its files are written, its commands run, and they print what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.templates.variables import KNOWN
from streams.cli.template import template

PAGE = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()
FILES = re.findall(r"^`(shop/\S+\.yaml)`:\n\n```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ carillon template (.+?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def written(folder: Path, *left_out: str) -> None:
    (folder / "shop" / "templates").mkdir(parents=True)
    for name, text in FILES:
        if not any(word in name for word in left_out):
            (folder / name).write_text(text)


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[command[:25] for command, _ in COMMANDS])
def test_the_commands_of_the_page_print_what_it_says(
    command: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, *(() if command.startswith("lint") else ("sale",)))
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(template, shlex.split(command))
    assert (expected, 2 if command.startswith("lint") else 0) == (found.output, found.exit_code)


def test_the_page_has_files_and_commands() -> None:
    assert (5, 4) == (len(FILES), len(COMMANDS))


def test_the_page_tells_every_word_of_a_description() -> None:
    table = PAGE.partition("| word |")[2].partition("\n\n")[0]
    told = {word for line in table.splitlines() for word in re.findall(r"`(\w+)`", line.partition(" | ")[0])}
    assert set(KNOWN) == told


def test_a_clean_folder_is_told_so_in_words_and_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "sale")
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(template, ["lint", "-f", "shop"])
    assert ("4 templates, 0 errors, 0 warnings\n", 0) == (found.output, found.exit_code)
    found = CliRunner().invoke(template, ["lint", "-f", "shop", "--json"])
    assert '{"templates":4,"errors":[],"warnings":[]}\n' == found.output


def test_a_preview_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "sale")
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(template, ["preview", "code.sms.ru", "-f", "shop", "--no-samples"])
    assert ("variable `Code` is missing\n", 1) == (found.output, found.exit_code)
    found = CliRunner().invoke(template, ["preview", "nobody.sms.ru", "-f", "shop"])
    assert 2 == found.exit_code
