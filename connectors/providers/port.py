"""What a provider promises. Expected answers are values; exceptions are for what nobody decided."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import Meta

from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.records import Content

T = TypeVar("T")

DETAIL_CHARACTERS = 200
ID_CHARACTERS = 200
# The first look-behind keeps the search linear: a word is read from its beginning only.
_ADDRESS = re.compile(r"(?<![^\s<>@\"'])[^\s<>@\"']+@[^\s<>@\"']+|\+?\d[\d ()-]{6,}\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


Positive = Annotated[int, Meta(gt=0)]
"""Of times and of connections: a client reads 0 as "no limit"."""


class ProviderConfigError(Exception):
    """A provider's config cannot be used. The text names the field and never a value."""


class Secretive(msgspec.Struct, frozen=True):
    """A value with secrets in it, which no log and no traceback shows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


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


def in_headers(*values: str) -> None:
    """`ProviderConfigError` for what no header can hold: it would fail in the midst of a call."""
    if not all(value.isascii() and (value.isprintable() or not value) for value in values):
        raise ProviderConfigError("config: a key or name is not printable ASCII")


def scrubbed(text: str, address: str = "", secrets: Iterable[str | None] = ()) -> str:
    """Make what a vendor said safe for rows and logs: no address, secret, control; ≤ 200 characters."""
    for hidden in filter(None, (address, *secrets)):
        text = _without(hidden, text)
    return _ADDRESS.sub("***", _CONTROL.sub(" ", text))[:DETAIL_CHARACTERS].strip()


def _without(hidden: str, text: str) -> str:
    """Each answer hides another address, and to compile a pattern takes longer than to send a mail."""
    if hidden.isascii() and text.isascii() and hidden.lower() not in text.lower():
        return text
    return re.sub(re.escape(hidden), "***", text, flags=re.IGNORECASE)


def identifier(value: object) -> str | None:
    """A vendor's own id of a message, fit for rows; None when it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= ID_CHARACTERS and text.isprintable() else None


def is_repeat(idempotency_key: str) -> bool:
    """Whether an attempt before this one ended with its answer hidden."""
    return idempotency_key.rpartition(":")[2] not in {"", "0"}


def message_id_of(idempotency_key: str) -> str:
    """Return the message id in `<message id>:<epoch>`."""
    return idempotency_key.rpartition(":")[0] or idempotency_key
