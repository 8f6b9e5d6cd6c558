"""What an HTTP status says of a message where the vendor's own words are not known.

Only what certainly was not taken is temporary. A 500, 502 or 504 may come after the message was taken.
"""

from __future__ import annotations

from schemas.words import Reason, Verdict

STATUSES: dict[int, tuple[Verdict, Reason | None]] = {
    2: (Verdict.ACCEPTED, None),
    3: (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    4: (Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
    5: (Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
    401: (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    403: (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    404: (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    405: (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    408: (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
    429: (Verdict.LIMITED, Reason.PROVIDER_LIMITED),
    503: (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
}


def verdict_of(status: int) -> tuple[Verdict, Reason | None]:
    """Read a status by itself, else by its class; one of no class leaves the answer hidden."""
    return STATUSES.get(status) or STATUSES.get(status // 100) or STATUSES[5]
