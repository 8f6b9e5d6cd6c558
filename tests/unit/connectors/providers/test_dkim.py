"""Signatures of mails, read by another implementation that asks a DNS of ours."""

from __future__ import annotations

import re
from base64 import b64encode
from email import message_from_bytes, policy
from functools import cache
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.clock import now_ms
from connectors.fake.server import running
from connectors.providers.dkim import DkimKey, Signatures, relaxed_body
from connectors.providers.letter import Sender, letter
from connectors.providers.port import ProviderConfigError
from connectors.providers.smtp import Smtp
from schemas.records import Content
from schemas.words import Verdict
from tests.contract.rigs import SETTINGS

AT = 1_700_000_000_000
SENDER = Sender("no-reply@mail.carillon.test", "Карильон")
WAY_OUT = "https://notify.example.com/unsubscribe?token=k1.YQ.c2ln"
ADVERTISING = Content(
    body="<p>Скидка  сегодня</p>\n\n", body_text=" Скидка \n", subject="Скидка " * 30, unsubscribe_url=WAY_OUT
)
MAILS = {
    "advertising": ("anna@example.com", ADVERTISING),
    "one text": ("anna@example.com", Content(body="Код: 1234", subject="Code")),
    "no text": ("anna@example.com", Content(body="", subject="")),
    "other letters": ("анна@пример.рф", Content(body="<p>a</p>", body_text="a", title="Only a title")),
}


def pem(key: Any, encryption: KeySerializationEncryption | None = None) -> str:
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    assert isinstance(made, bytes)
    return made.decode()


@cache
def secrets() -> dict[str, Any]:
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }


def keys(*kinds: str) -> list[DkimKey]:
    return [DkimKey("carillon.test", f"{kind}-1", pem(secrets()[kind])) for kind in kinds]


