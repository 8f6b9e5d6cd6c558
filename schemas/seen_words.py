"""The closed lists of seen facts: who saw, how a fact is delivered, why one is given up."""

from __future__ import annotations

from enum import StrEnum


class SeenKind(StrEnum):
    """The three types of seen events (SEEN-033)."""

    CLIENT = "client"
    DRIVER = "driver"
    UNAUTHORIZED = "unauthorized"


class DestinationKind(StrEnum):
    """The two ways to deliver a seen fact (SEEN-031, SEEN-032)."""

    API = "api"
    TOPIC = "topic"


class GivenUp(StrEnum):
    """Why a seen fact stands in `seen.failed`. The sentence of each is in `GIVEN_UP`."""

    REFUSED = "refused"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    OUT_OF_TIME = "out_of_time"
    UNCONFIGURED = "unconfigured"


GIVEN_UP: dict[GivenUp, str] = {
    GivenUp.REFUSED: "The consumer refused it for good: a 4xx other than 408, 409, 425 and 429.",
    GivenUp.ATTEMPTS_EXHAUSTED: "`max_attempts` calls failed.",
    GivenUp.OUT_OF_TIME: "Calls failed, or none could begin, for `remember_for_s` (at most 7 days).",
    GivenUp.UNCONFIGURED: "Its tag no longer names this destination.",
}
