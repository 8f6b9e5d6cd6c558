"""What is read of a person, and what a command asks for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.cipher import Cipher
from connectors.postgres.persons import UNREADABLE
from schemas.codec import SchemaBook
from schemas.records import ContactsAsked, DevicesDue, RequestDue
from streams.cli.app import app
from streams.cli.person import _name
from streams.persons import ELSEWHERE, PARTS, STAGE, by_part, shown
from streams.scaling import homes as homes_module
from tables.contacts import Address, Contacts
from tables.devices import Devices
from tables.requests import Taken
from tests.requests import REQUEST
from tests.unit.streams.scaling.test_homes import call, row, timer

CIPHER = Cipher({"k1": bytes(64)}, current="k1")


def test_every_kind_of_row_of_the_stage_is_part_of_an_export() -> None:
    """A table that is added must be added there, too, or be named with the reason why it is not."""
    assert set(homes_module._homes(SchemaBook())[STAGE]) == {*PARTS, *ELSEWHERE}


def test_what_is_sealed_is_shown_in_clear_and_what_nobody_opens_is_said_so() -> None:
    known = Contacts(
        email=Address(sealed=CIPHER.seal(b"anna@example.com"), is_valid=True),
        devices=[Address(sealed=Cipher({"k2": bytes(64)}, current="k2").seal(b"token"), is_valid=True)],
    )
    found = shown(known, CIPHER)
    assert ("anna@example.com", [UNREADABLE], None) == (
        found["email"]["sealed"],
        [one["sealed"] for one in found["devices"]],
        found["phone"],
    )
    assert {"request_id": "r", "taken_at": 1, "content": None} == shown(
        Taken(request_id="r", taken_at=1), CIPHER
    )
    assert ['{"a":1}', {"b": 2}] == shown([b'{"a":1}', {"b": 2}], CIPHER)


def test_rows_of_every_form_are_read() -> None:
    """Mutation: timers of requests only, or effects without their first byte: an export fails."""
    request, silent = (
        RequestDue(request=REQUEST, due_at=5, waited_for="contact"),
        DevicesDue(user_id="u", due_at=6),
    )
    asked = ContactsAsked(request=REQUEST)
    timers = dict([timer(STAGE, request), timer(STAGE, silent)])
    raw = {b"\6user:u": row(Devices(looks_at=6)), **timers, **dict([call(STAGE, asked)])}
    found = by_part(raw, SchemaBook())
    assert ([Devices(looks_at=6)], [asked]) == (found["devices"], found["asked"])
    assert [request, silent] == found["waiting"]


def test_a_name_of_audiences_has_its_kind() -> None:
    assert {"id_type": "phone_id", "id": "4:2"} == _name("phone_id:4:2")


@pytest.mark.parametrize(
    "words",
    [
        ["export", "somebody"],
        ["erase", "somebody", "--yes"],
        ["confirm", "somebody", "--channel", "email"],
        ["confirm", "0f8fad5b-d9cb-469f-a165-70867728950e", "--channel", "push"],
        ["erase", "0f8fad5b-d9cb-469f-a165-70867728950e", "--yes", "--known-as", "name:Ann"],
    ],
)
def test_faults_are_told_before_a_server_is_looked_for(words: list[str]) -> None:
    done: Any = CliRunner().invoke(app, ["person", *words])
    assert 2 == done.exit_code, done.output


def test_an_export_can_be_written_as_json() -> None:
    assert msgspec.json.encode(shown(Contacts(), CIPHER))
