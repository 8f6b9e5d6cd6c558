"""docs/providers.md and the registry name the same kinds, and its examples are configs that work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.clock import now_ms
from connectors.providers.registry import KINDS
from tests.contract.rigs import CASES

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
MAIL = sorted(case.kind for case in CASES if case.channel == "email")


def examples() -> list[dict[str, Any]]:
    """Entries of the page's blocks that are of mail."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    entries = [entry for block in blocks for entry in yaml.safe_load(block)]
    return [entry for entry in entries if entry["channel_type"] == "email"]


@pytest.mark.spec("NS-CH-020 NS-CH-OP-02")
@pytest.mark.parametrize("kind", MAIL)
def test_each_way_of_mail_has_its_row_and_an_example(kind: str) -> None:
    assert re.search(rf"^\|[^|]+\| `{kind}` \|", PAGE, re.MULTILINE)
    assert kind in {entry["kind"] for entry in examples()}


@pytest.mark.spec("NS-CH-025")
@pytest.mark.parametrize("entry", examples(), ids=lambda entry: entry["name"])
async def test_an_example_of_the_page_is_a_config_that_works(entry: dict[str, Any]) -> None:
    config = {name.removesuffix("_file"): value for name, value in entry["config"].items()}
    carrier = KINDS[entry["kind"]](entry["name"], config, now_ms)
    await carrier.close()


@pytest.mark.spec("NS-CH-020")
@pytest.mark.parametrize("host", ["smtp.yandex.ru", "smtp.mail.ru"])
def test_the_mailboxes_that_the_specification_names_are_presets_of_smtp(host: str) -> None:
    (preset,) = [entry for entry in examples() if entry["config"].get("host") == host]
    assert ("smtp", True, 465) == (preset["kind"], preset["config"]["tls"], preset["config"]["port"])
