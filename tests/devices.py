"""Devices of users in memory: the `Devices` of the API without a database, and a cipher to read by."""

from __future__ import annotations

from msgspec.structs import replace

from connectors.devices import DevicesAwayError, StoredDevice
from tests.messages import T0

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
DEVICE = "7c9e6679-7425-80de-944b-e07fc1f90ae7"
TOKEN = "fGh7sK2pQ0-rTz_A_whole_token_x4Tq9A"
STORED = StoredDevice(DEVICE, USER, "ios", b"sealed:" + TOKEN.encode(), True, T0 + 2, T0, T0 + 2)


class MemoryDevices:
    """What is stored, as the test says; `hidden` of it is found only after so many looks."""

    def __init__(self, *stored: StoredDevice) -> None:
        self.stored = list(stored or (STORED,))
        self.is_away = False
        self.hidden = 0

    async def find(self, device_id: str) -> StoredDevice | None:
        """The device of that id."""
        if self.is_away:
            raise DevicesAwayError
        if self.hidden:
            self.hidden -= 1
            return None
        return next((one for one in self.stored if one.device_id == device_id), None)

    async def of(self, user_id: str) -> list[StoredDevice]:
        """All devices of a user."""
        if self.is_away:
            raise DevicesAwayError
        return [one for one in self.stored if one.user_id == user_id]


class AnybodysDevices(MemoryDevices):
    """Every well-formed user has the one device; every second id is of one."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def find(self, device_id: str) -> StoredDevice | None:
        """The device, under the id that was asked for."""
        self.asked += 1
        return replace(STORED, device_id=device_id) if self.asked % 2 else None

    async def of(self, user_id: str) -> list[StoredDevice]:
        """The device, as the user's; sometimes the database is away."""
        self.asked += 1
        if self.asked % 5 == 0:
            raise DevicesAwayError
        return [replace(STORED, user_id=user_id)]
