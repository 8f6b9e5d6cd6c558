"""The API of quiet hours."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.choices import Quiet, Stored
from schemas.quiet import NEVER
from schemas.records import QuietHours
from schemas.times import rfc3339
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.test_preferences import Desk, desk

__all__ = ["desk"]
NIGHT = {"from": "22:00", "to": "08:00", "timezone": "Europe/Moscow"}


async def test_quiet_hours_are_set_and_are_a_fact(desk: Desk) -> None:
    status, found = await desk.ask("PUT", "/quiet-hours", NIGHT)
    assert (200, NIGHT | {"is_enabled": True, "changed_at": rfc3339(NOW)}) == (status, found)
    (fact,) = desk.facts
    assert ("quiet_hours_changed", QuietHours(start=1320, end=480, timezone="Europe/Moscow")) == (
        fact.kind,
        fact.quiet,
    )


async def test_quiet_hours_are_switched_off_or_forgotten(desk: Desk) -> None:
    assert 200 == (await desk.ask("PUT", "/quiet-hours", {"is_enabled": False}))[0]
    assert 204 == (await desk.ask("DELETE", "/quiet-hours"))[0]
    assert [NEVER, None] == [fact.quiet for fact in desk.facts]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": "22:00"},
        {"from": "22:00", "to": "22:00"},
        {"from": "24:00", "to": "08:00"},
        NIGHT | {"timezone": "Mars/Base"},
        NIGHT | {"loud": True},
    ],
)
async def test_hours_that_are_none_are_refused(desk: Desk, body: dict[str, Any]) -> None:
    status, found = await desk.ask("PUT", "/quiet-hours", body)
    assert (400, "invalid_field", []) == (status, found["code"], desk.written)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, None),
        (Quiet(1320, 480, "Europe/Moscow", NOW), {**NIGHT, "is_enabled": True, "changed_at": rfc3339(NOW)}),
        (
            Quiet(0, 0, None, NOW),
            {"is_enabled": False, "from": None, "to": None, "timezone": None, "changed_at": rfc3339(NOW)},
        ),
    ],
)
async def test_quiet_hours_are_shown(desk: Desk, stored: Quiet | None, expected: Any) -> None:
    desk.choices.stored = Stored(quiet=stored)
    assert expected == (await desk.ask("GET"))[1]["quiet_hours"]
