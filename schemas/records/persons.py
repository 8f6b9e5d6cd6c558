"""A person who is erased: what each stage that knows something of him is told (NS-SEC-OP-02)."""

from __future__ import annotations

from schemas.records.root import Record


class PersonErased(Record, frozen=True, kw_only=True):
    """A user was deleted: what is known of him goes. Topic `outcomes`, then `rows`. Times in ms.

    `deleted_at`: by the event's clock, as choices have; `erased_at`: by the worker's, as messages have, and a
    minute more, for the clocks of others.
    `person`: the name under which evidence stays, a keyed hash.
    """

    user_id: str
    person: str
    deleted_at: int
    erased_at: int


class ErasureDue(Record, frozen=True, kw_only=True):
    """Timer: look for what else is kept of erased users in a table, from the row `after` on. Times in ms.

    `asked_at`: of this user's erasure; `begun_at`: of the walk, 0 before: it is for all erased by then.
    """

    user_id: str
    asked_at: int
    begun_at: int
    due_at: int
    table: str  # progress | waits
    after: bytes


class RequestOff(Record, frozen=True, kw_only=True):
    """The timer of a request that waited is not needed any longer."""

    origin: str
    waited_for: str
    due_at: int


class ViewerForgotten(Record, frozen=True, kw_only=True):
    """Labels of `user`, `<id_type>:<id>`, and what he saw, are taken away. Topic `facts.labels`."""

    bucket: int
    user: str
