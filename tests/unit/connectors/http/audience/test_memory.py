"""What a body takes while it is worked on, at a sixteenth of the largest one: the bound of `most_memory`."""

from __future__ import annotations

import contextlib
import gc
import json
import tracemalloc
from typing import Any

import pytest

from connectors.http.audience import legacy
from connectors.http.audience.bodies import AdminPublishBody, PublishBody
from connectors.http.audience.commands import Asking, digest_of, publication
from connectors.http.audience.reading import PublishReader
from connectors.http.audience.rules import labelled
from connectors.http.audience.slots import (
    DESK_MEMORY,
    LARGEST_BODY,
    LARGEST_LIST,
    MOST_VALUES,
    PLACES,
    SMALL_BODY,
    TIMES_DECODED,
    Size,
    most_memory,
)
from connectors.http.problems import Code, ProblemError
from tests.unit.connectors.http.audience.publishing import PERSONAL, Known, whole

SHARE = 16
BYTES = LARGEST_BODY // SHARE
READ = PublishReader()
STARTS, ENDS = "2025-06-01T00:00:00+03:00", "2025-06-03T00:00:00+03:00"


def repeated(one: str, head: str, tail: str) -> bytes:
    """As many of it as a body of `BYTES` takes, and as the commas allow."""
    count = min(BYTES // (len(one) + 1), MOST_VALUES // SHARE // (one.count(",") + 1))
    return (head + ",".join([one] * count) + tail).encode()


def with_values(one: str) -> bytes:
    head = '{"filters": {"filters": [{"filter_id": "a", "value_type": "string", "values": ['
    return repeated(one, head, "]}]}}")


def full() -> bytes:
    users = [{"id_type": "device_id", "id": f"{n:0>120}"} for n in range(100_000 // SHARE)]
    items = [{**PERSONAL, "users": users[at : at + 1000]} for at in range(0, len(users), 1000)]
    return json.dumps(whole(personal_communications=items, filters=...)).encode()


SHAPES = {
    "a full request": full(),
    "texts": with_values('"a"'),
    "numbers": with_values("9.5"),
    "users": repeated(
        '{"users": [{"id_type": "phone_id", "id": "1"}]}', '{"personal_communications": [', "]}"
    ),
    "one item": repeated(
        '{"id_type": "phone_id", "id": "1"}', '{"personal_communications": [{"users": [', "]}]}"
    ),
    "empty items": repeated("{}", '{"personal_communications": [', "]}"),
    "filters": repeated('{"filter_id":"a","value_type":"string"}', '{"filters": {"filters": [', "]}}"),
    "a wide text": ('{"id": "' + "a" * (BYTES - 20) + '\U0001f600"}').encode(),
}


def peak_of(raw: bytearray, reader: Any) -> int:
    """The most that was held at once above the body itself, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        with contextlib.suppress(ProblemError):
            worked_on(reader(raw))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def worked_on(body: PublishBody) -> None:
    found = labelled(body, Known())
    digest_of("publish", body)
    publication(Asking("u", "r", "k", b"d", 0), body.campaign_label, found)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_body_takes_more_than_the_desk_has(shape: str) -> None:
    """Mutation tried: a hundred times as many values allowed (`MOST_VALUES`): the texts fail."""
    raw = bytearray(SHAPES[shape])
    assert peak_of(raw, READ) <= DESK_MEMORY // SHARE
    small = bytearray(raw[: len(raw) // SHARE])  # cut: decoded as far as it goes
    assert peak_of(small, READ) <= TIMES_DECODED * SMALL_BODY


def test_no_list_of_a_resolver_takes_more_than_the_desk_has() -> None:
    body = AdminPublishBody(
        promotion_id="comm-general", start_date=STARTS, end_date=ENDS, ticket="T", yql_link="q"
    )
    count = legacy.MOST // SHARE
    users = ",".join(f'{{"id_type":"device_id","id":"{n:0>50}"}}' for n in range(count))
    raw = bytearray(f'{{"users": [{users}]}}'.encode())
    assert LARGEST_LIST // SHARE * 0.9 < len(raw) <= LARGEST_LIST // SHARE

    def listed(raw: bytearray) -> PublishBody:
        found = legacy.to_users(legacy.labelled(body, Known()), raw)
        publication(Asking("u", "r", "k", b"d", 0), "c", found)
        raise ProblemError(Code.TOO_LARGE)

    assert peak_of(raw, listed) <= DESK_MEMORY // SHARE


def test_the_bound_counts_every_place() -> None:
    large, small = PLACES[Size.LARGE], PLACES[Size.SMALL] + PLACES[Size.WITHDRAWAL]
    of_bodies = large * LARGEST_BODY + small * SMALL_BODY + PLACES[Size.QUERY] * LARGEST_LIST
    assert of_bodies + DESK_MEMORY < most_memory() < 320 << 20
