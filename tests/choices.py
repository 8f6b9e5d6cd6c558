"""What users chose, in memory: the `Choices` of the API without a database."""

from __future__ import annotations

from connectors.choices import ChoicesAwayError, Chosen, Consented, Kind, Stored, Unsubscribed
from tests.messages import T0

NEWS = Kind("news", "News", "social", False, ["email", "push"], ["sms"])
PROMO = Kind("promo", "Sale", "marketing", False, ["email"], [])
CODE = Kind("code", "Code", "transactional", True, ["sms"], ["email"])
KINDS = [CODE, NEWS, PROMO]
STORED = Stored(
    types={"news": Chosen(["push"], True, T0)},
    unsubscribed=[Unsubscribed("email", "Too many", T0)],
    consents=[Consented("marketing", None, True, T0, "settings", "2026-01")],
)


class MemoryChoices:
    """Every user chose the same."""

    def __init__(self, stored: Stored = STORED) -> None:
        self.stored = stored
        self.is_away = False

    async def kinds(self) -> list[Kind]:
        """All types."""
        if self.is_away:
            raise ChoicesAwayError
        return KINDS

    async def of(self, user_id: str) -> Stored:  # noqa: ARG002 - the port's
        """What everybody chose."""
        if self.is_away:
            raise ChoicesAwayError
        return self.stored
