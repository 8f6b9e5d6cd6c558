"""The courses: what falls on the product in one run, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.broker.app.proxy import Api
from tests.chaos.mutants import blows, blows_at_the_sink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.chaos.mutants.scene import Blow

COURSES: Final[Mapping[str, tuple[Blow, ...]]] = {
    "refused batches": (blows.refuse_large_batches, blows.refuse_large_batches),
    "killed": (
        blows.kill_at_the_end_of_a_transaction("intake", committed=True),
        blows.kill_at_the_end_of_a_transaction("recipient", committed=True),
        blows.kill_at_the_end_of_a_transaction("delivery-email", committed=False),
    ),
    "false answers": (
        blows.false_answer("intake", Api.END_TRANSACTION),
        blows.false_answer("recipient", Api.END_TRANSACTION),
        blows.false_answer("recipient", Api.ADD_OFFSETS),
        blows.false_answer("status", Api.END_TRANSACTION),
    ),
    "foreign transaction": (blows.foreign_transaction,),
    "frozen": (blows.freeze, blows.freeze_inside_a_transaction),
    "frozen sink": (blows_at_the_sink.freeze_with_rows_in_hand,),
    "calls and retries": (blows.kill_in_calls,),
    "crowds": (blows.crowd, blows.crowd),
    "old store": (blows.old_store,),
    "locked tables": (blows_at_the_sink.kill_before_locked_tables,),
}
