"""All mutants."""

from __future__ import annotations

from typing import Final

from tests.chaos.mutants.of_stores import OF_STORES
from tests.chaos.mutants.of_the_outside import OF_THE_OUTSIDE
from tests.chaos.mutants.of_transactions import OF_TRANSACTIONS

MUTANTS: Final = (*OF_TRANSACTIONS, *OF_STORES, *OF_THE_OUTSIDE)
