"""Run mutants, one after the other, each after the unpatched copy on the same course.

    python -m tests.chaos.mutants [--only NAME …] [--seed N] [--again]

Ends 0 only when every mutant asked for is caught and every course balances without a patch. What came of
each run is kept in `results.json` beside this module, and `docs/mutants.md` is written from it. A control of
the same source and seed is not run again, unless `--again`.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.chaos.mutants.catalogue import MUTANTS
from tests.chaos.mutants.courses import COURSES
from tests.chaos.mutants.outcomes import Book, is_caught, is_green, verdict
from tests.chaos.mutants.page import write_page
from tests.chaos.mutants.patches import ROOT, fingerprint
from tests.chaos.mutants.runs import run_course

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.mutants.outcomes import Came
    from tests.chaos.mutants.patches import Mutant


def main() -> int:
    """Run what is asked for; the exit code."""
    given = _arguments()
    asked = [mutant for mutant in MUTANTS if not given.only or mutant.name in given.only]
    book, source = Book.read(), fingerprint(ROOT)
    say = partial(_say, time.monotonic())
    failed = []
    for course in [name for name in COURSES if any(mutant.course == name for mutant in asked)]:
        mutants = [mutant for mutant in asked if mutant.course == course]
        if given.again or not book.has_control(course, source, given.seed):
            say(f"{course}: without a patch")
            control = _came(course, given.seed, None, say)
            if control is None or not is_green(control):
                failed.append(course)
            if control is not None:
                book.keep_control(control, source, given.seed)
        if course in failed:
            continue
        for mutant in mutants:
            say(f"{mutant.name}: {mutant.breaks}")
            came = _came(course, given.seed, mutant, say)
            if came is not None:
                book.keep_mutant(mutant.name, came, source, given.seed)
            failed += [] if came is not None and is_caught(came) else [mutant.name]
    write_page(book)
    say(f"not as they should be: {failed}" if failed else f"{len(asked)} mutants caught")
    return int(bool(failed))


def _came(course: str, seed: int, mutant: Mutant | None, say: Callable[[str], None]) -> Came | None:
    """What came of a run, told; None when it broke: a mutant that cannot even start proves nothing."""
    try:
        came = run_course(course, seed, mutant)
    except RuntimeError as error:
        say(f"  {error}")
        return None
    say(f"  {verdict(came)}")
    return came


def _say(began: float, text: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [mutant.name for mutant in MUTANTS]
    parser.add_argument("--only", nargs="*", choices=names, default=[], help="names of mutants; none: all")
    parser.add_argument("--seed", type=int, default=1, help="of the lines")
    parser.add_argument("--again", action="store_true", help="run controls even if they are known")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
