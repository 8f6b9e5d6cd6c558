"""Bad input through the real stages: what nobody can read is buried, all else ends with a reason.

One feed of every kind, and of good requests among them; each test looks at what became of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.avro_files import MARKER, expanded, fingerprint
from schemas.codec import HEAD, encode
from schemas.records import SendRequest
from tests.broker.house.book import TURNS, known, phone, user
from tests.broker.house.house import House, Sent

REQUESTS, EVENTS, USERS = "notification.send.request", "payment.events", "user.events"
NEXT_CENTURY = int(datetime(2125, 5, 21, tzinfo=UTC).timestamp() * 1000)
NOBODY, GUEST = "bad-input-nobody", "bad-input-guest"
TEXT = {"Text": "hello"}
UNKNOWN_SCHEMA = MARKER + b"\x07" * 8 + b"\x00" * 20


def asked(**changed: Any) -> dict[str, Any]:
    """A request that would be carried out, but for what is changed; None leaves a field out."""
    good = {"user_id": user(GUEST), "notification_type": "system_alert", "idempotency_key": "k", "data": TEXT}
    return {name: value for name, value in (good | changed).items() if value is not None}


# case → topic, value, a word of the reason
UNREADABLE: dict[str, tuple[str, dict[str, Any] | bytes, str]] = {
    "no json": (REQUESTS, b"this is no JSON", "not_json"),
    "cut json": (REQUESTS, b'{"user_id": ', "not_json"),
    "no json, of next century": (REQUESTS, b"{", "not_json"),
    "wrong type": (REQUESTS, asked(data=[1]), "$.data"),
    "missing field": (REQUESTS, asked(idempotency_key=None), "idempotency_key"),
    "over-long type": (REQUESTS, asked(notification_type="t" * 101), "$.notification_type"),
    "over-long key": (REQUESTS, asked(idempotency_key="k" * 256), "$.idempotency_key"),
    "over-long address": (USERS, known(GUEST, email="e" * 400 + "@example.com"), "$.email"),
    "no user": (EVENTS, {"event_type": "payment.successful", "data": {}}, "user_id"),
    "two mebibytes": (REQUESTS, asked(data={"Text": "x" * (2 << 20)}), "too_long"),
    "nested too deeply": (REQUESTS, b'{"data":{"a":' + b"[" * 90_000, "too_long"),
    "unknown avro schema": (REQUESTS, UNKNOWN_SCHEMA, "0707070707070707"),
    "empty": (REQUESTS, b"", "empty"),
}
# case → topic, value, headers, (outcome, reason of the request)
REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, str], tuple[str, str]]] = {
    "unknown type": (REQUESTS, asked(notification_type="nope"), {}, ("rejected", "unknown_type")),
    "for next century": (
        REQUESTS,
        asked(scheduled_at="2125-05-21T12:34:56Z"),
        {},
        ("rejected", "invalid_time"),
    ),
    "for a day that is none": (
        REQUESTS,
        asked(scheduled_at="2026-02-30T00:00:00Z"),
        {},
        ("rejected", "invalid_time"),
    ),
    "of last year": (REQUESTS, asked(), {"occurred_at": "2025-05-21T12:34:56Z"}, ("expired", "too_late")),
    "of a stranger": (
        REQUESTS,
        asked(notification_type="password_reset"),
        {"source": "mallory"},
        ("rejected", "sender_not_allowed"),
    ),
    "an event nobody maps": (
        EVENTS,
        {"event_type": "payment.pondered", "user_id": user(GUEST)},
        {},
        ("skipped", "unmapped_event"),
    ),
}
# case → value, reason of the one message that the request became
FAILED: dict[str, tuple[dict[str, Any], str]] = {
    "endless loop": (asked(notification_type="endless", data={"Items": ["x"] * TURNS}), "render_failed"),
    "attribute attack": (asked(notification_type="attack"), "render_failed"),
    "missing variable": (asked(data={}), "render_failed"),
    "variable of a wrong type": (asked(data={"Text": 5}), "render_failed"),
    "no address": (asked(user_id=user(NOBODY)), "invalid_contact"),
    "no phone": (asked(user_id=user(NOBODY), notification_type="hidden_hold"), "invalid_contact"),
}
GOOD = (
    "first",
    "said to be of next century",
    "with a record of next century",
    "avro of another version",
    "last",
)

ROWS = """
select r.idempotency_key, r.outcome, r.reason, array_remove(array_agg(m.status), null) as statuses,
  array_remove(array_agg(m.status_reason), null) as reasons
from notification_requests r left join notification_messages m using (request_id)
where r.idempotency_key = any($1) group by 1, 2, 3 having count(*) filter (where m.status = 'pending') = 0
"""


@dataclass
class Ended:
    """What became of the feed. `rows` by key; `buried` by case: topic, reason, length of the value."""

    rows: dict[str, Any] = field(default_factory=dict)
    buried: dict[str, tuple[str, str, int]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def ended(house: House) -> Iterator[Ended]:
    """The feed, and what became of it."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner.run(_fed(house))


