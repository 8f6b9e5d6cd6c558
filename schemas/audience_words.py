"""The closed lists of audiences: values of filters, identifiers, outcomes of requests, progress; limits.

As in `schemas/words.py`, values are what stands in topics, rows and metric labels.
"""

from __future__ import annotations

from enum import StrEnum

MOST_NUMBER = 2**53 - 1
"""Beyond it JSON numbers differ from reader to reader (RFC 7493): two that look equal need not be."""
MOST_FILTERS, MOST_ALTERNATIVES = 50, 1_000
"""Of a label, and of one filter: each question of a person compares them, on the loop that takes posts."""


class ValueType(StrEnum):
    """What kind of values an audience filter compares (AUD-076, AUD-080)."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"


class IdType(StrEnum):
    """Kind of identifier by which an audience names a user (AUD-071)."""

    YANDEX_UID = "yandex_uid"
    PHONE_ID = "phone_id"
    PERSONAL_PHONE_ID = "personal_phone_id"
    DEVICE_ID = "device_id"


class AudienceOutcome(StrEnum):
    """What became of a request about an audience."""

    ACCEPTED = "accepted"
    CONFLICT = "conflict"
    UNKNOWN_LABEL = "unknown_label"


class LabelStatus(StrEnum):
    """How far the labelling of users has come (CRM-OP-04)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"


def text_of(value: object) -> str:
    """A value as filters keep and compare it: `true`, a text as it is, a number without an empty fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
