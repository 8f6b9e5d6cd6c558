"""Seen posts of the sample data: clients, drivers and strangers tell what they were shown (SEEN-050)."""

from __future__ import annotations

from random import Random

from examples.cast import new_id
from examples.lines import Author, Line
from examples.scenes import Crowd

PROOF = {"X-Gateway-Secret": "$gateway_secret"}  # the feeder puts the installation's secret in its place
TAGS = ["promotions", "promotions", "wallet", "news"]


def client(user_id: str) -> dict[str, str]:
    """Identity headers of a passenger's session, with the proof that the gateway wrote them."""
    return PROOF | {"X-Auth-Kind": "client", "X-User-Id": user_id}


def driver(rng: Random) -> dict[str, str]:
    """Identity headers of a driver's session."""
    return PROOF | {"X-Auth-Kind": "driver", "X-Driver-Db-Id": new_id(rng), "X-Driver-Uuid": new_id(rng)}


def views(author: Author, crowd: Crowd) -> list[Line]:
    """Posts of all kinds: retried ones, unknown and switched-off tags, and bodies that are refused."""
    rng = author.rng
    lines = []
    for number in range(120):
        body = {"tag": rng.choice(TAGS), "id": f"banner-{number % 40}"}
        lines.append(author.seen(body, client(rng.choice(crowd.people).user_id)))
    lines += rng.sample(lines, 20)
    for number in range(8):
        lines.append(author.seen({"tag": "promotions", "id": f"route-{number}"}, driver(rng)))
        lines.append(author.seen({"tag": "promotions", "id": "start"}, {}))
        forged = {
            name: text for name, text in client(crowd.people[number].user_id).items() if name not in PROOF
        }
        lines.append(author.seen({"tag": "wallet", "id": "cashback"}, forged))
    device = PROOF | {"X-Device-Id": "kitchen-tablet"}
    lines += [author.seen({"tag": "news", "id": f"headline-{number % 3}"}, device) for number in range(6)]
    known = client(crowd.people[0].user_id)
    lines += [author.seen({"tag": f"invented-{number}", "id": "1"}, known) for number in range(4)]
    lines += [author.seen({"tag": "old_banners", "id": str(number)}, known) for number in range(4)]
    lines += [author.seen({"tag": "news", "id": "extra", "user": {"user_id": "someone else"}}, known)]
    refused = [
        {"tag": "news"},
        {"tag": "", "id": "1"},
        {"tag": "n" * 65, "id": "1"},
        {"tag": "news", "id": "i" * 257},
    ]
    lines += [author.seen(body, known) for body in refused]
    lines.append(author.seen({}, known) | {"raw": "{not json"})
    return lines
