"""The fakes of mail vendors refuse what their vendors would, and write no line of it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import orjson
import pytest
from aiohttp import ClientSession, FormData

from connectors.clock import now_ms
from connectors.fake.judge import Word
from connectors.fake.server import FakeSettings, RunningFake, running
from connectors.fake.vendors import mailgun, sendgrid, ses
from connectors.providers.signature_v4 import AwsKey, signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

SECRET = "s3cret"
SENT = orjson.dumps(
    {
        "personalizations": [{"to": [{"email": "anna@example.com"}]}],
        "from": {"email": "us@carillon.test"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }
)
RAW = {"Destination": {"ToAddresses": ["anna@example.com"]}, "Content": {"Raw": {"Data": "WDogMQ0KDQp4"}}}
TAGS = [{"Name": "carillon_message_id", "Value": "m-1"}]


@pytest.fixture
async def fake() -> AsyncIterator[RunningFake]:
    async with running(FakeSettings(api_key=SECRET), now_ms) as one:
        yield one


@pytest.mark.parametrize("module", [mailgun, sendgrid, ses])
def test_every_word_that_refuses_has_the_vendors_answer(module: ModuleType) -> None:
    assert set(Word) - {Word.ACCEPTED, Word.DELIVERED} == set(module.REFUSALS)


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        (SECRET, SENT, 202),
        ("another", SENT, 401),
        (SECRET, b"no", 400),
        (SECRET, b"{}", 400),
        (SECRET, b'{"personalizations": [], "from": {"email": "a"}, "subject": "x", "content": [7]}', 400),
        (SECRET, SENT.replace(b'"content"', b'"contents"'), 400),
    ],
)
async def test_sendgrid_takes_its_form_and_its_key(
    fake: RunningFake, key: str, body: bytes, status: int
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        ClientSession(fake.url, headers=headers) as http,
        http.post(sendgrid.PATH, data=body) as response,
    ):
        assert status == response.status
    assert fake.desk.ledger.calls == (1 if status == 202 else 0)


async def posted(fake: RunningFake, vendor: str, body: bytes, secret: str, *, after: bytes = b"") -> int:
    """Sign `body`, and send it with something behind it."""
    url = f"{fake.url}/{vendor}{ses.PATH}"
    key = AwsKey("AKID", secret, "eu-west-1", "ses")
    headers = signed(key, url, body, {"Content-Type": "application/json"}, now_ms())
    async with ClientSession() as http, http.post(url, data=body + after, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("vendor", ["ses", "postbox"])
async def test_ses_and_postbox_take_what_is_signed(fake: RunningFake, vendor: str) -> None:
    body = orjson.dumps(RAW)
    assert [200, 403, 403, 400, 400] == [
        await posted(fake, vendor, body, SECRET),
        await posted(fake, vendor, body, "another"),
        await posted(fake, vendor, body, SECRET, after=b" "),
        await posted(fake, vendor, b"{}", SECRET),
        await posted(fake, vendor, b"no", SECRET),
    ]
    assert fake.desk.ledger.calls == 1


async def test_ses_and_postbox_refuse_a_call_without_a_signature(fake: RunningFake) -> None:
    async with ClientSession(fake.url) as http:
        for vendor in ("ses", "postbox"):
            async with http.post(f"/{vendor}{ses.PATH}", data=orjson.dumps(RAW)) as response:
                assert response.status == 403


@pytest.mark.parametrize(
    ("vendor", "tags", "status"),
    [
        ("ses", TAGS, 200),
        ("ses", [{"Name": "key", "Value": "m-1:2"}], 400),
        ("ses", [{"Name": "key"}], 400),
        ("postbox", TAGS, 400),
    ],
)
async def test_tags_are_of_ses_and_of_few_letters(
    fake: RunningFake, vendor: str, tags: list[dict[str, str]], status: int
) -> None:
    assert status == await posted(fake, vendor, orjson.dumps({**RAW, "EmailTags": tags}), SECRET)


@pytest.mark.parametrize(
    ("key", "fields", "status"),
    [
        (SECRET, ("to", "message"), 200),
        ("another", ("to", "message"), 401),
        (SECRET, ("message",), 400),
        (SECRET, ("to",), 400),
    ],
)
async def test_mailgun_takes_its_form_and_its_key(
    fake: RunningFake, key: str, fields: tuple[str, ...], status: int
) -> None:
    form = FormData(default_to_multipart=True)
    if "to" in fields:
        form.add_field("to", "anna@example.com")
    if "message" in fields:
        form.add_field("message", b"X: 1\r\n\r\nx", filename="message.mime")
    login = "Basic " + b64encode(f"api:{key}".encode()).decode()
    path = mailgun.PATH.format(domain="mg.carillon.test")
    headers = {"Authorization": login}
    async with ClientSession(fake.url, headers=headers) as http, http.post(path, data=form) as response:
        assert status == response.status
    assert fake.desk.ledger.calls == (1 if status == 200 else 0)
