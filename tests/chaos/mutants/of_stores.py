"""Mutants of tables, changelogs, stores and timers ("Open", design rules 5, 9, 15)."""

from __future__ import annotations

from typing import Final

from tests.chaos.mutants.patches import Change, Mutant

ROWS: Final = "streams/engine/rows.py"
RESTORE: Final = "streams/engine/restore.py"
APPENDED: Final = "            outputs.append(topic, number, key, value, overlay.now, ())\n"

OF_STORES: Final = (
    Mutant(
        "stale store kept",
        "A store is used however long it was idle: tombstones may be gone that it never saw.",
        "old store",
        (
            Change(
                RESTORE,
                "    return now - origin.written_at <= retention_ms // 2\n",
                "    return now - origin.written_at <= retention_ms * 1_000\n",
            ),
        ),
    ),
    Mutant(
        "foreign transaction ignored",
        "A task restores up to the last stable offset, though an open transaction holds it back.",
        "foreign transaction",
        (
            Change(
                RESTORE,
                "            if end >= await end_offset(self._uncommitted, tp):\n                break\n",
                "            if end >= 0:\n                break\n",
            ),
        ),
    ),
    Mutant(
        "tombstones forgotten",
        "A deleted row is deleted in the store only; the changelog is not told.",
        "calls and retries",
        (Change(ROWS, APPENDED, f"            if value is not None:\n    {APPENDED}"),),
    ),
    Mutant(
        "overlay kept after an abort",
        "A batch's rows are in the store before its transaction has ended.",
        "refused batches",
        (
            Change(
                ROWS,
                APPENDED,
                APPENDED
                + "        if (origin := self.store.origin()) is not None:\n"
                + "            self.store.write(overlay.writes.items(), origin)\n",
            ),
        ),
    ),
    Mutant(
        "timers fired twice",
        "The row of a timer outlives its firing, so the next life of the task fires it again.",
        "calls and retries",
        (
            Change(
                "streams/engine/inner.py",
                "    overlay.delete(event.key)\n",
                "    if not event.key.startswith(TIMER):\n        overlay.delete(event.key)\n",
            ),
        ),
    ),
    Mutant(
        "timers deleted before the commit",
        "A due timer is taken out of the store at once; when its batch fails, it is gone.",
        "refused batches",
        (
            Change(
                "streams/engine/inner.py",
                '        events.append(Event(LATER, key, now, headers, "", -1, -1, payload))\n',
                '        events.append(Event(LATER, key, now, headers, "", -1, -1, payload))\n'
                '        del store._db[b"t" + key]\n',
            ),
        ),
    ),
    Mutant(
        "repeats known by the wrong key",
        "A request is remembered under the place of its record instead of its idempotency key.",
        "refused batches",
        (Change("tables/requests.py", r"\0{request.idempotency_key}", r"\0{request.origin}"),),
    ),
    Mutant(
        "statistics by the sum",
        "What a message counts is added anew with each of its facts, not by the difference.",
        "calls and retries",
        (
            Change(
                "agents/settle.py",
                "windows.add(tally(before, after))",
                "windows.add(tally(None, after))",
            ),
        ),
    ),
)
