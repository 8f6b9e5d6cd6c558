"""What vendors need of the edge beside a POST: certificates, agreement, a GET, an answer of their own."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from yarl import URL

from connectors.http.ports import UnfetchedError
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import LARGEST
from schemas.codec import Decoder
from schemas.records import Provider, ReceiptPosted
from tests.fakes import PlainCipher
from tests.receipt_samples import KEYS, told
from tests.unit.connectors.http.edge import Edge, edge
from tests.vendor_posts import (
    CERTIFICATE_URL,
    HOST,
    TOPIC,
    asking,
    by_ses,
    by_sms_ru,
    by_smsc_get,
    certificate,
)
from tests.webhooks import MESSAGE_ID

ROOT = "/api/v1/notifications/webhooks"
SES = by_ses(told("Delivery")(MESSAGE_ID))
Answer = tuple[int, str, str]


def find(channel: str, name: str) -> Provider | None:
    """One provider of each kind, named by it."""
    config = {"webhook_key": KEYS.get(name)}
    return Provider(name=name, channel_type=channel, kind=name, config=config)


class Amazon:
    """What its addresses give, and which were asked for."""

    def __init__(self) -> None:
        self.gives: dict[str, bytes] = {CERTIFICATE_URL: certificate()}
        self.asked: list[str] = []
        self.agrees = True

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.agrees and "Action=ConfirmSubscription" in url:
            return b"<ConfirmSubscriptionResponse/>"
        if url not in self.gives:
            raise UnfetchedError("it answered 404")
        return self.gives[url]


def ports(amazon: Amazon | None = None) -> dict[str, Any]:
    return {"find_provider": find, "cipher": PlainCipher(), "fetch": (amazon or Amazon()).fetch}


async def called(one: Edge, kind: str, post: Post, method: str = "POST") -> Answer:
    """Status, code or text, and the content type."""
    url = URL(f"{ROOT}/email/{kind}{'?' if post.query else ''}{post.query}", encoded=True)
    async with one.client.request(method, url, headers=post.headers, data=post.body or None) as answer:
        body = await answer.text()
        code = (await answer.json(content_type=None)).get("code", "") if body.startswith("{") else body
        return answer.status, code, answer.content_type


async def until_taken(one: Edge, post: Post) -> list[int]:
    """As SNS comes again: the statuses up to the first that is no 503, or five of them."""
    statuses: list[int] = []
    while len(statuses) < 5 and set(statuses) <= {503}:
        statuses.append((await called(one, "ses", post))[0])
        await asyncio.sleep(0)
    return statuses


@pytest.mark.spec("NS-CH-OP-01 NS-CH-023 NS-API-OP-01")
async def test_a_certificate_is_fetched_once_and_aside_from_the_posts_that_wait_for_it() -> None:
    amazon = Amazon()
    async with edge(**ports(amazon)) as one:
        assert (503, "catching_up") == (await called(one, "ses", SES))[:2]
        assert [200] == await until_taken(one, SES)
        assert [200] == await until_taken(one, by_ses(told("Open")(MESSAGE_ID), "1"))
    assert [CERTIFICATE_URL] == amazon.asked
    assert [SES.body] == [
        Decoder(ReceiptPosted)(each.value).body.removeprefix(b"sealed:") for each in one.produced[:1]
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": TOPIC + "2"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"},
        {"SigningCertURL": f"http{CERTIFICATE_URL[5:]}"},
        {"SigningCertURL": f"{HOST}/other.pem"},
        {"SigningCertURL": f"{HOST}:8443/SimpleNotificationService-1.pem"},
        {"SigningCertURL": f"{HOST}@evil.example/SimpleNotificationService-1.pem"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem"},
    ],
)
async def test_nobody_is_asked_for_a_certificate_of_another_topic_or_place(changes: dict[str, str]) -> None:
    amazon = Amazon()
    post = by_ses(told("Delivery")(MESSAGE_ID))
    for name, value in changes.items():
        old = {"TopicArn": TOPIC, "SigningCertURL": CERTIFICATE_URL}[name]
        post = post._replace(body=post.body.replace(f'"{old}"'.encode(), f'"{value}"'.encode()))
    async with edge(**ports(amazon)) as one:
        assert (401, "unauthenticated") == (await called(one, "ses", post))[:2]
    assert ([], []) == (amazon.asked, one.produced)


async def test_a_flood_of_names_of_certificates_asks_once_in_a_second_and_keeps_no_other_out() -> None:
    amazon = Amazon()
    async with edge(**ports(amazon)) as one:
        for at in range(4):
            name = CERTIFICATE_URL.replace("0123456789abcdef" * 2, f"{at}")
            strange = SES._replace(body=SES.body.replace(CERTIFICATE_URL.encode(), name.encode()))
            assert 503 == (await called(one, "ses", strange))[0]
    assert (1, []) == (len(amazon.asked), one.produced)


async def test_what_is_fetched_and_is_no_certificate_is_none() -> None:
    amazon = Amazon()
    amazon.gives[CERTIFICATE_URL] = b"<html>"
    async with edge(**ports(amazon)) as one:
        assert [503] * 5 == await until_taken(one, SES)
    assert [] == one.produced


@pytest.mark.spec("NS-CH-027 NS-API-OP-01")
async def test_a_subscription_is_confirmed_for_the_topic_of_the_config_at_the_vendors_own_address() -> None:
    """Not at the one that the post names."""
    amazon = Amazon()
    async with edge(**ports(amazon)) as one:
        assert [503, 200] == await until_taken(one, asking())
    url = urlsplit(amazon.asked[-1])
    assert (HOST, "/") == (f"{url.scheme}://{url.netloc}", url.path)
    assert {"Action": ["ConfirmSubscription"], "TopicArn": [TOPIC], "Token": ["t0k3n"]} == parse_qs(url.query)
    assert 1 == len(one.produced)


async def test_a_subscription_that_could_not_be_confirmed_is_asked_about_again() -> None:
    amazon = Amazon()
    amazon.agrees = False
    async with edge(**ports(amazon)) as one:
        assert [503] * 5 == await until_taken(one, asking())
        amazon.agrees = True
        assert [200] == await until_taken(one, asking())


async def test_a_forged_question_confirms_nothing() -> None:
    amazon = Amazon()
    forged = asking()._replace(body=asking().body.replace(b"t0k3n", b"other"))
    async with edge(**ports(amazon)) as one:
        assert [503, 401] == await until_taken(one, forged)
    assert [CERTIFICATE_URL] == amazon.asked


@pytest.mark.spec("NS-CH-043")
async def test_a_vendor_that_calls_a_get_is_kept_with_all_that_stands_behind_the_path() -> None:
    post = by_smsc_get("1")
    async with edge(**ports()) as one:
        assert 200 == (await called(one, "smsc", post, "GET"))[0]
        assert 401 == (await called(one, "smsc", by_smsc_get("1", sha1="0", md5="0"), "GET"))[0]
    (record,) = one.produced
    kept = Decoder(ReceiptPosted)(record.value)
    assert (b"sealed:", b"sealed:" + post.query.encode()) == (kept.body, kept.query_sealed)


@pytest.mark.spec("NS-CH-OP-01")
@pytest.mark.parametrize("kind", sorted(LARGEST))
async def test_a_vendor_that_tells_little_may_post_no_more_than_that(kind: str) -> None:
    async with edge(**ports()) as one:
        for size, answer in [
            (LARGEST[kind], (401, "unauthenticated")),
            (LARGEST[kind] + 1, (413, "too_large")),
        ]:
            assert answer == (await called(one, kind, Post({}, b" " * size)))[:2]
    assert [] == one.produced


@pytest.mark.spec("NS-CH-043")
async def test_a_vendor_that_wants_a_word_gets_it() -> None:
    async with edge(**ports()) as one:
        assert (200, "100", "text/plain") == await called(one, "sms_ru", by_sms_ru("test"))
        assert 401 == (await called(one, "sms_ru", by_sms_ru("test", key="another")))[0]
