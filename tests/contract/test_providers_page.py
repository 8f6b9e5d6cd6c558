"""docs/providers.md and the registry name the same kinds, and its examples are configs that work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.clock import now_ms
from connectors.providers.dkim import SIGNED
from connectors.providers.receipts.registry import WEBHOOK_KEY, WEBHOOKS
from connectors.providers.registry import KINDS
from connectors.reference.files import load_directory
from schemas.receipts import ReceiptKind
from schemas.records import SpendingBudget
from tests.contract.push_rigs import APNS_KEY, PUSH, VAPID_KEY, service_account
from tests.contract.rigs import CASES

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
VENDORS = sorted(case.kind for case in CASES if not case.kind.startswith("fake_"))

DKIM_KEY = (
    Ed25519PrivateKey.from_private_bytes(bytes(32))
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
KEYS: dict[str, dict[str, str]] = {
    "apns": {"private_key": APNS_KEY.as_pem(private=True).decode()},
    "fcm": {"service_account": service_account("http://127.0.0.1:1")},
    "web_push": {"private_key": VAPID_KEY.as_pem(private=True).decode()},
}


BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def examples() -> list[dict[str, Any]]:
    """Providers of the page's blocks."""
    return [entry for block in BLOCKS for entry in yaml.safe_load(block) if "kind" in entry]


def filled(given: Any) -> Any:
    """What stands in files, by its name; keys of DKIM are read at the start."""
    if isinstance(given, list):
        return [filled(one) for one in given]
    if not isinstance(given, dict):
        return given
    config = {name.removesuffix("_file"): filled(value) for name, value in given.items()}
    return config | ({"private_key": DKIM_KEY} if "selector" in config else {})


@pytest.mark.spec("NS-CH-020 NS-CH-OP-02")
@pytest.mark.parametrize("kind", VENDORS)
def test_each_kind_has_its_row_and_an_example(kind: str) -> None:
    assert re.search(rf"^\|[^|]+\| `{kind}` \|", PAGE, re.MULTILINE)
    assert kind in {entry["kind"] for entry in examples()}


@pytest.mark.spec("NS-CH-025")
@pytest.mark.parametrize("entry", examples(), ids=lambda entry: entry["name"])
async def test_an_example_of_the_page_is_a_config_that_works(entry: dict[str, Any]) -> None:
    config = filled(entry["config"])
    config.pop(WEBHOOK_KEY, None)
    if entry["kind"] in PUSH:  # they read their keys at the start
        config |= KEYS[entry["kind"]]
    carrier = KINDS[entry["kind"]](entry["name"], config, now_ms)
    await carrier.close()


@pytest.mark.spec("NS-OPS-OP-12")
def test_the_budgets_of_the_page_can_be_applied(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if block.startswith("- of:")]
    (tmp_path / "budgets.yaml").write_text(block, encoding="utf-8")
    assert {"sms", "sms/sms-main", "campaign/spring-sale"} == {
        one.of for one in load_directory(tmp_path) if isinstance(one, SpendingBudget)
    }


@pytest.mark.spec("NS-CH-020")
@pytest.mark.parametrize("host", ["smtp.yandex.ru", "smtp.mail.ru"])
def test_the_mailboxes_that_the_specification_names_are_presets_of_smtp(host: str) -> None:
    (preset,) = [entry for entry in examples() if entry["config"].get("host") == host]
    assert ("smtp", True, 465) == (preset["kind"], preset["config"]["tls"], preset["config"]["port"])


@pytest.mark.spec("NS-CH-026")
def test_the_page_names_every_header_that_a_signature_covers() -> None:
    told = re.search(r"^Signed are the body and (.*?), as far as", PAGE, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert list(SIGNED) == [name.lower() for name in re.findall(r"`([\w-]+)`", told[1])]


@pytest.mark.spec("NS-CH-027")
def test_the_page_says_of_each_webhook_how_it_is_set_up_and_of_each_word_what_follows() -> None:
    told = PAGE.partition("## Reports of providers")[2]
    assert {"kind", *WEBHOOKS} == set(re.findall(r"^\| `(\w+)` \|(?:[^|]+\|){3}$", told, re.MULTILINE))
    words = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|(?:[^|]+\|){5}$", told, re.MULTILINE)
    assert set(ReceiptKind) <= {word for line in words for word in re.findall(r"\w+", line)}


@pytest.mark.spec("NS-CH-OP-01")
def test_the_page_says_of_each_webhook_what_its_proof_is_worth() -> None:
    told = PAGE.partition("## Reports of providers")[2]
    rows = re.findall(r"^\| (`\w+`[^|]*) \|(?:[^|]+\|){2}$", told, re.MULTILINE)
    assert {"kind", *WEBHOOKS} == {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
