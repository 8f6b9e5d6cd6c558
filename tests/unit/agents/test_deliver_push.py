"""Delivery of pushes: only to providers that understand the token."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.deliver import deliver
from agents.heed import Memory
from agents.serve import ALL_WELL, moment_of
from schemas.records import Provider
from tests.calls import words
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import T0, TASK, called

PUSHES = [
    Provider(name="everything", channel_type="push", kind="fake_push", priority=1),
    Provider(name="google", channel_type="push", kind="fcm", priority=4),
    Provider(
        name="google for all", channel_type="push", kind="fcm", priority=3, platforms=["ios", "desktop"]
    ),
    Provider(name="apple", channel_type="push", kind="apns", priority=2),
]


@pytest.mark.spec("NS-CH-030 NS-CH-064")
@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("android", ["google", "everything"]),
        ("web", ["google", "everything"]),
        ("ios", ["google for all", "apple", "everything"]),
        ("iOS", ["google for all", "apple", "everything"]),
        ("macos", ["apple", "everything"]),
        ("desktop", ["google for all", "everything"]),
        ("toaster", ["everything"]),
        (None, ["everything"]),
    ],
)
def test_a_push_goes_to_those_who_understand_its_token(platform: str | None, expected: list[str]) -> None:
    task = replace(TASK, channel="push", platform=platform)
    assert expected == moment_of(task, T0, MemoryReference(active=PUSHES), ALL_WELL).providers


async def test_a_push_that_nobody_understands_fails_and_is_shown_to_no_vendor() -> None:
    task = replace(TASK, channel="push", platform="ios", device_id="d-1")
    stream = FakeStream([FakeEvent(task)], now=T0)
    memory, reference = Memory(MemoryTable(), MemoryTable()), MemoryReference(active=[PUSHES[1]])
    outcomes = [outcome async for outcome in deliver(stream, memory, reference)]
    assert [("failed", "no_provider")] == words(outcomes)
    assert len(outcomes) == 1


async def test_wrong_credentials_of_one_lead_only_to_another_who_understands_the_token() -> None:
    task = replace(TASK, channel="push", platform="ios")
    stream = FakeStream([FakeEvent(called(task, "misconfigured", "apple"))], now=T0)
    memory, reference = Memory(MemoryTable(), MemoryTable()), MemoryReference(active=[PUSHES[1], PUSHES[3]])
    outcomes = [outcome async for outcome in deliver(stream, memory, reference)]
    assert [("failed", "provider_misconfigured")] == words(outcomes)
