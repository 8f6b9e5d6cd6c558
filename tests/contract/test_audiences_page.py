"""docs/audiences.md says what the code does: its commands get what it says they get."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.http.audience.bodies import MOST_COMMUNICATIONS, MOST_USERS
from connectors.http.audience.operations import PUBLISH, STATUS, UNPUBLISH
from connectors.http.audience.slots import LARGEST_BODY
from connectors.http.limits import PER_KEY
from connectors.http.problems import PROBLEMS
from connectors.reference.files import load_directory
from schemas.records import Communication
from tables.publications import DAY_MS, PROGRESS_KEPT_MS, REMEMBERED_MS
from tests.unit.connectors.http.audience.stage import Stage, written
from tests.unit.connectors.http.edge import AUDIENCE_KEY, edge

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "audiences.md").read_text()
COMMANDS = re.findall(r"^```sh\n(curl .*?)^```", TEXT, re.MULTILINE | re.DOTALL)


class Everything(Stage):
    """Knows what the examples have, and every request, label and campaign that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        shown = [one for one in load_directory(ROOT / "examples") if isinstance(one, Communication)]
        self.known.communications = {one.id: one.kind for one in shown}

    def request(self, request_id: str) -> Any:  # noqa: ARG002 - the port's
        return super().request("r")

    def labels(self) -> Any:
        found = super().labels()
        spring = replace(found["c"], audience_label="spring:spring-sale", campaign_label="spring")
        return {**found, spring.audience_label: spring}


def understood(command: str) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, headers and body of a command, as a shell and curl read it."""
    told = command.replace("$EDGE", "").replace("$KEY", AUDIENCE_KEY)
    method, target, headers, body = "GET", "", {}, b""
    words = iter(shlex.split(told.replace("\\\n", " "))[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words).encode()
        else:
            target = word
    return method, target, headers, body


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_of_the_page_gets_200(command: str) -> None:
    stage = Everything()
    method, target, headers, body = understood(command)
    async with (
        edge(audience=stage) as one,
        one.client.request(method, target, headers=headers, data=body or None) as response,
    ):
        answer = await response.json()
    assert (200, AUDIENCE_KEY) == (response.status, headers["Authorization"].removeprefix("Bearer "))
    assert answer.get("audience_info") or answer.get("items")
    for upload in stage.uploads:
        command_written = written(upload)[0]
        assert headers["X-Idempotency-Token"] == command_written.idempotency_key
        assert json.loads(body)["id"] == command_written.request_id


@pytest.mark.spec("CRM-051")
def test_all_three_tasks_are_shown() -> None:
    tasks = {re.sub(r"\?.*", "", understood(command)[1]).rpartition("/")[2] for command in COMMANDS}
    assert {"publish", "status", "unpublish"} == tasks


def test_every_status_of_the_endpoints_is_in_the_table() -> None:
    rows = re.findall(r"^\| (.*?) \| .*? \|$", TEXT, re.MULTILINE)
    said = {int(status) for left in rows for status in re.findall(r"\b\d{3}\b", left)}
    problems = [problem for of in (PUBLISH, UNPUBLISH, STATUS) for problem in of.refusals]
    assert {PROBLEMS[problem.code][0] for problem in problems} <= said
    assert {200, 401, 403, 500} <= said


def test_the_numbers_of_the_page_are_those_in_force() -> None:
    numbers = {
        "100\npersonal communications of 1000 users and 16 MiB": (
            MOST_COMMUNICATIONS,
            MOST_USERS,
            LARGEST_BODY,
        )
        == (100, 1000, 16 << 20),
        "300 requests a minute": PER_KEY.per_minute == 300,
        "known for 7 days": PROGRESS_KEPT_MS == 7 * DAY_MS,
        "safe for 24 hours": REMEMBERED_MS == DAY_MS,
    }
    assert [] == [text for text, holds in numbers.items() if text not in TEXT or not holds]
