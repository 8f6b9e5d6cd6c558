"""The closed lists about providers: why one is left alone, and where it processes data."""

from __future__ import annotations

from enum import StrEnum

from schemas.words import Channel


class Cause(StrEnum):
    """Why a provider is left alone for a while (NS-OPS-041)."""

    FAILURES = "failures"  # half of its calls
    MISCONFIGURED = "misconfigured"  # it refuses our credentials or configuration


class Change(StrEnum):
    """What happened to a breaker."""

    FAILURES = "failures"
    MISCONFIGURED = "misconfigured"
    RECOVERED = "recovered"  # the call that tried was answered
    CHANGED = "changed"  # its entry was, so what is known of it counts no more


class WeightChange(StrEnum):
    """Why a provider's weight is another than before."""

    FAILURES = "failures"  # of its calls
    SLOW_RECEIPTS = "slow_receipts"
    RECOVERED = "recovered"


class Region(StrEnum):
    """Where a provider processes what it gets (NS-SEC-OP-08)."""

    DOMESTIC = "domestic"
    FOREIGN = "foreign"


REGIONS: dict[str, Region] = {
    **dict.fromkeys(
        ("apns", "fcm", "mailgun", "sendgrid", "ses", "twilio", "web_push"),
        Region.FOREIGN,
    ),
    **dict.fromkeys(
        ("fake_push", "fake_sms", "megafon", "mts", "postbox", "sms_ru", "smsc"),
        Region.DOMESTIC,
    ),
}
"""Kind of provider → its region, unless its entry names one; an SMTP server stands wherever it stands."""


def region_of(kind: str, said: str | None) -> str | None:
    """The region of a provider of this kind whose entry says so; None: nobody knows."""
    return said or REGIONS.get(kind)


PREFERS_DOMESTIC = frozenset({Channel.EMAIL, Channel.SMS})
"""Channels on which, of providers of the same priority, domestic ones come first."""
