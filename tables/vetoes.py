"""Tables `vetoes` and `cancelled`: what must not be sent, though its message may wait (NS-PREF-OP-04).

key     `vetoes`: user key; `cancelled`: `key_of(user, source, request)`
value   `Vetoes`; `Cancelled`
writer  agents/heed.py, from `vetoes.<channel>`

A row ends by itself when no message that it means can be waiting any longer.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.records.reference import LONGEST_TTL_S
from schemas.words import VetoScope
from tables.preferences import Preferences

if TYPE_CHECKING:
    from schemas.records import SendTask, Vetoed

KEEP_MS = (LONGEST_TTL_S + 86_400) * 1000
"""Longer than a message may wait, with a day for clocks of producers that are ahead."""
CLOCKS_MS = 60_000
"""How far clocks of two workers may differ. A cancelled id is refused for longer: nobody has it by then."""


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that was cancelled, last at this time (ms); its id may be used again later."""

    at: int

    def means(self, task: SendTask) -> bool:
        """The message was made before, by the clock of its user's task: that of another worker, perhaps."""
        return task.created_at <= self.at + CLOCKS_MS


class Vetoes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of one user, what messages that wait are judged by anew.

    `erased`: version of his preferences before which all are cancelled. Vetoes come in the order in which
    they were decided; one that comes again changes nothing.
    """

    preferences: Preferences | None = None
    erased: int = 0

    def merge(self, veto: Vetoed) -> Vetoes:
        """With a veto of the scopes `choices` or `user` taken in; the same object when a newer is known.

        An erasure takes the choices along: they were of earlier messages, all of which it cancels.
        """
        if veto.scope == VetoScope.USER:
            return Vetoes(erased=veto.version) if veto.version > self.erased else self
        if self.preferences is not None and self.preferences.version >= veto.version:
            return self
        chosen = Preferences(
            types=veto.types,
            unsubscribed=veto.unsubscribed,
            consents=veto.consents,
            version=veto.version,
        )
        return replace(self, preferences=chosen)

    def erases(self, task: SendTask) -> bool:
        """Its user was deleted after the message was made."""
        return task.preferences_version < self.erased

    def newer_than(self, task: SendTask) -> Preferences | None:
        """What the user chose after the message was made; None when it was made by what is known here."""
        chosen = self.preferences
        return chosen if chosen is not None and chosen.version > task.preferences_version else None


def key_of(user_id: str, source: str, request_id: str) -> bytes:
    """Key of `cancelled`: nobody reaches what another service asked for."""
    named = f"{source}\0{request_id}".encode()
    return subject_key(user_id) + b"/" + blake2b(named, digest_size=16).digest()
