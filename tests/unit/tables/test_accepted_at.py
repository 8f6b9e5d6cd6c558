"""Since when users of a request wait (CRM-OP-10)."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.records import RequestProgress
from tables.publications import asked_for
from tests.audiences import asked


def dealt_with(progress: RequestProgress) -> RequestProgress:
    return replace(progress, counts=[replace(count, processed=count.total) for count in progress.counts])


def test_users_wait_since_the_first_body_that_has_users_left() -> None:
    """One id may come with several bodies. Mutation tried: always the last one: fails."""
    first = asked_for(None, "r", [asked(users=2)], 1_000)
    second = asked_for(first, "r", [asked(users=3)], 2_000)
    assert (1_000, 1_000) == (first.accepted_at, second.accepted_at)
    assert 3_000 == asked_for(dealt_with(second), "r", [asked(users=1)], 3_000).accepted_at
