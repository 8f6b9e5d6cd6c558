"""Lines of the audit log about a user are found by his id, which new ones do not have."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.cipher import Cipher
from connectors.postgres.audit import Wish
from schemas.ids import person_named
from streams.cli.audit import by_name
from tests.sample_rows import USER

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
SINCE = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_users_lines_are_looked_for_under_his_keyed_name_and_his_id() -> None:
    """Mutation: by the id alone: no line of this version is found."""
    person = person_named(CIPHER.digest(USER.encode()))
    expected = [Wish(SINCE, "user:ann", "person", person, 5), Wish(SINCE, "user:ann", "user", USER, 5)]
    assert expected == by_name(Wish(SINCE, "user:ann", "user", USER.upper(), 5), CIPHER)
