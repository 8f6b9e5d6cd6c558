"""Amounts of money: whole millionths inside, decimal text outside, never a float (NS-OPS-OP-12).

All amounts of an installation are of one currency; it has no name here and nothing is converted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.words import Channel

if TYPE_CHECKING:
    from schemas.records import Provider

FORM = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
"""An amount as text."""
DIGITS = 6
MILLION = 1_000_000


@lru_cache(maxsize=1_024)
def micros_of(text: str) -> int:
    """Read an amount; `ValueError` for another text."""
    if not FORM.fullmatch(text):
        raise ValueError("no amount: write it as 12.5, with up to six digits behind the point")
    whole, _, part = text.partition(".")
    return int(whole) * MILLION + int(part.ljust(DIGITS, "0"))


def text_of(micros: int) -> str:
    """Write an amount that is not negative: `12.5`, `3`."""
    whole, part = divmod(micros, MILLION)
    return f"{whole}.{part:0{DIGITS}}".rstrip("0").rstrip(".")


def price_of(provider: Provider, segments: int | None) -> int | None:
    """What this provider takes for one message; None where nobody said, or knows how long the text is."""
    if provider.cost_per_message is None:
        return None
    each = micros_of(provider.cost_per_message)
    if provider.channel_type != Channel.SMS:
        return each
    return None if segments is None else each * segments


def place_of(provider: Provider) -> float:
    """The cost that the order of providers goes by (NS-DATA-OP-19); only compared, never added."""
    said = provider.cost_per_message
    return provider.cost if said is None else micros_of(said) / MILLION
