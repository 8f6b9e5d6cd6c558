"""Keys of what was seen."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tables.shown import key_of, user_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@example("a\0b", "c")
@given(TEXT, NAME)
def test_a_key_tells_its_user(user: str, communication: str) -> None:
    """Any user: nobody forbids U+0000 in one. Mutation tried: up to the first U+0000: fails."""
    assert user == user_of(key_of(user, communication))


@given(st.lists(st.tuples(NAME, NAME), unique=True, max_size=5))
def test_different_rows_have_different_keys(pairs: list[tuple[str, str]]) -> None:
    assert len(pairs) == len({key_of(*pair) for pair in pairs})
