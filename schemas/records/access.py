"""Who may call, and who changed what."""

from __future__ import annotations

from typing import Any

from schemas.records.root import Record


class ApiKey(Record, frozen=True, kw_only=True):
    """A service's key, known by its hash (NS-SEC-010). Topic `access.keys`, key = key id, JSON."""

    key_id: str
    service: str
    sha256: str  # of the whole key, in hex
    scopes: list[str]
    created_at: int
    is_test: bool = False
    expires_at: int | None = None
    revoked_at: int | None = None
    per_minute: int | None = None  # its own limit; None: the limit of every service
    version: int = 1


class ChangeLogged(Record, frozen=True, kw_only=True):
    """One line of the audit log (NS-SEC-OP-03), masked. Topic `audit.log`, key = id, JSON."""

    id: str
    actor_id: str
    role: str
    action: str
    object_type: str
    object_id: str
    at: int
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    ip: str | None = None
