"""Kafka's side of the read of campaigns: labels as the audience edge reads them, members' tables as a copy.

Every process that answers has its own copy of who has which label and who saw what, made from the changelog
of the stage `members` (`streams/engine/follower.py`): a rebalance of that stage is not noticed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from agents.show import Published, Shown, for_everyone, is_left, show
from connectors.campaign_metrics import CampaignMetrics
from connectors.clock import now_ms
from connectors.http.campaigns.ports import NotCaughtUpError
from connectors.http.ports import BrokerUnavailableError
from schemas.codec import Decoder, SchemaBook
from schemas.errors import UnknownSchemaError
from schemas.ids import bucket_key, bucket_of
from streams.copies import TablesCopy
from streams.engine.api import EngineConfig, NotYet
from tables.memberships import Memberships
from tables.shown import key_of

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from connectors.reference.book import ReferenceBook
    from schemas.records import AudienceLabel
    from streams.settings import Settings
    from tables.memberships import Entry

log = structlog.get_logger("campaigns")
MEMBERSHIPS, SHOWN = 1, 3
"""Numbers of the tables in the stage `members`."""
STALE_MS = 60_000
"""A copy that heard nothing for so long says nothing any more: what it shows may be withdrawn."""
MOMENT_MS = 100
"""So long a look is good that asks every partition and every label: no question of a person does."""


class Rows(Protocol):
    """Tables of the members. Raises `NotYet` while rows are not there yet."""

    def row(self, kafka_key: bytes, table: int, key: bytes, /) -> bytes | None:
        """A row's live payload."""

    def lag_ms(self) -> int | None:
        """Since when something may be missing; None before all was read once."""


class Labels(Protocol):
    """What the audience edge has read. Raises `BrokerUnavailableError` before it has.

    `unread`: why that is not, or no longer, what there is. `fresh_at`: at this time (ms) nothing was missing.
    """

    @property
    def known(self) -> ReferenceBook: ...
    @property
    def unread(self) -> str | None: ...
    @property
    def fresh_at(self) -> int: ...
    def labels(self) -> Mapping[str, AudienceLabel]: ...


class CampaignsRead:
    """The `Campaigns` port."""

    def __init__(self, audience: Labels, rows: Rows, book: SchemaBook, now_ms: Callable[[], int]) -> None:
        """`book`: schemas of earlier and later versions of the rows."""
        self._audience = audience
        self._rows = rows
        self._decode = Decoder(Memberships, book=book)
        self._now_ms = now_ms
        self._general: tuple[int, tuple[str, ...]] = (0, ())

    async def reachable(self) -> str | None:
        """None when questions are answered."""
        return self.reason()

    @property
    def known(self) -> ReferenceBook:
        """Filters and communications."""
        try:
            return self._audience.known
        except BrokerUnavailableError as error:
            raise NotCaughtUpError(str(error)) from None

    def of(self, users: Sequence[str], context: Mapping[str, object], *, seen_too: bool) -> list[Shown]:
        """Labels of one person, as `agents.show` decides."""
        now = self._now_ms()
        general, labels = self._for_everyone(now), self._audience.labels()
        homes = [(user, bucket_key(bucket_of(user))) for user in users]

        def seen(communication_id: str) -> bool:
            rows = (self._rows.row(home, SHOWN, key_of(user, communication_id)) for user, home in homes)
            return any(row is not None for row in rows)

        try:
            entries = [entry for user, home in homes for entry in self._entries(user, home)]
            found = show(entries, Published(labels, general), context, now, seen)
        except (NotYet, UnknownSchemaError) as error:
            raise NotCaughtUpError(repr(error)) from None
        return found if seen_too else [one for one in found if is_left(one)]

    def _entries(self, user: str, home: bytes) -> list[Entry]:
        raw = self._rows.row(home, MEMBERSHIPS, user.encode())
        found: Memberships = Memberships() if raw is None else self._decode(raw)
        return found.entries

    def _for_everyone(self, now: int) -> tuple[str, ...]:
        """Names of labels for everyone; `NotCaughtUpError` while nothing can be answered."""
        good_until, names = self._general
        if not good_until - MOMENT_MS <= now < good_until:
            if (reason := self.reason()) is not None:
                raise NotCaughtUpError(reason)
            names = for_everyone(self._audience.labels().values(), now)
            self._general = (now + MOMENT_MS, names)
        return names

    def labels_lag_ms(self) -> int | None:
        """Since when, at most, labels and reference data may miss something; None before they were read."""
        fresh_at = self._audience.fresh_at
        return max(self._now_ms() - fresh_at, 0) if fresh_at else None

    def reason(self) -> str | None:
        """Why nothing can be answered now; None when it can. What was withdrawn is not shown for ever."""
        if (unread := self._audience.unread) is not None:
            return unread
        for what, lag in (("members' tables", self._rows.lag_ms()), ("labels", self.labels_lag_ms())):
            if lag is None:
                return f"the {what} are being read"
            if lag > STALE_MS:
                return f"nothing was heard of the {what} for {lag} ms"
        return None


def members_copy(config: EngineConfig) -> TablesCopy:
    """Where the rows come from."""
    return TablesCopy(config, "members", (MEMBERSHIPS, SHOWN), now_ms)


def campaigns_of(
    settings: Settings, audience: Labels, feed: TablesCopy, registry: CollectorRegistry
) -> CampaignsRead | None:
    """The read of campaigns, unless this process does not answer it."""
    if settings.http.campaigns == "off":
        return None
    campaigns = CampaignsRead(audience, feed.rows, feed.book, now_ms)
    CampaignMetrics(registry).follow(
        feed.rows.lag_ms, campaigns.labels_lag_ms, lambda: campaigns.reason() is None
    )
    return campaigns
