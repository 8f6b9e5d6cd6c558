"""Previews, trials and what is answered when something is away."""

from __future__ import annotations

import pytest

from connectors.access.masking import masked
from connectors.http.ports import BrokerUnavailableError
from connectors.postgres.errors import PostgresUnavailableError, RowsRefusedError
from schemas.ids import derived
from tests.unit.connectors.http.edge import edge, entry
from tests.unit.connectors.http.template_api import BODY, KEY, PATH, SMS, TEST_KEY, Api


async def test_a_trial_is_sent_to_one_address(api: Api) -> None:
    one = await api.made(body="Hi {{ UserName }}")
    sent = {"recipient": "ann@carillon.test", "data": {"UserName": "Ann"}}
    answers = [await api("POST", f"{one}/test-send", sent, Idempotency_Key="k") for _ in range(2)]
    assert [(202, {"message_id": "m-1"})] * 2 == [(each.status, each.body) for each in answers]
    trial = api.trials[0]
    assert ("Hi Ann", "ann@carillon.test", KEY[:10], f"{KEY[:10]}:k") == (
        trial.content.body,
        trial.recipient,
        trial.author,
        trial.request_key,
    )
    assert (
        202
        == (await api("POST", f"{one}/test-send", {"recipient": "a@carillon.test", "samples": True})).status
    )
    assert {"UserName": "xxxxxxxx"} == api.trials[-1].data
    assert api.trials[-1].request_key not in {"", trial.request_key}


async def test_a_trial_that_cannot_be_sent_is_refused(api: Api) -> None:
    one = await api.made()
    refused = {"recipient": "nobody", "samples": True}
    assert (400, "invalid_field", ["is no address of the channel"]) == (
        await api("POST", f"{one}/test-send", refused)
    ).told
    assert "render_failed" == (await api("POST", f"{one}/test-send", {"recipient": "a@b.c"})).body["code"]
    inbox = await api.made(channel_type="in_app", subject=None, title="T", body="x", variables={})
    assert "invalid_field" == (await api("POST", f"{inbox}/test-send", refused)).body["code"]


@pytest.mark.spec("NS-TPL-026 NS-TPL-OP-07")
async def test_ns_tpl_op_07_a_preview_is_what_would_be_sent(api: Api) -> None:
    one = await api.made(body="<b>{{ UserName }}</b>")
    answer = await api("POST", f"{one}/preview", {"data": {"UserName": "<Ann>"}})
    assert (200, "<b>&lt;Ann&gt;</b>", BODY["subject"]) == (
        answer.status,
        answer.body["body"],
        answer.body["subject"],
    )
    assert (400, "render_failed", ["variable `UserName` is missing"]) == (
        await api("POST", f"{one}/preview", {})
    ).told
    assert "<b>xxxxxxxx</b>" == (await api("POST", f"{one}/preview", {"samples": True})).body["body"]


@pytest.mark.spec("NS-CH-034 NS-TPL-026")
async def test_a_preview_of_a_push_shows_its_picture_and_its_buttons(api: Api) -> None:
    rich = {"Picture": {"image": True}, "PayUrl": {"button": "Pay"}}
    given = {"channel_type": "push", "subject": None, "title": "T", "body": "x", "variables": rich}
    one = await api.made(**given)
    data = {"Picture": "https://shop.test/1.jpg", "PayUrl": "https://shop.test/pay"}
    shown = (await api("POST", f"{one}/preview", {"data": data})).body
    button = {"name": "PayUrl", "label": "Pay", "url": "https://shop.test/pay"}
    assert ("https://shop.test/1.jpg", [button]) == (shown["image"], shown["buttons"])
    data["Picture"] = "http://shop.test/1.jpg"
    assert (400, "render_failed", ["variable `Picture` is no https address"]) == (
        await api("POST", f"{one}/preview", {"data": data})
    ).told
    refused = await api("POST", "", {**BODY, "variables": {**rich, "UserName": "string"}})
    assert (400, "invalid_template") == refused.told[:2]


async def test_a_preview_takes_the_data_of_a_message_that_was_sent(api: Api) -> None:
    one, message = await api.made(body="{{ UserName }}"), derived("message", "1")
    api.memory.data[message, BODY["name"]] = {"UserName": "Ann"}
    assert "Ann" == (await api("POST", f"{one}/preview", {"message_id": message})).body["body"]
    both = {"message_id": message, "data": {"UserName": "Bob"}}
    assert "Bob" == (await api("POST", f"{one}/preview", both)).body["body"]
    assert 404 == (await api("POST", f"{one}/preview", {"message_id": derived("message", "2")})).status


