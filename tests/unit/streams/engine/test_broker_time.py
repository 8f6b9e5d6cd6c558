"""The brokers' time goes on by a clock that nobody sets."""

from __future__ import annotations

import time

from streams.engine.broker_time import BrokerTime


def test_nothing_is_known_before_it_was_heard() -> None:
    assert 0 == BrokerTime().at_least()


def test_it_goes_on_from_what_was_heard_last() -> None:
    """Mutation: forget how long ago it was heard."""
    told = BrokerTime()
    told.heard(5_000_000)
    told.heard(1_000_000)
    time.sleep(0.02)
    assert 1_000_020 <= told.at_least() < 1_060_000
