"""A key of a webhook that no post could be verified by is remarked on where it is written."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.providers.receipts.keys import key_wanted
from connectors.reference.checks import record_checks
from schemas.records import Provider
from tests.receipt_samples import KEYS


@pytest.mark.parametrize("kind", [*KEYS, "smtp"])
def test_a_key_that_posts_are_verified_by_is_right(kind: str) -> None:
    assert key_wanted(kind, KEYS.get(kind, KEYS["fake_sms"])) is None


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("ses", KEYS["fake_sms"]),
        ("postbox", "whsec_AAAA"),
        ("smtp", "a secret"),
        ("mts", "short"),
        ("megafon", "short"),
        *(("megafon", f"{KEYS['megafon']}{odd}") for odd in "+%&#= ж\n"),
        ("sendgrid", "no key"),
        ("twilio", ""),
        ("smsc", 7),
    ],
)
def test_another_is_remarked_on_and_never_told(kind: str, key: Any) -> None:
    record = Provider(name="one", channel_type="email", kind=kind, config={"webhook_key": key})
    faults, (remark,) = record_checks(record)
    assert [] == faults
    assert remark.startswith("`config.webhook_key`: should be ")
    assert not key or str(key) not in remark


def test_without_a_key_nothing_is_remarked() -> None:
    assert ([], []) == record_checks(Provider(name="one", channel_type="email", kind="ses", config={}))


@pytest.mark.parametrize(
    ("behind", "remarks"),
    [
        (f"?secret={KEYS['megafon']}", 0),
        (f"?a=1&secret={KEYS['megafon']}", 0),
        ("", 1),
        (f"?secret={KEYS['megafon']}1", 1),
        (f"?key={KEYS['megafon']}", 1),
        (f"#?secret={KEYS['megafon']}", 1),
    ],
)
def test_an_address_without_its_secret_is_remarked_on(behind: str, remarks: int) -> None:
    config = {"webhook_key": KEYS["megafon"], "status_url": f"https://notify.example.com/webhook{behind}"}
    faults, found = record_checks(Provider(name="one", channel_type="sms", kind="megafon", config=config))
    assert ([], remarks) == (faults, len(found))
    assert {True} >= {one.startswith("`config.status_url`: should be ") for one in found}
    assert not any(KEYS["megafon"] in one for one in found)


def test_vendors_who_sign_need_no_secret_in_their_address() -> None:
    config = {"webhook_key": KEYS["twilio"], "status_url": "https://notify.example.com/webhook"}
    assert ([], []) == record_checks(Provider(name="one", channel_type="sms", kind="twilio", config=config))
