"""Sums of the hours that the sink wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.postgres.named import named_queries
from connectors.statistics import Asked, Group
from schemas.statistics import ASKED

if TYPE_CHECKING:
    from connectors.postgres.database import Database


class StoredStatistics:
    """Fulfils `connectors.http.ports.CountDelivery`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = named_queries("statistics")

    async def delivery(self, asked: Asked) -> list[Group]:
        """The groups of a period; `PostgresUnavailableError`."""
        async with self._database.connection() as connection:
            found = await connection.fetch(self._query["delivery"], *asked)
        return [
            Group(
                row["channel_type"],
                row["notification_type"],
                row["provider_name"],
                {metric: row[metric] for metric in ASKED},
            )
            for row in found
        ]
