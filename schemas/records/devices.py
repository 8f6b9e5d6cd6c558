"""Devices that take pushes: what is said of them, and how they stand in Postgres (NS-CH-060…069)."""

from __future__ import annotations

from schemas.records.root import Record, Sealed


class DeviceChanged(Record, frozen=True, kw_only=True):
    """Something happened to one device of a user. Topic `facts.devices`, key = subject key of the user.

    action: `registered` (has platform, token and its hash), `switched` (`is_active`), `refused`, `moved`,
    `resealed` (has the token). Of two the later one holds.
    """

    user_id: str
    device_id: str
    action: str
    changed_at: int
    platform: str | None = None
    token: Sealed | None = None
    token_hash: str | None = None
    is_active: bool = True


class TokenClaimed(Record, frozen=True, kw_only=True):
    """A device has a token from now on, or, released, not any longer. Topic `facts.devices`, by the hash.

    So all claims of one token meet in one task, whosever they are (NS-DATA-OP-10).
    """

    token_hash: str
    user_id: str
    device_id: str
    at: int
    is_released: bool = False


class DevicesDue(Record, frozen=True, kw_only=True):
    """Timer: some device of this user has been idle for long."""

    user_id: str
    due_at: int


class DevicesOff(Record, frozen=True, kw_only=True):
    """That timer is not needed any longer."""

    user_id: str
    due_at: int


class DeviceRow(Record, frozen=True, kw_only=True):
    """One row of `device_tokens` as it is now; a forgotten one is deleted. Topic `rows`."""

    device_id: str
    user_id: str
    platform: str
    token: Sealed
    token_hash: str
    is_active: bool
    used_at: int
    created_at: int
    changed_at: int
    is_forgotten: bool = False
