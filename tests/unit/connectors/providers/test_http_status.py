"""What a status alone says of a message, to every vendor."""

from __future__ import annotations

import pytest

from connectors.providers.http_status import STATUSES, verdict_of
from schemas.words import Verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.HIDDEN),
        (204, Verdict.HIDDEN),
        (302, Verdict.MISCONFIGURED),
        (400, Verdict.PERMANENT),
        (401, Verdict.MISCONFIGURED),
        (402, Verdict.MISCONFIGURED),
        (403, Verdict.MISCONFIGURED),
        (404, Verdict.MISCONFIGURED),
        (405, Verdict.MISCONFIGURED),
        (408, Verdict.TEMPORARY),
        (413, Verdict.PERMANENT),
        (422, Verdict.PERMANENT),
        (429, Verdict.LIMITED),
        (451, Verdict.MISCONFIGURED),
        (500, Verdict.HIDDEN),
        (502, Verdict.HIDDEN),
        (503, Verdict.HIDDEN),
        (504, Verdict.HIDDEN),
        (599, Verdict.HIDDEN),
        (999, Verdict.HIDDEN),
    ],
)
def test_only_what_certainly_was_not_taken_is_temporary(status: int, verdict: Verdict) -> None:
    assert verdict == verdict_of(status)[0]


@pytest.mark.parametrize(
    ("status", "verdict"), [(500, Verdict.HIDDEN), (502, Verdict.HIDDEN), (503, Verdict.TEMPORARY)]
)
def test_only_a_503_that_says_when_to_come_back_turned_the_request_away(
    status: int, verdict: Verdict
) -> None:
    assert verdict == verdict_of(status, "30")[0]


def test_no_status_alone_is_a_yes() -> None:
    assert Verdict.ACCEPTED not in {verdict for verdict, _ in STATUSES.values()}
