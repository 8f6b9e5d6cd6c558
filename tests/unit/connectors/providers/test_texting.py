"""What carriers of texts share: addresses of vendors, phones, answers without a word."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.providers.port import ProviderConfigError
from connectors.providers.registry import KINDS
from connectors.providers.sms_ru import SmsRu
from connectors.providers.texting import form, word
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, wire


@pytest.mark.parametrize("url", ["http://api.vendor.example", "http://10.0.0.1", "ftp://localhost", ""])
def test_credentials_go_over_https_or_stay_on_this_machine(url: str) -> None:
    with pytest.raises(ProviderConfigError, match="url must be https"):
        SmsRu("sms", {"url": url, "api_id": "k"}, lambda: 0)


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "79161234567",
        "+79161234567,+79161234568",
        "+7916 1234567",
        "G1",
        "#12",
        "+0123456789",
        "+791612\n34567",
    ],
)
async def test_what_is_not_one_phone_is_never_posted(phone: str) -> None:
    async with wire() as vendor:
        carrier = SmsRu("sms", {"url": vendor.url, "api_id": "k"}, lambda: 0)
        answer = await carrier.send(phone, TEXT, "m-1:0")
        await carrier.close()
    assert (Verdict.PERMANENT, Reason.INVALID_CONTACT) == (answer.verdict, answer.reason)
    assert vendor.seen == []


def test_form_leaves_out_what_is_none() -> None:
    assert form({"a": "1 &", "b": None, "c": "ё"}) == b"a=1+%26&c=%D1%91"


@pytest.mark.parametrize(
    ("value", "expected"), [(9, "9"), ("9", "9"), (None, ""), (True, ""), (1.5, ""), ({}, "")]
)
def test_numbers_and_texts_are_words(value: object, expected: str) -> None:
    assert expected == word(value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"Phone {PHONE} is none", "HTTP 200, code 1: Phone *** is none"),
        ("api_id A-KEY is none", "HTTP 200, code 1: api_id *** is none"),
        (None, "HTTP 200, code 1"),
        (["a list"], "HTTP 200, code 1"),
    ],
)
async def test_detail_keeps_status_and_code_and_neither_phone_nor_secret(said: object, expected: str) -> None:
    async with wire(Answered(200, {"status_code": 1, "status_text": said})) as vendor:
        carrier = SmsRu("sms", {"url": vendor.url, "api_id": "a-key"}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, "m-1:0")
        await carrier.close()
    assert expected == answer.detail


TEXTS: dict[str, dict[str, str]] = {
    "megafon": {"login": "shop", "password": "hush", "sender": "Shop"},
    "mts": {"login": "shop", "password": "hush", "sender": "Shop"},
    "sms_ru": {"api_id": "hush"},
    "smsc": {"api_key": "hush"},
    "twilio": {"account_sid": "AC1", "secret": "hush", "sender": "Shop"},
}


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_every_vendor_names_its_secrets(kind: str) -> None:
    carrier: Any = KINDS[kind]("sms", TEXTS[kind], lambda: 0)
    assert "hush" in carrier.secrets
