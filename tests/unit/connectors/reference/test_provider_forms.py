"""The part of a provider's config that is ours: what `carillon apply` refuses and remarks."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import read_directory
from tests.unit.connectors.providers.test_dkim import pem

JUDGED = (
    "{name: p, channel_type: sms, kind: own, weight: 1, config: {receipts_within_s: 60, webhook_key: %s}}"
)
KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def given(folder: Path, entry: str) -> Path:
    (folder / "providers.yaml").write_text(f"- {entry}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("seconds", ["0", "3601", "soon", "1.5", "true"])
def test_a_time_for_receipts_that_is_none_is_a_fault(tmp_path: Path, seconds: str) -> None:
    folder = given(
        tmp_path, f"{{name: p, channel_type: sms, kind: smsc, config: {{receipts_within_s: {seconds}}}}}"
    )
    with pytest.raises(ReferenceFilesError) as refused:
        read_directory(folder)
    said = "`config.receipts_within_s`: must be a number of seconds from 1 to 3600"
    assert f"providers.yaml, entry 1 (sms/p): {said}" in str(refused.value)


def test_a_time_for_receipts_that_changes_nothing_is_remarked(tmp_path: Path) -> None:
    entry = "{name: p, channel_type: sms, kind: smsc, config: {receipts_within_s: 60}}"
    said = "`config.receipts_within_s`: "
    assert [
        "changes nothing without a `weight`",
        "without `webhook_key` only what your clients report counts",
    ] == [one.partition(said)[2] for one in read_directory(given(tmp_path, entry)).warnings if said in one]


def test_a_provider_that_shares_and_reports_is_not_remarked(tmp_path: Path) -> None:
    assert [] == read_directory(given(tmp_path, JUDGED % KEY)).warnings


SIGNED = (
    "{name: p, channel_type: email, kind: %s,"
    " config: {host: h, port: 25, from_address: a@b.test, dkim: [%s]}}"
)
GOOD = "{domain: b.test, selector: s, private_key_file: good}"
BAD = "{domain: b.test, selector: s, private_key_file: bad}"


def faults(folder: Path, keys: str, bad: str = "", kind: str = "smtp") -> list[str]:
    """What is said of an entry with these keys."""
    (folder / "good").write_text(pem(ed25519.Ed25519PrivateKey.generate()), encoding="utf-8")
    (folder / "bad").write_text(bad, encoding="utf-8")
    try:
        read_directory(given(folder, SIGNED % (kind, keys)))
    except ReferenceFilesError as refused:
        return str(refused).splitlines()
    return []


@pytest.mark.spec("NS-CH-026")
@pytest.mark.parametrize("kind", ["nothing", "a word", "no key inside", "another curve"])
def test_a_key_that_cannot_sign_is_a_fault_with_its_place_and_is_not_shown(tmp_path: Path, kind: str) -> None:
    texts = {
        "nothing": "",
        "a word": "secret",
        "no key inside": "-----BEGIN PRIVATE KEY-----\nMTIz\n-----END PRIVATE KEY-----\n",
        "another curve": pem(ec.generate_private_key(ec.SECP256R1())),
    }
    (said,) = faults(tmp_path, f"{GOOD}, {BAD}", texts[kind])
    place = "providers.yaml, entry 1 (email/p): `config.dkim[1].private_key`: "
    assert said.endswith(f"{place}is no PEM of RSA (1024 to 4096 bits) or Ed25519")


@pytest.mark.spec("NS-CH-026")
@pytest.mark.parametrize(
    ("key", "where"),
    [
        ("{domain: other.test, selector: s, private_key_file: good}", "dkim[0].domain"),
        ("{domain: b.test, selector: a b, private_key_file: good}", "dkim[0].selector"),
        ("{domain: b.test, private_key_file: good}", "dkim[0]"),
        ("soon", "dkim[0]"),
    ],
)
def test_a_key_whose_names_are_none_is_a_fault_with_its_place(tmp_path: Path, key: str, where: str) -> None:
    (said,) = faults(tmp_path, key)
    assert f"providers.yaml, entry 1 (email/p): `config.{where}`: " in said


@pytest.mark.spec("NS-CH-026")
def test_keys_that_sign_are_taken_and_those_of_another_kind_are_not_ours(tmp_path: Path) -> None:
    assert [] == faults(tmp_path, GOOD)
    assert [] == faults(tmp_path, BAD, kind="own")
