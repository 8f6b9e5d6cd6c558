"""What happens in the sample data: people arrive, choose what they want, and services write to them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from examples.cast import Person, new_id
from examples.lines import Author, Line

GAMES = ["Quiet Harbour", "Lanterns", "Northern Rails", "Тихая гавань", "Звездочёт"]
PLACES = ["Moscow", "Kazan", "Тверь", "Riga"]
TEXTS = ["Hi!", "Привет!", "Are you there?", "gg", "See you <soon> & bring friends", "Спасибо за игру"]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who can be written to. Each call of `pick` takes somebody with an address on all the channels."""

    rng: Random
    people: list[Person]

    def pick(self, *channels: str) -> Person:
        return self.rng.choice([someone for someone in self.people if someone.reachable(*channels)])


def order(rng: Random) -> Line:
    """`data` of a successful payment (NS-EVT-063)."""
    items = [{"game_id": new_id(rng), "name": rng.choice(GAMES)} for _ in range(rng.randint(1, 4))]
    return {"order_id": f"A-{rng.randrange(10**6):06d}", "amount": rng.randrange(100, 9000), "items": items}


def confirmation(rng: Random) -> Line:
    """`data` of a request to confirm an order: the variables of its template."""
    bought = order(rng)
    return {"OrderNumber": bought["order_id"], "Amount": bought["amount"], "Items": bought["items"]}


def payments(author: Author, crowd: Crowd) -> list[Line]:
    """Orders by event and by request, failures, refunds."""
    rng = author.rng
    lines = [author.event("payment.successful", crowd.pick("email").user_id, order(rng)) for _ in range(240)]
    lines += [
        author.request(crowd.pick("email").user_id, "order_confirmation", confirmation(rng), "order-service")
        for _ in range(200)
    ]
    lines += [author.event("payment.failed", crowd.pick("email").user_id, order(rng)) for _ in range(80)]
    for _ in range(80):
        bought = order(rng)
        data = {"order_id": bought["order_id"], "refund": {"amount": bought["amount"]}}
        lines.append(author.event("payment.refunded", crowd.pick("email").user_id, data))
    return lines


def logins(author: Author, crowd: Crowd) -> list[Line]:
    """Suspicious logins and codes: short-lived, secret, urgent."""
    rng = author.rng
    lines = []
    for _ in range(80):
        data = {"ip": f"192.0.2.{rng.randrange(256)}", "location": rng.choice(PLACES), "device": "Unknown"}
        lines.append(author.event("auth.suspicious_login", crowd.pick("email").user_id, data))
    for _ in range(60):
        data = {"code": f"{rng.randrange(10**6):06d}"}
        lines.append(author.event("auth.password_reset_requested", crowd.pick("sms").user_id, data))
    for _ in range(70):
        data = {"Code": f"{rng.randrange(10**6):06d}"}
        lines.append(author.request(crowd.pick("sms").user_id, "password_reset", data, "auth-service"))
    return lines


def friends(author: Author, crowd: Crowd) -> list[Line]:
    """Messages, friend requests and achievements."""
    rng = author.rng
    lines = []
    for _ in range(130):
        data = {
            "from_user_id": new_id(rng),
            "from_name": rng.choice(crowd.people).name,
            "message_preview": rng.choice(TEXTS),
        }
        lines.append(author.event("social.new_message", crowd.pick("push").user_id, data))
    for _ in range(70):
        data = {"from_user_id": new_id(rng), "from_name": rng.choice(crowd.people).name}
        lines.append(author.event("social.friend_request", crowd.pick("push").user_id, data))
    for _ in range(100):
        data = {"game_id": new_id(rng), "game_name": rng.choice(GAMES), "achievement_name": "First victory"}
        lines.append(author.event("library.achievement_unlocked", crowd.pick("push").user_id, data))
    return lines


def operations(author: Author, crowd: Crowd) -> list[Line]:
    """Downloads, payouts, answers of the support."""
    rng = author.rng
    lines = [
        author.event("download.finished", crowd.pick("push").user_id, {"game_name": rng.choice(GAMES)})
        for _ in range(60)
    ]
    for month in range(1, 13):
        data = {"amount": rng.randrange(10_000, 90_000) / 100, "period": f"2025-{month:02d}"}
        lines.append(author.event("developer.payout_sent", crowd.pick("email").user_id, data))
    for _ in range(30):
        data = {"text": f"Request {rng.randrange(1000)} was answered."}
        lines.append(author.event("admin.support_answered", crowd.pick("email").user_id, data))
    return lines


def promotion(rng: Random, someone: Person) -> Line:
    """Variables of the marketing template."""
    return {
        "UserName": someone.name,
        "Discount": rng.choice([10, 25, 40]),
        "UnsubscribeUrl": "https://example.com/unsubscribe",
    }


def marketing(author: Author, crowd: Crowd) -> list[Line]:
    """A promotion to people who never consented: all of it is skipped."""
    lines = []
    for _ in range(60):
        someone = crowd.pick("email")
        lines.append(
            author.request(
                someone.user_id, "marketing_promo", promotion(author.rng, someone), "marketing-service"
            )
        )
    return lines
