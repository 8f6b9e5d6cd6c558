"""How many segments a text message takes (NS-CH-OP-08): they are what an operator bills."""

from __future__ import annotations

from typing import NamedTuple

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
)
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes two places
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


class Measured(NamedTuple):
    """A text as an operator counts it. `places`: of the encoding; `culprit`: what GSM lacks."""

    encoding: str  # GSM-7 | UCS-2
    places: int
    segments: int
    culprit: str | None


def segments(text: str) -> int:
    """Count: 160 or parts of 153 places in the GSM alphabet, otherwise 70 or parts of 67 UTF-16 units."""
    return measured(text).segments


def measured(text: str) -> Measured:
    """Tell encoding, places and segments."""
    culprit = next(
        (letter for letter in text if letter not in GSM_BASIC and letter not in GSM_EXTENDED), None
    )
    if culprit is None:
        widths = [1 + (letter in GSM_EXTENDED) for letter in text]
        return Measured("GSM-7", sum(widths), _parts(widths, GSM_SINGLE, GSM_PART), None)
    widths = [1 + (ord(letter) > 0xFFFF) for letter in text]  # noqa: PLR2004
    return Measured("UCS-2", sum(widths), _parts(widths, UCS2_SINGLE, UCS2_PART), culprit)


def _parts(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    count, used = 1, 0
    for width in widths:  # a letter of two places is never torn apart
        if used + width > part:
            count, used = count + 1, 0
        used += width
    return count
