"""The scenario of errors, effects, timers and lanes (design rules 10, 11, 13 to 18).

`errands` has one agent that does what its records say, word by word: see `Errands`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.engine import transactions
from streams.engine.api import (
    Input,
    NotYet,
    Stage,
    Stream,
    Tables,
    TableSpec,
    ToEffect,
    ToTimer,
    ToTopic,
    Undecodable,
)
from streams.engine.kafka import transactional_producer
from tests.broker.app.moments import PerilousProducer
from tests.broker.app.registry import Setting, scenario

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Said:
    """An output for `out`."""

    key: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Narrow:
    """An output for `narrow`, a topic that takes less than the engine thinks."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Due:
    """A timer."""

    at: int
    word: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """An effect: `hang` ends when the test lets it go."""

    id: bytes
    key: bytes
    mode: bytes = b""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a call."""

    verdict: bytes
    id: bytes


def decode(raw: bytes) -> bytes:
    if raw.startswith(b"?"):
        raise Undecodable("a question")
    return raw


class Errands:
    """The agent: `say`, `count`, `grow n`, `narrow n`, `poison`, `at ms word`, `call id key mode`, `live ms`.

    `hold word` waits while there is a file `hold`. Due timers and ended calls are said as `fired word` and
    `verdict id`; a word `poison` breaks them, too.
    """

    def __init__(self, setting: Setting) -> None:
        self.calls = Path(setting.params.get("folder", ".")) / "calls"
        self.worker = setting.worker

    async def agent(self, stream: Stream, tables: Tables) -> AsyncIterator[object]:
        """Do each errand; a breaking one has done half of its work before."""
        table = tables["table"]
        async for event in stream:
            match event.value:
                case Due(_, word):
                    yield Said(event.key, b"fired " + word)
                    _break_at(word)
                case Ended(verdict, call_id):
                    yield Said(event.key, verdict + b" " + call_id)
                    _break_at(call_id)
                case raw:
                    errand, *words = raw.split(b" ")
                    for outcome in self.do(errand, words, event.key, table):
                        yield outcome
                    _break_at(errand)

    def do(self, errand: bytes, words: list[bytes], key: bytes, table: Any) -> list[object]:
        """What an errand comes to."""
        now_ms = time.time_ns() // 1_000_000

        def count(word: bytes) -> list[object]:
            number = (table.get(key) or 0) + 1
            table.put(key, number)
            return [Said(key, b"%s %d" % (word, number))]

        def live(wait: bytes) -> list[object]:
            table.put(key, 1, expires_at=now_ms + int(wait))
            return []

        def hold(word: bytes) -> list[object]:
            if self.calls.with_name("hold").exists():
                text = "held"
                raise NotYet(text)
            return [Said(key, word)]

        ways: dict[bytes, Callable[..., list[object]]] = {
            b"say": lambda word: [Said(key, word)],
            b"count": count,
            b"poison": count,
            b"grow": lambda size: [Said(key, b"x" * int(size))],
            b"narrow": lambda size: [Narrow(b"x" * int(size)), Said(key, b"narrow")],
            b"at": lambda at, word: [Due(int(at), word)],
            b"in": lambda wait, word: [Due(now_ms + int(wait), word), Said(key, b"set " + word)],
            b"call": lambda *what: [Call(*what)],
            b"live": live,
            b"hold": hold,
        }
        return ways[errand](*words)

    async def perform(self, call: Call) -> Ended:
        """Tell the ledger of calls, then do as the call says."""
        self._tell(b"begin", call)
        while call.mode == b"hang" and not self.calls.with_name("go").exists():
            await asyncio.sleep(POLL_S)
        self._tell(b"end", call)
        return Ended(b"done", call.id)

    def _tell(self, what: bytes, call: Call) -> None:
        with self.calls.open("ab") as ledger:
            ledger.write(b"%s %s %s\n" % (what, self.worker.encode(), call.id))


def _break_at(word: bytes) -> None:
    if word.startswith(b"poison"):
        raise ValueError("poison")


TABLE = TableSpec("table", 1, bytes, lambda n: b"%d" % n, int)
TIMER = ToTimer(
    lambda due: due.word,
    lambda due: due.at,
    lambda due: b"%d %s" % (due.at, due.word),
    lambda raw: Due(int(raw.split(b" ")[0]), raw.split(b" ")[1]),
)


@scenario
def errands(setting: Setting) -> list[Stage]:
    """One agent, every kind of outcome. Also: folder, inputs, notices, limit, ttl_s, limits and Stage's."""
    params = setting.params
    if "folder" in params:
        PerilousProducer.folder = Path(params["folder"])
        setattr(transactions, "transactional_producer", _perilous)  # noqa: B010 - a module attribute, in a test process
    does = Errands(setting)
    out, narrow = setting.topic("out"), setting.topic("narrow")
    effect = ToEffect(
        id=lambda call: call.id,
        key=lambda call: call.key,
        encode=lambda call: b" ".join((call.id, call.key, call.mode)),
        decode=lambda raw: Call(*raw.split(b" ")),
        perform=does.perform,
        hidden=lambda call: Ended(b"hidden", call.id),
        lapsed=lambda call: Ended(b"lapsed", call.id),
        subject=lambda call: call.key,
        limit=params.get("limit", 500),
        intent_ttl_s=params.get("ttl_s", 5.0),
    )
    names, told = params.get("inputs", ["in"]), params.get("notices", [])
    inputs = [Input(setting.topic(name), decode, lane) for lane, name in enumerate(names)]
    inputs += [Input(setting.topic(name), decode, urgent=True, notices=True) for name in told]
    own = ("ceiling", "max_batch", "min_interval_ms", "budget_ms")
    return [
        Stage(
            "errands",
            tuple(inputs),
            does.agent,
            {
                Said: (ToTopic(lambda _: out, lambda o: o.key, lambda o: o.body, same_partition=True),),
                Narrow: (ToTopic(lambda _: narrow, lambda _: None, lambda o: o.body),),
                Due: (TIMER,),
                Call: (effect,),
            },
            (TABLE,),
            record_limits={setting.topic(name): size for name, size in params.get("limits", {}).items()},
            **{"min_interval_ms": 5, **{name: params[name] for name in own if name in params}},
        )
    ]


def _perilous(*given: Any) -> Any:
    producer = transactional_producer(*given)
    producer.__class__ = PerilousProducer
    return producer
