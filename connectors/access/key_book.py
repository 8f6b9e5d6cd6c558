"""The API keys that a process of the edge knows: of its settings, and of the topic `access.keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
import structlog

from schemas.records import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR_MS = 3_600_000
_log = structlog.get_logger(__name__)


class KeyEntry(Protocol):
    """One configured API key: its hash, never the key."""

    @property
    def key_id(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Held(NamedTuple):
    """What a key is good for. `until`: in ms, when it ends; `per_minute`: its own limit.

    `service`: whose it is. A key of the settings is its own service.
    """

    key_id: str
    service: str
    scopes: frozenset[str]
    until: int | None = None
    per_minute: int | None = None


class KeyBook:
    """Finds a key by its hash.

    The look-up is a dict's and takes no constant time: it tells about the hash of what the caller sent, and a
    hash of 256 random bits leads nowhere.
    """

    def __init__(self, configured: Iterable[KeyEntry] = (), *, is_read: bool = True) -> None:
        """`is_read`: False until the topic was read once; before, an unknown key may be a good one."""
        self.is_read = is_read
        self._configured = {
            bytes.fromhex(entry.sha256): Held(entry.key_id, entry.key_id, entry.scopes)
            for entry in configured
        }
        self._managed: dict[bytes, Held] = {}
        self._versions: dict[str, tuple[int, bytes]] = {}
        self._hours: dict[str, int] = {}
        self._used: dict[str, int] = {}

    def find(self, digest: bytes, now: int) -> Held | None:
        """Find the key of this hash if it is in force, and note that it was used."""
        held = self._configured.get(digest)
        if held is not None:
            return held
        held = self._managed.get(digest)
        if held is None or (held.until is not None and now >= held.until):
            return None
        hour = now - now % HOUR_MS
        if self._hours.get(held.key_id) != hour:
            self._hours[held.key_id] = self._used[held.key_id] = hour
        return held

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take in one record of the topic; a lower version of a key changes nothing."""
        key_id = key.decode("utf-8", "replace")
        try:
            record = None if value is None else msgspec.json.decode(value, type=ApiKey)
            digest = b"" if record is None else bytes.fromhex(record.sha256)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _log.warning("api_key_unreadable", key_id=key_id, error=type(error).__name__)
            self._forget(key_id)  # what it says now may be that it is revoked
            return
        version, _ = self._versions.get(key_id, (0, b""))
        if record is not None and record.version < version:
            return
        self._forget(key_id)
        if record is not None:
            self._versions[key_id] = (record.version, digest)
            if record.revoked_at is None:
                self._managed[digest] = Held(
                    key_id, record.service, frozenset(record.scopes), record.expires_at, record.per_minute
                )

    def used(self) -> dict[str, int]:
        """Managed keys used in an hour that was not told yet, and that hour in ms."""
        found, self._used = self._used, {}
        return found

    def _forget(self, key_id: str) -> None:
        _, digest = self._versions.pop(key_id, (0, b""))
        self._managed.pop(digest, None)
