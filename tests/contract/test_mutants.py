"""Mutants are written for the source as it is: each must fit it, be Python, and have a course and a row."""

from __future__ import annotations

import pytest

from tests.chaos.mutants.catalogue import MUTANTS
from tests.chaos.mutants.courses import COURSES
from tests.chaos.mutants.page import PAGE
from tests.chaos.mutants.patches import ROOT, Change, Mutant, PatchError, patched


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_todays_source(mutant: Mutant) -> None:
    texts = {change.file: (ROOT / change.file).read_text(encoding="utf-8") for change in mutant.changes}
    before = dict(texts)
    for change in mutant.changes:
        texts[change.file] = patched(texts[change.file], change)
    assert all(before[file] != text for file, text in texts.items())


def test_each_mutant_has_a_name_of_its_own_and_a_course() -> None:
    assert len(MUTANTS) == len({mutant.name for mutant in MUTANTS})
    assert set(COURSES) == {mutant.course for mutant in MUTANTS}


def test_each_mutant_has_a_row_on_the_page() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines()]
    assert [] == [mutant.name for mutant in MUTANTS if mutant.name not in rows]


@pytest.mark.parametrize(
    ("old", "new"), [("gone", "x"), ("a", "b"), ("once = 1", "once =")], ids=["gone", "twice", "no Python"]
)
def test_a_patch_that_does_not_fit_fails_loudly(old: str, new: str) -> None:
    with pytest.raises(PatchError):
        patched("a = 1\na = 2\nonce = 1\n", Change("a.py", old, new))
