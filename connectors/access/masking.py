"""What the audit log shows of a record: all but what is personal or secret (NS-SEC-OP-03).

A field is shown because it is listed here: one that nobody listed is masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK: Final = "***"
SHOWN: Final = frozenset(
    {
        *(
            "name",
            "code",
            "title",
            "category",
            "version",
            "kind",
            "platforms",
            "weight",
            "region",
            "domestic_only",
            "priority",
            "cost",
            "cost_per_message",
            "is_active",
            "rate_limit",
        ),
        *("default_channels", "fallback_channels", "template_name", "default_priority", "is_mandatory"),
        *("dedup_window_s", "ttl_s", "unknown_policy", "allowed_senders"),
        *("channel_type", "language_code", "subject", "body", "body_text", "variables", "parts"),
        *("topic", "event_type", "notification_type", "data"),
        *("tag", "destinations", "remember_for_s", "is_enabled", "percentage", "targets"),
        *("fallback_after_s", "quiet_hours", "id", "content", "filter_id", "value_type", "filters"),
        *("of", "per_day", "per_month", "in_all"),
        *("key_id", "service", "scopes", "created_at", "expires_at", "revoked_at", "is_test", "per_minute"),
    }
)
MASKED: Final = frozenset({"config", "sha256"})
"""Fields of today's records that are masked: a provider's account, a key's hash."""


def masked(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A record with what is not to be shown replaced; that it is there, or empty, stays visible."""
    if record is None:
        return None
    return {name: value if name in SHOWN or not value else MASK for name, value in record.items()}
