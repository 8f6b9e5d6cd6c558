"""The desk of the fake provider: takes calls from both servers, judges, writes the ledger, keeps mails."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from connectors.fake.judge import End, Reaction, Word, judged
from connectors.fake.ledger import Ledger, Line
from connectors.fake.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.fake.judge import Call

MAILS_KEPT = 500


class Mail(NamedTuple):
    """One mail as it arrived, byte for byte."""

    line: Line
    raw: bytes


class Desk:
    """State of one fake provider, shared by its servers."""

    def __init__(self, ledger: Path | None, now_ms: Callable[[], int]) -> None:
        self.ledger = Ledger(ledger)
        self.scripts = Scripts()
        self.mails: deque[Mail] = deque(maxlen=MAILS_KEPT)
        self.now_ms = now_ms

    def take(self, call: Call, *, honours_keys: bool) -> tuple[Reaction, Line]:
        """Judge a call and write its line; the caller then waits and answers as the reaction says."""
        taken = self.ledger.taken(call.idempotency_key) if honours_keys else None
        if taken is not None:
            line = self._line(call, Reaction(Word(taken.verdict)), taken.provider_message_id)
            self.ledger.write(line)
            return Reaction(Word(taken.verdict)), line
        before = self.ledger.times(call.idempotency_key)
        reaction = self.scripts.react(call, before) or judged(call, before)
        line = self._line(call, reaction, "")
        self.ledger.write(line)
        return reaction, line

    def keep(self, line: Line, raw: bytes) -> None:
        """Remember a mail that was taken."""
        self.mails.append(Mail(line, raw))

    def mail(self, recipient: str | None, message_id: str | None) -> Mail | None:
        """Return the last kept mail, of this recipient and this message id if they are given."""
        for mail in reversed(self.mails):
            if recipient in (None, mail.line.recipient) and message_id in (None, mail.line.message_id):
                return mail
        return None

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def _line(self, call: Call, reaction: Reaction, repeated_id: str) -> Line:
        message_id, _, epoch = call.idempotency_key.rpartition(":")
        seq = self.ledger.calls + 1
        return Line(
            seq=seq,
            at=self.now_ms(),
            channel=call.channel,
            account=call.account,
            recipient=call.recipient,
            message_id=call.message_id or message_id,
            epoch=int(epoch) if epoch.isdecimal() else None,
            idempotency_key=call.idempotency_key,
            verdict=reaction.word,
            taken=reaction.taken,
            repeat=bool(repeated_id),
            answered=reaction.end is End.ANSWER,
            provider_message_id=repeated_id or call.given_id or f"{call.channel}-{seq}",
        )
