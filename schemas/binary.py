"""Avro's binary form, value by value: what the functions of `schemas.compiled` call.

Writers give the bytes of a value, readers take (bytes, where it begins) and give (value, where it ends). A
reader may run past a cut record without noticing: whoever reads a record compares its end with the length.
"""

from __future__ import annotations

from struct import Struct as Layout
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Write = Callable[[Any], tuple[bytes, ...]]
    Read = Callable[[bytes, int], tuple[Any, int]]

DOUBLE = Layout("<d")
LONGEST_SHIFT = 63
SEVEN_BITS = 0x7F
END = b"\0"
"""Of an array or map."""


def zigzag(number: int) -> bytes:
    """Avro's long. `OverflowError` outside 64 bits."""
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} does not fit into 64 bits")
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > SEVEN_BITS:
        out.append(rest & SEVEN_BITS | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


SIZES = [zigzag(number) for number in range(8192)]
"""The lengths of nearly all texts, written before."""


def size(number: int) -> bytes:
    """A length."""
    return SIZES[number] if number < len(SIZES) else zigzag(number)


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, still zigzagged."""
    byte = raw[at]
    if byte <= SEVEN_BITS:
        return byte, at + 1
    number, shift = byte & SEVEN_BITS, 7
    while (byte := raw[at := at + 1]) > SEVEN_BITS:
        number |= (byte & SEVEN_BITS) << shift
        shift += 7
        if shift > LONGEST_SHIFT:
            raise ValueError("a number is longer than 64 bits")
    return number | byte << shift, at + 1


def read_long(raw: bytes, at: int) -> tuple[int, int]:
    """A long."""
    number, at = varint(raw, at)
    return (number >> 1) ^ -(number & 1), at


def write_many(items: Sequence[Any], write: Write) -> bytes:
    """An array, in one block."""
    if not items:
        return END
    parts = [size(len(items))]
    for item in items:
        parts += write(item)
    parts.append(END)
    return b"".join(parts)


def write_pairs(pairs: Mapping[str, Any], write: Write) -> bytes:
    """A map, in one block."""
    if not pairs:
        return END
    parts = [size(len(pairs))]
    for key, value in pairs.items():
        name = key.encode()
        parts += (size(len(name)), name, *write(value))
    parts.append(END)
    return b"".join(parts)


def _block(raw: bytes, at: int) -> tuple[int, int]:
    """How many items follow (0: the end). A negative count has the block's size in bytes behind it."""
    count, at = read_long(raw, at)
    if count < 0:
        _, at = read_long(raw, at)
    return abs(count), at


def read_many(raw: bytes, at: int, read: Read) -> tuple[list[Any], int]:
    """An array."""
    items: list[Any] = []
    count, at = _block(raw, at)
    while count:
        for _ in range(count):
            item, at = read(raw, at)
            items.append(item)
        count, at = _block(raw, at)
    return items, at


def read_pairs(raw: bytes, at: int, read: Read) -> tuple[dict[str, Any], int]:
    """A map."""
    pairs: dict[str, Any] = {}
    count, at = _block(raw, at)
    while count:
        for _ in range(count):
            length, at = read_long(raw, at)
            if length < 0:
                raise ValueError("a text shorter than nothing: reading would go back")
            name = raw[at : at + length].decode()
            pairs[name], at = read(raw, at + length)
        count, at = _block(raw, at)
    return pairs, at
