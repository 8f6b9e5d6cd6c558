"""A real browser: the system's Chromium, driven by Playwright. Where there is none, its tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """It asks nobody but the page's server."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on this machine; Debian has it as `chromium`")
    async with async_playwright() as driver:
        one = await driver.chromium.launch(executable_path=path, args=QUIET, chromium_sandbox=False)
        yield one
        await one.close()
