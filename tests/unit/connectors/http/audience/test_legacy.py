"""The old form of publishing (AUD-010…AUD-017, AUD-OP-02…AUD-OP-04)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.http.audience import legacy
from connectors.http.audience.bodies import AdminPublishBody
from connectors.http.audience.legacy import labelled, to_users
from connectors.http.audience.reading import Reader
from connectors.http.audience.rules import Labelled
from connectors.http.problems import Code, ProblemError
from schemas.records import ChosenFilter
from tests.unit.connectors.http.audience.publishing import ENDS_AT, STARTS_AT, Known

READ = Reader(AdminPublishBody)


def old(**changes: Any) -> Labelled:
    body = {
        "promotion_id": "comm-general",
        "experiment": "newcomers",
        "start_date": "2025-06-01T00:00:00+03:00",
        "end_date": "2025-06-08T00:00:00+03:00",
        "ticket": "TASK-1",
        **changes,
    }
    given = {name: value for name, value in body.items() if value is not ...}
    return labelled(READ(json.dumps(given).encode()), Known())


def refused(**changes: Any) -> tuple[Code, list[str]]:
    with pytest.raises(ProblemError) as caught:
        old(**changes)
    return caught.value.code, [fault.pointer for fault in caught.value.errors]


@pytest.mark.spec("AUD-010 AUD-OP-02 AUD-013 AUD-090")
def test_a_promotion_is_published_to_everyone_in_the_experiment() -> None:
    (label,) = old().labels
    assert ("promotion.comm-general", "comm-general", STARTS_AT, ENDS_AT, True, "newcomers", "TASK-1") == (
        label.audience_label,
        label.communication_id,
        label.starts_at,
        label.ends_at,
        label.is_for_everyone,
        label.experiment_name,
        label.ticket,
    )
    assert [ChosenFilter(filter_id="is_new_user", value_type="boolean", values=["true"])] == label.filters


@pytest.mark.spec("AUD-012 AUD-015 AUD-016 AUD-017 AUD-OP-03")
@pytest.mark.parametrize("name", ["promotion_id", "start_date", "end_date", "ticket"])
def test_a_required_field_of_the_old_form_must_be_there(name: str) -> None:
    assert Code.INVALID_FIELD == refused(**{name: ...})[0]


@pytest.mark.spec("AUD-OP-04")
@pytest.mark.parametrize("audience", [{"experiment": ...}, {"yql_link": "https://yql.example/1"}])
def test_exactly_one_way_to_an_audience_is_given(audience: dict[str, Any]) -> None:
    assert (Code.INVALID_FIELD, [""]) == refused(**audience)


def users(*ids: str) -> bytearray:
    listed = [{"id_type": "yandex_uid", "id": one} for one in ids]
    return bytearray(json.dumps({"users": listed, "took_s": 3}).encode())


@pytest.mark.spec("AUD-014")
def test_a_promotion_is_published_to_those_whom_the_query_selects_each_once() -> None:
    """Mutation tried: the label is for everyone: fails."""
    found = to_users(old(experiment=..., yql_link="https://yql.example/1"), users("1", "2", "1"))
    (label,) = found.labels
    assert (False, None, [], 2) == (
        label.is_for_everyone,
        label.experiment_name,
        label.filters,
        label.users,
    )
    assert {"promotion.comm-general": ["yandex_uid:1", "yandex_uid:2"]} == found.users


def test_a_query_that_selects_nobody_is_a_fault_of_the_request() -> None:
    with pytest.raises(ProblemError) as caught:
        to_users(old(experiment=..., yql_link="x"), users())
    assert (Code.INVALID_FIELD, "selects nobody") == (caught.value.code, caught.value.errors[0].detail)


@pytest.mark.spec("AUD-021")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"users": [{"id_type": "mail", "id": "1"}]}',
        b"[" * 5000,
        b'{"users": 1}',
    ],
)
def test_an_answer_that_is_no_list_of_users_is_a_bad_gateway(answer: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        to_users(old(experiment=..., yql_link="x"), bytearray(answer))
    assert Code.NO_RESOLVER == caught.value.code


def test_a_query_selects_no_more_users_than_a_request_may_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy, "MOST", 2)
    to_users(old(experiment=..., yql_link="x"), users("1", "2"))
    with pytest.raises(ProblemError) as caught:
        to_users(old(experiment=..., yql_link="x"), users("1", "2", "3"))
    assert Code.NO_RESOLVER == caught.value.code


@pytest.mark.spec("AUD-014")
def test_an_object_on_the_map_cannot_be_published_by_a_query() -> None:
    told = refused(promotion_id="pin", experiment=..., yql_link="https://yql.example/1")
    assert (Code.INVALID_FIELD, ["/yql_link"]) == told


@pytest.mark.spec("AUD-011 AUD-012 AUD-015 AUD-016")
def test_what_is_unknown_or_ends_before_it_starts_is_refused() -> None:
    assert (Code.INVALID_FIELD, ["/promotion_id"]) == refused(promotion_id="gone")
    assert (Code.INVALID_FIELD, ["/experiment"]) == refused(experiment="gone")
    assert (Code.INVALID_FIELD, ["/end_date"]) == refused(end_date="2025-05-08T00:00:00+03:00")
    assert (Code.INVALID_FIELD, ["/start_date"]) == refused(start_date="soon")
    assert Code.INVALID_FIELD == refused(extra=1)[0]
