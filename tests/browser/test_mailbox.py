"""The bell in a real browser: sign in, hear of a message, read it, put it away; come back after a break."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, expect

from connectors.http.mailbox import page as bell
from connectors.http.mailbox.ports import Item
from tests.unit.connectors.http.issuer import token
from tests.unit.connectors.http.mailbox_desk import USER, Desk, desk

A, B = Item("a", 10), Item("b", 11)
PATIENCE_MS = 60_000


async def until_said(opened: Desk, act: str, message_id: str) -> None:
    """The act is with the broker."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not any(said.act == act and message_id in said.message_ids for _, said in opened.acts):
            await asyncio.sleep(0.02)


@pytest.mark.spec("NS-CH-051 NS-CH-052 NS-CH-053 NS-CH-OP-09")
async def test_a_message_is_shown_read_and_put_away_and_the_next_comes_after_a_break(
    browser: Browser,
) -> None:
    """Its policy lets nothing foreign in: the browser would say so."""
    expect.set_options(timeout=PATIENCE_MS)
    async with desk() as opened:
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text) if one.type in {"warning", "error"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        opened.put(A)
        await page.goto(str(opened.client.make_url(bell.PATH)))
        await page.get_by_label("Token of a user").fill(token(sub=USER))
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator(".badge")).to_have_text("1")
        await until_said(opened, "ack", "a")
        assert "seen" not in {one.act for _, one in opened.acts}
        await page.get_by_role("button", name="Notifications").click()
        await until_said(opened, "seen", "a")
        await page.get_by_role("button", name="title of a").click()
        await until_said(opened, "read", "a")
        opened.put(A._replace(is_delivered=True, is_seen=True, is_read=True))
        await expect(page.locator(".badge")).to_be_hidden()
        opened.now += 3_600_000
        opened.clients.wake([USER])  # the token counts as ended: the bell says so, and waits for another
        await expect(page.get_by_role("status")).to_have_text("Not signed in.")
        opened.now -= 3_600_000
        opened.put(B)
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator("li")).to_have_count(2)
        await expect(page.locator("li").first).to_contain_text("body of b")
        await page.locator("li").last.get_by_title("Archive").click()
        await until_said(opened, "archive", "a")
        opened.put(A._replace(is_delivered=True, is_seen=True, is_read=True, is_archived=True))
        await expect(page.locator("li")).to_have_count(1)
        assert [] == said


async def test_who_signs_in_after_another_sees_his_own_messages_and_all_of_them(browser: Browser) -> None:
    """Mutation: list and cursor of the one before stay."""
    expect.set_options(timeout=PATIENCE_MS)
    async with desk() as opened:
        page = await browser.new_page()
        opened.put(B)
        opened.put(A, user="somebody-else")
        await page.goto(str(opened.client.make_url(bell.PATH)))
        await page.get_by_label("Token of a user").fill(token(sub=USER))
        await page.get_by_role("button", name="Connect").click()
        await page.get_by_role("button", name="Notifications").click()
        await expect(page.locator("li")).to_contain_text("body of b")
        await page.get_by_label("Token of a user").fill(token(sub="somebody-else"))
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator("li")).to_have_count(1)
        await expect(page.locator("li")).to_contain_text("body of a")
