"""Before a call is intended: what it will cost, as the provider's entry says at that moment (NS-OPS-OP-12).

consumes  ProviderCall about to be intended; reference data
keeps     nothing
emits     the same with its cost: an entry that changes while the call is under way changes nothing of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.money import price_of
from schemas.records import ProviderCall

if TYPE_CHECKING:
    from agents.begin import Outcome
    from agents.ports import Reference


def priced(outcome: Outcome, reference: Reference) -> Outcome:
    """With the cost, where it is known; a question keeps that of the call that it is about."""
    if not isinstance(outcome, ProviderCall) or outcome.cost is not None:
        return outcome
    serving = reference.providers(outcome.task.channel)
    entry = next((one for one in serving if one.name == outcome.provider), None)
    cost = None if entry is None else price_of(entry, outcome.task.segments)
    return outcome if cost is None else replace(outcome, cost=cost)
