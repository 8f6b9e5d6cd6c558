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
