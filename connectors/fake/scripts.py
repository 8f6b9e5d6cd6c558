"""Scripted faults: what the fake provider shall do to the next calls that match, before it looks at magic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from connectors.fake.judge import End, Reaction, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.fake.judge import Call


class Script(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule, the body of `POST /script`. An absent field of channel, account and recipient matches all.

    refuse         answer `word` and take nothing
    late           take it, answer after `after_ms`
    take_and_hang  take it, never answer
    take_and_drop  take it, cut the connection
    hang, drop     the same without taking it

    `times`: how many matching calls; absent means all from now on. `first`: of each idempotency key its first
    so many calls only, so that who refuses at random uses up no message's attempts.
    """

    fault: Literal["refuse", "late", "take_and_hang", "take_and_drop", "hang", "drop"]
    word: Word = Word.UNAVAILABLE
    times: int | None = None
    first: int | None = None
    after_ms: int = 0
    retry_after_s: int | None = None
    channel: str | None = None
    account: str | None = None
    recipient: str | None = None

    def matches(self, call: Call, before: int = 0) -> bool:
        """Whether every given field is the call's. `before`: how many calls of its key there were."""
        if self.first is not None and before >= self.first:
            return False
        pairs = (
            (self.channel, call.channel),
            (self.account, call.account),
            (self.recipient, call.recipient),
        )
        return all(wanted is None or wanted == actual for wanted, actual in pairs)


FAULTS: dict[str, Callable[[Script], Reaction]] = {
    "refuse": lambda script: Reaction(
        script.word, wait_ms=script.after_ms, retry_after_s=script.retry_after_s
    ),
    "late": lambda script: Reaction(Word.ACCEPTED, taken=True, wait_ms=script.after_ms),
    "take_and_hang": lambda _script: Reaction(Word.ACCEPTED, taken=True, end=End.HANG),
    "take_and_drop": lambda script: Reaction(
        Word.ACCEPTED, taken=True, wait_ms=script.after_ms, end=End.DROP
    ),
    "hang": lambda _script: Reaction(Word.SILENT, end=End.HANG),
    "drop": lambda script: Reaction(Word.SILENT, wait_ms=script.after_ms, end=End.DROP),
}


class Scripts:
    """The rules in force, the oldest first; the first that matches acts."""

    def __init__(self) -> None:
        self._rules: list[Script] = []

    def add(self, script: Script) -> None:
        """Put a rule behind the others."""
        self._rules.append(script)

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def rules(self) -> list[Script]:
        """Rules that still act, with what is left of `times`."""
        return list(self._rules)

    def react(self, call: Call, before: int = 0) -> Reaction | None:
        """Use up one turn of the first matching rule; None when no rule matches."""
        for rule in self._rules:
            if rule.matches(call, before):
                return FAULTS[self._used(rule).fault](rule)
        return None

    def _used(self, rule: Script) -> Script:
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
        return rule
