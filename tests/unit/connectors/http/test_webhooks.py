"""A provider's post is durable, as it came, before it is answered."""

from __future__ import annotations

from typing import Any

import pytest
from yarl import URL

from connectors.http.ports import BrokerUnavailableError
from connectors.http.webhooks import LARGEST_BODY
from connectors.providers.receipts.port import Post
from schemas.codec import Decoder
from schemas.records import Provider, ReceiptPosted
from schemas.topics import RECEIPTS, RECORD_BYTES
from tests.fakes import PlainCipher
from tests.unit.connectors.http.edge import NOW, Edge, edge
from tests.webhooks import (
    SENDGRID_KEY,
    STANDARD_KEY,
    STATUS_URL,
    TWILIO_KEY,
    by_sendgrid,
    by_standard,
    by_twilio,
    sendgrid_event,
)

ROOT = "/api/v1/notifications/webhooks"
PATH = f"{ROOT}/email/mail"
POST = by_sendgrid(sendgrid_event("delivered"))
PROVIDERS = {
    ("email", "mail"): {"kind": "sendgrid", "config": {"webhook_key": SENDGRID_KEY}},
    ("email", "old"): {"kind": "sendgrid", "config": {"webhook_key": SENDGRID_KEY}, "is_active": False},
    ("email", "mute"): {"kind": "sendgrid"},
    ("email", "odd"): {"kind": "sendgrid", "config": {"webhook_key": 7}},
    ("sms", "abroad"): {
        "kind": "twilio",
        "config": {"webhook_key": TWILIO_KEY, "status_url": f"{STATUS_URL}?a=1"},
    },
    ("sms", "own"): {"kind": "fake_sms", "config": {"webhook_key": STANDARD_KEY}},
}


def find(channel: str, name: str) -> Provider | None:
    found: Any = PROVIDERS.get((channel, name))
    return Provider(name=name, channel_type=channel, **found) if found else None


def unread(channel: str, name: str) -> Provider | None:  # noqa: ARG001 - the port's
    raise BrokerUnavailableError


async def posted(one: Edge, path: str = PATH, post: Post = POST) -> tuple[int, str]:
    """Status and code of the answer; no credentials of ours are shown."""
    url = URL(path, encoded=True)
    async with one.client.post(url, headers=post.headers, data=post.body) as answer:
        return answer.status, (await answer.json(content_type=None)).get("code", "")


def ports(**changes: Any) -> dict[str, Any]:
    return {"find_provider": find, "cipher": PlainCipher(), **changes}


@pytest.mark.spec("NS-CH-OP-01 NS-CH-027 NS-API-OP-01")
@pytest.mark.parametrize("name", ["mail", "old"])
async def test_a_signed_post_is_kept_as_it_came_whether_or_not_the_provider_is_active(name: str) -> None:
    async with edge(**ports()) as one:
        assert (200, "") == await posted(one, f"{ROOT}/email/{name}")
    (record,) = one.produced
    assert (RECEIPTS, name.encode()) == (record.topic, record.key)
    assert "traceparent" in record.headers
    kept = ReceiptPosted(
        provider=name, channel="email", kind="sendgrid", received_at=NOW, body=b"sealed:" + POST.body
    )
    assert kept == Decoder(ReceiptPosted)(record.value)


async def test_providers_without_a_form_of_their_own_post_in_ours() -> None:
    post = by_standard({"type": "delivered"}, at_s=NOW // 1000)
    async with edge(**ports()) as one:
        assert (200, "") == await posted(one, f"{ROOT}/sms/own", post)
    assert 1 == len(one.produced)


@pytest.mark.spec("NS-CH-043")
async def test_what_stands_behind_the_path_is_signed_and_kept_where_the_vendor_was_told_it() -> None:
    post = by_twilio("delivered")
    path = f"{ROOT}/sms/abroad"
    async with edge(**ports()) as one:
        assert (200, "") == await posted(one, f"{path}?{post.query}", post)
        assert (401, "unauthenticated") == await posted(one, f"{path}?{post.query}1", post)
    (record,) = one.produced
    kept = Decoder(ReceiptPosted)(record.value)
    assert ("", b"sealed:" + post.query.encode()) == (kept.query, kept.query_sealed)


@pytest.mark.spec("NS-API-OP-01")
@pytest.mark.parametrize(
    ("path", "post", "answer"),
    [
        (PATH, Post({}, POST.body), (401, "unauthenticated")),
        (PATH, POST._replace(body=b"[]"), (401, "unauthenticated")),
        (f"{ROOT}/sms/own", POST, (401, "unauthenticated")),
        (f"{ROOT}/sms/mail", POST, (404, "not_found")),
        (f"{ROOT}/email/mute", POST, (404, "not_found")),
        (f"{ROOT}/email/odd", POST, (404, "not_found")),
        (f"{ROOT}/email/none", POST, (404, "not_found")),
        (PATH, POST._replace(body=b" " * (LARGEST_BODY + 1)), (413, "too_large")),
    ],
)
async def test_what_no_provider_signed_is_refused(path: str, post: Post, answer: tuple[int, str]) -> None:
    async with edge(**ports()) as one:
        assert answer == await posted(one, path, post)
    assert [] == one.produced


async def test_the_largest_post_fits_into_its_topic() -> None:
    post = by_sendgrid(sendgrid_event("delivered", filler=""))
    filler = "x" * (LARGEST_BODY - len(post.body))
    async with edge(**ports()) as one:
        assert (200, "") == await posted(one, post=by_sendgrid(sendgrid_event("delivered", filler=filler)))
    assert LARGEST_BODY < len(one.produced[0].value) < RECORD_BYTES


@pytest.mark.parametrize("changes", [{}, {"find_provider": unread}], ids=["its word", "its reference data"])
async def test_without_the_broker_the_provider_comes_again(changes: dict[str, Any]) -> None:
    async def away() -> None:
        raise BrokerUnavailableError

    async with edge(**ports(**changes)) as one:
        one.broker = away
        assert (503, "broker_unavailable") == await posted(one)
