"""What a user chose, as it stands in tables and travels to delivery."""

from __future__ import annotations

from schemas.records.root import Record


class ChosenType(Record, frozen=True, kw_only=True, gc=False):
    """A user's choice for one notification type. Time in ms."""

    channels: list[str]
    is_enabled: bool
    at: int


class Switch(Record, frozen=True, kw_only=True, gc=False):
    """Something that is on or off since a time (ms)."""

    is_on: bool
    at: int


class QuietHours(Record, frozen=True, kw_only=True, gc=False):
    """Every day from one local time to another, in minutes of the day; the same twice: never.

    `timezone`: name of IANA; None: the user's.
    """

    start: int
    end: int
    timezone: str | None = None


class QuietChoice(Record, frozen=True, kw_only=True, gc=False):
    """A user's quiet hours since a time (ms); without hours, those of each type."""

    at: int
    hours: QuietHours | None = None


class PreferenceRow(Record, frozen=True, kw_only=True):
    """A change for Postgres: of `user_notification_preferences`, `user_global_unsubscribes` and the others.

    Topic `rows`. Fields as those of `PreferenceChanged`; `event_id` is unique for each change.
    """

    event_id: str
    user_id: str
    kind: str
    changed_at: int
    notification_type: str | None = None
    channels: list[str] = []
    is_enabled: bool = True
    channel: str | None = None
    purpose: str | None = None
    note: str | None = None
    text_version: str | None = None
    quiet: QuietHours | None = None


class Vetoed(Record, frozen=True, kw_only=True):
    """From now on something must not be sent, though its message may wait already. Topic `vetoes.<channel>`.

    scope: `choices` (all that the user chose, as of `version`), `user` (he was erased), `request` (the one
    of `request_id` was cancelled), `device` (the one of `device_id` is off). Messages decided under an
    earlier `version` are meant; a request has none.
    """

    user_id: str
    scope: str
    at: int
    expires_at: int  # no message that it means lives longer
    version: int = 0
    types: dict[str, ChosenType] = {}
    unsubscribed: dict[str, Switch] = {}
    consents: dict[str, Switch] = {}
    request_id: str | None = None
    source: str | None = None  # of that request
    device_id: str | None = None
