"""What a provider reports later of a message that it took, and what follows for the user's next ones.

consumes  ReceiptHeard; how far its message has come
keeps     nothing
emits     a fact of the message; PreferenceChanged after a complaint or an unsubscribe, ContactChanged after a
          bounce (to the recipient stage)

Rules: NS-CH-011, NS-CH-OP-01, NS-CH-OP-04, NS-SND-OP-06, NS-SND-OP-07.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from agents.learn import unattempted
from schemas.receipts import LOOKS, STATUSES, ReceiptKind
from schemas.records import ContactChanged, PreferenceChanged
from schemas.words import Channel, ContactAction, PreferenceKind
from tables.preferences import ALL_MARKETING

if TYPE_CHECKING:
    from schemas.records import AttemptEnded, ReceiptHeard
    from tables.progress import Progress

MOST_FACTS = 200
"""Of one message; then openings and clicks are told no more: whoever has its pictures' address makes them."""
KEPT = 100
"""So many more for other reports, and as many again for what spares an address or ends marketing; then
nothing is told: who repeats himself under new ids, by a defect or with the webhook's key, fills no row."""
COMPLAINT = "complaint"
_FIELD = {Channel.EMAIL: "email", Channel.SMS: "phone"}
_LEAVING: dict[ReceiptKind, str | None] = {ReceiptKind.COMPLAINED: COMPLAINT, ReceiptKind.UNSUBSCRIBED: None}

Followed = PreferenceChanged | ContactChanged


def is_of(heard: ReceiptHeard, known: Progress) -> bool:
    """Whether the message is known, and went by the channel that the provider serves."""
    return known.is_complete and heard.channel in {"", known.queued.channel}


def fact_in(heard: ReceiptHeard, known: Progress) -> AttemptEnded | None:
    """What it says of the message; None when enough was told of it."""
    kind = ReceiptKind(heard.kind)
    if known.version >= _most(kind):
        return None
    status, reason = STATUSES.get(kind, (kind, None))
    return replace(
        unattempted(known.queued),
        event_id=heard.event_id,
        status=status,
        reason=reason,
        at=heard.at,
        detail=heard.detail,
        provider=heard.provider,
    )


def _most(kind: ReceiptKind) -> int:
    """The facts of a message beyond which one of this kind is not taken."""
    if kind in LOOKS:
        return MOST_FACTS
    return MOST_FACTS + KEPT * (2 if kind in _LEAVING or kind is ReceiptKind.BOUNCED else 1)


def follow(heard: ReceiptHeard, at: int, known: Progress) -> list[Followed]:
    """What the recipient stage is told, of time `at` (ms). Nobody chose what was sent to be looked at."""
    kind, queued = ReceiptKind(heard.kind), known.queued
    if known.is_erased or queued.is_test:
        return []
    if kind in _LEAVING:
        left = PreferenceChanged(
            user_id=queued.user_id,
            kind=PreferenceKind.UNSUBSCRIBED,
            changed_at=at,
            channel=ALL_MARKETING,
            reason=_LEAVING[kind],
            campaign=queued.campaign_label,
        )
        return [left]
    name = _FIELD.get(Channel(queued.channel))
    if kind is not ReceiptKind.BOUNCED or name is None or not queued.recipient:
        return []
    address: dict[str, Any] = {name: queued.recipient}
    action = ContactAction.BOUNCED
    return [ContactChanged(user_id=queued.user_id, action=action, changed_at=at, **address)]
