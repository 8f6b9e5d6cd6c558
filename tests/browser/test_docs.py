"""The page of the OpenAPI document in a real browser: find an operation, try it, read the answer."""

from __future__ import annotations

import json

from playwright.async_api import Browser, expect

from tests.unit.connectors.http.edge import KEY, edge


async def test_an_operation_is_found_tried_and_its_answer_shown(browser: Browser) -> None:
    """Its policy lets neither a foreign script nor a foreign request in: the browser would say so."""
    async with edge() as one:
        page = await browser.new_page()
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text) if one.type in {"warning", "error"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(str(one.client.make_url("/docs")))
        await page.get_by_label("Bearer token").fill(KEY)
        await page.get_by_label("Find").fill("health")
        await expect(page.locator(".operation:visible")).to_have_count(1)
        operation = page.locator("#health")
        await operation.locator("> summary").click()
        await operation.get_by_role("button").click()
        output = operation.locator("output")
        await expect(output).to_contain_text("200")
        assert "ok" == json.loads((await output.inner_text()).partition("\n\n")[2])["status"]
        assert [] == said
