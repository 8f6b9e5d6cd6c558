"""Consents that other systems kept, on their way into ours: with their source and date (NS-PREF-OP-07).

A file is CSV with a header, or JSON lines; both have the same fields. It is read to its end before anything
is written, so a fault stops all of it. What is written twice is one consent: its id follows from its fields.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from connectors.kafka_clients import Brokers, writing
from schemas.facts import ChannelWord, Name
from schemas.ids import subject_key
from schemas.inputs import UserId
from schemas.times import parse_rfc3339
from schemas.topics import PREFERENCE_CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MOST_FAULTS = 20
IMPORT = b"consent-import"
Source = Annotated[str, Meta(min_length=1, max_length=100)]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. `at`: when it was given or taken back, RFC 3339; without `channel_type` for every channel."""

    user_id: UserId
    source: Source
    at: str
    action: Literal["granted", "revoked"] = "granted"
    purpose: Name = "marketing"
    channel_type: ChannelWord | None = None
    text_version: Name | None = None


class ConsentFileError(ValueError):
    """A file that is not taken; `faults`: a sentence each, with the number of its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


def read_consents(path: Path, now: int) -> list[Kept]:
    """All of a file; `ConsentFileError` tells its faults. A date after `now` (ms) is one."""
    found: list[Kept] = []
    faults: list[str] = []
    try:
        for number, line in _lines(path):
            try:
                found.append(_kept(line, now))
            except ValueError as error:
                faults.append(f"line {number}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        faults.append(f"cannot be read: {error}")
    if faults or not found:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise ConsentFileError([*faults[:MOST_FAULTS], *more] or ["the file holds no consent"])
    return found


async def write_consents(brokers: Brokers, consents: Iterable[Kept]) -> int:
    """Write an event for each, in the order of the file; every in-sync replica has them when it returns."""
    count = 0
    async with writing(brokers) as write:
        for one in consents:
            headers = (("occurred_at", one.at.encode()), ("source", IMPORT))
            raw = msgspec.json.encode(event_of(one))
            await write(PREFERENCE_CHANGES, raw, key=subject_key(one.user_id), headers=headers)
            count += 1
    return count


def event_of(one: Kept) -> dict[str, Any]:
    """The event of `user.events` that states it; its date stands in the header `occurred_at`."""
    data = {
        "purpose": one.purpose,
        "channel_type": one.channel_type,
        "source": one.source,
        "text_version": one.text_version,
    }
    return {"event_type": f"user.consent_{one.action}", "user_id": one.user_id, "data": data}


def _lines(path: Path) -> Iterator[tuple[int, bytes | dict[str, str]]]:
    """Line numbers and lines, empty ones left out; of a CSV the fields that say something."""
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in (reader := csv.DictReader(file, strict=True)):
                if None in row or None in row.values():
                    raise csv.Error(f"line {reader.line_num} has other fields than the header")
                yield (
                    reader.line_num,
                    {name.strip(): text.strip() for name, text in row.items() if text.strip()},
                )
        return
    with path.open("rb") as file:
        yield from ((number, line) for number, line in enumerate(file, start=1) if line.strip())


def _kept(line: bytes | dict[str, str], now: int) -> Kept:
    one = msgspec.convert(line, Kept) if isinstance(line, dict) else msgspec.json.decode(line, type=Kept)
    if parse_rfc3339(one.at) > now:
        raise ValueError("`at` lies in the future")
    return one
