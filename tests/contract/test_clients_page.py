"""docs/clients.md says what the code does: its posts are taken, its entry loads, its numbers are in force."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.forward import RETRY_CAP_MS
from agents.mark_seen import LONGEST_PATIENCE_MS, fact_of
from agents.retry import FIRST_MS
from connectors.http.problems import PROBLEMS
from connectors.http.seen import LONGEST_ID, LONGEST_TAG, OPERATION, PATH
from connectors.http.seen_batch import MOST_ITEMS, MOST_OF_STRANGERS
from connectors.http.seen_batch import PATH as BATCH_PATH
from connectors.reference.files import load_directory
from connectors.reference.seen_forms import MOST_IN_FLIGHT
from schemas.codec import encode_json
from schemas.records import NotificationType, SeenDestination, SeenFact, SeenPosted, SeenTag
from schemas.times import parse_rfc3339
from schemas.topics import DAY_MS, SHOWN, TAPPED
from tables.consumers import LONGEST_PAUSE_MS, MOST_FAILURES
from tests.unit.connectors.http.edge import edge

TEXT = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def posts() -> list[str]:
    """Those to the endpoint of seen facts; of the others see test_clients_examples.py."""
    return [block for block in blocks("http") if block.startswith(f"POST {PATH}")]


@pytest.mark.parametrize("block", posts())
async def test_a_post_of_the_page_gets_200(block: str) -> None:
    line, _, body = block.partition("\n\n")
    method, path = line.split()
    async with edge() as one, one.client.request(method, path, data=body.encode()) as response:
        answer = await response.json()
    assert 200 == response.status
    assert {200} >= {item["status"] for item in answer.get("results", [])}
    assert one.published


def test_the_type_that_falls_back_can_be_applied(tmp_path: Path) -> None:
    (entry,) = (block for block in blocks("yaml") if "fallback_after_s:" in block)
    (tmp_path / "types.yaml").write_text(entry)
    (kind,) = load_directory(tmp_path)
    assert isinstance(kind, NotificationType)
    assert f"for {kind.fallback_after_s} s after the first push" in TEXT
    assert all(f"`{tag}`" in TEXT for tag in (SHOWN, TAPPED))


def test_both_posts_are_shown() -> None:
    assert [PATH, BATCH_PATH] * 2 == [block.split()[1] for block in posts()]


@pytest.mark.spec("NS-CH-OP-06")
def test_receipts_of_pushes_are_shown_by_both_posts() -> None:
    told = [tag for block in posts()[2:] for tag in re.findall(r'"tag": "([\w.]+)"', block)]
    assert [SHOWN, SHOWN, TAPPED] == told


@pytest.mark.spec("SEEN-002 SEEN-003 SEEN-OP-02 SEEN-OP-15")
def test_the_entry_of_the_page_can_be_applied(tmp_path: Path) -> None:
    guarded, entry = sorted((b for b in blocks("yaml") if "destinations:" in b), key=len)
    (tmp_path / "seen.yaml").write_text(guarded)
    (tag,) = load_directory(tmp_path)
    assert isinstance(tag, SeenTag)
    assert ("Authorization", "wallet") == (tag.targets[0].auth_header, tag.targets[0].auth_secret)
    (tmp_path / "seen.yaml").write_text(entry)
    (tag,) = load_directory(tmp_path)
    assert isinstance(tag, SeenTag)
    assert (["seen.analytics"], ["seen.wallet", "wallet"]) == (
        tag.destinations,
        [t.name for t in tag.targets],
    )
    described = {field for fields in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", TEXT, re.MULTILINE)
                 for field in re.findall(r"\w+", fields)}  # fmt: skip
    known = {*SeenTag.__struct_fields__, *SeenDestination.__struct_fields__}
    assert described - {"destinations"} <= known
    assert {"remember_for_s", "percentage", "timeout_ms", "max_attempts", "in_flight"} <= described


@pytest.mark.spec("SEEN-OP-10")
def test_the_envelope_of_the_page_is_the_one_that_is_sent() -> None:
    (text,) = blocks("json")
    shown: dict[str, Any] = json.loads(text)
    seen_at = parse_rfc3339(shown["seen_at"])
    posted = SeenPosted(
        kind="client", tag="wallet", id="two", seen_at=seen_at, received_at=seen_at, user={"user_id": "u-1"}
    )
    assert shown == json.loads(encode_json(fact_of(posted)))
    assert msgspec.json.decode(text, type=SeenFact) == fact_of(posted)


@pytest.mark.spec("SEEN-010 SEEN-OP-05 SEEN-053")
def test_every_status_of_the_endpoint_is_in_the_table() -> None:
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", TEXT, re.MULTILINE)
    said = {int(status): does for left, does in rows for status in re.findall(r"\b\d{3}\b", left)}
    for problem in OPERATION.refusals:
        status = PROBLEMS[problem.code][0]
        expected = {403: "keep", 429: "repeat", 503: "repeat"}.get(status)
        assert expected is None or said[status].startswith(expected), status
    assert said[200].startswith("forget")
    assert said[500].startswith("repeat")


@pytest.mark.spec("SEEN-011 SEEN-OP-04 SEEN-OP-05")
def test_the_numbers_of_the_page_are_those_in_force() -> None:
    defaults = SeenDestination(kind="api", name="x")
    tag = SeenTag(tag="x", destinations=[])
    numbers = {
        f"1 to {LONGEST_TAG} characters": True,
        f"1 to {LONGEST_ID})": True,
        f"up to {MOST_ITEMS} facts": True,
        f"sends at most {MOST_OF_STRANGERS} at once": True,
        "(10 000)": defaults.timeout_ms == 10_000,
        "one partition (8; at most 64)": (defaults.in_flight, MOST_IN_FLIGHT) == (8, 64),
        "30 days unless said": tag.remember_for_s * 1000 == 30 * DAY_MS,
        "at most 7 days": LONGEST_PATIENCE_MS == 7 * DAY_MS,
        "after 1 s, twice as long each time, 10 min at\nmost": (FIRST_MS, RETRY_CAP_MS) == (1_000, 600_000),
        "After five failures in a row calls pause for 1 s to 1 min": (MOST_FAILURES, LONGEST_PAUSE_MS)
        == (5, 60_000),
    }
    assert [] == [text for text, holds in numbers.items() if text not in TEXT or not holds]
