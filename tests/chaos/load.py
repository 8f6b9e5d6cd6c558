"""What is fed: requests, events, choices, posts, garbage; and questions at the end that show the choices."""

from __future__ import annotations

from typing import Final

from tests.broker.faults.load import Line, Load

CHOOSERS: Final = 60
FEW: Final = 8
GARBAGE: Final = 0.01
CHOICES: Final = 0.15
POSTS: Final = 0.20
BAD: Final = (
    "{",
    "",
    "[1, 2]",
    '"text"',
    '{"user_id": "me"}',
    '{"user_id": 7, "notification_type": "refund"}',
)
BAD_TOPICS: Final = ("notification.send.request", "payment.events", "social.events")
CHANNELS: Final = ("email", "sms", "push", "all_marketing")
TYPES: Final = ("refund", "system_alert", "order_confirmation")


class MixedLoad(Load):
    """Draws lines without end; the same seed draws the same ones.

    Choosers get no request while the run lasts: a choice and a request travel on two topics, and which of
    them comes first is nobody's promise. `questions` asks at the end.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._choosers = [self._uuid() for _ in range(CHOOSERS)]

    def users(self) -> list[Line]:
        """One registration for each user, choosers too."""
        more = [self._registered(1_000 + number, user) for number, user in enumerate(self._choosers)]
        return [*super().users(), *more]

    def next(self) -> Line:
        """Garbage, a choice, a seen post, or a line of the usual ones."""
        drawn = self._dice.random()
        if drawn < GARBAGE:
            return self._bad()
        if drawn < GARBAGE + CHOICES:
            return self._choice(self._dice.choice(self._choosers))
        if drawn < GARBAGE + CHOICES + POSTS:
            self._made += 1
            return self._post()
        return super().next()

    def questions(self) -> list[Line]:
        """Requests to every chooser; what becomes of them depends on his last choices."""
        lines = []
        for user in self._choosers:
            self._made += 1
            lines += [
                self._request("refund", user, {"OrderNumber": f"R-{self._made}", "Amount": 5}),
                self._order(user),
                self._alert(user),
            ]
        return lines

    def crowd(self, many: int) -> list[Line]:
        """Requests of one type and service to a few users in turn, who all get mail of it."""
        return [self._next_alert(self._users[number % FEW]) for number in range(many)]

    def _next_alert(self, user: str) -> Line:
        self._made += 1
        return self._alert(user)

    def _bad(self) -> Line:
        user = self._dice.choice(self._users)
        return {
            "to": "kafka",
            "topic": self._dice.choice(BAD_TOPICS),
            "key": user,
            "headers": {"source": "careless-service"},
            "raw": self._dice.choice(BAD),
        }

    def _choice(self, user: str) -> Line:
        is_on = self._dice.random() < 0.5
        kind = self._dice.randrange(3)
        if kind == 0:
            code = self._dice.choice(TYPES)
            data: Line = {"notification_type": code, "allowed_channels": ["email"], "is_enabled": is_on}
            event = "user.preference_changed"
        elif kind == 1:
            data = {"channel_type": self._dice.choice(CHANNELS), "reason": "too many"}
            event = "user.resubscribed" if is_on else "user.unsubscribed"
        else:
            data = {"purpose": "marketing", "channel_type": None, "source": "settings"}
            event = "user.consent_granted" if is_on else "user.consent_revoked"
        return self._event("user.events", event, user, ("account-service", data))
