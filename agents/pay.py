"""What a message costs, who may still be paid for it, and what was spent (NS-OPS-OP-12, NS-OPS-116).

consumes  calls about to be intended, and calls that ended; reference data; what is known to be spent
keeps     nothing
emits     the call with its cost; the providers that budgets leave; costs by scope

Of what is mandatory the cost is counted, and nothing is ever refused. What costs nothing, or has a cost that
is not known, no budget holds back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.budgets import BILLED, scopes_of, scopes_paid
from schemas.money import price_of
from schemas.records import CallEnded, ProviderCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.begin import Outcome
    from agents.ports import Purse, Reference
    from schemas.records import Provider, SendTask


class Bottomless:
    """Without budgets."""

    def refused_by(self, scopes: Sequence[str], cost: int, now: int) -> str | None:  # noqa: ARG002 - the port's
        """Nothing is refused."""
        return None


def priced(outcome: Outcome, reference: Reference) -> Outcome:
    """A call bears its cost: an entry that changes while it is under way changes nothing of it.

    A question keeps the cost of the call that it is about.
    """
    if not isinstance(outcome, ProviderCall) or outcome.ask or outcome.cost is not None:
        return outcome
    serving = reference.providers(outcome.task.channel)
    entry = next((one for one in serving if one.name == outcome.provider), None)
    cost = None if entry is None else price_of(entry, outcome.task.segments)
    if cost is None:
        return outcome
    return replace(outcome, cost=cost, is_limited=not _is_mandatory(outcome.task, reference))


def affordable(
    task: SendTask, providers: Iterable[Provider], reference: Reference, purse: Purse, now: int
) -> tuple[list[Provider], str | None]:
    """Those for whom every budget has room, and the budget that the first of the others was refused by."""
    if _is_mandatory(task, reference):
        return list(providers), None
    left: list[Provider] = []
    refusals: list[str] = []
    for one in providers:
        cost = price_of(one, task.segments)
        refused_by = purse.refused_by(scopes_of(task, one.name), cost, now) if cost else None
        if refused_by is None:
            left.append(one)
        else:
            refusals.append(refused_by)
    return left, refusals[0] if refusals else None


def billed(value: object) -> dict[str, int]:
    """What an input of delivery says was spent, by scope."""
    if not isinstance(value, CallEnded) or value.verdict not in BILLED:
        return {}
    return dict.fromkeys(scopes_paid(value.call), value.call.cost or 0)


def _is_mandatory(task: SendTask, reference: Reference) -> bool:
    kind = reference.type(task.notification_type)
    return kind is not None and kind.is_mandatory
