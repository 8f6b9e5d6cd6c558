"""API keys as they are made: the form, the hash, the rules of how many may live. Pure but for the dice."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from schemas.records import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPES: Final = ("templates", "preferences", "devices", "send", "stats", "audience", "campaigns", "gateway")
"""What a key may be good for: groups of the access table, and to be the gateway."""
MOST_LIVE: Final = 2
"""Live keys of one service and kind: the old one and the new one while they change over."""
GRACE_MS: Final = 86_400_000


class TooManyKeysError(Exception):
    """The service has two live keys of this kind already."""


class Wanted(NamedTuple):
    """What a new key is to be."""

    service: str
    scopes: tuple[str, ...]
    is_test: bool = False
    lives_ms: int | None = None
    per_minute: int | None = None


class Made(NamedTuple):
    """A new key. `secret` is the key itself, which nobody keeps."""

    record: ApiKey
    secret: str


def made(wanted: Wanted, now: int) -> Made:
    """Make a key of 256 random bits; its id, which is no secret, stands in front of them."""
    key_id = secrets.token_hex(6)
    secret = f"ck_{'test' if wanted.is_test else 'live'}_{key_id}_{secrets.token_urlsafe(32)}"
    record = ApiKey(
        key_id=key_id,
        service=wanted.service,
        sha256=sha256(secret.encode()).hexdigest(),
        scopes=sorted(set(wanted.scopes)),
        created_at=now,
        is_test=wanted.is_test,
        expires_at=None if wanted.lives_ms is None else now + wanted.lives_ms,
        per_minute=wanted.per_minute,
    )
    return Made(record, secret)


def like(old: ApiKey) -> Wanted:
    """What a key's successor is to be; it does not inherit the end."""
    return Wanted(old.service, tuple(old.scopes), old.is_test, None, old.per_minute)


def is_live(key: ApiKey, now: int) -> bool:
    """Whether a key opens anything."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def check_room(known: Iterable[ApiKey], wanted: Wanted, now: int) -> None:
    """`TooManyKeysError` when one more would be too many."""
    live = [
        key
        for key in known
        if is_live(key, now) and (key.service, key.is_test) == (wanted.service, wanted.is_test)
    ]
    if len(live) >= MOST_LIVE:
        raise TooManyKeysError(
            f"{wanted.service} has {len(live)} live keys: {', '.join(k.key_id for k in live)}"
        )


def ended(key: ApiKey, at: int) -> ApiKey:
    """A key that ends at a time, or earlier if it said so itself."""
    until = at if key.expires_at is None else min(at, key.expires_at)
    return replace(key, expires_at=until, version=key.version + 1)


def revoked(key: ApiKey, now: int) -> ApiKey:
    """A key that is good for nothing from now on."""
    return replace(key, revoked_at=now, version=key.version + 1)
