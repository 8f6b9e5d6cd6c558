"""Mutants of transactions, offsets and the fence (design rules 5 to 8)."""

from __future__ import annotations

from typing import Final

from tests.chaos.mutants.patches import Change, Mutant

TASK: Final = "streams/engine/task.py"
TRANSACTIONS: Final = "streams/engine/transactions.py"
PLACED: Final = "streams/engine/placed.py"
KAFKA: Final = "streams/engine/kafka.py"
COMMIT: Final = """\
            reached = await outputs.flush()
            if positions:
                await self._producer.send_offsets_to_transaction(dict(positions), group or self._group)
            committing = True
            await self._producer.commit_transaction()
"""

OF_TRANSACTIONS: Final = (
    Mutant(
        "futures unchecked",
        "A batch that the broker refused is taken for written.",
        "refused batches",
        (
            Change(
                "streams/engine/outputs.py",
                "            if isinstance(answer, BaseException):\n                raise answer\n",
                "            if isinstance(answer, BaseException):\n                continue\n",
            ),
        ),
    ),
    Mutant(
        "offsets after the transaction",
        "Offsets are committed in a transaction of their own, after that of the outputs.",
        "killed",
        (
            Change(
                TRANSACTIONS,
                COMMIT,
                """\
            reached = await outputs.flush()
            await self._producer.commit_transaction()
            committing = True
            if positions:
                await self._producer.begin_transaction()
                await self._producer.send_offsets_to_transaction(dict(positions), self._group)
                await self._producer.commit_transaction()
""",
            ),
        ),
    ),
    Mutant(
        "offsets before the transaction",
        "Offsets are committed in a transaction of their own, before that of the outputs.",
        "killed",
        (
            Change(
                TRANSACTIONS,
                COMMIT,
                """\
            if positions:
                await self._producer.send_offsets_to_transaction(dict(positions), self._group)
                await self._producer.commit_transaction()
                await self._producer.begin_transaction()
            reached = await outputs.flush()
            committing = True
            await self._producer.commit_transaction()
""",
            ),
        ),
    ),
    Mutant(
        "offsets of one input only",
        "A batch of several inputs commits the offset of the first of them.",
        "killed",
        (
            Change(
                TASK,
                "computed.overlay, owned(positions, self.number), computed.outputs",
                "computed.overlay, dict([*owned(positions, self.number).items()][:1]), computed.outputs",
            ),
        ),
    ),
    Mutant(
        "rewind after an unknown commit",
        "A task that opens again reads on from the offset in memory, not from the committed one.",
        "false answers",
        (
            Change(
                PLACED,
                "        self.lanes = Lanes([Lane(",
                "        positions |= {tp: lane.position for tp, lane in self.lanes.by_tp.items()}\n"
                "        self.lanes = Lanes([Lane(",
            ),
        ),
    ),
    Mutant(
        "fence ignored",
        "Each life of a task has a transactional id of its own, so none fences the one before it.",
        "frozen",
        (
            Change(
                KAFKA,
                "        transactional_id=transactional_id,\n",
                '        transactional_id=f"{transactional_id}.{time.time_ns()}",\n',
            ),
            Change(KAFKA, "import asyncio\n", "import asyncio\nimport time\n"),
        ),
    ),
    Mutant(
        "reads uncommitted records",
        "Records of aborted transactions are read by the next stage.",
        "killed",
        (
            Change(
                KAFKA,
                'isolation="read_committed", max_wait_ms=wait_ms',
                'isolation="read_uncommitted", max_wait_ms=wait_ms',
            ),
        ),
    ),
    Mutant(
        "dead letters forgotten",
        "A record that cannot be read is passed over without a dead letter.",
        "refused batches",
        (
            Change(
                "streams/engine/task.py",
                "            bury(computed.dead, computed.outputs, grave)\n",
                "            del grave\n",
            ),
        ),
    ),
)
