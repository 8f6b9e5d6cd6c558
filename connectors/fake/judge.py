"""How the fake provider reacts to a call: magic recipients, then scripts. Pure; the desk counts and keeps.

Magic recipients (conventions.md, "Test mode"). A suffix makes many of each kind: `bounce+17@carillon.test`.

| mail @carillon.test | phone         | token starts with | reaction |
|---------------------|---------------|-------------------|----------|
| delivered           | +790000000xx  | delivered-        | taken and delivered |
| bounce              | +790000001xx  | bounce-           | refused for good |
| timeout             | +790000002xx  | timeout-          | taken, and no answer ever |
| slow                | +790000003xx  | slow-             | taken, answered after two seconds |
| 429                 | +790000004xx  | 429-              | first call of a key limited for 1 s, then taken |
| flaky               | +790000005xx  | flaky-            | first call of a key unavailable, then taken |

Anything else is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_MS = 2_000
RETRY_AFTER_S = 1


class Word(StrEnum):
    """What the fake says about a call."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    INVALID_RECIPIENT = "invalid_recipient"
    UNREGISTERED = "unregistered"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    UNAUTHORIZED = "unauthorized"
    BAD_REQUEST = "bad_request"
    SILENT = "silent"  # not taken and not answered


class End(StrEnum):
    """What the caller gets to see."""

    ANSWER = "answer"
    HANG = "hang"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived. `account`: who calls, for scripts (HTTP header or SMTP user).

    `chosen_id`: the id under which the caller wants the vendor to know the message, where a vendor allows it.
    """

    channel: str
    account: str
    recipient: str
    idempotency_key: str = ""
    message_id: str = ""
    chosen_id: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """`taken`: the message would reach its recipient. `wait_ms` passes before the end."""

    word: Word
    taken: bool = False
    wait_ms: int = 0
    end: End = End.ANSWER
    retry_after_s: int | None = None


ACCEPTED = Reaction(Word.ACCEPTED, taken=True)
DELIVERED = Reaction(Word.DELIVERED, taken=True)
UNAVAILABLE = Reaction(Word.UNAVAILABLE)
LIMITED = Reaction(Word.RATE_LIMITED, retry_after_s=RETRY_AFTER_S)
BOUNCES = {"push": Reaction(Word.UNREGISTERED)}

MAGIC: dict[str, Callable[[Call, int], Reaction]] = {
    "delivered": lambda call, _earlier: (
        ACCEPTED if call.channel == "email" else DELIVERED
    ),  # SMTP can only accept
    "bounce": lambda call, _earlier: BOUNCES.get(call.channel, Reaction(Word.INVALID_RECIPIENT)),
    "timeout": lambda _call, _earlier: Reaction(Word.ACCEPTED, taken=True, end=End.HANG),
    "slow": lambda _call, _earlier: Reaction(Word.ACCEPTED, taken=True, wait_ms=SLOW_MS),
    "429": lambda _call, earlier: ACCEPTED if earlier else LIMITED,
    "flaky": lambda _call, earlier: ACCEPTED if earlier else UNAVAILABLE,
}
PHONES = ("delivered", "bounce", "timeout", "slow", "429", "flaky")

_MAIL = re.compile(r"([a-z0-9]+)(?:\+[^@]*)?@carillon\.test", re.IGNORECASE)
_PHONE = re.compile(r"\+790000(\d{3})\d{2}")


def judged(call: Call, earlier: int) -> Reaction:
    """React without scripts. `earlier`: how many calls with the same idempotency key came before."""
    name = _magic_name(call)
    return MAGIC[name](call, earlier) if name in MAGIC else ACCEPTED


def _magic_name(call: Call) -> str:
    if call.channel == "email":
        mail = _MAIL.fullmatch(call.recipient)
        return mail[1].lower() if mail else ""
    if call.channel == "sms":
        phone = _PHONE.fullmatch(call.recipient)
        index = int(phone[1]) if phone else len(PHONES)
        return PHONES[index] if index < len(PHONES) else ""
    return call.recipient.partition("-")[0]
