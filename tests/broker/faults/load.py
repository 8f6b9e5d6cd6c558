"""What is fed: lines in the form of `examples/requests.ndjson`, drawn from a seed."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

Line = dict[str, Any]
USERS = 300
REPEATS = 0.05
POSTS = 0.02
KEPT = 400
"""How many of the last records may be repeated."""


class Load:
    """Draws lines without end; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)  # noqa: S311 - a load, no secret
        self._users = [self._uuid() for _ in range(USERS)]
        self._recent: list[Line] = []
        self._posts: list[Line] = []
        self._made = 0

    def users(self) -> list[Line]:
        """One registration for each user, with an address for every channel."""
        return [self._registered(number, user) for number, user in enumerate(self._users)]

    def next(self) -> Line:
        """A request, a domain event that asks for one, a repeat of either, or a seen post."""
        self._made += 1
        drawn = self._dice.random()
        if drawn < REPEATS and self._recent:
            return self._dice.choice(self._recent)
        if drawn < REPEATS + POSTS:
            return self._post()
        makers = (self._order, self._payment, self._message, self._failed, self._reset, self._alert)
        line = self._dice.choices(makers, weights=(30, 15, 25, 10, 12, 8))[0](self._dice.choice(self._users))
        self._recent = [*self._recent[-KEPT:], line]
        return line

    def _uuid(self) -> str:
        return str(UUID(int=self._dice.getrandbits(128), version=4))

    def _registered(self, number: int, user: str) -> Line:
        data = {
            "name": f"Player {number}",
            "language": "ru",
            "email": f"player.{number}@example.com",
            "phone": f"+7916{number:07}",
            "devices": [{"platform": "ios", "token": f"device-{number}"}],
        }
        return self._event("user.events", "user.registered", user, ("account-service", data))

    def _event(self, topic: str, kind: str, user: str, told: tuple[str, Line]) -> Line:
        source, data = told
        value = {"event_type": kind, "user_id": user, "data": data}
        return _record(topic, user, {"source": source, "event_id": self._uuid()}, value)

    def _request(self, kind: str, user: str, data: Line) -> Line:
        value = {"user_id": user, "notification_type": kind, "data": data, "idempotency_key": self._uuid()}
        return _record("notification.send.request", user, {"source": "order-service"}, value)

    def _order(self, user: str) -> Line:
        data = {"OrderNumber": f"A-{self._made}", "Amount": 100, "Items": [{"name": "Lanterns"}]}
        return self._request("order_confirmation", user, data)

    def _failed(self, user: str) -> Line:
        return self._request("payment_failed", user, {"OrderNumber": f"A-{self._made}", "Amount": 100})

    def _alert(self, user: str) -> Line:
        return self._request("system_alert", user, {"Text": f"Answer {self._made}"})

    def _payment(self, user: str) -> Line:
        data = {
            "order_id": f"P-{self._made}",
            "amount": 200,
            "currency": "RUB",
            "items": [{"name": "Lanterns"}],
        }
        return self._event("payment.events", "payment.successful", user, ("payment-service", data))

    def _message(self, user: str) -> Line:
        data = {"from_name": "Zoe", "message_preview": f"Hello {self._made}"}
        return self._event("social.events", "social.new_message", user, ("social-service", data))

    def _reset(self, user: str) -> Line:
        told = ("auth-service", {"code": f"{self._made % 1_000_000:06}"})
        return self._event("auth.events", "auth.password_reset_requested", user, told)

    def _post(self) -> Line:
        if self._posts and self._dice.random() < REPEATS * 4:
            return self._dice.choice(self._posts)
        headers = {
            "X-Gateway-Secret": "$gateway_secret",
            "X-Auth-Kind": "client",
            "X-User-Id": self._dice.choice(self._users),
        }
        body = {"tag": self._dice.choice(("promotions", "wallet", "news")), "id": f"banner-{self._made}"}
        line = {"to": "http", "path": "/4.0/mark-notify/v1/seen", "headers": headers, "body": body}
        self._posts.append(line)
        return line


def _record(topic: str, user: str, headers: dict[str, str], value: Line) -> Line:
    return {"to": "kafka", "topic": topic, "key": user, "headers": headers, "value": value}
