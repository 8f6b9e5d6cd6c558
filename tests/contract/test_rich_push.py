"""Pictures, buttons and sizes of pushes: the same for every vendor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connectors.providers.apns import Apns
from connectors.providers.fcm_message import fcm_message
from connectors.providers.web_push_body import clear_text
from schemas.device_words import SERVED
from schemas.records import Button, Content
from schemas.words import Reason, Verdict
from tests.contract.push_rigs import apns_config
from tests.contract.rigs import CASES, Rig
from tests.contract.test_providers import rigged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PICTURE = "https://shop.test/1042.jpg"
PAY = {"name": "PayUrl", "label": "Оплатить", "url": "https://shop.test/pay/1042"}
MAP = {"name": "MapUrl", "label": "Show the way", "url": "https://shop.test/map"}
RICH = Content(title="Заказ 1042", body="Готов", image=PICTURE, buttons=[Button(**PAY), Button(**MAP)])
PLAIN = Content(title="Заказ 1042", body="Готов")
LARGEST = 4_096


@pytest.fixture(params=[case for case in CASES if case.kind in SERVED], ids=lambda case: case.kind)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigged(request.param) as one:
        yield one


def of_apple(content: Content) -> dict[str, Any]:
    carrier = Apns("push", apns_config("http://127.0.0.1:1"), lambda: 0)
    found: dict[str, Any] = json.loads(carrier._body(content, "m-1:0"))
    return found


def of_google(content: Content) -> dict[str, Any]:
    return fcm_message("token", content, "m-1:0", (60, 0))


def of_browser(content: Content) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(clear_text(content, "m-1:0"))
    return found


@pytest.mark.spec("NS-CH-034")
async def test_a_push_with_a_picture_and_buttons_is_taken(rig: Rig) -> None:
    answer = await rig.carrier.send(rig.address(), RICH, "m-1:0")
    assert Verdict.ACCEPTED == answer.verdict
    assert rig.lines() is not None


async def test_a_push_that_is_too_large_ends_with_its_size_before_its_vendor_is_called(rig: Rig) -> None:
    """Addresses count as well. Mutation tried, of FCM: the text alone is measured: fails."""
    for content in (
        Content(title="t", body="Щ" * (LARGEST // 2)),
        Content(title="t", body="b", image="https://" + "i" * LARGEST),
        Content(title="t", body="b", buttons=[Button(name="A", label="a", url="https://" + "u" * LARGEST)]),
    ):
        answer = await rig.carrier.send(rig.address(), content, "m-1:0")
        assert (Verdict.PERMANENT, Reason.PROVIDER_REFUSED) == (answer.verdict, answer.reason)
        assert "bytes" in (answer.detail or "")
    assert 0 == rig.fake.desk.ledger.times("m-1:0")


@pytest.mark.spec("NS-CH-034")
def test_apples_extension_gets_the_picture_and_the_buttons_and_the_system_their_category() -> None:
    found = of_apple(RICH)
    assert (1, "PayUrl.MapUrl") == (found["aps"]["mutable-content"], found["aps"]["category"])
    assert (PICTURE, [PAY, MAP]) == (found["carillon_image"], found["carillon_buttons"])


@pytest.mark.spec("NS-CH-034")
def test_fcm_shows_the_picture_on_each_platform_and_hands_the_buttons_over() -> None:
    found = of_google(RICH)
    assert PICTURE == found["notification"]["image"] == found["apns"]["fcm_options"]["image"]
    assert [PAY, MAP] == json.loads(found["data"]["carillon_buttons"])
    assert {"mutable-content": 1, "category": "PayUrl.MapUrl"} == found["apns"]["payload"]["aps"]
    actions = [{"action": one["name"], "title": one["label"]} for one in (PAY, MAP)]
    assert actions == found["webpush"]["notification"]["actions"]
    assert {str} == {type(value) for value in found["data"].values()}


@pytest.mark.spec("NS-CH-034")
def test_a_pages_worker_gets_the_picture_and_the_buttons() -> None:
    found = of_browser(RICH)
    assert (PICTURE, [PAY, MAP]) == (found["image"], found["buttons"])


@pytest.mark.parametrize("made", [of_apple, of_google, of_browser])
def test_a_push_of_text_says_nothing_of_them(made: Any) -> None:
    text = json.dumps(made(PLAIN))
    assert [] == [word for word in ("image", "button", "category", "actions") if word in text]
