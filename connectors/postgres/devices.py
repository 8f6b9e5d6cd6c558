"""Devices of users, read from Postgres: the `Devices` of the API."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from connectors.devices import DevicesAwayError, StoredDevice
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from connectors.postgres.database import Database


class StoredDevices:
    """Rows that the sink wrote, some hundred milliseconds behind the truth."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = named_queries("devices")

    async def find(self, device_id: str) -> StoredDevice | None:
        """The device of that id."""
        found = await self._fetched("device", device_id)
        return found[0] if found else None

    async def of(self, user_id: str) -> list[StoredDevice]:
        """All devices of one user, the last used one first."""
        return await self._fetched("devices_of", user_id)

    async def _fetched(self, query: str, argument: Any) -> list[StoredDevice]:
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(self._query[query], argument)
        except PostgresUnavailableError as error:
            raise DevicesAwayError(str(error)) from error
        return [
            StoredDevice(device_id, user_id, platform, b64decode(token), *rest)
            for device_id, user_id, platform, token, *rest in rows
        ]
