"""The books as a process of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.demo.books import Books, BooksFailedError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


async def test_goal_is_what_the_script_computes_from_the_file(tmp_path: Path) -> None:
    goal = await Books(EXAMPLES, tmp_path).goal()
    assert goal.requests > 2000
    assert goal.messages > goal.requests
    assert 26 == goal.dead


async def test_script_that_cannot_run_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(BooksFailedError, match="No module named"):
        await Books(tmp_path / "elsewhere", tmp_path).goal()


async def test_books_that_were_not_kept_are_no_answer(tmp_path: Path) -> None:
    with pytest.raises(BooksFailedError, match="Traceback"):
        await Books(EXAMPLES, tmp_path).balance(
            "127.0.0.1:1", "postgresql://127.0.0.1:1/none", tmp_path / "none"
        )
