"""Devices in Postgres: written by the sink, read by the API."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connectors.devices import StoredDevice
from connectors.postgres.devices import StoredDevices
from schemas.ids import device_named
from schemas.records import DeviceRow
from tests.sample_rows import NOW, USER, migrated
from tests.written_rows import write

ROW = DeviceRow(
    device_id=device_named(USER, "ios", "h"),
    user_id=USER,
    platform="ios",
    token=b"\x01sealed",
    token_hash="h",
    is_active=True,
    used_at=NOW,
    created_at=NOW - 5,
    changed_at=NOW,
)
STORED = StoredDevice(ROW.device_id, USER, "ios", b"\x01sealed", True, NOW, NOW - 5, NOW)


@pytest.mark.spec("NS-DATA-006 NS-DATA-058")
async def test_of_each_device_the_last_row_stays_and_a_forgotten_one_goes(database: str) -> None:
    """Mutation: a forgotten one is written as off."""
    other = replace(ROW, device_id=device_named(USER, "web", "h"), platform="web", used_at=NOW + 1)
    off = replace(ROW, is_active=False, changed_at=NOW + 9)
    async with migrated(database) as postgres:
        devices = StoredDevices(postgres)
        await write(postgres, [ROW, other])
        assert STORED == await devices.find(ROW.device_id)
        assert [other.device_id, ROW.device_id] == [one.device_id for one in await devices.of(USER)]
        await write(postgres, [ROW, off])
        await write(postgres, [other, replace(other, is_forgotten=True)])
        assert [replace(STORED, is_active=False, changed_at=NOW + 9)] == await devices.of(USER)
        assert await devices.find(other.device_id) is None
