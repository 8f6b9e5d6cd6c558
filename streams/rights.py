"""Rights (ACLs) at the brokers, out of the topic catalogue: who writes and reads what (NS-SEC-OP-06).

Ours are two users: one of workers and HTTP, one of commands. A user of others gets public topics only, for
what is written to inner ones is believed.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.topics import Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.topics import Topic

OTHERS: Final = frozenset(
    {"other services", "consumer services", "analysts", "auditors", "dispatchers of channels"}
)
"""Writers and readers of the catalogue that are none of ours."""
COMMANDS: Final = frozenset(
    {
        *("apply", "crypto reseal", "dlq list", "dlq redrive", "keys", "quarantine list"),
        *("quarantine release", "seen redrive"),
    }
)
"""Those that a person runs."""
READ, WRITE, CREATE, ALTER, SETTINGS = "Read", "Write", "Create", "Alter", "DescribeConfigs"
OPERATING = (READ, WRITE, CREATE, ALTER, SETTINGS)
TOPIC, GROUP, TRANSACTIONAL_ID = "topic", "group", "transactional-id"


class RightsError(ValueError):
    """A right that nobody should have, told for a person."""


class Right(NamedTuple):
    """What one user may do; Kafka lets him describe it, too. `is_prefix`: with all that begins so."""

    user: str
    kind: str
    name: str
    operations: tuple[str, ...]
    is_prefix: bool = False


def our_rights(user: str, app: str, topics: Iterable[Topic]) -> Iterator[Right]:
    """Workers and HTTP."""
    for topic in topics:
        ways = ((READ, topic.readers), (WRITE, topic.writers))
        operations = tuple(name for name, words in ways if set(words) - OTHERS - COMMANDS)
        if operations:
            yield Right(user, TOPIC, topic.name, operations)
    yield from _of_app(user, app, (READ, WRITE))


def operator_rights(user: str, app: str, topics: Iterable[Topic]) -> Iterator[Right]:
    """Commands: they make, scale and check topics, send dead letters again and read whatever explains."""
    for topic in topics:
        yield Right(user, TOPIC, topic.name, OPERATING)
    yield from _of_app(user, app, OPERATING)


def _of_app(user: str, app: str, operations: tuple[str, ...]) -> Iterator[Right]:
    """Changelogs, layouts, groups and fences: all begin with `kafka.app`."""
    yield Right(user, TOPIC, f"{app}.", operations, is_prefix=True)
    yield Right(user, GROUP, f"{app}.", (READ,), is_prefix=True)
    yield Right(user, TRANSACTIONAL_ID, f"{app}.", (WRITE,), is_prefix=True)


def rights_of_others(wanted: Mapping[str, Iterable[str]], topics: Iterable[Topic]) -> Iterator[Right]:
    """Users with the public topics that each may write (those we read) or read (those we write).

    A reader's groups begin with his name. `RightsError`: a topic that is unknown, or none of theirs.
    """
    known = {topic.name: topic for topic in topics}
    for user, names in wanted.items():
        reads = False
        for name in names:
            topic = known.get(name)
            if topic is None:
                raise RightsError(f"no topic {name}: docs/topics.md lists all")
            if set(topic.writers) & OTHERS:
                yield Right(user, TOPIC, name, (WRITE,))
            elif topic.use is Use.PUBLIC_OUT and set(topic.readers) & OTHERS:
                reads = True
                yield Right(user, TOPIC, name, (READ,))
            else:
                raise RightsError(f"{name} is for Carillon alone: who writes there is believed")
        if reads:
            yield Right(user, GROUP, f"{user}.", (READ,), is_prefix=True)


def commands(rights: Iterable[Right]) -> list[str]:
    """Lines for Kafka's own tool; the same twice changes nothing."""
    together: defaultdict[Right, list[str]] = defaultdict(list)
    for right in rights:
        together[right._replace(name="")].append(right.name)
    return [_line(right, names) for right, names in together.items()]


def _line(right: Right, names: Iterable[str]) -> str:
    words = ["--add", "--allow-principal", f"User:{right.user}"]
    words += [word for name in right.operations for word in ("--operation", name)]
    words += [word for name in names for word in (f"--{right.kind}", name)]
    if right.is_prefix:
        words += ["--resource-pattern-type", "prefixed"]
    return f'kafka-acls --bootstrap-server "$BROKERS" --command-config admin.properties {shlex.join(words)}'
