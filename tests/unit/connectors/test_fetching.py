"""What is kept for everybody at an address: a 200 of a sane size, from that address alone."""

from __future__ import annotations

import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.fetching import LARGEST, HttpFetch
from connectors.http.ports import AbsentError, UnfetchedError


def vendor() -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        path = request.path
        if path == "/moved":
            return web.Response(status=302, headers={"Location": "/here"})
        if path == "/gone":
            return web.Response(status=404)
        return web.Response(body=b"x" * (LARGEST + 1) if path == "/long" else b"here")

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    return app


async def test_a_body_is_fetched_and_nobody_is_followed() -> None:
    fetch = HttpFetch()
    async with TestServer(vendor()) as server:
        assert b"here" == await fetch(str(server.make_url("/here")))
        for path, why in (
            ("/moved", "it answered 302"),
            ("/gone", "it answered 404"),
            ("/long", "its answer is too long"),
        ):
            with pytest.raises(UnfetchedError, match=why) as refused:
                await fetch(str(server.make_url(path)))
            assert (path == "/gone") == isinstance(refused.value, AbsentError)
    await fetch.close()
    await fetch.close()


@pytest.mark.parametrize("url", ["http://", "no address"])
async def test_what_is_no_address_gives_nothing(url: str) -> None:
    fetch = HttpFetch()
    with pytest.raises(UnfetchedError):
        await fetch(url)
    await fetch.close()


async def test_a_vendor_who_is_not_there_gives_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fetch = HttpFetch()
        with pytest.raises(UnfetchedError):
            await fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        await fetch.close()
