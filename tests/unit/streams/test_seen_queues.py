"""How many facts wait for each consumer, out of the rows of all tasks."""

from __future__ import annotations

import pytest

from schemas.records import SeenDestination, SeenTag
from streams.seen_queues import undelivered
from tables.consumers import Consumer, key_of

WALLET = SeenDestination(kind="api", name="wallet", url="http://wallet/")
COPY = SeenDestination(kind="topic", name="copy", topic="copy")
TAGS = [SeenTag(tag="a", destinations=["plain"], targets=[WALLET, COPY])]


@pytest.mark.spec("SEEN-076")
def test_rows_of_all_tasks_are_added_up_and_a_configured_api_without_rows_has_0() -> None:
    one = Consumer(began={"x": 1}, first=3, after=8, later=2)
    other = Consumer(first=0, after=1)
    assert {("a", "wallet"): 0} == undelivered(TAGS, [])
    key = key_of("a", "wallet")
    assert {("a", "wallet"): 9} == undelivered(TAGS, [(key, one), (key, other)])


def test_what_waits_for_a_consumer_that_is_gone_is_under_unknown_while_there_is_any() -> None:
    rows = [(key_of("gone", "x"), Consumer(after=2)), (key_of("gone", "y"), Consumer(first=5, after=5))]
    assert {("a", "wallet"): 0, ("unknown", "unknown"): 2} == undelivered(TAGS, rows)
    assert {("a", "wallet"): 0} == undelivered(TAGS, rows[1:])