def dns(name: bytes, timeout: float = 5) -> bytes | None:  # noqa: ARG001 - the library's shape
    """The records that docs/providers.md tells an operator to publish."""
    public = {kind: key.public_key() for kind, key in secrets().items()}
    records = {
        b"rsa-1._domainkey.carillon.test.": b"v=DKIM1; k=rsa; p="
        + b64encode(public["rsa"].public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        b"ed25519-1._domainkey.carillon.test.": b"v=DKIM1; k=ed25519; p="
        + b64encode(public["ed25519"].public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }
    return records.get(name)


def is_good(raw: bytes, number: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(idx=number, dnsfunc=dns))
    except dkim.ValidationError:  # of a body; of a header it says no
        return False


async def signed(content: Content, *kinds: str, address: str = "anna@example.com") -> bytes:
    return await Signatures(keys(*kinds), SENDER.address).added(
        letter(SENDER, address, content, "m-1:0", AT), AT
    )


@pytest.mark.spec("NS-CH-026")
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize(("address", "content"), MAILS.values(), ids=MAILS)
async def test_another_implementation_finds_the_signature_good(
    kind: str, address: str, content: Content
) -> None:
    assert is_good(await signed(content, kind, address=address))


@pytest.mark.spec("NS-CH-026")
async def test_two_keys_are_two_signatures_and_both_are_good() -> None:
    raw = await signed(ADVERTISING, "rsa", "ed25519")
    assert [True, True] == [is_good(raw, number) for number in (0, 1)]
    algorithms = re.findall(rb"DKIM-Signature: v=1; a=([\w-]+);", raw)
    assert [b"rsa-sha256", b"ed25519-sha256"] == algorithms


@pytest.mark.spec("NS-CH-026 NS-SEC-OP-09")
async def test_both_headers_of_the_way_out_are_signed() -> None:
    header = message_from_bytes(await signed(ADVERTISING, "rsa"), policy=policy.default)["DKIM-Signature"]
    (names,) = re.findall(r"h=([\w:\s-]+);", str(header))
    covered = re.sub(r"\s", "", names).split(":")
    wanted = ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"]
    wanted += ["list-unsubscribe", "list-unsubscribe-post"]
    assert sorted(wanted * 2) == sorted(covered)


@pytest.mark.parametrize("name", ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe"])
async def test_a_header_that_was_changed_or_added_spoils_the_signature(name: str) -> None:
    """Mutation tried: each name once in `h`: fails, for a reader may show the one that was added."""
    raw = await signed(ADVERTISING, "ed25519")
    line = f"\r\n{name}: ".encode()
    assert not is_good(raw.replace(line, line + b"other ", 1))
    assert not is_good(line.strip() + b" other\r\n" + raw)
    assert not is_good(raw.replace(b"\r\n\r\n", line + b"other\r\n\r\n", 1))


async def test_a_body_that_was_changed_spoils_the_signature() -> None:
    raw = await signed(MAILS["one text"][1], "ed25519")
    assert not is_good(raw.replace(b64encode("Код: 1234".encode()), b64encode("Код: 1235".encode())))


async def test_headers_that_were_folded_anew_on_the_way_do_no_harm() -> None:
    raw = await signed(ADVERTISING, "ed25519")
    assert is_good(
        raw.replace(b"\r\nSubject: ", b"\r\nsubject:\t ").replace(b"; c=", b";\r\n\tc=") + b"\r\n\r\n"
    )


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text(), st.none() | st.text())
async def test_whatever_stands_in_a_mail_its_signature_is_good(
    subject: str, body: str, body_text: str | None
) -> None:
    assert is_good(await signed(Content(body=body, body_text=body_text, subject=subject), "ed25519"))


async def test_signed_mail_comes_through_a_server_and_the_same_mail_is_the_same_bytes() -> None:
    async with running(SETTINGS, now_ms) as fake:
        login = SETTINGS.smtp_credentials
        assert login is not None
        config = {"host": fake.host, "port": fake.smtp_port, "username": login[0], "password": login[1]}
        config |= {"from_address": SENDER.address, "from_name": SENDER.name}
        config["dkim"] = [
            {"domain": key.domain, "selector": key.selector, "private_key": key.private_key}
            for key in keys("rsa", "ed25519")
        ]
        carrier = Smtp("mail", config, lambda: AT)
        answer = await carrier.send("anna@example.com", ADVERTISING, "m-1:0")
        await carrier.close()
        kept = fake.desk.mail("anna@example.com", "m-1")
    assert (Verdict.ACCEPTED, True) == (answer.verdict, kept is not None)
    assert kept is not None
    assert [True, True] == [is_good(kept.raw, number) for number in (0, 1)]
    assert await signed(ADVERTISING, "rsa", "ed25519") in {kept.raw, kept.raw + b"\r\n"}


async def test_mail_without_a_key_stays_as_it_is() -> None:
    assert letter(SENDER, "anna@example.com", ADVERTISING, "m-1:0", AT) == await signed(ADVERTISING)


@pytest.mark.parametrize(
    ("body", "relaxed"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # the example of RFC 6376, 3.4.5
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"no end", b"no end\r\n"),
    ],
)
def test_a_body_is_relaxed_as_the_standard_says(body: bytes, relaxed: bytes) -> None:
    assert relaxed == relaxed_body(body)


@pytest.mark.parametrize(
    ("domain", "is_taken"),
    [
        ("mail.carillon.test", True),
        ("Carillon.test", True),
        ("eu.mail.carillon.test", True),
        ("arillon.test", False),
        ("other.test", False),
    ],
)
def test_the_domain_is_one_that_can_count_for_the_sender(domain: str, is_taken: bool) -> None:
    key = DkimKey(domain, "s", pem(secrets()["ed25519"]))
    if is_taken:
        Signatures([key], SENDER.address)
        return
    with pytest.raises(ProviderConfigError, match="neither above nor below"):
        Signatures([key], SENDER.address)


@pytest.mark.spec("NS-CH-025")
def test_a_key_that_cannot_sign_is_told_and_not_shown() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    locked = pem(secrets()["ed25519"], BestAvailableEncryption(b"a password"))
    for text in ("a secret", "", pem(curve), locked):
        with pytest.raises(ProviderConfigError, match="private_key") as caught:
            Signatures([DkimKey("carillon.test", "s", text)], SENDER.address)
        assert not text or text not in str(caught.value)


@pytest.mark.parametrize("field", ["domain", "selector"])
@pytest.mark.parametrize("name", ["", "a b", "a;", "a..b", ".a", "почта.рф"])
def test_names_that_no_dns_holds_are_told(field: str, name: str) -> None:
    config = {"host": "h", "port": 25, "from_address": "a@b.test"}
    key = {"domain": "b.test", "selector": "s", "private_key": "k"} | {field: name}
    with pytest.raises(ProviderConfigError, match=rf"dkim\[0\].{field}"):
        Smtp("mail", {**config, "dkim": [key]}, lambda: 0)
