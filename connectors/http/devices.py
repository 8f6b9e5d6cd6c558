"""Handlers of the devices API (NS-API-050…054). A change is on every in-sync replica before its answer.

Tokens are sealed here, before they enter a topic. Reads show Postgres, which follows within about a second.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from msgspec.structs import replace

from connectors.devices import DevicesAwayError, StoredDevice
from connectors.http import preferences
from connectors.http.device_forms import DeviceBody, DeviceShown, SwitchBody, shown_of
from connectors.http.preferences import RETRY_SOON, body_of, user_in, uuid_in
from connectors.http.problems import Code, ProblemError, json_response
from schemas.errors import UnopenedError
from schemas.ids import device_named
from schemas.times import rfc3339

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = "/api/v1/notifications/devices"
ONE = f"{PATH}/{{id}}"
OF_USER = f"{PATH}/user/{{user_id}}"
LOOKS = 5
LOOK_S = 0.25
"""A device that was registered just now may not stand in the database yet: it is looked for again."""


class Handler(preferences.Handler):
    """What the handlers have in common: how a change is written, how a device is shown."""

    def __init__(self, ports: EdgePorts) -> None:
        super().__init__(ports)
        self.cipher = ports.cipher

    def shown(self, device: StoredDevice) -> DeviceShown:
        """The device as its user may see it; without its token's end if nobody can open that any more."""
        try:
            token = self.cipher.open(device.token).decode()
        except UnopenedError:
            token = ""
        return DeviceShown(
            id=device.device_id,
            user_id=device.user_id,
            platform=device.platform,  # type: ignore[arg-type] # as it was taken
            is_active=device.is_active,
            token_end=shown_of(token),
            last_used_at=rfc3339(device.used_at),
            created_at=rfc3339(device.created_at),
            updated_at=rfc3339(device.changed_at),
        )


class Register(Handler):
    """`POST /devices`: upsert (NS-API-OP-13). Clients do it on every launch."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer 201; 200 when the device was known. It is taken while the database is away, too."""
        body = await body_of(request, DeviceBody)
        user_id = body.user_id.lower()
        if not caller.acts_for(user_id):
            raise ProblemError(Code.FORBIDDEN)
        token = body.token.encode()
        device_id = device_named(user_id, body.platform, self.cipher.digest(token))
        sealed = self.cipher.seal(token)
        known = await self._known(device_id)
        data = {"platform": body.platform, "sealed": b64encode(sealed).decode()}
        now = await self.publish(user_id, ("user.device_registered", data), trace)
        born = known.created_at if known else now
        device = StoredDevice(device_id, user_id, body.platform, sealed, True, now, born, now)  # noqa: FBT003
        raw = msgspec.json.encode(self.shown(device))
        return json_response(raw, trace.request_id, 200 if known else 201)

    async def _known(self, device_id: str) -> StoredDevice | None:
        try:
            return await self.ports.devices.find(device_id)
        except DevicesAwayError:
            return None


class Switch(Handler):
    """`PUT /devices/{id}`: on or off (NS-API-052)."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer the device as it is from now on."""
        device_id = uuid_in(request, "id")
        body = await body_of(request, SwitchBody)
        device = await self._found(device_id)
        if not caller.acts_for(device.user_id):
            raise ProblemError(Code.FORBIDDEN)
        data = {"device_id": device_id, "is_active": body.is_active}
        now = await self.publish(device.user_id, ("user.device_switched", data), trace)
        changed = replace(device, is_active=body.is_active, changed_at=now)
        return json_response(msgspec.json.encode(self.shown(changed)), trace.request_id)

    async def _found(self, device_id: str) -> StoredDevice:
        try:
            for _ in range(LOOKS):
                if found := await self.ports.devices.find(device_id):
                    return found
                await asyncio.sleep(LOOK_S)
        except DevicesAwayError as error:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from error
        raise ProblemError(Code.NOT_FOUND)


class List(Handler):
    """`GET /devices/user/{user_id}` (NS-API-054)."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer all devices of the user, on or off."""
        try:
            found = await self.ports.devices.of(user_in(request))
        except DevicesAwayError as error:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from error
        return json_response(msgspec.json.encode([self.shown(one) for one in found]), trace.request_id)
