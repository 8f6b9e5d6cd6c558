"""The scattered source: as many keys as it says, repeats of what was there, keys in no order."""

from __future__ import annotations

import orjson
import pytest

from bench.job import scattered, scattered_unique


def source(records: int) -> list[tuple[str, str]]:
    """Key and user of the first requests."""
    bodies = [orjson.loads(scattered(number)[1]) for number in range(records)]
    return [(body["idempotency_key"], body["user_id"]) for body in bodies]


@pytest.mark.parametrize("records", [1, 19, 20, 21, 5_000])
def test_a_scattered_source_has_as_many_keys_as_it_says(records: int) -> None:
    assert scattered_unique(records) == len({key for key, _ in source(records)})


def test_a_repeat_is_of_an_older_request_and_has_its_user() -> None:
    seen: dict[str, str] = {}
    repeats = set()
    for key, user in source(5_000):
        if key in seen:
            assert user == seen[key]
            repeats.add(key)
        seen[key] = user
    assert len(repeats) > 200


def test_keys_are_in_no_order() -> None:
    keys = [key for key, _ in source(19)]
    assert sorted(keys) != keys