async def _fed(house: House) -> Ended:
    guest = known(GUEST, email="guest@example.com", phone=phone(201))
    nobody = known(NOBODY, email="not an address", phone="call me")
    await house.send(Sent(USERS, guest, user(GUEST)), Sent(USERS, nobody, user(NOBODY)))
    await house.read_by("intake", "recipient")
    schema, avro = _of_another_version()
    await house.send(Sent("carillon.schemas", schema, avro[len(MARKER) : HEAD]))
    await house.send(_good("first"), *_unreadable(), *_readable(), *_others(avro), _good("last"))
    keys = [*REFUSED, *FAILED, *GOOD]
    found = Ended({row["idempotency_key"]: row for row in await house.rows(ROWS, [keys], len(keys))})
    await house.read_by("intake")  # the dead letters may be on other partitions than the last good one
    for topic, letters in (await house.topics(suffix=".dlq")).items():
        for one in letters:
            reason = one.headers["dlq-reason"].decode()
            case = one.headers.get("case", b"two mebibytes").decode()
            found.buried[case] = (topic, reason, len(one.value or b""))
    return found


def _good(key: str) -> Sent:
    return Sent(REQUESTS, asked(idempotency_key=key), user(GUEST), (("case", key),))


def _unreadable() -> Iterator[Sent]:
    for case, (topic, value, _) in UNREADABLE.items():
        at = NEXT_CENTURY if case.endswith("next century") else None
        yield Sent(topic, value, case, (("case", case),), at)


def _readable() -> Iterator[Sent]:
    for case, (topic, value, headers, _) in REFUSED.items():
        keyed = value | {"idempotency_key": case} if topic == REQUESTS else value
        told = {"case": case, "event_id": case} | headers
        yield Sent(topic, keyed, user(GUEST), tuple(told.items()))
    for case, (value, _) in FAILED.items():
        yield Sent(REQUESTS, value | {"idempotency_key": case}, value["user_id"], (("case", case),))


def _others(avro: bytes) -> Iterator[Sent]:
    said, recorded, other = GOOD[1:4]
    when = (("case", said), ("occurred_at", "2125-05-21T12:34:56Z"))
    yield Sent(REQUESTS, asked(idempotency_key=said), user(GUEST), when)
    yield Sent(REQUESTS, asked(idempotency_key=recorded), user(GUEST), (("case", recorded),), NEXT_CENTURY)
    yield Sent(REQUESTS, avro, user(GUEST), (("case", other),))


def _of_another_version() -> tuple[bytes, bytes]:
    """The schema of a later version, with a field more, and a request written with it."""
    ours = expanded("SendRequest")
    schema = ours | {"fields": [*ours["fields"], {"name": "mood", "type": "string", "default": ""}]}
    record = SendRequest(**asked(idempotency_key=GOOD[3]))
    return orjson.dumps(schema), MARKER + fingerprint(schema) + encode(record)[HEAD:] + b"\x00"


@pytest.mark.spec("NS-EVT-OP-02")
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_nobody_can_read_goes_to_the_dead_letters_with_its_reason(ended: Ended, case: str) -> None:
    topic, value, word = UNREADABLE[case]
    raw = Sent(topic, value).raw
    found, reason, length = ended.buried[case]
    assert f"{topic}.dlq" == found
    assert word in reason
    assert (0 if case == "two mebibytes" else len(raw)) == length, "whole, or a stub of what is too large"


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_may_not_be_carried_out_ends_with_an_outcome_and_a_reason(
    ended: Ended, case: str
) -> None:
    row = ended.rows[case]
    assert (*REFUSED[case][3], []) == (row["outcome"], row["reason"], row["statuses"])


@pytest.mark.spec("NS-SND-OP-14")
@pytest.mark.parametrize("case", FAILED)
def test_a_request_that_cannot_be_carried_out_becomes_a_message_that_failed_for_a_reason(
    ended: Ended, case: str
) -> None:
    row = ended.rows[case]
    assert ("accepted", ["failed"], [FAILED[case][1]]) == (row["outcome"], row["statuses"], row["reasons"])


@pytest.mark.parametrize("key", GOOD)
def test_good_requests_among_them_are_carried_out(ended: Ended, key: str) -> None:
    row = ended.rows[key]
    assert ("accepted", None, ["sent"]) == (row["outcome"], row["reason"], row["statuses"])


@pytest.mark.spec("NS-SND-OP-14")
def test_nothing_that_could_be_read_is_among_the_dead_letters(ended: Ended) -> None:
    assert set(UNREADABLE) == set(ended.buried)


async def test_so_much_of_it_does_not_stop_the_worker(ended: Ended, house: House) -> None:
    """Far beyond the ceiling of defects of our own code, if it counted towards it."""
    assert ended.rows
    wrong = [asked(notification_type="attack", idempotency_key=f"flood-{n}") for n in range(200)]
    await house.send(*(Sent(REQUESTS, value, user(GUEST)) for value in wrong))
    await house.send(*(Sent(REQUESTS, b"flood", "flood", (("case", "no json"),)) for _ in range(200)))
    flood = "select 1 from notification_messages where idempotency_key like 'flood-%' and status = 'failed'"
    assert 200 == len(await house.rows(flood, [], 200))
    await house.read_by("intake")
    await house.worker.until_ready()
