"""A label as columns of `promotions.audience_labels`; NUL, which Postgres cannot store, is replaced here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.records import AudienceLabel


def _filters(label: AudienceLabel) -> str | None:
    """The filters of its experiment, as they are evaluated (AUD-115, CRM-021)."""
    if not label.filters:
        return None
    return msgspec.json.encode(label.filters).decode().replace("\\u0000", "\\ufffd")


LABEL: tuple[Callable[[AudienceLabel], Any], ...] = (
    lambda r: r.audience_label,
    lambda r: r.campaign_label,
    lambda r: r.communication_id,
    lambda r: r.starts_at,
    lambda r: r.ends_at,
    lambda r: r.published_at,
    lambda r: r.experiment_name,
    _filters,
    lambda r: r.is_test_publication,
    lambda r: r.is_for_everyone,
    lambda r: None if r.ticket is None else r.ticket.replace("\x00", "\ufffd"),
    lambda r: r.withdrawn_at,
    lambda r: r.version,
)
