"""What a body may look like: names, types, lengths (AUD-040, AUD-044…AUD-081)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from multidict import CIMultiDict

from connectors.http.audience.reading import idempotency_key
from connectors.http.problems import Code, ProblemError
from tests.unit.connectors.http.audience.publishing import READ, published, read, refused, whole

REQUIRED = [
    ("id",),
    ("campaign_label",),
    ("communication",),
    ("personal_communications", 0, "users"),
    ("personal_communications", 0, "users", 0, "id_type"),
    ("personal_communications", 0, "users", 0, "id"),
    ("filters", "filters"),
    ("filters", "filters", 0, "filter_id"),
    ("filters", "filters", 0, "value_type"),
]
OBJECTS = [(), ("communication",), ("personal_communications", 0), ("filters",), ("filters", "filters", 0)]
WRONG: list[tuple[tuple[Any, ...], Any]] = [
    (("id",), ""),
    (("id",), "x" * 257),
    (("id",), 7),
    (("campaign_label",), ""),
    (("campaign_label",), "x" * 129),
    (("campaign_label",), "two words"),
    (("campaign_label",), "a:b"),
    (("campaign_label",), "label\n"),
    (("campaign_label",), "ярлык"),
    (("communication",), None),
    (("communication", "communication_id"), None),
    (("communication", "ticket"), 1),
    (("communication", "ticket"), "x" * 257),
    (("communication", "communication_id"), "x" * 257),
    (("communication", "start_date"), "x" * 65),
    (("is_test_publication",), "true"),
    (("personal_communications",), None),
    (("personal_communications", 0, "users"), []),
    (("personal_communications", 0, "users", 0, "id_type"), "email"),
    (("personal_communications", 0, "users", 0, "id"), ""),
    (("personal_communications", 0, "users", 0, "id"), "x" * 257),
    (("filters",), []),
    (("filters", "filters", 0, "value_type"), "date"),
    (("filters", "filters", 0, "value"), None),
    (("filters", "filters", 0, "value"), {}),
    (("filters", "filters", 1, "values"), "a"),
    (("filters", "filters", 1, "values"), ["x" * 1025]),
    (("filters", "filters", 0, "filter_id"), "x" * 257),
]


def holder(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def fault_of(body: Any) -> str:
    code, faults = refused(body)
    assert (Code.INVALID_FIELD, 1) == (code, len(faults))
    return faults[0][0]


@pytest.mark.spec("AUD-044 AUD-045 AUD-048 AUD-065 AUD-072 AUD-OP-17 AUD-084")
@pytest.mark.parametrize("path", REQUIRED, ids=str)
def test_a_required_field_must_be_there(path: tuple[Any, ...]) -> None:
    body = deepcopy(whole())
    del holder(body, path[:-1])[path[-1]]
    fault_of(body)


@pytest.mark.spec("AUD-044 AUD-055 AUD-073")
@pytest.mark.parametrize("path", [*OBJECTS, ("personal_communications", 0, "users", 0)], ids=str)
def test_an_unknown_field_is_refused(path: tuple[Any, ...]) -> None:
    body = deepcopy(whole())
    holder(body, path)["extra"] = 1
    fault_of(body)


@pytest.mark.spec("AUD-OP-16 AUD-071 AUD-072")
@pytest.mark.parametrize(("path", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused(path: tuple[Any, ...], value: Any) -> None:
    body = deepcopy(whole())
    holder(body, path[:-1])[path[-1]] = value
    fault_of(body)


def test_a_fault_is_told_by_its_pointer() -> None:
    body = deepcopy(whole())
    body["personal_communications"][0]["users"][1]["id"] = 5
    assert "/personal_communications/0/users/1/id" == fault_of(body)


@pytest.mark.spec("AUD-050 AUD-OP-12")
@pytest.mark.parametrize("label", ["x", "x" * 128, "Weekly-2025_06.01"])
def test_a_campaign_label_is_short_and_plain(label: str) -> None:
    assert label == read(whole(campaign_label=label)).campaign_label


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"id": "\xed\xa0\x80"}', b"[" * 100_000])
def test_what_is_no_json_is_told_so(raw: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        READ(raw)
    assert caught.value.code in {Code.INVALID_JSON, Code.INVALID_FIELD}


@pytest.mark.spec("AUD-OP-03 AUD-055")
def test_fields_that_may_be_absent_may_be_absent() -> None:
    body = whole(is_test_publication=..., filters=...)
    del body["personal_communications"][0]["ticket"]
    assert published(body)


def key_of(*given: tuple[str, str]) -> str:
    return idempotency_key(CIMultiDict(given), "req")


@pytest.mark.spec("AUD-OP-10")
def test_the_token_makes_the_key_under_either_name_else_the_id() -> None:
    token, key = ("X-Idempotency-Token", "token"), ("Idempotency-Key", "key")
    assert ["req", "token", "key"] == [key_of(), key_of(token), key_of(key)]
    assert "token" == key_of(token, ("Idempotency-Key", "token"))


@pytest.mark.parametrize(
    "given",
    [
        [("X-Idempotency-Token", "one"), ("X-Idempotency-Token", "two")],
        [("X-Idempotency-Token", "one"), ("Idempotency-Key", "two")],
    ],
    ids=["of one name", "of both"],
)
def test_two_tokens_name_nothing(given: list[tuple[str, str]]) -> None:
    """Mutation to try: the first one is taken."""
    with pytest.raises(ProblemError) as caught:
        key_of(*given)
    assert Code.INVALID_FIELD == caught.value.code


@pytest.mark.spec("AUD-040")
@pytest.mark.parametrize("name", ["X-Idempotency-Token", "Idempotency-Key"])
@pytest.mark.parametrize("token", ["", "x" * 65, "a\udcff"], ids=["empty", "long", "no utf-8"])
def test_a_token_has_1_to_64_characters(name: str, token: str) -> None:
    with pytest.raises(ProblemError) as caught:
        key_of((name, token))
    assert Code.INVALID_FIELD == caught.value.code
    assert "x" * 64 == key_of((name, "x" * 64))
