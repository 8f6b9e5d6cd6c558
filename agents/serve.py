"""Which providers may take a message, in which order, and which of them are left alone for now (NS-SND-019).

consumes  reference data, what this process knows of providers' health and of what is spent
keeps     nothing
emits     the `Moment` of a decision

The order is one rule (NS-DATA-OP-19): priority; domestic ones first on channels that prefer them
(NS-SEC-OP-08); those with a weight, as the message's id draws them; then cost and name.
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from typing import TYPE_CHECKING

import msgspec

from agents.begin import Moment
from agents.pay import Bottomless, affordable
from schemas.device_words import SERVED
from schemas.provider_words import PREFERS_DOMESTIC, Region, region_of
from schemas.words import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.ports import Health, Purse, Reference
    from schemas.records import Provider, SendTask

_DRAWN_OF = 1 << 64


class AllWell:
    """Without breakers."""

    def paused_until(self, provider: Provider, now: int) -> int:  # noqa: ARG002 - the port's
        """Nobody is left alone."""
        return 0

    def share(self, provider: Provider, now: int) -> float:  # noqa: ARG002 - the port's
        """Every weight is whole."""
        return 1.0


class Choice(msgspec.Struct, frozen=True):
    """What the choice goes by beside reference data.

    `domestic_channels`: foreign providers get nothing of these, nor those whose region nobody said. `purse`:
    what may still be spent.
    """

    health: Health = AllWell()
    domestic_channels: frozenset[str] = frozenset()
    purse: Purse = Bottomless()


ALL_WELL = Choice()


def moment_of(task: SendTask, now: int, reference: Reference, choice: Choice) -> Moment:
    """What a decision about this task may look at, as of `now` (ms)."""
    able = understanding(task, reference)
    allowed = [one for one in able if _is_domestic(one) or not _is_bound(task, reference, choice)]
    paid, refused_by = affordable(task, allowed, reference, choice.purse, now)
    found = in_order(task, paid, choice.health, now)
    until = ((one.name, choice.health.paused_until(one, now)) for one in found)
    paused = {name: at for name, at in until if at}
    names = [one.name for one in found]
    if allowed and not names:
        return Moment(now, names, paused, Reason.BUDGET_SPENT, refused_by)
    return Moment(now, names, paused, Reason.NO_DOMESTIC_PROVIDER if able else Reason.NO_PROVIDER)


def understanding(task: SendTask, reference: Reference) -> list[Provider]:
    """Active providers of its channel; of a push those that take its token (NS-CH-064)."""
    platform = (task.platform or "").lower()  # contacts of other services say `iOS`, too
    known = ((one, one.platforms or SERVED.get(one.kind)) for one in reference.providers(task.channel))
    return [one for one, platforms in known if platforms is None or platform in platforms]


def in_order(task: SendTask, providers: Sequence[Provider], health: Health, now: int) -> list[Provider]:
    """The order in which they are tried; `providers` come by priority, cost and name."""
    prefers = task.channel in PREFERS_DOMESTIC

    def place(one: Provider) -> tuple[int, bool, float]:
        is_later = prefers and not _is_domestic(one)
        return (
            -one.priority,
            is_later,
            _drawn(task.message_id, one, health.share(one, now) if one.weight else 0),
        )

    return sorted(providers, key=place)


def _drawn(message_id: str, provider: Provider, share: float) -> float:
    """Its place among those of a draw that it wins as often as its weight says; behind all without one.

    By the hash of message and provider: a replay draws the same, and where one loses weight only
    messages that it won go to others.
    """
    if not provider.weight:
        return float("inf")
    drawn = int.from_bytes(blake2b(f"{message_id}/{provider.name}".encode(), digest_size=8).digest(), "big")
    return -log((drawn + 1) / (_DRAWN_OF + 1)) / (provider.weight * share)


def _is_domestic(provider: Provider) -> bool:
    return region_of(provider.kind, provider.region) == Region.DOMESTIC


def _is_bound(task: SendTask, reference: Reference, choice: Choice) -> bool:
    """Whether its channel or its type forbids foreign providers."""
    kind = reference.type(task.notification_type)
    return task.channel in choice.domestic_channels or (kind is not None and kind.domestic_only)
