"""The settings of how long rows stay."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from streams.settings_sections import SECTION, Count


class Retention(BaseModel):
    """How long Postgres keeps rows; the sink's workers drop what is older. Audit lines stay three years."""

    model_config = SECTION

    messages_months: Count = 12
    """Messages, and the log of their statuses (NS-DATA-OP-16)."""
    requests_days: Count = 30
    """How each request ended, those too that became no message (NS-DATA-OP-21)."""
    statistics_months: Count = 12
    """Hours of statistics."""
    refusals_days: Count = 30
    """Records that Postgres took in no form, kept for a person to look at."""

    def by_table(self) -> Mapping[str, tuple[int, int]]:
        """Of each partitioned table the months and days that its rows stay."""
        return {
            "notification_requests": (0, self.requests_days),
            "notification_messages": (self.messages_months, 0),
            "delivery_status_logs": (self.messages_months, 0),
            "notification_stats": (self.statistics_months, 0),
        }
