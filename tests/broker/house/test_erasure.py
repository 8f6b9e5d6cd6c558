"""A person with a canary's name is written to, exported and erased; then nothing of it can be read anywhere.

Looked at: every table of Postgres, every topic of ours and every changelog; a worker's disk has the rows of
changelogs, byte for byte. Not at topics that other services write, where all stands in clear until it is too
old (docs/security.md).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.clock import now_ms
from schemas.ids import NOBODY
from schemas.times import rfc3339
from streams.stages import DELIVERY
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent
from tests.broker.house.issuer import token
from tests.broker.house.test_access import ask
from tests.broker.house.traces import OURS, shows, tables_with

NAME, CANARY, VIEWER = "erased", "Canarybird", "4001-erased"
USER, PHONE = user(NAME), phone(801)
TEXTS = (CANARY, PHONE, PHONE.removeprefix("+"))
SENT = "SELECT 1 FROM notification_messages WHERE user_id = $1::UUID AND status = 'sent'"
WAITS = "SELECT 1 FROM notification_requests WHERE user_id = $1::UUID AND outcome = 'waiting'"
CONSENTED = "SELECT 1 FROM user_consents WHERE user_id = $1::UUID"
LEFT = "SELECT 1 FROM user_global_unsubscribes WHERE user_id = $1::UUID AND channel_type = 'push'"
CHANGED = "SELECT 1 FROM audit_log WHERE action = 'preferences.change' AND object_id = $1"
ENDED = """
SELECT 1 FROM notification_requests
WHERE user_id = $1::UUID AND reason = 'user_erased' AND notification_type = 'hidden_repeat'
"""
NOTED = "SELECT 1 FROM user_erasures WHERE person = $1::UUID"


@dataclass(frozen=True, slots=True)
class Story:
    """`export`: before the erasure; `rows`, `topics`: where what could be read after it."""

    export: dict[str, Any]
    person: str
    rows: list[tuple[str, str]]
    topics: list[str]
    read: int
    evidence: tuple[int, int, int]
    ended: int
    forgotten: int
    later: tuple[int, Any]


@pytest.fixture(scope="module")
def story(house: House) -> Story:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_told(house))


async def _told(house: House) -> Story:
    contacts = known(NAME, phone=PHONE, email=f"{CANARY}@example.com")
    consent = {"event_type": "user.consent_granted", "user_id": USER, "data": {"source": "house"}}
    await house.send(*(Sent("user.events", value, USER) for value in (contacts, consent)))
    await house.read_by("intake", "recipient")
    in_a_week = rfc3339(now_ms() + 7 * 86_400_000)
    await house.send(_asked(1), _asked(2, scheduled_at=in_a_week))
    for query in (SENT, WAITS, CONSENTED):
        assert 1 == len(await house.rows(query, [USER], 1)), query
    path = f"/users/{USER}"
    unsubscribe = {"channel_type": "push", "reason": "called us"}
    status, told = await ask(house.http, token(), "POST", f"/preferences/{USER}/unsubscribe", unsubscribe)
    assert status < 400, told
    assert 1 == len(await house.rows(LEFT, [USER], 1))
    status, export = await ask(house.http, token(), "GET", f"{path}/export")
    assert 200 == status, export
    names = {"known_as": [{"id_type": "yandex_uid", "id": VIEWER}]}
    status, told = await ask(house.http, token(), "POST", f"{path}/erasure", names)
    assert 202 == status, told
    await house.read_by("intake", "recipient", *DELIVERY.values(), "status", "members")
    evidence = [len(await house.rows(query, [told["person"]], 1)) for query in (CONSENTED, LEFT, CHANGED)]
    assert 1 == len(await house.rows(NOTED, [told["person"]], 1))
    topics = await house.topics(*OURS)
    later = await ask(house.http, token(), "GET", f"{path}/export")
    return Story(
        export=export,
        person=told["person"],
        rows=[(name, text) for text in (CANARY, PHONE, USER) for name in await tables_with(house, text)],
        topics=[name for name, records in topics.items() if any(shows(one, *TEXTS) for one in records)],
        read=sum(len(records) for records in topics.values()),
        evidence=(evidence[0], evidence[1], evidence[2]),
        ended=len(await house.rows(ENDED, [NOBODY], 1)),
        forgotten=sum(VIEWER.encode() in (one.value or b"") for one in topics["facts.labels"]),
        later=later,
    )


def _asked(number: int, **fields: Any) -> Sent:
    value = {
        "user_id": USER,
        "notification_type": "hidden_repeat",
        "data": {"Text": f"Dear {CANARY}"},
        "idempotency_key": f"erased-{number}",
        **fields,
    }
    return Sent("notification.send.request", value, USER)


def test_an_export_has_what_is_known(story: Story) -> None:
    rows, tables = story.export["rows"], story.export["tables"]
    assert [PHONE] == [one["recipient"] for one in rows["messages"]]
    assert {"Text": f"Dear {CANARY}"} == rows["messages"][0]["payload"]
    assert f"{CANARY}@example.com".lower() == tables["contacts"][0]["email"]["sealed"].lower()
    assert f"Dear {CANARY}" in tables["waiting"][0]["request"]["data"]


@pytest.mark.spec("NS-SEC-OP-02")
def test_nothing_of_him_can_be_read_in_the_database(story: Story) -> None:
    """Mutation: the status stage passes `PersonErased` over: fails."""
    assert [] == story.rows


@pytest.mark.spec("NS-SEC-OP-01 NS-SEC-OP-02")
def test_nothing_of_him_can_be_read_in_topics_and_changelogs(story: Story) -> None:
    """Mutation: `conceal` seals secret variables only: fails."""
    assert story.read > 100
    assert [] == story.topics


@pytest.mark.spec("NS-SEC-OP-03")
def test_evidence_stays_under_another_name_and_what_waited_is_cancelled(story: Story) -> None:
    """His consent, his unsubscribe, and that staff wrote it down. Mutation: the line has his id."""
    assert ((1, 1, 1), 1) == (story.evidence, story.ended)


def test_the_members_stage_is_told_his_name_in_audiences(story: Story) -> None:
    assert 1 == story.forgotten


@pytest.mark.spec("NS-SEC-OP-02 NS-SEC-042")
def test_an_export_after_it_is_empty(story: Story) -> None:
    status, found = story.later
    assert 200 == status
    assert {0} == {len(values) for values in found["rows"].values()}
    (contacts,) = found["tables"]["contacts"]
    assert (None, None, []) == (contacts["email"], contacts["phone"], contacts["devices"])
    assert ([], []) == (found["tables"]["waiting"], found["tables"]["caps"])
