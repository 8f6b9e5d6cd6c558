"""How many facts wait for each consumer's API: rows of the table `consumers`, by the names people gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.seen_figures import UNKNOWN
from schemas.seen_words import DestinationKind
from tables.consumers import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.records import SeenTag
    from tables.consumers import Consumer


def undelivered(
    tags: Iterable[SeenTag], rows: Iterable[tuple[bytes, Consumer]]
) -> dict[tuple[str, str], int]:
    """By tag and destination; 0 for a configured one without rows. `rows`: of all tasks, by key."""
    names = {
        key_of(tag.tag, target.name): (tag.tag, target.name)
        for tag in tags
        for target in tag.targets
        if target.kind == DestinationKind.API
    }
    found = dict.fromkeys(names.values(), 0)
    for key, consumer in rows:
        name = names.get(key, (UNKNOWN, UNKNOWN))
        if name in found or consumer.undelivered:
            found[name] = found.get(name, 0) + consumer.undelivered
    return found
