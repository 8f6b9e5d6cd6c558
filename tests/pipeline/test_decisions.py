"""The demo's input through intake and recipient in memory, against books that know nothing of the rooms."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agents.intake import intake
from agents.ports import NoHolds, Rules
from agents.recipient import Memory, decide
from connectors.addresses import AddressBook
from connectors.cipher import Cipher
from connectors.links import MessageLinks
from connectors.templates.renderer import TemplateRenderer
from examples.accounts import reading
from examples.accounts.expected import Expected, expect
from schemas.codec import encode
from schemas.errors import DecodeError
from schemas.inputs import decoder_of
from schemas.records import (
    DeviceRow,
    DevicesDue,
    DevicesOff,
    MessageQueued,
    NotificationType,
    PersonErased,
    PreferenceRow,
    RequestDecided,
    RequestDue,
    Rule,
    SendTask,
    Template,
    Unsubscribed,
    Vetoed,
)
from tables.devices import DeviceTerms
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.requests import T0

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLD = (
    RequestDecided
    | MessageQueued
    | SendTask
    | Vetoed
    | PreferenceRow
    | Unsubscribed
    | DeviceRow
    | PersonErased
)
EXAMPLES = Path(__file__).parents[2] / "examples"
BEFORE_THE_CHANNEL = {"invalid_contact", "no_template", "render_failed"}
NOW = T0 + 365 * 86_400_000

Key = tuple[str, str, str]


@dataclass(frozen=True)
class World:
    """The ports, real but for the reference topic."""

    reference: MemoryReference
    cipher: Cipher = field(default_factory=lambda: Cipher.of_text(Cipher.new_key("test")))
    renderer: TemplateRenderer = field(default_factory=TemplateRenderer)
    addresses: AddressBook = field(default_factory=AddressBook)
    rules: Rules = field(default_factory=Rules)
    links: MessageLinks = field(default_factory=lambda: MessageLinks(None, None))
    device_terms: DeviceTerms = field(default_factory=DeviceTerms)
    account_terms: None = None
    flows: NoHolds = field(default_factory=NoHolds)


@dataclass
class Run:
    """What came of the whole file."""

    world: World
    dead: set[tuple[str, int]] = field(default_factory=set)
    found: list[Any] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.found if isinstance(one, kind)]


def _key(one: RequestDecided | MessageQueued) -> Key:
    return one.source, one.user_id, one.idempotency_key


def _reference(catalogue: reading.Catalogue) -> MemoryReference:
    return MemoryReference(
        types=[msgspec.convert(entry, NotificationType) for entry in catalogue.types.values()],
        templates=[msgspec.convert(entry, Template) for entry in catalogue.templates.values()],
        rules=[msgspec.convert(entry, Rule) for entry in catalogue.rules.values()],
    )


def _events(run: Run) -> Iterator[FakeEvent]:
    for number, line in reading.numbered(EXAMPLES / "requests.ndjson"):
        if line["to"] == "http":
            continue
        raw = line["raw"] if "raw" in line else json.dumps(line["value"])
        headers = {name: str(text).encode() for name, text in line["headers"].items()}
        try:
            value = decoder_of(line["topic"])(raw.encode())
        except DecodeError:
            run.dead.add((line["topic"], number))
        else:
            yield FakeEvent(value, b"any", NOW, headers, f"{line['topic']}/0/{number}")


async def _feed(run: Run) -> None:
    memory, now = Memory(*(MemoryTable[bytes, Any]() for _ in Memory.__struct_fields__)), NOW
    stream = FakeStream(_events(run), now)
    waiting: deque[Any] = deque(
        [taken async for taken in intake(stream, run.world.reference, run.world.cipher)]
    )
    while waiting:
        value: Any = waiting.popleft()
        if isinstance(value, TOLD):
            run.found.append(value)
        elif isinstance(value, DevicesDue | DevicesOff):
            continue
        else:
            now = max(now, value.due_at) if isinstance(value, RequestDue) else now
            waiting += await decide(value, now, memory, run.world)


@cache
def _books() -> tuple[Expected, Run]:
    catalogue = reading.catalogue(EXAMPLES)
    run = Run(World(_reference(catalogue)))
    asyncio.run(_feed(run))
    return expect(catalogue, reading.numbered(EXAMPLES / "requests.ndjson")), run


def test_the_same_records_are_unreadable() -> None:
    expected, run = _books()
    assert expected.dead == run.dead


@pytest.mark.spec("NS-API-001")
def test_every_request_ends_as_the_books_say() -> None:
    expected, run = _books()
    found: dict[Key, Counter[Any]] = {}
    for one in run.of(RequestDecided):
        if one.outcome == "waiting":
            continue
        found.setdefault(_key(one), Counter())[one.outcome, one.reason] += 1
    assert expected.endings == found


def test_every_message_of_the_books_is_there_and_no_other() -> None:
    expected, run = _books()
    wanted: Counter[Any] = Counter()
    for key, messages in expected.messages.items():
        for one in messages:
            reason = one.ending[1] if one.ending[1] in BEFORE_THE_CHANNEL else None
            wanted[(*key, one.channel, one.address, reason)] += 1
    found: Counter[Any] = Counter()
    clear = run.world.cipher.open
    tokens = {row.device_id: clear(row.token).decode() for row in run.of(DeviceRow)}
    for one in run.of(MessageQueued):
        address = clear(one.recipient).decode()  # of a push the id of its device
        found[(*_key(one), one.channel, tokens.get(address, address), one.reason)] += 1
    assert wanted == found


def test_each_message_that_can_be_sent_has_one_task_in_its_lane() -> None:
    expected, run = _books()
    pending = [one for one in run.of(MessageQueued) if one.status == "pending"]
    assert sorted(one.message_id for one in pending) == sorted(one.message_id for one in run.of(SendTask))
    assert len(pending) == len({one.message_id for one in pending})
    lanes = {_key(one): one.lane for one in run.of(MessageQueued)}
    assert {key: expected.lanes[key] for key in lanes} == lanes


@pytest.mark.spec("NS-CH-069 NS-SEC-003")
def test_no_address_and_no_secret_leaves_in_clear() -> None:
    expected, run = _books()
    written = b"\n".join(encode(one) for one in run.found)
    addresses = {one.address for messages in expected.messages.values() for one in messages}
    assert len(addresses) > 100
    assert [] == [text for text in addresses if len(text) > 3 and text.encode() in written]
    assert b"654321" not in written


def test_who_left_a_channel_is_told_once() -> None:
    expected, run = _books()
    told = [(one.user_id, one.channel) for one in run.of(Unsubscribed)]
    left = [(user_id, channel or "all_marketing") for user_id, channel in expected.left]
    assert left
    assert sorted(left) == sorted(told)
