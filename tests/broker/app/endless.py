"""A feed that lasts as long as what happens meanwhile, however slow the machine is."""

from __future__ import annotations

from collections.abc import Iterator


class Endless:
    """Rows for `ledger.write` until `going` is False. `sent`: the ids of those that it took."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.going = True

    def rows(self, keys: int = 20) -> Iterator[tuple[bytes, bytes]]:
        """A key and an id for each; keys take turns."""
        while self.going:
            number = len(self.sent)
            self.sent.append(b"id-%d" % number)
            yield b"user-%d" % (number % keys), self.sent[-1]
