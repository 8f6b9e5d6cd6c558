"""The people of the sample data: who they are, how they can be reached, in which language.

Everything comes from one seeded `Random`, so the same seed writes the same file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID

FIRST_NAMES = {
    "ru": ["Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Игорь", "Ксения", "Лев"],  # noqa: RUF001 - Russian names
    "en": ["Alice", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack"],
}
PLATFORMS = ["ios", "android", "web"]
ZONES = ["Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok", "Europe/London"]


@dataclass(frozen=True, slots=True)
class Person:
    """One user. `devices`: (platform, token) pairs; None where there is no such address."""

    user_id: str
    name: str
    language: str
    timezone: str
    email: str | None = None
    phone: str | None = None
    devices: list[tuple[str, str]] = field(default_factory=list)

    def reachable(self, *channels: str) -> bool:
        """Has an address for each of the channels."""
        known = {"email": self.email, "sms": self.phone, "push": self.devices}
        return all(known[channel] for channel in channels)

    def contacts(self) -> dict[str, object]:
        """`data` of the event that tells where the user can be reached (NS-EVT-041, NS-EVT-OP-08)."""
        told: dict[str, object] = {"name": self.name, "language": self.language, "timezone": self.timezone}
        if self.email:
            told["email"] = self.email
        if self.phone:
            told["phone"] = self.phone
        if self.devices:
            told["devices"] = [{"platform": platform, "token": token} for platform, token in self.devices]
        return told


def new_id(rng: Random) -> str:
    """A uuid out of the seed."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def person(rng: Random, number: int) -> Person:
    """Somebody with an email and, mostly, a phone and devices."""
    language = "ru" if rng.random() < 0.6 else "en"
    domain = "Example.COM" if rng.random() < 0.05 else "example.com"
    devices = [
        (rng.choice(PLATFORMS), f"{rng.getrandbits(256):064x}") for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))
    ]
    return Person(
        user_id=new_id(rng),
        name=rng.choice(FIRST_NAMES[language]),
        language=language,
        timezone=rng.choice(ZONES),
        email=f"player.{number:03d}@{domain}",
        phone=f"+7916{2_000_000 + number:07d}" if rng.random() < 0.85 else None,
        devices=devices,
    )


def people(rng: Random, first: int, count: int) -> list[Person]:
    """`count` people, numbered from `first` so that no two share an address."""
    return [person(rng, first + i) for i in range(count)]


def everywhere(rng: Random, first: int, count: int) -> list[Person]:
    """People with an address on every channel."""
    chosen: list[Person] = []
    for someone in people(rng, first, count):
        phone = someone.phone or f"+7916{3_000_000 + len(chosen) + first:07d}"
        devices = someone.devices or [("android", f"{rng.getrandbits(256):064x}")]
        chosen.append(replace(someone, phone=phone, devices=devices))
    return chosen
