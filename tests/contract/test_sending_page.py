"""docs/sending.md says what the code does: its commands work, its numbers and words are in force."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import SecretStr
from yarl import URL

from connectors.http.problems import PROBLEMS
from connectors.http.routes import EDGE
from connectors.http.send_batch import LARGEST_BODY, MOST_ITEMS
from connectors.http.send_form import FARTHEST_MS, SendBody
from connectors.postgres.why import Explanation
from schemas.inputs import decoder_of
from schemas.topics import DAY_MS
from schemas.words import Outcome, Reason
from streams.settings_http import Http
from tables.pending import NOTED_MS
from tests.unit.connectors.http.edge import SHOP, edge
from tests.unit.connectors.http.test_send_state import ID, MESSAGE, REQUEST

TEXT = (Path(__file__).parents[2] / "docs" / "sending.md").read_text()
SENDING = {"send", "send_batch", "cancel", "message"}
CODE = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


class Curl(NamedTuple):
    """One command of the page."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


def curls() -> list[Curl]:
    """Every curl of the page, as a shell would read it."""
    commands = [part for block in CODE for part in block.split("\n\n") if part.startswith("curl")]
    return [curl(shlex.split(command.replace("$KEY", SHOP).replace("\\\n", " "))) for command in commands]


def curl(words: list[str]) -> Curl:
    given: dict[str, list[str]] = {"": []}
    rest = iter(words[1:])
    for word in rest:
        if word.startswith("-"):
            given.setdefault(word, []).append(next(rest))
        else:
            given[""].append(word)
    (url,) = given[""]
    headers = dict(text.split(": ", 1) for text in given["-H"])
    body = given["-d"][0].encode() if "-d" in given else None
    return Curl(given.get("-X", ["GET"])[0], URL(url).path, headers, body)


@pytest.mark.parametrize("command", curls(), ids=lambda command: f"{command.method} {command.path}")
async def test_a_command_of_the_page_is_taken(command: Curl) -> None:
    async with edge() as one:
        one.known[ID] = Explanation(ID, (REQUEST,), (MESSAGE,))
        async with one.client.request(
            command.method, command.path, headers=command.headers, data=command.body
        ) as response:
            answer = await response.json()
    assert (202 if command.method == "POST" else 200) == response.status, answer
    for record in one.produced:
        decoder_of(record.topic)(record.value)
    assert bool(one.produced) == (command.method == "POST")


def test_every_route_of_sending_is_shown() -> None:
    shown = {(command.method, command.path.replace(ID, "{id}")) for command in curls()}
    assert {(route.method, route.path) for route in EDGE if route.name in SENDING} == shown


def test_the_key_of_the_page_is_one_that_settings_take() -> None:
    entry = re.search(r'API_KEYS="(.*)"', CODE[0])
    assert entry is not None
    (key,) = Http(api_keys=SecretStr(re.sub(r"\$\(.*\)", "0" * 64, entry[1]))).keys()
    assert ("shop", frozenset({"send", "stats"})) == (key.key_id, key.scopes)


def test_every_field_is_described_and_no_other() -> None:
    table = TEXT.partition("| field | what |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    assert {word.strip("`") for words in named for word in words.split(", ")} == {*SendBody.__struct_fields__}


def test_every_status_and_word_of_the_page_is_in_force() -> None:
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", TEXT, re.MULTILINE)
    said = {int(status) for left, _ in rows for status in re.findall(r"\b\d{3}\b", left)}
    routes = [route for route in EDGE if route.name in SENDING]
    told = {PROBLEMS[problem.code][0] for route in routes for problem in route.operation.refusals}
    assert told <= said
    states = TEXT.partition("| status of a request | what |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", states, re.MULTILINE)
    assert {word.strip("`") for words in named for word in words.split(", ")} == {*Outcome} - {Outcome.NOTED}
    assert {Reason.KEY_REUSED, Reason.CANCELLED_BY_SENDER, Reason.NOTHING_WAITS} <= set(
        re.findall(r"`(\w+)`", TEXT)
    )


def test_the_numbers_of_the_page_are_those_in_force() -> None:
    numbers = {
        f"Up to {MOST_ITEMS}, at most 4 MiB": LARGEST_BODY == 4 << 20,
        "at most 90 days ahead": FARTHEST_MS == 90 * DAY_MS,
        "for 31 days": NOTED_MS == 31 * DAY_MS,
    }
    assert [] == [text for text, holds in numbers.items() if text not in TEXT or not holds]
