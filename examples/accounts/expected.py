"""What must come out of an input file, by id: computed from the file and the reference data alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from examples.accounts import decide, reading
from examples.accounts.decide import Asked, Ending, Key, Message
from examples.accounts.reading import Catalogue, Line
from examples.accounts.seen import Views
from examples.accounts.users import User, tell

REPEATED: Ending = ("repeated", "duplicate")
ALL_MARKETING = "all_marketing"


@dataclass(slots=True)
class Expected:
    """Everything that must be found, by id. `endings`: of every record that asked, repeats too.

    `left`: users with what they left; all marketing is no channel. `deleted`: users whose account was.
    """

    endings: dict[Key, Counter[Ending]] = field(default_factory=dict)
    lanes: dict[Key, str] = field(default_factory=dict)
    named: dict[str, Key] = field(default_factory=dict)
    messages: dict[Key, list[Message]] = field(default_factory=dict)
    dead: set[tuple[str, int]] = field(default_factory=set)
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    left: list[tuple[str, str | None]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)

    @property
    def requests(self) -> int:
        """How many rows of requests there must be."""
        return sum(counted.total() for counted in self.endings.values())


def expect(catalogue: Catalogue, lines: Iterable[tuple[int, Line]]) -> Expected:
    """Walk through the file once."""
    books, users, views = Expected(), dict[str, User](), Views(catalogue.tags)
    for number, line in lines:
        if line["to"] == "http":
            views.post(line)
            continue
        value = reading.message(line)
        if value is None:
            books.dead.add((line["topic"], number))
            continue
        _listen(books, catalogue, users, (line, value))
    books.seen = views.facts
    left = [(user_id, channel) for user_id, user in users.items() for channel in user.left]
    books.deleted = {user_id for user_id, user in users.items() if user.is_deleted}
    books.left = [(user_id, None if what == ALL_MARKETING else what) for user_id, what in left]
    return books


def _listen(books: Expected, catalogue: Catalogue, users: dict[str, User], heard: tuple[Line, Line]) -> None:
    """One readable record: a fact, a request, both, or an event that nobody maps."""
    line, value = heard
    is_fact = line["topic"] == "user.events" and tell(
        users, value["event_type"], value["user_id"], value["data"]
    )
    asked = decide.asked(catalogue, line, value)
    if asked is not None:
        _book(books, catalogue, asked, users.get(value["user_id"], User()))
    elif not is_fact:
        _count(books, decide.key_of(line, value), ("skipped", "unmapped_event"))


def _book(books: Expected, catalogue: Catalogue, asked: Asked, user: User) -> None:
    ending = decide.refusal(catalogue, asked)
    if ending is not None:
        _count(books, asked.key, ending)
    elif asked.key in books.lanes:
        _count(books, asked.key, REPEATED)
    else:
        books.lanes[asked.key] = decide.lane(catalogue, asked)
        ending, messages = decide.messages(catalogue, asked, user)
        _count(books, asked.key, ending)
        if messages:
            books.messages[asked.key] = messages
    if asked.request_id:
        books.named[asked.request_id] = asked.key


def _count(books: Expected, key: Key, ending: Ending) -> None:
    books.endings.setdefault(key, Counter())[ending] += 1
