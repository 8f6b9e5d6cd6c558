"""All that is known of one person, and the erasure of it, as the API and the commands ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from connectors.access.actor import Actor


class Persons(Protocol):
    """`PostgresUnavailableError` when rows cannot be read or a line of the audit log not be written."""

    async def note(self, action: str, user_id: str, actor: Actor) -> str:
        """Leave a line in the audit log under the person's keyed name, which is the answer."""
        ...

    async def known(self, user_id: str) -> dict[str, Any]:
        """Rows of Postgres and of the tables, what was sealed in clear; `ConnectionError` without Kafka."""
        ...
