"""The settings of audiences."""

from __future__ import annotations

from pydantic import BaseModel

from streams.settings_sections import SECTION, Count


class Audience(BaseModel):
    """Audiences: who is shown which communications."""

    model_config = SECTION

    ended_labels_kept_days: Count = 30
    """So many days after its end (its date, or its withdrawal) HTTP processes forget a label: it takes no
    memory any more, and a `status` that asks by it gets 404. Its row in Postgres stays. Read by workers."""
