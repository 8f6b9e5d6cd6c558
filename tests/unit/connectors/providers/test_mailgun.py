"""Mailgun on the wire: the form of its MIME way, and what each answer means to us."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from connectors.providers.letter import Sender, letter
from connectors.providers.mailgun import Mailgun
from connectors.providers.port import ProviderConfigError
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import Seen, Wire, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.providers.port import Answer

KEY = "key-of-tests"
CONFIG = {
    "api_key": KEY,
    "domain": "mg.carillon.test",
    "from_address": "no-reply@carillon.test",
    "from_name": "Карильон",
}
CONTENT = Content(
    body="<p>Привет</p>", body_text="Привет", subject="Новости", unsubscribe_url="https://carillon.test/u/1"
)
NOW = 1_800_000_000_000


@pytest.fixture
async def there() -> AsyncIterator[Wire]:
    async with wire() as one:
        yield one


async def sent(there: Wire, content: Content = CONTENT) -> Answer:
    carrier = Mailgun("mail", {**CONFIG, "url": there.url}, lambda: NOW)
    try:
        return await carrier.send("anna@example.com", content, "m-1:2")
    finally:
        await carrier.close()


def fields(asked: Seen) -> dict[str, bytes]:
    """The parts of a form by name, read by another parser than ours."""
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    form = message_from_bytes(head + asked.body, policy=policy.HTTP)
    assert isinstance(form, EmailMessage)
    assert form.defects == []
    found = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        marker = f'name="{name}"'.encode()
        found[name] = (
            asked.body.split(marker, 1)[1].split(b"\r\n\r\n", 1)[1].split(b"\r\n--carillon-m-1", 1)[0]
        )
    return found


@pytest.mark.spec("NS-CH-020 NS-CH-021")
async def test_request_is_a_form_with_the_whole_letter(there: Wire) -> None:
    there.answers(200, b'{"id": "<20111114174239.25659.5817@samples.test>", "message": "Queued. Thank you."}')
    answer = await sent(there)
    (asked,) = there.seen
    assert ("/v3/mg.carillon.test/messages.mime", "Basic YXBpOmtleS1vZi10ZXN0cw==") == (
        asked.path,
        asked.headers["Authorization"],
    )
    assert fields(asked) == {
        "to": b"anna@example.com",
        "v:carillon_message_id": b"m-1",
        "v:carillon_key": b"m-1:2",
        "message": letter(
            Sender("no-reply@carillon.test", "Карильон"), "anna@example.com", CONTENT, "m-1:2", NOW
        ),
    }
    assert b'name="message"; filename="message.mime"' in asked.body
    assert (Verdict.ACCEPTED, "20111114174239.25659.5817@samples.test") == (
        answer.verdict,
        answer.provider_message_id,
    )


@pytest.mark.parametrize(
    "trick", ["--carillon-m-1--", "x\r\n--carillon-m-1\r\nContent-Disposition: form-data"]
)
async def test_no_text_of_a_mail_ends_the_form(there: Wire, trick: str) -> None:
    content = Content(body=trick, body_text=trick, subject=trick)
    await sent(there, content)
    assert {"to", "v:carillon_message_id", "v:carillon_key", "message"} == set(fields(there.seen[0]))


@pytest.mark.spec("NS-SND-063 NS-SND-064 NS-SND-020")
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (200, b'{"id": "<1@a.test>", "message": "Queued. Thank you."}', Verdict.ACCEPTED, None),
        (400, b'{"message": "to is not valid"}', Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (401, b"Forbidden", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (402, b"{}", Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (403, b"{}", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (404, b'{"message": "Domain not found"}', Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (413, b"{}", Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (429, b"{}", Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (500, b"{}", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (502, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (503, b"{}", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (504, b"{}", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
    ],
)
async def test_each_status_means_one_thing(
    there: Wire, status: int, body: bytes, verdict: Verdict, reason: Reason | None
) -> None:
    there.answers(status, body)
    answer = await sent(there)
    assert (verdict, reason) == (answer.verdict, answer.reason)


async def test_a_time_to_come_back_is_read_if_it_is_there(there: Wire) -> None:
    there.answers(429, b'{"message": "Too many requests"}', Retry_After="12")
    assert (await sent(there)).retry_after_ms == 12_000


async def test_a_detail_names_neither_recipient_nor_key(there: Wire) -> None:
    there.answers(400, f'{{"message": "{KEY} may not write to Anna@Example.com"}}'.encode())
    assert (await sent(there)).detail == "400 *** may not write to ***"


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"id": ""}', b'{"id": 7}'])
async def test_a_200_without_an_id_says_neither_yes_nor_no(there: Wire, body: bytes) -> None:
    there.answers(200, body)
    answer = await sent(there)
    assert (Verdict.HIDDEN, None) == (answer.verdict, answer.provider_message_id)


async def test_a_503_that_says_when_to_come_back_took_nothing(there: Wire) -> None:
    there.answers(503, b"", Retry_After="12")
    answer = await sent(there)
    assert (Verdict.TEMPORARY, 12_000) == (answer.verdict, answer.retry_after_ms)


@pytest.mark.parametrize(
    "change",
    [{"domain": "mg/../v3"}, {"domain": "localhost"}, {"api_key": 7}, {"url": "http://mailgun.test"}],
)
def test_an_unusable_config_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProviderConfigError):
        Mailgun("mail", {**CONFIG, **change}, lambda: NOW)
