"""Templates are made, read, edited, listed and deleted over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.ids import derived
from tests.unit.connectors.http.template_api import BODY, KEY, PATH, SMS, Api


@pytest.mark.spec(
    "NS-API-002 NS-API-010 NS-API-011 NS-API-012 NS-DATA-OP-22 NS-TPL-001 NS-TPL-011 NS-TPL-025"
)
async def test_ns_api_010_012_a_template_is_created(api: Api) -> None:
    answer = await api("POST", json=BODY)
    assert (201, '"1"', f"{PATH}/{answer.body['id']}") == (
        answer.status,
        answer.headers["ETag"],
        answer.headers["Location"],
    )
    expected = BODY | {"variables": {"UserName": {"type": "string"}}, "version": 1}
    assert expected == {name: answer.body[name] for name in expected}
    assert 1 == api.published
    assert {"type": "object", "properties": {"UserName": {"type": "string"}}, "required": ["UserName"]} == (
        answer.body["data_schema"]
    )


@pytest.mark.spec("NS-API-005")
@pytest.mark.parametrize(("key", "expected"), [(None, 401), ("ck_live_other", 403)])
async def test_ns_api_005_who_has_no_key_of_the_scope_is_refused(
    api: Api, key: str | None, expected: int
) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with api.client.get(PATH, headers=headers) as answer:
        assert expected == answer.status


@pytest.mark.spec("NS-API-OP-05 NS-SEC-OP-09")
@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"name": "a/b"}, "invalid_field", "regex"),
        ({"channel_type": "pigeon"}, "invalid_field", "Invalid enum value"),
        ({"body": "\0"}, "invalid_field", "regex"),
        ({"colour": 1}, "invalid_field", "unknown field"),
        ({"subject": None}, "invalid_template", "an email template needs a `subject`"),
        ({"body": "{{ Other }}"}, "invalid_template", "undeclared variables: Other"),
        ({"variables": {"UserName": "date"}}, "invalid_template", "its type must be one of"),
        ({"category": "marketing"}, "invalid_template", "must use `UnsubscribeUrl`"),
        ({"body": "{% include '_x' %}"}, "invalid_template", "part `_x` is not known"),
        ({"channel_type": "push"}, "invalid_template", "needs a `title`"),
    ],
)
async def test_what_could_not_be_sent_is_refused_with_the_reason(
    api: Api, changes: dict[str, Any], code: str, words: str
) -> None:
    status, found, told = (await api("POST", json=BODY | changes)).told
    assert (400, code, True) == (status, found, any(words in each for each in told))
    assert ({}, 0) == (api.memory.stored, api.published)


@pytest.mark.spec("NS-API-OP-05 NS-DATA-021")
async def test_ns_api_op_05_a_second_one_of_the_name_is_a_conflict(api: Api) -> None:
    await api.made()
    status, code, told = (await api("POST", json=BODY)).told
    assert (409, "duplicate", True) == (status, code, "has this name" in told[0])


async def test_a_repeated_post_with_its_key_makes_one_template(api: Api) -> None:
    first, again = [await api("POST", json=BODY, Idempotency_Key="k") for _ in range(2)]
    assert (201, 201, first.body["id"]) == (first.status, again.status, again.body["id"])
    assert (None, "true") == tuple(each.headers.get("Idempotent-Replayed") for each in (first, again))
    assert (422, "other_request") == (await api("POST", json=SMS, Idempotency_Key="k")).told[:2]
    assert 400 == (await api("POST", json=SMS, Idempotency_Key="k" * 256)).status


@pytest.mark.spec("NS-API-015 NS-API-016 NS-API-017 NS-API-018 NS-API-019 NS-TPL-001 NS-TPL-013 NS-TPL-014")
async def test_ns_api_015_016_018_a_template_is_read_edited_and_deleted(api: Api) -> None:
    one = await api.made()
    assert (200, '"1"') == ((found := await api("GET", one)).status, found.headers["ETag"])
    edited = await api("PUT", one, BODY | {"body": "Hi {{ UserName }}"}, If_Match='"1"')
    assert (200, 2, '"2"') == (edited.status, edited.body["version"], edited.headers["ETag"])
    deleted = await api("DELETE", one)
    assert (204, None) == (deleted.status, deleted.body)
    assert [404, 404, 404] == [
        (await api(m, one, b)).status for m, b in (("GET", None), ("PUT", BODY), ("DELETE", None))
    ]
    assert 3 == api.published


@pytest.mark.spec("NS-API-015 NS-API-017")
@pytest.mark.parametrize("template_id", [derived("template", "nobody"), "no-uuid"])
async def test_ns_api_015_what_is_not_there_is_not_found(api: Api, template_id: str) -> None:
    asked = [("GET", "", None), ("PUT", "", BODY), ("DELETE", "", None), ("GET", "/versions", None)]
    asked += [("POST", "/rollback", {"version": 1}), ("POST", "/preview", {})]
    found = [(await api(method, f"/{template_id}{path}", body)).told for method, path, body in asked]
    assert [(404, "not_found", [])] * 6 == found


@pytest.mark.parametrize("given", ['"2"', "nonsense", '"99999999999"'])
async def test_a_change_for_another_version_is_refused(api: Api, given: str) -> None:
    one = await api.made()
    changed = BODY | {"subject": "Other"}
    expected = (412, "stale", ["version 1 is in force"])
    assert expected == (await api("PUT", one, changed, If_Match=given)).told
    assert expected == (await api("DELETE", one, If_Match=given)).told
    assert 200 == (await api("PUT", one, changed, If_Match="*")).status


async def test_name_channel_and_language_do_not_change(api: Api) -> None:
    status, code, _ = (await api("PUT", await api.made(), BODY | {"language_code": "en"})).told
    assert (400, "invalid_field") == (status, code)


@pytest.mark.spec("NS-TPL-OP-04")
async def test_ns_tpl_op_04_what_a_type_sends_is_not_deleted(api: Api) -> None:
    one = await api.made()
    api.memory.types["welcome_email"] = ["welcome"]
    assert (409, "in_use", ["type:welcome"]) == (await api("DELETE", one)).told


@pytest.mark.spec("NS-API-OP-04 NS-API-013 NS-API-014 NS-TPL-OP-02 NS-TPL-022")
async def test_ns_api_013_014_lists_have_pages_filters_and_a_cursor(api: Api) -> None:
    for name in ("c", "a", "b"):
        await api.made(name=name)
    await api.made(name="a", language_code="en")
    first = (await api("GET", "?limit=3")).body
    second = (await api("GET", f"?limit=3&cursor={first['next']}")).body
    paged = (await api("GET", "?limit=3&page=2")).body
    named = [
        [each["name"] + each["language_code"] for each in page["items"]] for page in (first, second, paged)
    ]
    assert [["aen", "aru", "bru"], ["cru"], ["cru"]] == named
    assert [(1, 3, 4), (None, 3, 4), (2, 3, 4)] == [
        (p["page"], p["limit"], p["total"]) for p in (first, second, paged)
    ]
    assert [None, None] == [second["next"], paged["next"]]
    assert 1 == (await api("GET", "?language_code=en&channel_type=email")).body["total"]
    assert 0 == (await api("GET", "?channel_type=sms")).body["total"]
    assert 2 == (await api("GET", "?name=a")).body["total"]


@pytest.mark.spec("NS-API-OP-04")
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=a",
        "limit=",
        "page=0",
        "page=-1",
        "cursor=x",
        "channel_type=fax",
        "name=",
    ],
)
async def test_a_wrong_question_is_refused(api: Api, query: str) -> None:
    status, code, told = (await api("GET", f"?{query}")).told
    assert (400, "invalid_field", True) == (status, code, told[0].startswith(query.partition("=")[0]))


@pytest.mark.spec("NS-DATA-OP-04 NS-TPL-024")
async def test_ns_data_op_04_versions_are_listed_and_one_is_put_back(api: Api) -> None:
    one = await api.made()
    await api("PUT", one, BODY | {"subject": "Two"})
    back = await api("POST", f"{one}/rollback", {"version": 1}, If_Match='"2"')
    assert (200, 3, BODY["subject"]) == (back.status, back.body["version"], back.body["subject"])
    found = (await api("GET", f"{one}/versions?limit=2")).body
    assert [(3, KEY[:10]), (2, KEY[:10])] == [(each["version"], each["author"]) for each in found["items"]]
    assert 2 == found["next"]
    rest = (await api("GET", f"{one}/versions?below=2")).body
    assert ([1], None) == ([each["version"] for each in rest["items"]], rest["next"])
    assert 404 == (await api("POST", f"{one}/rollback", {"version": 9})).status


@pytest.mark.spec("NS-API-OP-04")
async def test_a_page_has_twenty_unless_more_are_asked_for(api: Api) -> None:
    for number in range(21):
        await api.made(name=f"t{number:02}")
    first, all_ = (await api("GET")).body, (await api("GET", "?limit=100")).body
    assert (20, 20, 21, True) == (len(first["items"]), first["limit"], first["total"], bool(first["next"]))
    assert (21, 100, None) == (len(all_["items"]), all_["limit"], all_["next"])
