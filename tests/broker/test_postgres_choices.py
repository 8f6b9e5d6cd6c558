"""Choices, unsubscribes and consents in Postgres: written by the sink, read by the API."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.choices import Chosen, Consented, Quiet, Unsubscribed
from connectors.postgres.choices import StoredChoices
from connectors.postgres.database import Database
from schemas.ids import derived
from schemas.records import PreferenceRow, QuietHours
from tests.sample_rows import NOW, USER, migrated
from tests.written_rows import rows, write

LATER = NOW + 250


def change(kind: str, at: int = NOW, **fields: Any) -> PreferenceRow:
    named = f"{kind} {at} {fields}"
    return PreferenceRow(event_id=derived("test", named), user_id=USER, kind=kind, changed_at=at, **fields)


async def stored(postgres: Database, *changes: PreferenceRow) -> Any:
    """What the API reads after these batches of one record."""
    for one in changes:
        await write(postgres, [one])
    return await StoredChoices(postgres).of(USER)


@pytest.mark.spec("NS-PREF-012 NS-PREF-016")
async def test_an_older_choice_never_takes_the_place_of_a_newer_one(database: str) -> None:
    """Mutation: no condition on the time."""
    new = change("type", LATER, notification_type="news", channels=["email", "push"])
    old = change("type", NOW, notification_type="news", channels=[], is_enabled=False)
    async with migrated(database) as postgres:
        found = await stored(postgres, new, old)
        (row,) = await rows(postgres, "SELECT * FROM user_notification_preferences")
    assert {"news": Chosen(["email", "push"], True, LATER)} == found.types
    assert row["created_at"] == row["updated_at"]


@pytest.mark.spec("NS-DATA-044 NS-PREF-012")
async def test_who_comes_back_has_no_row_unless_he_left_again_since(database: str) -> None:
    off = change("unsubscribed", LATER, channel="sms", note="Too many")
    async with migrated(database) as postgres:
        kept = await stored(postgres, off, change("resubscribed", NOW, channel="sms"))
        gone = await stored(postgres, change("resubscribed", LATER + 1, channel="sms"))
    assert [Unsubscribed("sms", "Too many", LATER)] == kept.unsubscribed
    assert [] == gone.unsubscribed


@pytest.mark.spec("NS-PREF-016")
async def test_of_one_batch_the_last_word_on_a_channel_counts(database: str) -> None:
    off, on = change("unsubscribed", channel="sms"), change("resubscribed", channel="sms")
    async with migrated(database) as postgres:
        await write(postgres, [off, on])
        first = await StoredChoices(postgres).of(USER)
        await write(postgres, [on, off])
        second = await StoredChoices(postgres).of(USER)
    assert [] == first.unsubscribed
    assert ["sms"] == [one.channel for one in second.unsubscribed]


@pytest.mark.spec("NS-DATA-OP-07")
async def test_consents_are_only_added_and_the_newest_is_in_force(database: str) -> None:
    given = change("consent_granted", NOW, purpose="marketing", note="shop", text_version="v1")
    taken = change("consent_revoked", LATER, purpose="marketing", note="settings")
    mail = change("consent_granted", NOW, purpose="marketing", channel="email")
    async with migrated(database) as postgres:
        found = await stored(postgres, given, taken, mail, given)
        kept = await rows(
            postgres, "SELECT action, text_version FROM user_consents ORDER BY at, channel_type"
        )
    assert [
        Consented("marketing", "email", True, NOW),
        Consented("marketing", None, False, LATER, "settings"),
    ] == found.consents
    assert 3 == len(kept)


async def test_quiet_hours_are_the_newest_and_can_be_forgotten(database: str) -> None:
    kind, hours = "quiet_hours_changed", QuietHours(start=1320, end=480, timezone="Europe/Moscow")
    async with migrated(database) as postgres:
        kept = await stored(postgres, change(kind, LATER, quiet=hours), change(kind, NOW))
        gone = await stored(postgres, change(kind, LATER + 1))
    assert (Quiet(1320, 480, "Europe/Moscow", LATER), None) == (kept.quiet, gone.quiet)


async def test_types_are_those_in_force(database: str) -> None:
    async with migrated(database) as postgres:
        async with postgres.transaction() as connection:
            await connection.execute(
                """INSERT INTO notification_types
                (code, title, category, default_channels, template_name, deleted_at) VALUES
                ('news', 'News', 'social', '{email}', 't', NULL),
                ('old', '', 'social', '{}', 't', now())"""
            )
        found = await StoredChoices(postgres).kinds()
    assert [("news", "News", False, ["email"])] == [
        (kind.code, kind.title, kind.is_mandatory, kind.default_channels) for kind in found
    ]
