"""docs/preferences.md says what the code does: its requests are taken, its event is a fact."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.facts import Consent, fact_in
from schemas.inputs import decoder_of
from schemas.topics import USER_EVENTS
from tests.unit.connectors.http.test_preferences import KEY, Desk, desk

__all__ = ["desk"]
TEXT = (Path(__file__).parents[2] / "docs" / "preferences.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("http"))
async def test_a_request_of_the_page_is_taken(block: str, desk: Desk) -> None:
    line, _, body = block.partition("\n\n")
    method, path = line.split()
    async with desk.client.request(method, path, headers=KEY, data=body.encode() or None) as response:
        assert response.status in {200, 204}
    assert 1 == len(desk.written)
    assert desk.facts


def test_the_event_of_the_page_is_a_consent() -> None:
    (block,) = blocks("json")
    fact = fact_in(decoder_of(USER_EVENTS)(block.encode()))
    assert isinstance(fact, Consent)
    assert "2019-03" == fact.text_version
