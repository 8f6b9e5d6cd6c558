"""The function that docs/providers.md hands out posts what the webhook of Postbox takes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from runpy import run_path
from typing import Any
from urllib.error import HTTPError

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.clock import now_ms
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import webhook_of
from tests.vendor_posts import mail
from tests.webhooks import MESSAGE_ID, STANDARD_KEY

FUNCTION = Path(__file__).parents[2] / "examples" / "postbox" / "index.py"
EVENT = {"messages": [{"eventType": "Open", "mail": mail(), "eventId": "1"}]}


@pytest.mark.spec("NS-CH-023 NS-CH-027")
async def test_what_the_function_posts_is_believed_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Post] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(Post(request.headers.copy(), await request.read()))
        return web.Response(status=200 if len(seen) == 1 else 503)

    app = web.Application()
    app.router.add_post("/hook", take)
    handler: Any = run_path(str(FUNCTION))["handler"]
    async with TestServer(app) as server:
        monkeypatch.setenv("WEBHOOK_URL", str(server.make_url("/hook")))
        monkeypatch.setenv("WEBHOOK_KEY", STANDARD_KEY)
        assert {"statusCode": 200} == await asyncio.to_thread(handler, EVENT, None)
        with pytest.raises(HTTPError):
            await asyncio.to_thread(handler, EVENT, None)
    webhook = webhook_of("postbox")
    assert webhook.is_genuine(seen[0], STANDARD_KEY, now_ms())
    assert [MESSAGE_ID] == [told.message_id for told in webhook.events(seen[0])]
