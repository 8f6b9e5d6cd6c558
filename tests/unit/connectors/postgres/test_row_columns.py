"""What of a batch is written, and what is mended so that it can be."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.postgres.row_columns import (
    LATEST_MS,
    Fold,
    label_columns,
    mended,
    message_columns,
    request_columns,
)
from schemas.records import SeenTag
from tests.sample_rows import NOW, decided, labelled, logged, message


def test_the_highest_version_of_a_message_is_left_in_any_order() -> None:
    versions = [message(version=v, status=s) for v, s in ((1, "pending"), (2, "sent"), (3, "delivered"))]
    for order in permutations(versions):
        fold = Fold.of(order)
        assert [versions[2]] == list(fold.messages.values())


@pytest.mark.parametrize("later_ms", [1, -1])
def test_waiting_gives_way_to_what_follows_in_a_batch(later_ms: int) -> None:
    waiting, ended = decided(outcome="waiting"), decided(outcome="skipped", decided_at=NOW + later_ms)
    assert [ended] == list(Fold.of([waiting, ended, replace(waiting, decided_at=NOW + 9)]).requests.values())


def test_the_later_decision_about_one_incoming_record_is_left() -> None:
    first, later = decided(decided_at=NOW), decided(decided_at=NOW + 1, outcome="skipped")
    for order in permutations([first, later]):
        assert [later] == list(Fold.of(order).requests.values())


def test_two_records_under_one_request_id_are_two_requests() -> None:
    assert len(Fold.of([decided(origin="t/0/1"), decided(origin="t/0/2", outcome="repeated")]).requests) == 2


def test_an_event_is_logged_once() -> None:
    assert [logged()] == list(Fold.of([logged(), logged(), logged()]).log.values())


def test_a_record_of_another_topic_is_a_defect() -> None:
    with pytest.raises(TypeError, match="SeenTag is no record of the topic `rows`"):
        Fold.of([SeenTag(tag="x", destinations=[])])  # type: ignore[list-item]


def test_all_columns_have_one_value_for_each_row() -> None:
    assert {2} == {len(column) for column in message_columns([message(1), message(2)])}
    assert {3} == {len(column) for column in request_columns([decided(1), decided(2), decided(3)])}


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"reason": "held", "detail": None}, "held"),
        ({"reason": None, "detail": "by hand"}, "by hand"),
        ({"reason": "provider_refused", "detail": "550"}, "provider_refused: 550"),
        ({}, None),
    ],
)
def test_status_details_join_reason_and_detail(fields: dict[str, Any], column: str | None) -> None:
    assert column == message_columns([message(**fields)])[10][0]


def test_mending_changes_only_what_cannot_be_stored() -> None:
    assert message() == mended(message())
    broken = message(detail="a\x00b\ud800", payload=b'{"a":"\\u0000"}', template="t" * 300, created_at=10**18)
    whole = mended(broken)
    assert (
        message(detail="a\ufffdb?", payload=b'{"a":"\\ufffd"}', template="t" * 255, created_at=LATEST_MS)
        == whole
    )
    assert logged(at=0) == mended(logged(at=-5))


def test_the_highest_version_of_a_label_is_left_in_any_order() -> None:
    versions = [labelled(version=v) for v in (1, 2, 3)]
    for order in permutations(versions):
        assert [versions[2]] == list(Fold.of(order).labels.values())


def test_a_label_without_filters_has_no_experiment_and_nul_is_replaced() -> None:
    columns = label_columns([labelled(filters=[], experiment_name=None, ticket="a\x00b")])
    assert [None, None, "a\ufffdb"] == [columns[6][0], columns[7][0], columns[10][0]]
