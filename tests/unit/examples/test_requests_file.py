"""`examples/requests.ndjson`: what the generator writes, with every kind of trouble the demo promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from examples.accounts.expected import Expected, expect
from examples.accounts.reading import Line, catalogue, numbered
from examples.generate import SEED, everything

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="module")
def lines() -> list[tuple[int, Line]]:
    return numbered(EXAMPLES / "requests.ndjson")


@pytest.fixture(scope="module")
def expected(lines: list[tuple[int, Line]]) -> Expected:
    return expect(catalogue(EXAMPLES), lines)


def test_file_is_what_the_generator_writes(lines: list[tuple[int, Line]]) -> None:
    assert everything(SEED) == [line for _, line in lines]


def test_another_seed_writes_another_file() -> None:
    assert everything(1) != everything(2)


def test_file_has_more_than_two_thousand_lines_in_four_phases(lines: list[tuple[int, Line]]) -> None:
    phases = [line["phase"] for _, line in lines]
    assert len(lines) >= 2000
    assert sorted(phases) == phases
    assert {1, 2, 3, 4} == set(phases)


def test_every_topic_of_the_sources_is_fed(lines: list[tuple[int, Line]]) -> None:
    sources = ("user", "payment", "auth", "social", "library", "download", "developer", "admin")
    topics = {line.get("topic", "http") for _, line in lines}
    assert {f"{source}.events" for source in sources} | {"notification.send.request", "http"} == topics


@pytest.mark.parametrize(
    "ending",
    [
        ("accepted", None),
        ("repeated", "duplicate"),
        ("rejected", "unknown_type"),
        ("rejected", "sender_not_allowed"),
        ("rejected", "invalid_time"),
        ("expired", "too_late"),
        ("skipped", "unmapped_event"),
        ("skipped", "no_contact"),
        ("skipped", "no_consent"),
        ("skipped", "unsubscribed_all_marketing"),
        ("skipped", "type_disabled"),
        ("skipped", "no_channel_left"),
    ],
)
def test_some_request_ends_in(ending: tuple[str, str | None], expected: Expected) -> None:
    assert any(ending in endings for endings in expected.endings.values())


@pytest.mark.parametrize(
    ("channel", "ending"),
    [
        *((channel, ("reached", None)) for channel in ("email", "sms", "push")),
        *((channel, ("failed", "provider_refused")) for channel in ("email", "sms")),
        ("push", ("failed", "unregistered_device")),
        ("email", ("failed", "render_failed")),
        ("email", ("failed", "invalid_contact")),
        ("sms", ("failed", "invalid_contact")),
        ("email", ("unknown", "held")),
    ],
)
def test_some_message_ends_in(channel: str, ending: tuple[str, str | None], expected: Expected) -> None:
    endings = Counter((m.channel, m.ending) for made in expected.messages.values() for m in made)
    assert endings[channel, ending] > 0


def test_some_records_are_dead_letters(expected: Expected) -> None:
    topics = {topic for topic, _ in expected.dead}
    assert {"notification.send.request", "payment.events", "user.events"} == topics


def test_seen_facts_go_to_every_destination_and_to_unknown(expected: Expected) -> None:
    assert {"seen.promotions", "seen.analytics", "seen.wallet", "seen.unknown"} == set(expected.seen)


def test_addresses_are_unlike_anything_else(lines: list[tuple[int, Line]]) -> None:
    """A search for the demo's addresses in topics, stores and tables must find addresses only."""
    data = [
        line["value"]["data"] for _, line in lines if line.get("topic") == "user.events" and "value" in line
    ]
    emails = [known["email"] for known in data if "email" in known]
    assert len(emails) > 300
    assert all("@" in email or email == "not an address" for email in emails)
