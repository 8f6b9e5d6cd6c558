"""A fake Account Service: contacts as they were put, and the scripted faults of the desk (NS-EVT-041).

Each question is a line of the ledger, of the channel `account` and the user's id as its recipient.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

PATH = "/api/v1/users/{user_id}/contacts"


class AccountDesk:
    """What is known of users, from `PUT` to `DELETE` of their contacts."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def add_to(self, app: web.Application, faults: Any) -> None:
        """Serve beside the providers. `faults(user_id, request)`: what a script says instead, or None."""
        self._faults = faults
        app.router.add_get(PATH, self.contacts)
        app.router.add_put(PATH, self.put)
        app.router.add_delete(PATH, self.delete)

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """`GET`: 200 with the contacts, 404 for a user nobody put."""
        user_id = request.match_info["user_id"]
        refused: web.StreamResponse | None = await self._faults(user_id, request)
        if refused is not None:
            return refused
        known = self._known.get(user_id)
        if known is None:
            return web.json_response({"error": "unknown_user"}, status=404)
        return web.json_response(known)

    async def put(self, request: web.Request) -> web.Response:
        """`PUT`: these are the user's contacts from now on."""
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return web.json_response({"error": "bad_request"}, status=400)
        self._known[request.match_info["user_id"]] = body
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE`: there is no such user any longer."""
        self._known.pop(request.match_info["user_id"], None)
        return web.Response(status=204)
