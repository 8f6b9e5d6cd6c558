"""What an HTTP status says of a message where no word of the vendor is known: one table for all vendors.

Only what certainly was not taken is temporary, and only a vendor's own sign is a yes.

2xx  A page of a proxy or of a wrong address says it, too, and SendGrid says 200 to what it only checks. So a
     vendor names in its table what its yes looks like: an id, a word, a status that its documents give.
500, 502, 504  may come after the message was taken; Twilio's page of its error 20500 says so of texts.
503  RFC 9110 (15.6.4) has it for a server that cannot handle requests for a while. But gateways say it of a
     broken connection behind them as well. So it is "not taken" where a vendor's document gives it that sense
     (its own table has it then, with its source), or where `Retry-After` shows that somebody turned the
     request away on purpose. Else it is hidden.
"""

from __future__ import annotations

from schemas.words import Reason, Verdict

Said = tuple[Verdict, Reason | None]

ACCEPTED: Said = (Verdict.ACCEPTED, None)
REFUSED: Said = (Verdict.PERMANENT, Reason.PROVIDER_REFUSED)
LIMITED: Said = (Verdict.LIMITED, Reason.PROVIDER_LIMITED)
LIMITED_FOR_ONE: Said = (Verdict.LIMITED, Reason.RECIPIENT_LIMITED)
"""A limit of one phone or device: it says nothing of the account."""
UNAVAILABLE: Said = (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE)
MISCONFIGURED: Said = (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED)
"""Credentials, sender, balance: ours to repair, and another provider may deliver."""
NOT_SERVED: Said = (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED)
"""A country our account may not send to, a token of another app: so is this, and says nothing of others."""
HIDDEN: Said = (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)

SERVICE_UNAVAILABLE = 503

# About us and how we ask, not about the message: 402 is the balance, 451 an account of another region.
_OURS = (401, 402, 403, 404, 405, 406, 407, 415, 451)

STATUSES: dict[int, Said] = {
    2: HIDDEN,
    3: MISCONFIGURED,
    4: REFUSED,
    5: HIDDEN,
    **dict.fromkeys(_OURS, MISCONFIGURED),
    408: UNAVAILABLE,
    429: LIMITED,
    SERVICE_UNAVAILABLE: HIDDEN,
}


def verdict_of(status: int, retry_after: str | None = None) -> Said:
    """Read a status by itself, else by its class; one of no class leaves the answer hidden."""
    if status == SERVICE_UNAVAILABLE and retry_after:
        return UNAVAILABLE
    return STATUSES.get(status) or STATUSES.get(status // 100) or HIDDEN
