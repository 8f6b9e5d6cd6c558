"""The backoff of NS-SND-OP-13."""

from __future__ import annotations

import pytest

from agents.retry import CAP_MS, backoff_ms, pause_ms


@pytest.mark.spec("NS-SND-050 NS-OPS-042")
@pytest.mark.parametrize(("turn", "plain"), [(0, 1_000), (1, 2_000), (5, 32_000), (7, 128_000)])
def test_each_turn_doubles_the_wait_and_adds_at_most_a_quarter(turn: int, plain: int) -> None:
    wait = backoff_ms("m", turn)
    assert plain <= wait <= plain * 5 // 4


@pytest.mark.spec("NS-SND-OP-13")
@pytest.mark.parametrize("turn", [8, 9, 40, 10_000])
def test_the_wait_never_exceeds_five_minutes(turn: int) -> None:
    assert CAP_MS * 3 // 4 < backoff_ms("m", turn) <= CAP_MS


def test_the_jitter_is_the_same_on_a_replay_and_differs_between_messages() -> None:
    assert backoff_ms("m", 3) == backoff_ms("m", 3)
    assert len({backoff_ms(f"m{n}", 3) for n in range(100)}) > 50


def test_a_given_retry_after_is_a_lower_bound() -> None:
    assert 30_000 <= pause_ms("m", 0, 30_000) <= 37_500


def test_a_retry_after_of_nothing_waits_a_second() -> None:
    assert pause_ms("m", 0, 0) >= 1_000


def test_without_retry_after_the_backoff_rules() -> None:
    assert backoff_ms("m", 4) == pause_ms("m", 4, None)
