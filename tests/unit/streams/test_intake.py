"""Two stages read the requests of others, and each record is one's (streams/intake.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.inputs import decode_send_request, overtakes
from schemas.records import SendRequest
from schemas.topics import SEND_REQUEST
from streams.engine.api import Input
from tests.contract.test_topology import stages
from tests.requests import USER

BODY: dict[str, Any] = {"user_id": USER, "notification_type": "code", "idempotency_key": "k", "data": {}}
USUAL, EXPRESS = (
    next(source for source in stage.inputs if source.topic == SEND_REQUEST)
    for stage in stages()
    if stage.name.startswith("intake")
)
FRAGMENTS = st.sampled_from(
    [b'"priority"', b" ", b"\n", b":", b'"high"', b"\x02\x08high", b"{", b"}", b"high"]
)


def takes(source: Input, raw: bytes) -> bool:
    """Whether a record is the stage's."""
    assert source.passes is not None
    return not source.passes(raw)


@given(st.lists(FRAGMENTS | st.binary(max_size=20), max_size=8).map(b"".join))
def test_whatever_a_record_says_it_is_one_stages(raw: bytes) -> None:
    """One that is nobody's is lost. Mutation tried: another condition for one of them: fails."""
    assert [overtakes(raw), not overtakes(raw)] == [takes(EXPRESS, raw), takes(USUAL, raw)]


@pytest.mark.parametrize("priority", ["high", "normal", "low", "HIGH", None])
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " :\n\t")])
def test_what_says_high_overtakes_however_it_is_written(
    priority: str | None, separators: tuple[str, str]
) -> None:
    """Mutations tried: no blanks allowed; Avro forgotten: fail."""
    raw = json.dumps({**BODY, "priority": priority}, separators=separators).encode()
    read = decode_send_request(raw)
    assert [priority == "high"] * 2 == [overtakes(raw), overtakes(encode(read))]


def test_a_variable_of_that_value_does_not_overtake() -> None:
    """A newsletter may well have one. Mutation tried: the word anywhere: fails."""
    assert not overtakes(json.dumps({**BODY, "data": {"level": "high"}}).encode())


def test_the_avro_form_has_the_bytes_that_are_looked_for() -> None:
    """They must never change, nor what is looked for: a record belongs to one stage whatever its version."""
    request = SendRequest(user_id=USER, notification_type="code", idempotency_key="k", priority="high")
    assert 1 == encode(request).count(b"\x02\x08high")
