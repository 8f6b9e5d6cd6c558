"""What the read of campaigns needs: who has which label now, and reference data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.http.audience.faults import Known
    from schemas.records import AudienceLabel


class NotCaughtUpError(Exception):
    """What is needed for the answer has not been read yet, or not for too long."""


class Found(Protocol):
    """A label that is in force for the person. `is_seen`: its communication was shown already."""

    @property
    def label(self) -> AudienceLabel: ...
    @property
    def is_seen(self) -> bool: ...


class Campaigns(Protocol):
    """Labels and who has them, as far as this process has read. Raises `NotCaughtUpError`."""

    @property
    def known(self) -> Known:
        """Filters and communications."""
        ...

    def of(self, users: Sequence[str], context: Mapping[str, object], *, seen_too: bool) -> Sequence[Found]:
        """Labels in force for one person, known by all of these names (`<id_type>:<id>`), by their start.

        Without `seen_too` those are left out that were seen and are no test publication.
        """
        ...
