"""How many segments a text message takes (NS-CH-OP-08): they are what an operator bills."""

from __future__ import annotations

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
)
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes two places
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


def segments(text: str) -> int:
    """Count: 160 or parts of 153 places in the GSM alphabet, otherwise 70 or parts of 67 UTF-16 units."""
    if all(letter in GSM_BASIC or letter in GSM_EXTENDED for letter in text):
        return _parts([1 + (letter in GSM_EXTENDED) for letter in text], GSM_SINGLE, GSM_PART)
    return _parts([1 + (ord(letter) > 0xFFFF) for letter in text], UCS2_SINGLE, UCS2_PART)  # noqa: PLR2004


def _parts(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    count, used = 1, 0
    for width in widths:  # a letter of two places is never torn apart
        if used + width > part:
            count, used = count + 1, 0
        used += width
    return count
