"""What a provider promises. Expected answers are values; exceptions are for what nobody decided."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Content

T = TypeVar("T")

DETAIL_CHARACTERS = 200
_ADDRESS = re.compile(r"[^\s<>@\"']+@[^\s<>@\"']+|\+?\d[\d ()-]{6,}\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class ProviderConfigError(Exception):
    """A provider's config cannot be used. The text names the field and never a value."""


class Answer(msgspec.Struct, frozen=True):
    """How one call ended. `verdict` decides what delivery does next; the rest explains it.

    hidden  the request was written and no answer came back: nobody knows whether the message went out
    """

    verdict: Verdict
    reason: Reason | None = None
    detail: str | None = None
    provider_message_id: str | None = None
    retry_after_ms: int | None = None


class Carrier(Protocol):
    """One configured provider. Calls run concurrently; what can be foreseen is answered, not raised.

    send   hand over one message; `idempotency_key`, `<message id>:<epoch>`, goes to the vendor too. Before
           the message was written, a broken connection is `temporary`; afterwards it is `hidden`
    ask    what became of that key: accepted, delivered, permanent (never saw it), temporary (ask again), or
           misconfigured when this vendor cannot be asked at all
    close  give back connections; no call may be running
    """

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer: ...
    async def ask(self, idempotency_key: str) -> Answer: ...
    async def close(self) -> None: ...


def configured(config: Mapping[str, Any], shape: type[T]) -> T:
    """Read a provider's config into its vendor's shape; raise `ProviderConfigError`."""
    try:
        return msgspec.convert(dict(config), shape, strict=False)
    except msgspec.ValidationError as error:
        raise ProviderConfigError(f"config: {error}") from None


def scrubbed(text: str, address: str = "") -> str:
    """Make what a vendor said safe for rows and logs: no address, no control characters, ≤ 200 characters."""
    if address:
        text = re.sub(re.escape(address), "***", text, flags=re.IGNORECASE)
    return _ADDRESS.sub("***", _CONTROL.sub(" ", text))[:DETAIL_CHARACTERS].strip()


def message_id_of(idempotency_key: str) -> str:
    """Return the message id in `<message id>:<epoch>`."""
    return idempotency_key.rpartition(":")[0] or idempotency_key
