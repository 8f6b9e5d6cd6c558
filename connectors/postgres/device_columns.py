"""How devices become columns: of one batch the last row of each id."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.records import DeviceRow


def statements(rows: Sequence[DeviceRow]) -> Iterator[tuple[str, list[list[Any]]]]:
    """Names of queries with their columns, in the order of writing; given in the order of the topic."""
    last = {row.device_id: row for row in rows}
    yield (
        "write_devices",
        _columns(
            (
                row.device_id,
                row.user_id,
                row.platform,
                b64encode(row.token).decode(),
                row.token_hash,
                row.is_active,
                row.used_at,
                row.created_at,
                row.changed_at,
            )
            for row in last.values()
            if not row.is_forgotten
        ),
    )
    yield "delete_devices", _columns((row.device_id,) for row in last.values() if row.is_forgotten)


def _columns(rows: Iterator[tuple[Any, ...]]) -> list[list[Any]]:
    """Empty when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)]
