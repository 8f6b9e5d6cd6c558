"""What the audience endpoints need: reference data, the stage that decides, the state of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from connectors.http.ports import BrokerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.http.audience.commands import Upload
    from connectors.http.audience.faults import Known
    from schemas.records import AudienceAnswered, AudienceLabel, RequestProgress


class AudienceQuery(NamedTuple):
    """A query whose users are wanted. `query_id`: the same when it is asked again."""

    query_id: str
    promotion_id: str
    yql_link: str


class UnresolvedError(Exception):
    """No list of users came; the text says why, for people."""


class Resolve(Protocol):
    """Whom a query selects (AUD-OP-04)."""

    async def __call__(self, query: AudienceQuery) -> bytearray:
        """JSON of `ResolvedUsers`, not looked into, `LARGEST_LIST` at most; or `UnresolvedError`."""
        ...


class Audience(Protocol):
    """Raises `BrokerUnavailableError` where it waits in vain."""

    @property
    def known(self) -> Known:
        """Reference data as far as it has been read."""
        ...

    async def catch_up(self) -> None:
        """Wait until everything written before this call has been read: reference data and labels."""

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:
        """Write the request, whole or not at all, and wait for its answer."""
        ...

    def labels(self) -> Mapping[str, AudienceLabel]:
        """All labels, by name."""
        ...

    def request(self, request_id: str) -> RequestProgress | None:
        """Progress of a request of the last days."""


class Away:
    """Where no broker is there yet."""

    @property
    def known(self) -> Known:
        """Nothing can be asked."""
        raise BrokerUnavailableError("not connected to Kafka yet")

    async def catch_up(self) -> None:
        """Nothing can be read."""
        raise BrokerUnavailableError("not connected to Kafka yet")

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:  # noqa: ARG002
        """Nothing can be written."""
        raise BrokerUnavailableError("not connected to Kafka yet")

    def labels(self) -> Mapping[str, AudienceLabel]:
        """Nothing is known."""
        raise BrokerUnavailableError("not connected to Kafka yet")

    def request(self, request_id: str) -> RequestProgress | None:  # noqa: ARG002
        """Nothing is known."""
        raise BrokerUnavailableError("not connected to Kafka yet")
