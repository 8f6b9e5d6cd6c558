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
    remember_seen: bool = True
    """Whether workers tell the members stage what was seen, so that it is shown no more. A worker of a
    version that does not know these records buries them: say `false` until every worker is of this one."""
