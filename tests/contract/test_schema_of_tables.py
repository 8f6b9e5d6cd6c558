"""The migrations make the tables of the specification: columns, types, defaults, keys, indexes.

What differs on purpose stands in the comment beside it. That each row is written and read is shown on a real
database: tests/broker/test_postgres_rows.py and its neighbours.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pytest

from connectors.postgres.named import migrations

CREATED = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
ALTERED = re.compile(r"ALTER TABLE (\w+) ADD COLUMN IF NOT EXISTS (\w+) ([^;]+);")
INDEXED = re.compile(r"CREATE (UNIQUE )?INDEX IF NOT EXISTS (\w+)\s+ON (\w+) ([^;]+);")
ID = "UUID PRIMARY KEY DEFAULT gen_random_uuid()"
NOW = "TIMESTAMPTZ NOT NULL DEFAULT now()"
CHANNELS = "VARCHAR(20) [] NOT NULL"


class Table(NamedTuple):
    """Columns as they are written, without checks; and the lines that are no column."""

    columns: dict[str, str]
    keys: list[str]


def plain(text: str) -> str:
    """One line without comments, checks and the end of a list."""
    lines = [line.partition("--")[0].strip() for line in text.splitlines()]
    return re.sub(r"\s*CHECK \(.*", "", " ".join(line for line in lines if line)).rstrip(",").strip()


def parts(body: str) -> list[str]:
    """What stands between the commas of the outermost level."""
    found, depth = [""], 0
    for char in re.sub(r"--[^\n]*", "", body):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            found.append("")
        else:
            found[-1] += char
    return [one for one in map(plain, found) if one]


@cache
def tables() -> dict[str, Table]:
    """All tables as all migrations leave them."""
    found: dict[str, Table] = {}
    for _, sql in migrations():
        for name, body in CREATED.findall(sql):
            lines = parts(body)
            keys = [line for line in lines if line.split()[0] in {"PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}]
            named = [line.replace('"', "").split(" ", 1) for line in lines if line not in keys]
            found[name] = Table(dict(named), keys)
        for name, column, form in ALTERED.findall(sql):
            if name in found:
                found[name].columns[column] = plain(form)
    return found


@cache
def indexes() -> dict[str, str]:
    """Name → table and what is indexed."""
    found = [one for _, sql in migrations() for one in INDEXED.findall(sql)]
    return {
        name: f"{unique}{table} {' '.join(form.split())}".replace("USING ", "")
        for unique, name, table, form in found
    }


def of(table: str, names: str) -> list[str]:
    return [tables()[table].columns[name] for name in names.split()]


@pytest.mark.spec(
    "NS-DATA-001 NS-DATA-010 NS-DATA-011 NS-DATA-012 NS-DATA-013 NS-DATA-014 NS-DATA-015 NS-DATA-016"
    " NS-DATA-017 NS-DATA-018 NS-DATA-019 NS-DATA-020 NS-DATA-021 NS-DATA-OP-03 NS-DATA-OP-22"
)
def test_templates_have_the_columns_and_the_key_of_the_specification() -> None:
    names = "id name channel_type language_code subject title body variables created_at updated_at deleted_at"
    assert [
        ID,
        "VARCHAR(255) NOT NULL",
        "VARCHAR(20) NOT NULL",
        "VARCHAR(10) NOT NULL DEFAULT 'ru'",
        "VARCHAR(500)",
        "VARCHAR(255)",
        "TEXT NOT NULL",
        "JSONB",
        NOW,
        "TIMESTAMPTZ",
        "TIMESTAMPTZ",
    ] == of("notification_templates", names)
    more = ["TEXT", "VARCHAR(20) NOT NULL DEFAULT 'transactional'", "INT NOT NULL DEFAULT 1"]
    assert more == of("notification_templates", "body_text category version")
    unique = "UNIQUE notification_templates (name, channel_type, language_code) WHERE deleted_at IS NULL"
    assert unique == indexes()["idx_templates_name"]


@pytest.mark.spec(
    "NS-DATA-003 NS-DATA-030 NS-DATA-031 NS-DATA-032 NS-DATA-033 NS-DATA-034 NS-DATA-035 NS-DATA-036"
    " NS-DATA-037 NS-DATA-OP-05 NS-DATA-040 NS-DATA-041 NS-DATA-042 NS-DATA-043 NS-DATA-044 NS-DATA-OP-07"
)
def test_choices_unsubscribes_and_consents_have_theirs() -> None:
    """The index on the user would repeat the beginning of the primary key (NS-DATA-OP-05)."""
    chosen = "user_id notification_type allowed_channels is_enabled created_at updated_at"
    expected = ["UUID NOT NULL", "VARCHAR(100) NOT NULL", CHANNELS, "BOOLEAN NOT NULL DEFAULT true", NOW]
    assert [*expected, "TIMESTAMPTZ"] == of("user_notification_preferences", chosen)
    assert ["PRIMARY KEY (user_id, notification_type)"] == tables()["user_notification_preferences"].keys
    left = of("user_global_unsubscribes", "user_id channel_type reason unsubscribed_at")
    assert ["UUID NOT NULL", "VARCHAR(20) NOT NULL", "TEXT", NOW] == left
    assert ["PRIMARY KEY (user_id, channel_type)"] == tables()["user_global_unsubscribes"].keys
    kept = ["id", "user_id", "purpose", "channel_type", "action", "at", "source", "text_version"]
    assert kept == [*tables()["user_consents"].columns]


@pytest.mark.spec(
    "NS-DATA-006 NS-DATA-050 NS-DATA-051 NS-DATA-052 NS-DATA-053 NS-DATA-054 NS-DATA-055 NS-DATA-056"
    " NS-DATA-057 NS-DATA-058 NS-DATA-059 NS-DATA-060 NS-DATA-OP-08"
)
def test_devices_have_theirs_and_are_found_by_a_hash_of_their_token() -> None:
    """The token is ciphertext: the unique key and the index are of its keyed hash (NS-DATA-OP-08)."""
    texts = ["UUID NOT NULL", "VARCHAR(20) NOT NULL", "TEXT NOT NULL", "TEXT NOT NULL"]
    times = ["TIMESTAMPTZ", NOW, "TIMESTAMPTZ"]
    names = "id user_id platform token token_hash is_active last_used_at created_at updated_at"
    expected = [ID, *texts, "BOOLEAN NOT NULL DEFAULT true", *times]
    assert expected == of("device_tokens", names)
    assert ["UNIQUE (user_id, platform, token_hash)"] == tables()["device_tokens"].keys
    assert "device_tokens (user_id)" == indexes()["idx_device_tokens_user_id"]
    assert "device_tokens (token_hash)" == indexes()["idx_device_tokens_token"]


@pytest.mark.spec(
    "NS-DATA-002 NS-DATA-090 NS-DATA-091 NS-DATA-092 NS-DATA-093 NS-DATA-094 NS-DATA-095 NS-DATA-096"
    " NS-DATA-097 NS-DATA-098 NS-DATA-099 NS-DATA-100 NS-DATA-101 NS-DATA-102 NS-DATA-103 NS-DATA-104"
    " NS-DATA-105 NS-DATA-OP-13 NS-DATA-OP-14 NS-DATA-OP-16 NS-DATA-OP-17"
)
def test_messages_have_theirs_and_refer_to_no_other_table() -> None:
    """`created_at` belongs to each key, for the table is in parts (NS-DATA-OP-16)."""
    first = "id message_uuid user_id channel_type template_id campaign_id recipient status status_details"
    assert [
        "BIGSERIAL",
        "UUID NOT NULL DEFAULT gen_random_uuid()",
        "UUID NOT NULL",
        "VARCHAR(20) NOT NULL",
        "UUID",  # ids are checked before, not here (NS-DATA-OP-17)
        "UUID",
        "TEXT NOT NULL",  # room for ciphertext (NS-DATA-OP-15)
        "VARCHAR(50) NOT NULL DEFAULT 'pending'",
        "TEXT",
        "JSONB",
        NOW,
    ] == of("notification_messages", f"{first} payload created_at")
    times = "scheduled_at sent_at delivered_at last_status_update_at opened_at clicked_at expires_at"
    assert ["TIMESTAMPTZ"] * 7 == of("notification_messages", times)
    assert [
        "VARCHAR(100) NOT NULL",
        "VARCHAR(10) NOT NULL",
        "TEXT NOT NULL",
        "UUID NOT NULL",
        "VARCHAR(10)",
        "VARCHAR(100)",
        "TEXT",
        "INT NOT NULL DEFAULT 0",
        "INT",
        "VARCHAR(50)",
        "VARCHAR(128)",
        "INT",
        "NUMERIC",
        "BOOLEAN",
    ] == of(
        "notification_messages",
        "notification_type priority idempotency_key request_id language_code provider_name"
        " provider_message_id attempts template_version variant campaign_label segments cost is_test",
    )
    keys = ["PRIMARY KEY (id, created_at)", "UNIQUE (message_uuid, created_at)"]
    assert keys == tables()["notification_messages"].keys
    assert {
        "idx_messages_user_id": "notification_messages (user_id)",
        "idx_messages_campaign_id": "notification_messages (campaign_id) WHERE campaign_id IS NOT NULL",
        "idx_messages_status": "notification_messages (status)",
        "idx_messages_created_at": "notification_messages brin (created_at)",
    }.items() <= indexes().items()  # by `message_uuid` one looks up in the unique key
    assert "idx_messages_provider_message_id" in indexes()


@pytest.mark.spec(
    "NS-DATA-005 NS-DATA-OP-16 NS-DATA-110 NS-DATA-111 NS-DATA-112 NS-DATA-113 NS-DATA-114 NS-DATA-115"
    " NS-DATA-OP-18"
)
def test_the_log_has_theirs_and_an_event_is_one_line() -> None:
    assert ["BIGSERIAL", "BIGINT NOT NULL", "VARCHAR(50) NOT NULL", NOW, "JSONB", "UUID NOT NULL"] == of(
        "delivery_status_logs", "id message_id status timestamp details event_id"
    )
    message = "(message_id, message_created_at) REFERENCES notification_messages (id, created_at)"
    assert [
        "PRIMARY KEY (id, message_created_at)",
        "UNIQUE (event_id, message_created_at)",
        f"FOREIGN KEY {message}",
    ] == tables()["delivery_status_logs"].keys
    assert "delivery_status_logs (message_id)" == indexes()["idx_delivery_logs_message_id"]


@pytest.mark.spec("NS-DATA-OP-21")
def test_requests_have_what_a_question_needs() -> None:
    names = (
        "request_id source idempotency_key user_id notification_type campaign_id received_at outcome reason"
    )
    assert {*names.split()} <= {*tables()["notification_requests"].columns}


@pytest.mark.spec(
    "NS-DATA-007 NS-DATA-120 NS-DATA-121 NS-DATA-122 NS-DATA-123 NS-DATA-124 NS-DATA-125 NS-DATA-126"
    " NS-DATA-127 NS-DATA-128"
)
def test_providers_have_theirs() -> None:
    names = "id channel_type provider_name config is_active priority rate_limit created_at updated_at"
    assert [
        ID,
        "VARCHAR(20) NOT NULL",
        "VARCHAR(100) NOT NULL",
        "JSONB NOT NULL",
        "BOOLEAN NOT NULL DEFAULT true",
        "INT NOT NULL DEFAULT 0",
        "INT",
        NOW,
        "TIMESTAMPTZ",
    ] == of("provider_configs", names)


@pytest.mark.spec("NS-DATA-OP-01")
def test_types_have_all_that_a_decision_needs() -> None:
    names = (
        "title category default_channels fallback_channels default_priority is_mandatory template_name"
        " dedup_window ttl fallback_after unknown_policy allowed_senders"
    )
    found = tables()["notification_types"].columns
    assert "VARCHAR(100) PRIMARY KEY" == found["code"]
    assert {*names.split()} <= {*found}


@pytest.mark.spec("NS-SEC-OP-03")
def test_the_audit_log_says_who_did_what_to_what() -> None:
    names = "id actor_id role action object_type object_id before after ip at"
    assert {*names.split()} == {*tables()["audit_log"].columns}
