"""Staff who change what somebody chose are named, and keys of one service are one sender."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from agents.note import note
from connectors.access.actor import Actor
from connectors.access.key_book import KeyBook
from connectors.access.masking import masked
from connectors.http.authority import Authority
from connectors.http.credentials import Asked
from connectors.http.policies import Caller, CallerKind, Policy, Role
from connectors.postgres.audit import Change
from connectors.postgres.errors import PostgresUnavailableError
from schemas.ids import person_named
from schemas.inputs import decoder_of
from schemas.records import ApiKey
from schemas.topics import PREFERENCE_CHANGES
from tests.choices import MemoryChoices
from tests.fakes import MemoryReference, PlainCipher
from tests.requests import PROMO
from tests.unit.connectors.http.edge import NOW, edge
from tests.unit.connectors.http.test_preferences import USER, Desk

ANN = Caller(CallerKind.PERSON, subject="ann", roles=frozenset({Role.ADMIN}), address="192.0.2.7")
HERSELF = Caller(CallerKind.PERSON, subject=USER, roles=frozenset({Role.USER}), only=USER)
SERVICE = Caller(CallerKind.KEY, "k1", service="shop")
CHOICE = {"notification_type": "promo", "allowed_channels": ["email"], "source": "settings"}
CHANGES = [
    ("PUT", "", CHOICE),
    ("POST", "/unsubscribe", {"channel_type": "email", "reason": "called us"}),
    ("DELETE", "/unsubscribe/email", None),
    ("PUT", "/consents/marketing", {"granted": True, "source": "phone"}),
    ("PUT", "/quiet-hours", {"from": "22:00", "to": "08:00"}),
    ("DELETE", "/quiet-hours", None),
]


class Office(Desk):
    """The API of preferences, who calls it, and its audit log."""

    def __init__(self) -> None:
        super().__init__()
        self.caller = ANN
        self.lines: list[tuple[Actor, Change]] = []
        self.has_database = True

    async def authenticate(self, _asked: Asked, _policy: Policy) -> Caller:
        return self.caller

    async def note_down(self, actor: Actor, change: Change) -> None:
        if not self.has_database:
            raise PostgresUnavailableError
        self.lines.append((actor, change))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    made.choices = MemoryChoices()
    ports = {"produce": made.produce, "choices": made.choices, "note_down": made.note_down}
    async with edge(authenticate=made.authenticate, cipher=PlainCipher(), **ports) as one:
        made.client = one.client
        yield made


@pytest.mark.spec("NS-SEC-005 NS-SEC-OP-03")
async def test_each_change_by_staff_has_a_line_of_the_audit_log(office: Office) -> None:
    """NS-SEC-005. A line cannot be changed, so it never has the user's id. Mutation: it is the object's."""
    for method, path, body in CHANGES:
        assert (await office.ask(method, path, body))[0] < 400
    assert {Actor("user:ann", "admin", "192.0.2.7")} == {actor for actor, _ in office.lines}
    told = [(change.action, change.object_type, change.object_id) for _, change in office.lines]
    person = person_named(f"hash of {USER}")
    assert [("preferences.change", "person", person)] * len(CHANGES) == told
    assert USER not in str([change for _, change in office.lines])
    events = [change.after["event_type"] for _, change in office.lines if change.after]
    assert [event["event_type"] for event in office.events] == events
    assert "***" == (masked(office.lines[0][1].after) or {})["preferences"]


async def test_evidence_names_the_staff_who_said_it(office: Office) -> None:
    for method, path, body in CHANGES[:4]:
        await office.ask(method, path, body)
    choice, unsubscribe, resubscribe, consent = (event["data"] for event in office.events)
    assert ("settings, by user:ann", "called us, by user:ann", "by user:ann", "phone, by user:ann") == (
        choice["preferences"][0]["source"],
        unsubscribe["reason"],
        resubscribe["reason"],
        consent["source"],
    )


async def test_staff_who_switch_advertising_on_do_not_consent_in_person(office: Office) -> None:
    """Mutation: the source stays `settings`. The row would say that the user consented himself."""
    for office.caller in (ANN, HERSELF):
        await office.ask("PUT", "", CHOICE)
    decode, known = decoder_of(PREFERENCE_CHANGES), MemoryReference(types=[PROMO])
    facts = [note(decode(value), NOW, known, PlainCipher()) for _, _, value, _ in office.written]
    assert [0, 1] == [[fact.kind for fact in each].count("consent_granted") for each in facts]  # type: ignore[union-attr] # changes of preferences, all of them


async def test_long_reasons_leave_room_for_the_name(office: Office) -> None:
    await office.ask("POST", "/unsubscribe", {"channel_type": "email", "reason": "x" * 1_000})
    reason = office.events[0]["data"]["reason"]
    assert len(reason) <= 1_000
    assert reason.endswith(", by user:ann")


async def test_without_the_audit_log_staff_change_nothing(office: Office) -> None:
    office.has_database = False
    assert (503, []) == ((await office.ask(*CHANGES[1]))[0], office.written)


@pytest.mark.parametrize("caller", [HERSELF, SERVICE], ids=["the user", "a service"])
async def test_users_and_services_are_not_staff(office: Office, caller: Caller) -> None:
    office.caller, office.has_database = caller, False
    assert 200 == (await office.ask(*CHANGES[3]))[0]
    assert "phone" == office.events[0]["data"]["source"]


def rotated() -> Callable[..., Awaitable[Caller]]:
    """Two keys of one service, one after the other, and one of another service."""
    book = KeyBook()
    for number, service in enumerate(("shop", "shop", "news")):
        key = f"ck_live_{number}"
        made = ApiKey(
            key_id=f"k{number}",
            service=service,
            sha256=sha256(key.encode()).hexdigest(),
            scopes=["send"],
            created_at=NOW,
        )
        book.apply(made.key_id.encode(), msgspec.json.encode(made))
    return Authority(book, []).authenticate


async def test_a_key_that_follows_another_is_the_same_sender() -> None:
    """Mutation: the source is the key's id. A repeat after a rotation would notify twice."""
    path, body = "/api/v1/notifications/send", {"user_id": USER, "notification_type": "code"}
    found: list[Any] = []
    async with edge(authenticate=rotated()) as one:
        for number in range(3):
            bearer = {"Authorization": f"Bearer ck_live_{number}"}
            _, answer, _ = await one.ask("POST", path, body | {"idempotency_key": "a"}, **bearer)
            found.append((answer["id"], one.produced[-1].headers["source"]))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]
    assert [b"shop", b"shop", b"news"] == [source for _, source in found]
