"""Destinations of seen facts as people write them, and what each must be (SEEN-OP-15).

Among `destinations` a plain text is a topic, `{kind: topic, topic: seen.wallet, event_types: [client]}` one
in full, `{kind: api, name: wallet, url: "https://wallet.internal/seen"}` an API. What waits for an API waits
under its name, so it has one of its own: its URL may change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from schemas.catalogue import catalogue
from schemas.records import SeenDestination
from schemas.seen_words import DestinationKind, SeenKind
from schemas.topics import DLQ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import SeenTag

KNOWN = SeenDestination.__struct_fields__
NAME = re.compile(r"[\w.:-]{1,100}", re.ASCII)
TOPIC = re.compile(r"[\w.-]{1,249}", re.ASCII)
OURS = frozenset(topic.name for topic in catalogue())
LONGEST_TIMEOUT_MS = 120_000
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
SECRET = re.compile(r"[a-z0-9_-]{1,100}")
NOT_THEIRS = frozenset({"connection", "content-length", "content-type", "cookie", "expect", "host"})
NOT_THEIRS |= {"idempotency-key", "te", "traceparent", "trailer", "transfer-encoding", "upgrade"}
"""Headers that say something else in a call of ours."""
MOST_IN_FLIGHT = 64
"""Of one task: each of them stands in the consumer's row, which is written with every call."""


def seen_entry(entry: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """Part short forms from long ones: `destinations` keeps the topic names, `targets` gets the mappings."""
    given = entry.get("destinations")
    if not isinstance(given, list):
        return entry
    long = [_named(each) for each in given if isinstance(each, dict)]
    for each in long:
        unknown = [str(key) for key in each if key not in KNOWN]
        faults += [f"`destinations`: `{key}` is not known; known are {', '.join(KNOWN)}" for key in unknown]
    return entry | {"destinations": [each for each in given if not isinstance(each, dict)], "targets": long}


def _named(said: dict[str, Any]) -> dict[str, Any]:
    """With the name it has when none is given: of a topic its own, of an API none."""
    if said.get("name") is not None:
        return said
    return said | {"name": (said.get("kind") == DestinationKind.TOPIC and said.get("topic")) or ""}


def seen_checks(tag: SeenTag) -> Iterator[str]:
    """What is wrong with a tag beyond its types."""
    if tag.is_enabled and not tag.destinations and not tag.targets:
        yield "`destinations`: name a topic, or set `is_enabled: false`"
    if not 0 <= tag.percentage <= 100:  # noqa: PLR2004 - per cent
        yield "`percentage`: must be 0 to 100"
    names = [*tag.destinations, *(each.name for each in tag.targets)]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"`destinations`: {name} stands twice; give each a `name` of its own"
    for name in tag.destinations:
        yield from _topic_faults(name, name)
    for each in tag.targets:
        yield from _faults(each)


def _faults(found: SeenDestination) -> Iterator[str]:
    where = f"`destinations`, {found.name or found.url or 'one without a name'}"
    if not found.name and found.kind == DestinationKind.API:
        yield f"{where}: an API needs a `name`; its queue and its metrics keep it when the URL changes"
    elif not NAME.fullmatch(found.name):
        yield f"{where}: `name` must have 1 to 100 letters, digits or _.:-"
    for kind in found.event_types:
        if kind not in set(SeenKind):
            yield f"{where}: `event_types`: {kind!r} is none of {', '.join(SeenKind)}"
    match found.kind:
        case DestinationKind.TOPIC:
            yield from _topic_faults(found.topic or "", found.name)
        case DestinationKind.API:
            yield from _api_faults(found, where)
        case _:
            yield f"{where}: `kind`: {found.kind!r} is none of {', '.join(DestinationKind)}"


def _topic_faults(topic: str, name: str) -> Iterator[str]:
    if not TOPIC.fullmatch(topic):
        yield f"`destinations`, {name}: `topic` must have 1 to 249 letters, digits or _.-"
    elif topic in {".", ".."}:
        yield f"`destinations`, {name}: no topic can be called {topic!r}"
    elif topic in OURS or topic.endswith(DLQ):
        yield f"`destinations`, {name}: {topic} is a topic of the pipeline itself"


def _api_faults(found: SeenDestination, where: str) -> Iterator[str]:
    if not _can_be_called(found.url or ""):
        yield f"{where}: `url` must be http:// or https:// with a host, and without a user's name"
    yield from _credential_faults(found, where)
    limits = (
        ("timeout_ms", found.timeout_ms, LONGEST_TIMEOUT_MS),
        ("in_flight", found.in_flight, MOST_IN_FLIGHT),
        ("max_attempts", found.max_attempts, None),
    )
    for name, value, most in limits:
        if value is not None and (value < 1 or (most is not None and value > most)):
            yield f"{where}: `{name}` must be at least 1" + (f" and at most {most}" if most else "")


def _credential_faults(found: SeenDestination, where: str) -> Iterator[str]:
    """The file names a secret; its text stands in the settings only."""
    header, secret = found.auth_header, found.auth_secret
    if (header is None) != (secret is None):
        yield f"{where}: `auth_header` and `auth_secret` go together"
    if header is not None and (not HEADER.fullmatch(header) or header.lower() in NOT_THEIRS):
        yield f"{where}: `auth_header` is no header that may be set; Authorization is the usual one"
    if secret is not None and not SECRET.fullmatch(secret):
        yield f"{where}: `auth_secret` is the name of an entry of `consumers.secrets`: a to z, digits, _ or -"


def seen_remarks(tag: SeenTag) -> Iterator[str]:
    """What can be meant so and mostly is not."""
    for each in tag.targets:
        parts = urlsplit(each.url or "")
        if each.auth_header and parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost"}:
            yield f"`destinations`, {each.name}: its secret goes over http: whoever is on the way can read it"


def _can_be_called(url: str) -> bool:
    """Whether it is a URL with a host that could be looked up. A private address is one, too."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")  # `a..b` has no name
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
