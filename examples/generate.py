"""Write `examples/requests.ndjson`: the input of `make demo`. The same seed writes the same bytes.

python -m examples.generate                     # from the repository's root
python -m examples.generate --seed 7 --out /tmp/other.ndjson
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from random import Random

from examples.cast import Person, everywhere, people
from examples.choices import choose
from examples.lines import Author, Line
from examples.scenes import Crowd, confirmation, friends, logins, marketing, operations, payments
from examples.trouble import chosen, failing, odd_but_good, refused, repeats, strangers, unreadable
from examples.views import views

OUT = Path(__file__).with_name("requests.ndjson")
SEED = 20_250_521
MAGIC = [("000", "delivered"), ("001", "bounce"), ("003", "slow"), ("004", "429"), ("005", "flaky")]
"""Recipients at which the fake providers act up: digits of the phone, word of mail and token."""


def arrivals(
    author: Author, came: list[Person], moved_in: list[Person], strangers: list[Person]
) -> list[Line]:
    """Phase 1: people register, others are imported, and requests come for people nobody has heard of."""
    lines = [author.event("user.registered", one.user_id, one.contacts()) for one in came]
    lines += [author.event("user.updated", one.user_id, one.contacts()) for one in moved_in]
    author.rng.shuffle(lines)
    unknown = [
        author.request(one.user_id, "order_confirmation", confirmation(author.rng), "order-service")
        for one in strangers
    ]
    return unknown + lines


def troubled(rng: Random) -> dict[str, list[Person]]:
    """People with addresses that are none, or at which the fake providers misbehave."""
    someone = iter(people(rng, 900, 40))

    def reached_at(email: str | None, phone: str | None) -> Person:
        return replace(next(someone), email=email, phone=phone, devices=[])

    groups = {
        "no_address": [reached_at(text, None) for text in ["not an address", "nobody@", "@example.com"]],
        "reserve": [reached_at("reserve@", f"+79165000{number:03d}") for number in range(3)],
        "no_number": [reached_at(None, text) for text in ["12", "call me"]],
        "timeout": [reached_at("timeout+1@carillon.test", None)],
    }
    for digit, word in MAGIC:
        reached = [reached_at(f"{word}+{n}@carillon.test", f"+790000{digit}{n:02d}") for n in range(3)]
        groups[word] = [replace(one, devices=[("web", f"{word}-{one.user_id}")]) for one in reached]
    return groups


def everything(seed: int) -> list[Line]:
    """All lines, in the order of feeding."""
    rng = Random(seed)  # noqa: S311 - sample data, not a secret
    came, moved_in, unknown = people(rng, 0, 280), everywhere(rng, 500, 100), people(rng, 800, 12)
    trouble = troubled(rng)
    first, second, third, fourth = (Author(rng, phase) for phase in (1, 2, 3, 4))
    unhappy = [one for group in trouble.values() for one in group]
    opening = arrivals(first, came, moved_in + unhappy, unknown)
    choosers = choose(second, third, moved_in)
    crowd = Crowd(rng, came)
    usual = [scene(fourth, crowd) for scene in (payments, logins, friends, operations, marketing)]
    main = [line for scene in usual for line in scene]
    main += (
        repeats(fourth, main)
        + strangers(fourth, crowd)
        + refused(fourth, crowd)
        + odd_but_good(fourth, crowd)
    )
    main += (
        unreadable(fourth, crowd)
        + failing(fourth, trouble, crowd)
        + chosen(fourth, choosers)
        + views(fourth, crowd)
    )
    rng.shuffle(main)
    return opening + choosers.first + choosers.then + main


def main() -> None:
    """Parse the arguments, write the file, say how much."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    lines = everything(given.seed)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    given.out.write_text(text, encoding="utf-8")
    print(f"{len(lines)} lines written to {given.out}")


if __name__ == "__main__":
    main()
