"""A line of the audit log for what a caller is about to do, when that is written nowhere in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.access.actor import Actor
from connectors.http.problems import Code, ProblemError
from connectors.postgres.errors import PostgresUnavailableError

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.postgres.audit import Change


async def noted(ports: EdgePorts, caller: Caller, change: Change) -> None:
    """Write it; `ProblemError` (503) when it cannot be written, so that nothing is done unseen."""
    if ports.note_down is None:
        return
    try:
        await ports.note_down(Actor(caller.actor_id, caller.role, caller.address), change)
    except PostgresUnavailableError:
        raise ProblemError(Code.DATABASE_UNAVAILABLE, headers={"Retry-After": "1"}) from None
