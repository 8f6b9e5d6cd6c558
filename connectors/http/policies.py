"""Who may call a route, as values: the words of the access table, and of what a caller proved to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """Roles of people, by their tokens (NS-API-004). The fourth role, `service`, is an API key's scope."""

    USER = "user"
    ADMIN = "admin"
    MARKETER = "marketer"


@dataclass(frozen=True, slots=True)
class Public:
    """Open to all; credentials are not looked at."""


@dataclass(frozen=True, slots=True)
class ByLink:
    """Open to whoever holds a signed link of a message; the handler reads it, the link is counted."""


@dataclass(frozen=True, slots=True)
class BySignature:
    """Open to providers, who sign what they post; the handler verifies it (NS-API-OP-01)."""


@dataclass(frozen=True, slots=True)
class Anyone:
    """Open to strangers; a caller that proves to be the gateway is told apart (SEEN-OP-09)."""


@dataclass(frozen=True, slots=True)
class OnlyGateway:
    """The caller must prove to be the gateway."""


@dataclass(frozen=True, slots=True)
class NeedsKey:
    """An API key with this scope."""

    scope: str


@dataclass(frozen=True, slots=True)
class NeedsRole:
    """People with one of these roles, and services whose key has the scope; None: no service."""

    roles: frozenset[Role]
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Himself:
    """Whom `others` lets in, for anybody; and the role `user` for nobody but himself (NS-API-OP-02).

    `user_in`: variable of the path that holds the user's id. None: the path does not say whose it is, so the
    handler asks `Caller.acts_for`.
    """

    user_in: str | None
    others: NeedsRole


@dataclass(frozen=True, slots=True)
class AtLogin:
    """As `Himself`, of a connection whose token may come in its first frame: the handler asks for him."""

    others: NeedsRole


@dataclass(frozen=True, slots=True)
class Operations:
    """Served on the operations port only, which the network protects: probes carry no credentials."""


Policy = (
    Public
    | ByLink
    | BySignature
    | AtLogin
    | Anyone
    | OnlyGateway
    | NeedsKey
    | NeedsRole
    | Himself
    | Operations
)


class CallerKind(StrEnum):
    """What a caller proved to be."""

    STRANGER = "stranger"
    GATEWAY = "gateway"
    KEY = "key"
    PERSON = "person"
    OPERATIONS = "operations"


class Caller(NamedTuple):
    """Who calls. `is_test`: the key is a `ck_test_` one; `subject` and `roles`: a person's.

    `only`: the one user that this caller may act for. `per_minute`: what a key may call, if it says so.
    `address`: the client's, as far as it is believed. `told`: headers about limits, for the answer.
    `service`: whose the key is; it stays when a key follows another. `until_ms`: when a person's token ends.
    """

    kind: CallerKind
    key_id: str | None = None
    is_test: bool = False
    subject: str | None = None
    roles: frozenset[Role] = frozenset()
    only: str | None = None
    per_minute: int | None = None
    address: str | None = None
    told: Mapping[str, str] | None = None
    service: str | None = None
    until_ms: int | None = None

    @property
    def owner(self) -> str:
        """By what name its requests, idempotency keys and cancels are its own (NS-SEC-OP-06)."""
        return self.service or self.actor_id

    def is_staff_for(self, user_id: str) -> bool:
        """Whether it is a person who acts for another one."""
        return self.kind is CallerKind.PERSON and self.only is None and self.subject != user_id

    def acts_for(self, user_id: str) -> bool:
        """Whether this caller may read and change what belongs to a user."""
        return self.only is None or self.only == user_id

    @property
    def actor_id(self) -> str:
        """Its name in the audit log: `key:<id>`, `user:<subject>`."""
        name = self.key_id if self.kind is CallerKind.KEY else self.subject
        return f"{'key' if self.kind is CallerKind.KEY else 'user'}:{name}" if name else self.kind.value

    @property
    def role(self) -> str:
        """Its role in the audit log."""
        return "+".join(sorted(self.roles)) or ("service" if self.kind is CallerKind.KEY else self.kind.value)


STRANGER = Caller(CallerKind.STRANGER)
GATEWAY = Caller(CallerKind.GATEWAY)
OPERATIONS = Caller(CallerKind.OPERATIONS)
