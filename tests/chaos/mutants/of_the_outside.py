"""Mutants of provider calls and of the sink (design rule 14 and "The sink")."""

from __future__ import annotations

from typing import Final

from tests.chaos.mutants.patches import Change, Mutant

EFFECTS: Final = "streams/engine/effects.py"
TASK: Final = "streams/engine/task.py"
ROWS: Final = "connectors/postgres/rows.py"

OF_THE_OUTSIDE: Final = (
    Mutant(
        "calls begun before their intent",
        "A provider is called before the transaction that records the call has committed.",
        "killed",
        (
            Change(
                TASK,
                "self._effects.intend(computed.effects)",
                "self._effects.begin(computed.effects, computed.ended_at)",
            ),
            Change(
                TASK,
                "            self._effects.handled(taken)\n"
                "            self._effects.begin("
                "computed.effects, computed.ended_at, self.lanes.noticed(taken))\n",
                "            self._effects.handled(taken)\n",
            ),
        ),
    ),
    Mutant(
        "hidden calls begun anew",
        "A call without a result is begun again as if it had never begun, and not listed.",
        "calls and retries",
        (
            Change(
                EFFECTS,
                "not_begun = not may_have_begun or effect_id in intended",
                "not_begun = True",
            ),
        ),
    ),
    Mutant(
        "no order among calls",
        "Two calls for one recipient may be under way at once.",
        "crowds",
        (
            Change(
                EFFECTS,
                "Waiting(intent, key(intent.call), since",
                "Waiting(intent, intent.effect_id, since",
            ),
        ),
    ),
    Mutant(
        "sink without the conditional update",
        "The sink moves its place from wherever it is, so a woken zombie moves it back.",
        "frozen sink",
        (
            Change(
                "connectors/postgres/queries/rows.sql",
                "AND birth = $4 AND next = $5;",
                "AND birth = $4 AND $5::BIGINT IS NOT NULL;",
            ),
        ),
    ),
    Mutant(
        "sink moves before it writes",
        "The sink's place is committed before the rows that it stands for.",
        "locked tables",
        (
            Change(
                ROWS,
                "                await self._advance(connection, batch)\n"
                "                return await self._write_fold(connection, Fold.of(batch.records))\n",
                "                await self._advance(connection, batch)\n"
                "            async with self._database.transaction() as connection:\n"
                "                return await self._write_fold(connection, Fold.of(batch.records))\n",
            ),
        ),
    ),
)
