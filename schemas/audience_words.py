"""The closed lists of audiences: values of filters, identifiers, outcomes of requests, their progress.

As in `schemas/words.py`, values are what stands in topics, rows and metric labels.
"""

from __future__ import annotations

from enum import StrEnum


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
