"""The pages say what the code says: generated ones are current, commands exist, named files are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from connectors.providers.registry import KINDS
from schemas.words import REASONS, Reason
from streams.cli.app import app
from streams.docs import FOLDER, pages
from streams.stages import stage_names

ROOT = FOLDER.parent
WRITTEN = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "DECISIONS.md",
    "docs/audiences.md",
    "docs/chaos.md",
    "docs/clients.md",
    "docs/contacts.md",
    "docs/data.md",
    "docs/one-request.md",
    "docs/operations.md",
    "docs/providers.md",
    "docs/restore-drill.md",
    "docs/security.md",
    "docs/templates.md",
)
MAKE_TARGET = re.compile(r"^([a-z]+):.*##", re.MULTILINE)
ROOMS = "streams|agents|tables|schemas|connectors|tests|examples|helm|docs"
FILE = re.compile(rf"`((?:{ROOMS})/[\w./-]+|[A-Z]+\.md|Makefile|constraints\.txt|pyproject\.toml)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def example_lines(text: str) -> list[str]:
    """The lines of code blocks that begin with one of our two commands; continued lines joined."""
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    joined = blocks.replace("\\\n", " ")
    lines = (line.partition("  #")[0].strip() for line in joined.splitlines())
    return [line for line in lines if line.startswith(("carillon ", "make "))]


def inline_commands(text: str) -> list[str]:
    return re.findall(r"`(carillon\s[^`…]+|make\s[a-z]+)`", text)


def all_commands() -> list[tuple[str, str]]:
    found = []
    for page in WRITTEN:
        text = text_of(page)
        found += [(page, line) for line in dict.fromkeys([*example_lines(text), *inline_commands(text)])]
    return found


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_current(name: str) -> None:
    assert pages()[name] == (FOLDER / name).read_text(), "run: python -m streams.docs"


def test_every_reason_has_a_sentence_and_so_a_row() -> None:
    assert set(Reason) == set(REASONS)


@pytest.mark.parametrize(("page", "line"), all_commands())
def test_a_command_of_a_page_is_one_that_the_command_line_takes(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        makefile = text_of("Makefile")
        given = [word.partition("=")[0] for word in words[1:] if "=" in word]
        assert {word for word in words[1:] if "=" not in word} <= set(MAKE_TARGET.findall(makefile)), page
        assert all(re.search(rf"^{name} \?=", makefile, re.MULTILINE) for name in given), page
    else:
        parse(words[1:])


def parse(words: list[str]) -> None:
    """Raise what the command line would raise about the words; nothing is run."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("carillon", [], resilient_parsing=True)
    for place, name in enumerate(words, start=1):
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name} in {context.command_path}"
        is_group = hasattr(command, "get_command")
        rest = [] if is_group else words[place:]
        context = command.make_context(name, rest, parent=context, resilient_parsing=is_group)
        if not is_group:
            return
    pytest.fail(f"{' '.join(words)} is not a whole command")


def test_the_readme_shows_every_command() -> None:
    command: Any = typer.main.get_command(app)
    names = command.list_commands(command.make_context("carillon", [], resilient_parsing=True))
    assert [] == [name for name in names if f"carillon {name}" not in text_of("README.md")]


def test_the_two_commands_of_a_stranger_come_first() -> None:
    assert ["make demo", "make test"] == example_lines(text_of("README.md"))[:2]


@pytest.mark.parametrize("page", WRITTEN)
def test_a_file_that_a_page_names_exists(page: str) -> None:
    text = text_of(page)
    linked = [str((ROOT / page).parent / target) for target in LINK.findall(text)]
    named = [str(ROOT / name) for name in FILE.findall(text)]
    assert [] == [name for name in [*linked, *named] if not Path(name).exists()]


def test_the_architecture_page_names_every_stage() -> None:
    shown = text_of("ARCHITECTURE.md")
    assert [] == [name for name in stage_names() if name.partition("-")[0] not in shown]


def test_the_contributing_page_sends_to_the_registry_that_there_is() -> None:
    assert "connectors/providers/registry.py" in text_of("CONTRIBUTING.md")
    assert KINDS


@pytest.mark.parametrize("page", [*WRITTEN, "CHANGELOG.md"])
def test_pages_name_no_address_to_download_from_and_no_folder_of_a_machine(page: str) -> None:
    assert [] == re.findall(
        r"https?://(?!127\.0\.0\.1|localhost)\S+|(?:/home|/work|/tmp|/Users)/\S*", text_of(page)
    )
