"""Reference records on the topic `reference`: key `<kind>:<name>`, value JSON; a provider's config is sealed.

The same key, version and JSON stand in the outbox of Postgres. A record without a value is a deletion.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenTag,
    SpendingBudget,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ReferenceRecord: TypeAlias = (
    NotificationType
    | Template
    | Rule
    | Provider
    | SpendingBudget
    | SeenTag
    | Communication
    | AudienceFilter
    | Experiment
)

SEALED = "$sealed"
NAMES: dict[type, tuple[str, Callable[[Any], str]]] = {
    NotificationType: ("type", lambda r: r.code),
    Template: ("template", lambda r: f"{r.name}/{r.channel_type}/{r.language_code}"),
    Rule: ("rule", lambda r: f"{r.topic}/{r.event_type}"),
    Provider: ("provider", lambda r: f"{r.channel_type}/{r.name}"),
    SpendingBudget: ("budget", lambda r: r.of),
    SeenTag: ("tag", lambda r: r.tag),
    Communication: ("communication", lambda r: r.id),
    AudienceFilter: ("filter", lambda r: r.filter_id),
    Experiment: ("experiment", lambda r: r.name),
}
TYPES: dict[str, type[ReferenceRecord]] = {kind: record_type for record_type, (kind, _) in NAMES.items()}


class Sealer(Protocol):
    """Encrypts and decrypts (`connectors.cipher.Cipher`)."""

    def seal(self, clear: bytes) -> bytes: ...
    def open(self, sealed: bytes) -> bytes: ...


class UnreadableError(ValueError):
    """A record of the topic that cannot be used; the text says why, without its contents."""


def key_of(record: ReferenceRecord) -> str:
    """Name a record: `type:welcome`, `template:welcome/email/ru`, `provider:sms/main`."""
    kind, name = NAMES[type(record)]
    return f"{kind}:{name(record)}"


def encode(record: ReferenceRecord, cipher: Sealer) -> bytes:
    """Write the value of a record, a provider's config sealed."""
    if isinstance(record, Provider):
        record = msgspec.structs.replace(record, config=sealed_config(record.config, cipher))
    return msgspec.json.encode(record)


def decode(key: str, value: bytes, cipher: Sealer | None) -> ReferenceRecord:
    """Read a record; `UnreadableError` for an unknown kind, another name than the key's, or a wrong form."""
    record_type = TYPES.get(key.partition(":")[0])
    if record_type is None:
        raise UnreadableError("a kind this version does not know")
    try:
        record = msgspec.json.decode(value, type=record_type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableError(f"no {record_type.__name__}: {type(error).__name__}") from None
    if key_of(record) != key:
        raise UnreadableError("its key names another record")
    if isinstance(record, Provider):
        return msgspec.structs.replace(record, config=opened_config(record.config, cipher))
    return record


def sealed_config(config: dict[str, Any], cipher: Sealer) -> dict[str, Any]:
    """Encrypt a provider's configuration: `{"$sealed": base64}` (NS-DATA-OP-20)."""
    clear = msgspec.json.encode(config, order="sorted")
    return {SEALED: b64encode(cipher.seal(clear)).decode()}


def opened_config(config: dict[str, Any], cipher: Sealer | None) -> dict[str, Any]:
    """Decrypt what `sealed_config` made; a configuration in clear stays as it is."""
    if SEALED not in config:
        return config
    if cipher is None:
        raise UnreadableError("its configuration is sealed, and no key is given")
    try:
        return msgspec.json.decode(cipher.open(b64decode(config[SEALED])), type=dict[str, Any])
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise UnreadableError(f"its configuration cannot be opened: {error}") from None
