"""The hosted page of choices in a real browser, its scripts switched off (NS-PREF-OP-01, NS-PREF-013…015)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.unit.connectors.http.choice_visits import USER, Visitor
from tests.unit.connectors.http.edge import edge
from tests.unit.connectors.http.test_unsubscribe import LINK, SIGNER

PHONE = ViewportSize(width=360, height=740)
BLUE = "rgb(11, 87, 208)"
"""Of the buttons: a policy that does not let the page's own style in would leave them grey."""
WORDS = {"ru": ("Сохранить", "Сохранено"), "en": ("Save", "Saved")}


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    made = Visitor()
    async with edge(produce=made.produce, choices=made.choices, links=SIGNER) as one:
        made.client = one.client
        yield made


def box_of(name: str) -> str:
    return f"input[type=checkbox][value='{name}']"


async def opened(browser: Browser, visitor: Visitor, path: str, language: str) -> Page:
    """The page on a telephone, without scripts; whatever it asks elsewhere fails the test."""
    context = await browser.new_context(
        java_script_enabled=False, locale=language, viewport=PHONE, accept_downloads=False
    )
    page = await context.new_page()
    address = str(visitor.client.make_url(path))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(address)
    assert [] == [url for url in asked if not url.startswith(address.partition("/api")[0])]
    return page


@pytest.mark.spec("NS-PREF-OP-01 NS-PREF-013 NS-PREF-014")
@pytest.mark.parametrize("language", WORDS)
async def test_ns_pref_op_01_a_choice_is_made_without_scripts(
    browser: Browser, visitor: Visitor, language: str
) -> None:
    save, saved = WORDS[language]
    page = await opened(browser, visitor, visitor.url(None), language)
    assert language == await page.locator("html").get_attribute("lang")
    box = page.locator(box_of("social.push"))
    await expect(box).to_be_checked()
    await box.uncheck()
    await page.get_by_role("button", name=save).click()
    await expect(page.get_by_role("status")).to_contain_text(saved)
    await expect(page.locator(box_of("social.push"))).not_to_be_checked()
    ((event, data),) = visitor.told
    assert "user.preferences_changed" == event
    assert {"news": ["email"], "chat": []} == {
        one["notification_type"]: one["allowed_channels"] for one in data["preferences"]
    }


async def test_every_box_is_reached_and_ticked_by_keyboard_and_fits_a_telephone(
    browser: Browser, visitor: Visitor
) -> None:
    page = await opened(browser, visitor, visitor.url(None), "en")
    boxes = await page.get_by_role("checkbox").count()
    reached: list[str] = []
    for _ in range(boxes):
        await page.keyboard.press("Tab")
        reached.append(await page.locator("input:focus").get_attribute("value") or "")
    assert boxes == len(set(reached))
    await page.keyboard.press("Space")
    await expect(page.locator(box_of(reached[-1]))).to_be_checked()
    assert BLUE == await page.get_by_role("button").evaluate("one => getComputedStyle(one).backgroundColor")
    widest = await page.locator("body").bounding_box()
    assert widest is not None
    assert widest["x"] + widest["width"] <= PHONE["width"]


@pytest.mark.spec("NS-PREF-021")
async def test_a_messages_link_is_followed_by_a_click_and_not_by_looking(
    browser: Browser, visitor: Visitor
) -> None:
    """Scanners of mail open links: only the button unsubscribes."""
    path = f"/api/v1/notifications/unsubscribe?token={SIGNER.token(LINK)}"
    page = await opened(browser, visitor, path, "en")
    assert [] == visitor.written
    await page.get_by_role("button", name="Unsubscribe").click()
    await expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert [(USER, "user.unsubscribed")] == [(one["user_id"], one["event_type"]) for one in visitor.written]
