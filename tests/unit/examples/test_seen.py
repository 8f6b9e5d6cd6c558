"""Which seen posts the books expect where."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from examples.accounts.seen import Views

TAGS: dict[str, dict[str, Any]] = {
    "news": {"destinations": ["seen.a", "seen.b"]},
    "old": {"destinations": ["seen.a"], "is_enabled": False},
}
PROOF = {"X-Gateway-Secret": "s"}
CLIENT = PROOF | {"X-Auth-Kind": "client", "X-User-Id": "u"}
DEVICE = PROOF | {"X-Device-Id": "d"}


def counted(*posts: tuple[dict[str, str], dict[str, str]]) -> dict[str, list[int]]:
    views = Views(TAGS)
    for headers, body in posts:
        views.post({"to": "http", "headers": headers, "body": body})
    return {topic: sorted(facts.values()) for topic, facts in views.facts.items()}


def test_fact_goes_to_every_destination_of_its_tag() -> None:
    assert {"seen.a": [1], "seen.b": [1]} == counted((CLIENT, {"tag": "news", "id": "1"}))


@pytest.mark.parametrize("headers", [CLIENT, DEVICE])
def test_repeat_of_a_known_user_or_device_is_left_out(headers: dict[str, str]) -> None:
    post = (headers, {"tag": "news", "id": "1"})
    assert {"seen.a": [1], "seen.b": [1]} == counted(post, post)


def test_nobody_is_never_a_repeat_and_a_forged_name_is_nobody() -> None:
    forged = {"X-Auth-Kind": "client", "X-User-Id": "u"}
    body = {"tag": "news", "id": "1"}
    assert {"seen.a": [2], "seen.b": [2]} == counted(({}, body), (forged, body))


def test_unknown_tag_is_kept_apart_and_a_disabled_one_dropped() -> None:
    posts = [(CLIENT, {"tag": tag, "id": "1"}) for tag in ("old", "what")]
    assert {"seen.unknown": [1]} == counted(*posts)


@pytest.mark.parametrize("body", [{"tag": "news"}, {"tag": "", "id": "1"}, {"tag": "n" * 65, "id": "1"}])
def test_refused_post_leaves_nothing(body: dict[str, str]) -> None:
    assert {} == counted((CLIENT, body))


def test_facts_are_told_apart_by_who_saw_what() -> None:
    views = Views(TAGS)
    for name in ("1", "2"):
        views.post({"to": "http", "headers": CLIENT, "body": {"tag": "news", "id": name}})
    assert [2, 2] == [Counter(facts).total() for facts in views.facts.values()]