async def test_a_preview_shows_no_data_of_another_templates_message(api: Api) -> None:
    one, message = await api.made(body="{{ UserName }}"), derived("message", "1")
    api.memory.data[message, "invoice"] = {"UserName": "Ann"}
    assert 404 == (await api("POST", f"{one}/preview", {"message_id": message, "samples": True})).status


@pytest.mark.spec("NS-SEC-005")
async def test_a_trial_stands_in_the_audit_log_before_it_is_sent(api: Api) -> None:
    one = await api.made(body="Hi", variables={})
    assert 202 == (await api("POST", f"{one}/test-send", {"recipient": "ann@carillon.test"})).status
    ((actor, change),) = api.noted
    assert ("key:ck_live_ed", "template.trial", "ann@carillon.test") == (
        actor.actor_id,
        change.action,
        (change.after or {})["recipient"],
    )
    assert "***" == (masked(change.after) or {})["recipient"]
    api.noting_fails = PostgresUnavailableError()
    answer = await api("POST", f"{one}/test-send", {"recipient": "ann@carillon.test"})
    assert (503, 1) == (answer.status, len(api.trials))


async def test_a_key_for_tests_sends_no_trial(api: Api) -> None:
    """A trial goes to a real provider."""
    one = await api.made(body="Hi", variables={})
    test = {"Authorization": f"Bearer {TEST_KEY}"}
    answer = await api("POST", f"{one}/test-send", {"recipient": "ann@carillon.test"}, **test)
    assert (403, [], []) == (answer.status, api.trials, api.noted)
    assert 200 == (await api("POST", f"{one}/preview", {}, **test)).status


async def test_a_preview_of_an_older_version_is_of_its_text(api: Api) -> None:
    one = await api.made(body="one", variables={})
    await api("PUT", one, BODY | {"body": "two", "variables": {}})
    assert "one" == (await api("POST", f"{one}/preview", {"version": 1})).body["body"]


async def test_ns_ch_op_08_a_preview_of_a_text_message_counts_its_segments(api: Api) -> None:
    answer = await api("POST", json=SMS)
    found = await api("POST", f"/{answer.body['id']}/preview", {"data": {"Code": "я" * 71}})
    assert {"encoding": "UCS-2", "places": 71, "segments": 2} == found.body["sms"]


async def test_an_author_is_told_what_may_surprise(api: Api) -> None:
    answer = await api("POST", json=SMS | {"body": "я" * 300, "variables": {}})
    assert ["about 5 SMS segments"] == [each[:20] for each in answer.body["warnings"]]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BrokerUnavailableError(), "broker_unavailable"),
        (PostgresUnavailableError(), "database_unavailable"),
        (TimeoutError(), "broker_unavailable"),
    ],
)
async def test_no_change_is_confirmed_before_the_broker_has_it(api: Api, error: Exception, code: str) -> None:
    api.fails = error
    answer = await api("POST", json=BODY, Idempotency_Key="k")
    assert (503, code, "1") == (answer.status, answer.body["code"], answer.headers["Retry-After"])
    api.fails = None
    again = await api("POST", json=BODY, Idempotency_Key="k")
    assert (201, 1, 2) == (again.status, again.body["version"], api.published)


async def test_what_the_database_takes_in_no_form_is_a_wrong_field(api: Api) -> None:
    api.fails = RowsRefusedError()
    assert (400, "invalid_field") == (await api("POST", json=BODY)).told[:2]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "invalid_json"), (b"[]", "invalid_json"), (b'"\xff"', "invalid_json"), (b"{}", "invalid_field")],
)
async def test_a_body_that_is_none_is_refused(api: Api, body: bytes, code: str) -> None:
    assert (400, code) == (await api("POST", json=body)).told[:2]


async def test_without_a_database_templates_cannot_be_reached() -> None:
    keys, headers = [entry(KEY, "templates")], {"Authorization": f"Bearer {KEY}"}
    async with edge(credentials=keys) as one, one.client.get(PATH, headers=headers) as answer:
        assert 503 == answer.status
