"""What users chose, read from Postgres: the `Choices` of the API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from connectors.choices import ChoicesAwayError, Chosen, Consented, Kind, Stored, Unsubscribed
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.postgres.database import Database


class StoredChoices:
    """Rows that the sink wrote, some hundred milliseconds behind the truth."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = named_queries("choices")

    async def kinds(self) -> list[Kind]:
        """Every notification type, by its code."""
        with _told():
            async with self._database.connection() as connection:
                found = await connection.fetch(self._query["kinds"])
        return [Kind(*row) for row in found]

    async def of(self, user_id: str) -> Stored:
        """What one user chose, as of one moment."""
        with _told():
            async with self._database.transaction() as connection:
                await connection.execute(self._query["one_moment"])
                types = await connection.fetch(self._query["types_of"], user_id)
                unsubscribed = await connection.fetch(self._query["unsubscribes_of"], user_id)
                consents = await connection.fetch(self._query["consents_of"], user_id)
        return Stored(
            types={code: Chosen(channels, is_enabled, at) for code, channels, is_enabled, at in types},
            unsubscribed=[Unsubscribed(*row) for row in unsubscribed],
            consents=[Consented(*row) for row in consents],
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PostgresUnavailableError as error:
        raise ChoicesAwayError(str(error)) from error
