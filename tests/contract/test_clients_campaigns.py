"""The question of docs/clients.md is asked as the page asks it; what the page says of the answer holds."""

from __future__ import annotations

import re
import shlex

import pytest

from agents.name_viewers import COMMUNICATIONS
from connectors.http.problems import PROBLEMS, Code
from schemas.audience_words import MOST_NUMBER
from tests.contract.test_clients_page import TEXT, blocks
from tests.unit.connectors.http.campaigns.test_campaigns import LABEL, PERSON, TOLD, Found, Shelf, posted
from tests.unit.connectors.http.edge import CAMPAIGNS_KEY, edge

SECTION = re.sub(r"\s+", " ", TEXT.partition("## What to show in the app")[2].partition("\n## ")[0])


def asked() -> tuple[str, str]:
    """Address and `Authorization` of the page's question, as a shell and curl read it."""
    (command,) = [block for block in blocks("sh") if block.startswith("curl")]
    told = command.replace("$CARILLON_KEY", CAMPAIGNS_KEY).replace("$CARILLON", "").replace("\\\n", "")
    curl, flag, header, address = shlex.split(told)
    assert ("curl", "-H") == (curl, flag)
    return address.replace("\\[", "[").replace("\\]", "]"), header.removeprefix("Authorization: ")


@pytest.mark.spec("CRM-015 CRM-OP-06 CRM-022")
async def test_the_question_of_the_page_is_answered_with_labels_and_content() -> None:
    shelf = Shelf(Found(LABEL, is_seen=False))
    address, key = asked()
    async with (
        edge(campaigns=shelf) as one,
        one.client.get(address, headers={"Authorization": key}) as answer,
    ):
        assert 200 == answer.status, await answer.text()
        found = await answer.json()
    assert ([TOLD], ["sale"]) == (
        found["labels"],
        [one["communication_id"] for one in found["communications"]],
    )
    assert [(["phone_id:5b2c", "yandex_uid:4001"], {"city": "a"}, False)] == shelf.asked


async def test_what_the_page_says_of_numbers_tags_and_waiting_holds() -> None:
    exponent = MOST_NUMBER.bit_length()
    assert f"beyond 2^{exponent} - 1 is a 400 in a body" in SECTION
    status, _ = await posted(Shelf(), {"users": PERSON, "context": {"trips": MOST_NUMBER + 1}})
    assert 400 == status
    assert f"Its tag is `{COMMUNICATIONS}`" in SECTION
    assert f"{PROBLEMS[Code.CATCHING_UP][0]} with `{Code.CATCHING_UP}`" in SECTION
