"""The `.sql` files, as they are read."""

from __future__ import annotations

import re

import pytest

from connectors.postgres.named import migrations, named_queries

FILES = ("erasures", "migrations", "partitions", "persons", "reference", "rows", "why")


@pytest.mark.parametrize("file", FILES)
def test_every_query_has_a_name_and_one_statement(file: str) -> None:
    for name, statement in named_queries(file).items():
        assert statement.endswith(";"), name
        assert statement.count(";") == 1, name


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [int(re.match(r"(\d{4})_\w+\.sql$", name)[1]) for name, _ in migrations()]  # type: ignore[index]
    assert list(range(1, len(numbers) + 1)) == numbers


def test_migrations_can_run_again_on_their_own() -> None:
    for name, text in migrations():
        made = re.findall(r"^CREATE (?!OR REPLACE)[A-Z ]+?(?=[a-z])", text, re.MULTILINE)
        assert [head for head in made if "IF NOT EXISTS" not in head] == [], name
