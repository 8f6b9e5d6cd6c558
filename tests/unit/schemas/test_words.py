"""The closed lists are complete."""

from __future__ import annotations

import pytest

from schemas.words import RANK, REASONS, Reason, Status


def test_every_reason_has_its_sentence() -> None:
    assert set(Reason) == set(REASONS)
    assert all(sentence.endswith(".") for sentence in REASONS.values())


def test_every_status_has_its_rank() -> None:
    assert set(Status) == set(RANK)


@pytest.mark.spec("NS-SND-OP-06")
def test_ranks_follow_the_spec() -> None:
    chain = [
        Status.PENDING,
        Status.UNKNOWN,
        Status.SENT,
        Status.FAILED,
        Status.DELIVERED,
        Status.OPENED,
        Status.CLICKED,
    ]
    assert chain == sorted(chain, key=RANK.__getitem__)
