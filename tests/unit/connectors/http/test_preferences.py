"""The preferences API: what it answers, what it writes before it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from agents.note import note
from connectors.choices import Stored
from connectors.http.ports import BrokerUnavailableError
from schemas.ids import subject_key
from schemas.inputs import decoder_of
from schemas.times import rfc3339
from schemas.topics import PREFERENCE_CHANGES
from tests.choices import MemoryChoices
from tests.fakes import MemoryReference, PlainCipher
from tests.unit.connectors.http.edge import NOW, edge

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
PATH = f"/api/v1/notifications/preferences/{USER}"
KEY = {"Authorization": "Bearer ck_live_screen"}


class Desk:
    """The API with a broker and choices in memory."""

    def __init__(self) -> None:
        self.written: list[tuple[str, bytes, bytes, Mapping[str, bytes]]] = []
        self.choices = MemoryChoices()
        self.is_away = False
        self.client: Any

    async def produce(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        if self.is_away:
            raise BrokerUnavailableError
        self.written.append((topic, key, value, headers))

    async def ask(self, method: str, path: str = "", body: Any = None, **headers: str) -> tuple[int, Any]:
        given = {"json": body} if body is not None else {}
        async with self.client.request(method, PATH + path, headers=headers or KEY, **given) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(value) for _, _, value, _ in self.written]

    @property
    def facts(self) -> list[Any]:
        """What the intake makes of what was written."""
        decode = decoder_of(PREFERENCE_CHANGES)
        return [
            fact
            for topic, _, value, _ in self.written
            for fact in note(decode(value), NOW, MemoryReference(), PlainCipher())
            if topic == PREFERENCE_CHANGES
        ]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    async with edge(produce=made.produce, choices=made.choices) as one:
        made.client = one.client
        yield made


@pytest.mark.spec("NS-API-020 NS-PREF-002")
async def test_all_that_a_user_chose_is_shown_with_defaults(desk: Desk) -> None:
    status, found = await desk.ask("GET")
    assert (200, USER) == (status, found["user_id"])
    assert [("code", ["sms"], True), ("news", ["push"], False), ("promo", ["email"], True)] == [
        (one["notification_type"], one["allowed_channels"], one["is_default"]) for one in found["preferences"]
    ]
    assert ["email"] == [one["channel_type"] for one in found["unsubscribed"]]
    assert [("marketing", None, True)] == [
        (one["purpose"], one["channel_type"], one["granted"]) for one in found["consents"]
    ]


@pytest.mark.spec("NS-API-023 NS-API-OP-08 NS-PREF-011 NS-PREF-013")
async def test_the_settings_screen_has_every_type(desk: Desk) -> None:
    status, found = await desk.ask("GET", "/types")
    assert 200 == status
    assert {
        "notification_type": "news",
        "title": "News",
        "category": "social",
        "is_mandatory": False,
        "available_channels": ["email", "push", "sms"],
        "allowed_channels": ["push"],
        "is_enabled": True,
        "is_default": False,
    } == found[1]


@pytest.mark.spec("NS-API-021 NS-API-022 NS-API-OP-07 NS-PREF-001 NS-PREF-002 NS-PREF-017 NS-PREF-020")
async def test_a_choice_is_written_before_it_is_answered(desk: Desk) -> None:
    body = {"notification_type": "news", "allowed_channels": ["email"], "is_enabled": False}
    status, found = await desk.ask("PUT", body=body)
    assert (200, rfc3339(NOW)) == (status, found["changed_at"])
    (setting,) = found["preferences"]
    assert (["email"], False, False) == (
        setting["allowed_channels"],
        setting["is_enabled"],
        setting["is_default"],
    )
    ((topic, key, _, headers),) = desk.written
    assert (PREFERENCE_CHANGES, subject_key(USER)) == (topic, key)
    assert rfc3339(NOW).encode() == headers["occurred_at"]
    (fact,) = desk.facts
    assert ("type", "news", ["email"], False) == (
        fact.kind,
        fact.notification_type,
        fact.channels,
        fact.is_enabled,
    )


@pytest.mark.spec("NS-PREF-015 NS-PREF-OP-02")
async def test_several_choices_are_one_record(desk: Desk) -> None:
    """Mutation: a record for each: a crash between them would take half of a screen."""
    two = [{"notification_type": code, "allowed_channels": ["email"]} for code in ("news", "code")]
    status, found = await desk.ask("PUT", body={"preferences": two})
    assert (200, 1, 2, ["news", "code"]) == (
        status,
        len(desk.written),
        len(desk.facts),
        [one["notification_type"] for one in found["preferences"]],
    )


@pytest.mark.spec("NS-API-OP-07 NS-PREF-016 NS-PREF-022 NS-PREF-OP-03")
@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"notification_type": "none_such", "allowed_channels": []}, 404, None),
        (
            {"notification_type": "news", "allowed_channels": ["email", "email"]},
            400,
            "/preferences/0/allowed_channels",
        ),
        ({"notification_type": "news", "allowed_channels": ["pigeon"]}, 400, "/allowed_channels/0"),
        (
            {"notification_type": "code", "allowed_channels": ["sms"], "is_enabled": False},
            400,
            "/preferences/0",
        ),
        ({"notification_type": "code", "allowed_channels": []}, 400, "/preferences/0"),
        ({"notification_type": "code", "allowed_channels": ["push"]}, 400, "/preferences/0"),
        ({"notification_type": "news"}, 400, ""),
        ({}, 400, ""),
        ({"preferences": [], "notification_type": "news", "allowed_channels": []}, 400, "/preferences"),
        (
            {"preferences": [{"notification_type": "news", "allowed_channels": []}] * 2},
            400,
            "/preferences/1/notification_type",
        ),
    ],
)
async def test_what_may_not_be_chosen_is_refused_and_not_written(
    desk: Desk, body: Any, status: int, pointer: str | None
) -> None:
    found = await desk.ask("PUT", body=body)
    assert (status, []) == (found[0], desk.written)
    assert [pointer] == [one["pointer"] for one in found[1]["errors"]] or pointer is None


@pytest.mark.spec("NS-API-024 NS-API-025 NS-PREF-021")
async def test_an_unsubscribe_is_confirmed(desk: Desk) -> None:
    status, found = await desk.ask("POST", "/unsubscribe", {"channel_type": "all_marketing", "reason": "no"})
    assert (200, "unsubscribed", "all_marketing") == (status, found["status"], found["channel_type"])
    (fact,) = desk.facts
    assert ("unsubscribed", "all_marketing", "no") == (fact.kind, fact.channel, fact.reason)


@pytest.mark.spec("NS-PREF-OP-06")
async def test_who_comes_back_is_written_even_if_the_database_does_not_know_yet(desk: Desk) -> None:
    assert (204, None) == await desk.ask("DELETE", "/unsubscribe/email")
    desk.choices.stored = Stored()
    status, _ = await desk.ask("DELETE", "/unsubscribe/email")
    assert (404, ["resubscribed"] * 2) == (status, [fact.kind for fact in desk.facts])
    assert 400 == (await desk.ask("DELETE", "/unsubscribe/pigeon"))[0]


@pytest.mark.spec("NS-PREF-OP-07")
async def test_a_consent_is_kept_with_its_evidence(desk: Desk) -> None:
    body = {"granted": True, "source": "checkout", "channel_type": "email", "text_version": "v7"}
    status, found = await desk.ask("PUT", "/consents/marketing", body)
    assert (200, "granted") == (status, found["status"])
    await desk.ask("PUT", "/consents/marketing", {**body, "granted": False})
    granted, revoked = desk.facts
    assert ("consent_granted", "marketing", "email", "checkout", "v7") == (
        granted.kind,
        granted.purpose,
        granted.channel,
        granted.reason,
        granted.text_version,
    )
    assert "consent_revoked" == revoked.kind


@pytest.mark.spec("NS-PREF-017")
async def test_without_the_broker_nothing_is_promised(desk: Desk) -> None:
    desk.is_away = True
    status, found = await desk.ask("POST", "/unsubscribe", {"channel_type": "email"})
    assert (503, "broker_unavailable") == (status, found["code"])


@pytest.mark.spec("NS-OPS-040")
async def test_without_the_database_one_can_still_unsubscribe(desk: Desk) -> None:
    desk.choices.is_away = True
    assert (503, "database_unavailable") == ((found := await desk.ask("GET"))[0], found[1]["code"])
    assert 200 == (await desk.ask("POST", "/unsubscribe", {"channel_type": "email"}))[0]


@pytest.mark.spec("NS-API-006")
async def test_strangers_and_keys_of_other_scopes_are_refused(desk: Desk) -> None:
    assert 401 == (await desk.ask("GET", Accept="*/*"))[0]
    assert 403 == (await desk.ask("GET", Authorization="Bearer ck_test_def"))[0]


@pytest.mark.spec("NS-API-OP-06")
async def test_who_chose_nothing_has_the_defaults_and_what_is_no_user_has_nothing(desk: Desk) -> None:
    desk.choices.stored = Stored()
    status, found = await desk.ask("GET")
    assert (200, {True}, [], []) == (
        status,
        {one["is_default"] for one in found["preferences"]},
        found["unsubscribed"],
        found["consents"],
    )
    async with desk.client.get(PATH.replace(USER, "nobody"), headers=KEY) as response:
        assert 400 == response.status


@pytest.mark.spec("NS-API-OP-09")
async def test_an_unsubscribe_may_be_repeated_and_its_reason_may_be_long_or_absent(desk: Desk) -> None:
    asked: list[tuple[dict[str, str], int]] = [({}, 200), ({}, 200), ({"reason": "x" * 1000}, 200)]
    for more, status in [*asked, ({"reason": "x" * 1001}, 400)]:
        assert status == (await desk.ask("POST", "/unsubscribe", {"channel_type": "email"} | more))[0]
    assert [("unsubscribed", "email")] * 3 == [(fact.kind, fact.channel) for fact in desk.facts]
