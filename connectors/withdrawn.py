"""Campaigns of which nothing more is sent, and the calls that this stops at the last moment (CRM-OP-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import CallEnded
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schemas.records import ProviderCall

    Perform = Callable[[ProviderCall], Awaitable[CallEnded]]
    Gate = Callable[[ProviderCall], Awaitable[None] | None]


class WithdrawnCampaigns:
    """Their labels, as the topic `campaigns.withdrawn` names them."""

    def __init__(self) -> None:
        self._labels: set[str] = set()

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take in a record of the topic, whose key says all."""
        label = key.decode()
        if value is None:
            self._labels.discard(label)
        else:
            self._labels.add(label)

    def has(self, campaign_label: str) -> bool:
        """Whether the campaign was withdrawn."""
        return campaign_label in self._labels

    def _stops(self, call: ProviderCall) -> bool:
        """Whether it is one of such a campaign; a question whether an attempt arrived is none."""
        label = call.task.campaign_label
        return label is not None and not call.ask and self.has(label)

    def sparing(self, gate: Gate) -> Gate:
        """`gate`, at which a call of such a campaign does not wait: it lapses at once."""
        return lambda call: None if self._stops(call) else gate(call)

    def stopping(self, perform: Perform) -> Perform:
        """`perform`, but a call of such a campaign, recorded before and not begun, is decided anew."""

        async def performed(call: ProviderCall) -> CallEnded:
            return CallEnded(call=call, verdict=Verdict.LAPSED) if self._stops(call) else await perform(call)

        return performed
