"""Bodies of `POST /send` and of its batch: refused with a problem, or read by the intake as meant."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from connectors.http import send, send_batch
from connectors.http.problems import Code, ProblemError, told
from connectors.http.send_form import asked
from schemas.inputs import decode_send_request
from tests.fuzz.decoders import ODD, damaged
from tests.fuzz.target import Target
from tests.strategies import JSON
from tests.unit.connectors.http.edge import NOW

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
TEXTS = st.text(max_size=12) | JSON
ITEMS = st.fixed_dictionaries(
    {"user_id": st.just(USER) | TEXTS, "notification_type": st.just("welcome") | TEXTS},
    optional={
        "data": st.dictionaries(st.text(max_size=5), JSON, max_size=3) | JSON,
        "priority": st.sampled_from(["high", "normal", "low", "urgent"]) | JSON,
        "idempotency_key": st.just("k") | TEXTS,
        "scheduled_at": st.sampled_from(["2027-01-20T10:00:00Z", "2027-01-20t10:00:00+03:00", "now"]) | TEXTS,
        "language": st.sampled_from(["ru", "en-GB"]) | TEXTS,
        "channels": st.lists(st.sampled_from(["email", "sms", "push", "in_app", "pigeon"]), max_size=5)
        | JSON,
        "": JSON,
    },
)
BODIES = damaged((ITEMS | JSON).map(msgspec.json.encode), ODD | st.binary(max_size=4)) | st.binary()
BATCHES = damaged(
    (st.fixed_dictionaries({"notifications": st.lists(ITEMS | JSON, max_size=4)}) | JSON).map(
        msgspec.json.encode
    ),
    ODD | st.binary(max_size=4),
)
WITHOUT_A_PLACE = {Code.INVALID_JSON, Code.TOO_LARGE}


def check_one(raw: bytes) -> None:
    """One body."""
    try:
        bodies = [send.read(raw, NOW)]
    except ProblemError as problem:
        check_problem(problem)
    else:
        check_taken(bodies)


def check_batch(raw: bytes) -> None:
    """One batch."""
    try:
        bodies = send_batch.read(raw, NOW)
    except ProblemError as problem:
        check_problem(problem)
    else:
        check_taken(bodies)


def check_problem(problem: ProblemError) -> None:
    """It says where; it can be sent."""
    assert bool(problem.errors) != (problem.code in WITHOUT_A_PLACE), problem.code
    msgspec.json.encode(told(problem, "0" * 32))


def check_taken(bodies: list[Any]) -> None:
    """What is accepted never becomes a dead letter."""
    for body in bodies:
        one = asked(body, "shop", None, lambda: USER)
        record = decode_send_request(one.value)
        assert (body.data, body.language, body.scheduled_at) == (
            record.data,
            record.language,
            record.scheduled_at,
        )


TARGETS: list[Target] = [
    Target.of("sends", "bodies of one request", BODIES, check_one),
    Target.of("batches", "bodies of many requests", BATCHES, check_batch),
]
