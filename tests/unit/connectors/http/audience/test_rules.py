"""Each rule of a publish request: modes, inheritance, dates, labels (AUD-030…AUD-073)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.audience.rules import Labelled
from connectors.http.problems import Code
from schemas.records import ChosenFilter, LabelAsked
from tests.unit.connectors.http.audience.publishing import (
    ENDS_AT,
    GENERAL,
    PERSONAL,
    PERSONAL_ENDS_AT,
    STARTS_AT,
    Known,
    published,
    refused,
    whole,
    without,
)

MISSING = "is missing, here and in communication"
USERS = ["yandex_uid:4001", "phone_id:5b2c", "personal_phone_id:a1b2", "device_id:d-77"]


def names(found: Labelled) -> list[str]:
    return [label.audience_label for label in found.labels]


def personal(**changes: Any) -> dict[str, Any]:
    return without({**PERSONAL, **changes}, *(name for name, value in changes.items() if value is ...))


def user(number: int) -> dict[str, str]:
    return {"id_type": "yandex_uid", "id": str(number)}


@pytest.mark.spec("AUD-036 AUD-OP-08 AUD-056 AUD-057 AUD-058 AUD-OP-13 AUD-071 AUD-101")
@pytest.mark.spec("CRM-050 CRM-OP-11 CRM-054")
def test_the_example_of_the_specification_gives_a_general_and_a_personal_label() -> None:
    filters = [
        ChosenFilter(filter_id="is_new_user", value_type="boolean", values=["true"]),
        ChosenFilter(filter_id="city", value_type="string", values=["a", "b"]),
        ChosenFilter(filter_id="min_trips", value_type="number", values=["3"]),
    ]
    general = LabelAsked(
        audience_label="campaign12345",
        communication_id="comm-general",
        starts_at=STARTS_AT,
        ends_at=ENDS_AT,
        is_for_everyone=True,
        experiment_name="campaign12345.exp",
        filters=filters,
        ticket="TASK-1",
    )
    own = LabelAsked(
        audience_label="campaign12345:comm-personal",
        communication_id="comm-personal",
        starts_at=STARTS_AT,
        ends_at=PERSONAL_ENDS_AT,
        users=4,
        experiment_name="campaign12345:comm-personal.exp",
        filters=filters,
        ticket="TASK-1",
    )
    assert Labelled([general, own], {"campaign12345:comm-personal": USERS}) == published(whole())


@pytest.mark.spec("AUD-002 AUD-032 AUD-046 AUD-OP-13 AUD-065 AUD-OP-28")
def test_mode_1_users_alone_give_no_general_label() -> None:
    found = published(whole(filters=...))
    assert (["campaign12345:comm-personal"], [None]) == (
        names(found),
        [label.experiment_name for label in found.labels],
    )


@pytest.mark.spec("AUD-002 AUD-003 AUD-033 AUD-049 AUD-093 AUD-OP-23 AUD-OP-24 AUD-125")
@pytest.mark.spec("AUD-OP-28")
def test_mode_2_filters_alone_give_the_general_label_without_users() -> None:
    found = published(whole(personal_communications=...))
    assert (["campaign12345"], {}) == (names(found), found.users)
    assert published(whole(personal_communications=[])) == found


@pytest.mark.spec("AUD-005 AUD-034 AUD-035 AUD-092 AUD-OP-28")
def test_mode_3_filters_stand_on_personal_labels_too() -> None:
    general, own = published(whole()).labels
    assert general.filters == own.filters
    assert (True, False) == (general.is_for_everyone, own.is_for_everyone)


@pytest.mark.spec("AUD-OP-09")
def test_neither_users_nor_filters_would_be_everyone_and_is_refused() -> None:
    code, faults = refused(whole(personal_communications=..., filters=...))
    assert (Code.INVALID_FIELD, [""]) == (code, [pointer for pointer, _ in faults])


@pytest.mark.spec("AUD-OP-19")
def test_filters_without_values_are_no_filters() -> None:
    empty = {"filters": [{"filter_id": "city", "value_type": "string", "values": []}]}
    assert Code.INVALID_FIELD == refused(whole(personal_communications=..., filters=empty))[0]
    assert ["campaign12345:comm-personal"] == names(published(whole(filters=empty)))
    assert Code.INVALID_FIELD == refused(whole(personal_communications=..., filters={"filters": []}))[0]


@pytest.mark.spec("AUD-OP-11 AUD-059 AUD-067 AUD-068 AUD-069 AUD-070")
def test_a_personal_communication_inherits_what_it_lacks() -> None:
    bare = {"users": PERSONAL["users"]}
    (label,) = published(whole(personal_communications=[bare], filters=...)).labels
    assert ("campaign12345:comm-general", "comm-general", STARTS_AT, ENDS_AT, "TASK-1") == (
        label.audience_label,
        label.communication_id,
        label.starts_at,
        label.ends_at,
        label.ticket,
    )


@pytest.mark.spec("AUD-048 AUD-OP-11")
def test_the_general_communication_may_be_empty_when_nobody_inherits_from_it() -> None:
    assert ["campaign12345:comm-personal"] == names(published(whole(communication={}, filters=...)))


@pytest.mark.spec("AUD-056 AUD-OP-16")
@pytest.mark.parametrize("name", ["communication_id", "start_date", "end_date"])
def test_what_nobody_says_is_missing(name: str) -> None:
    body = whole(
        communication=without(GENERAL, name), personal_communications=[without(PERSONAL, name)], filters=...
    )
    assert (Code.INVALID_FIELD, [(f"/personal_communications/0/{name}", MISSING)]) == refused(body)


@pytest.mark.spec("AUD-036")
def test_with_filters_the_general_communication_must_be_whole() -> None:
    places = [pointer for pointer, _ in refused(whole(communication={}))[1]]
    assert [f"/communication/{name}" for name in ("communication_id", "start_date", "end_date")] == places


def test_an_empty_text_is_no_missing_one() -> None:
    body = whole(personal_communications=[personal(communication_id="", start_date="")], filters=...)
    assert [
        ("/personal_communications/0/communication_id", "no communication '' is known"),
        ("/personal_communications/0/start_date", "no RFC 3339 time with an offset"),
    ] == refused(body)[1]


@pytest.mark.spec("AUD-057 AUD-OP-15")
@pytest.mark.parametrize("text", ["2025-06-01", "2025-06-01T00:00:00", "soon", "1748725200"])
def test_a_date_is_rfc_3339_with_an_offset(text: str) -> None:
    body = whole(communication={**GENERAL, "start_date": text}, personal_communications=...)
    assert [("/communication/start_date", "no RFC 3339 time with an offset")] == refused(body)[1]


def test_a_wrong_date_of_the_general_communication_is_told_even_if_nobody_inherits_it() -> None:
    body = whole(communication={"start_date": "soon"}, filters=...)
    assert [("/communication/start_date", "no RFC 3339 time with an offset")] == refused(body)[1]


@pytest.mark.spec("AUD-058 AUD-OP-15")
@pytest.mark.parametrize("end", [GENERAL["start_date"], "2025-05-31T23:59:59+03:00"])
def test_a_publication_ends_after_it_starts(end: str) -> None:
    body = whole(communication={**GENERAL, "end_date": end}, personal_communications=...)
    assert [("/communication/end_date", "is not after start_date")] == refused(body)[1]


@pytest.mark.spec("AUD-OP-15")
def test_offsets_are_taken_into_account() -> None:
    dates = {"start_date": "2025-06-01T00:00:00+03:00", "end_date": "2025-05-31T22:00:00Z"}
    (label,) = published(whole(communication={**GENERAL, **dates}, personal_communications=...)).labels
    assert 3_600_000 == label.ends_at - label.starts_at


@pytest.mark.spec("AUD-OP-30")
def test_an_unknown_communication_is_refused_by_name() -> None:
    known = Known(communications={"comm-general": "fullscreen"})
    assert (
        Code.INVALID_FIELD,
        [("/personal_communications/0/communication_id", "no communication 'comm-personal' is known")],
    ) == refused(whole(), known)


@pytest.mark.spec("AUD-OP-13")
def test_items_of_one_label_are_put_together_and_a_user_counts_once() -> None:
    items = [personal(users=[user(1), user(2)]), personal(users=[user(2), user(3), user(3)])]
    found = published(whole(personal_communications=items, filters=...))
    assert {"campaign12345:comm-personal": [f"yandex_uid:{n}" for n in (1, 2, 3)]} == found.users
    assert [3] == [label.users for label in found.labels]


@pytest.mark.spec("AUD-OP-13")
def test_items_of_one_label_with_other_dates_are_refused() -> None:
    items = [PERSONAL, personal(end_date="2025-06-04T00:00:00+03:00")]
    (fault,) = refused(whole(personal_communications=items, filters=...))[1]
    assert "/personal_communications/1" == fault[0]


@pytest.mark.spec("AUD-OP-17")
def test_one_identifier_may_name_two_users_of_different_kinds() -> None:
    users = [{"id_type": "phone_id", "id": "1"}, {"id_type": "device_id", "id": "1"}]
    found = published(whole(personal_communications=[personal(users=users)], filters=...))
    assert [["phone_id:1", "device_id:1"]] == list(found.users.values())


@pytest.mark.spec("AUD-047")
def test_a_hundred_personal_communications_of_a_thousand_users_are_taken() -> None:
    items = [personal(users=[user(1000 * part + n) for n in range(1000)]) for part in range(100)]
    found = published(whole(personal_communications=items, filters=...))
    assert [100_000] == [len(users) for users in found.users.values()]


@pytest.mark.spec("AUD-047")
def test_more_than_a_hundred_personal_communications_are_too_many() -> None:
    code, faults = refused(whole(personal_communications=[PERSONAL] * 101))
    assert (Code.TOO_LARGE, [("/personal_communications", "has more than 100 items")]) == (code, faults)


@pytest.mark.spec("AUD-066")
def test_more_than_a_thousand_users_are_too_many() -> None:
    items = [PERSONAL, personal(users=[user(n) for n in range(1001)])]
    assert (
        Code.TOO_LARGE,
        [("/personal_communications/1/users", "has more than 1000 items")],
    ) == refused(whole(personal_communications=items))


@pytest.mark.spec("AUD-OP-14 CRM-013")
def test_a_test_publication_needs_user_lists() -> None:
    code, faults = refused(whole(is_test_publication=True, personal_communications=...))
    assert (Code.INVALID_FIELD, "/is_test_publication") == (code, faults[0][0])
    found = published(whole(is_test_publication=True))
    assert [True, True] == [label.is_test_publication for label in found.labels]


@pytest.mark.spec("AUD-052")
def test_a_publication_is_no_test_unless_it_says_so() -> None:
    assert published(whole(is_test_publication=...)) == published(whole())


def test_every_fault_is_told_at_once_up_to_fifty() -> None:
    items = [personal(communication_id=f"gone-{n}", end_date="never") for n in range(40)]
    assert 50 == len(refused(whole(personal_communications=items, filters=...))[1])
