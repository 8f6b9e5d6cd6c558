"""Devices as they are stored and shown."""

from __future__ import annotations

from typing import Protocol

import msgspec


class StoredDevice(msgspec.Struct, frozen=True):
    """One device. `token`: sealed. Times in ms."""

    device_id: str
    user_id: str
    platform: str
    token: bytes
    is_active: bool
    used_at: int
    created_at: int
    changed_at: int


class DevicesAwayError(Exception):
    """Where devices are stored cannot be read now."""


class Devices(Protocol):
    """Reads what is stored; raises `DevicesAwayError`."""

    async def find(self, device_id: str) -> StoredDevice | None:
        """The device of that id."""

    async def of(self, user_id: str) -> list[StoredDevice]:
        """All devices of one user, the last used one first."""
        ...


class NoDevices:
    """A `Devices` of a port that has no database."""

    async def find(self, device_id: str) -> StoredDevice | None:
        """Refuse."""
        raise DevicesAwayError(device_id)

    async def of(self, user_id: str) -> list[StoredDevice]:
        """Refuse."""
        raise DevicesAwayError(user_id)


class FieldCipher(Protocol):
    """Encryption of tokens (`connectors.cipher.Cipher`)."""

    def seal(self, clear: bytes) -> bytes: ...
    def open(self, sealed: bytes) -> bytes: ...
    def digest(self, clear: bytes) -> str: ...
