"""The devices API: who may do what, what is written before it is answered, and that no token is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from agents.note import note
from connectors.access.key_book import KeyBook
from connectors.http import devices
from connectors.http.authority import Authority
from connectors.http.ports import BrokerUnavailableError
from schemas.device_words import Platform
from schemas.ids import device_named, subject_key
from schemas.inputs import decoder_of
from schemas.records import DeviceChanged
from schemas.times import rfc3339
from schemas.topics import PREFERENCE_CHANGES
from tests.devices import DEVICE, STORED, TOKEN, USER, MemoryDevices
from tests.fakes import MemoryReference, PlainCipher
from tests.messages import T0
from tests.unit.connectors.http.edge import NOW, edge, entry
from tests.unit.connectors.http.issuer import Desk as Issuer
from tests.unit.connectors.http.issuer import token

OTHER = "9f8fad5b-d9cb-469f-a165-70867728950e"
PATH = "/api/v1/notifications/devices"
KEY = {"Authorization": "Bearer ck_live_phone"}
BODY = {"user_id": USER, "platform": "ios", "token": TOKEN}
MINE = device_named(USER, "ios", f"hash of {TOKEN}")


def person(user_id: str, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(sub=user_id, roles=list(roles) or ['user'])}"}


class Desk:
    """The API with a broker and devices in memory."""

    def __init__(self) -> None:
        self.written: list[tuple[str, bytes, bytes]] = []
        self.devices = MemoryDevices()
        self.is_away = False
        self.client: Any

    async def produce(self, topic: str, key: bytes, value: bytes, _headers: Mapping[str, bytes]) -> None:
        if self.is_away:
            raise BrokerUnavailableError
        self.written.append((topic, key, value))

    async def ask(
        self, method: str, path: str = "", body: Any = None, who: Mapping[str, str] = KEY
    ) -> tuple[int, Any]:
        given = {"json": body} if body is not None else {}
        async with self.client.request(method, PATH + path, headers=who, **given) as response:
            return response.status, json.loads(await response.read())

    @property
    def changes(self) -> list[DeviceChanged]:
        """What the intake makes of what was written."""
        assert {PREFERENCE_CHANGES} >= {topic for topic, _, _ in self.written}
        events = map(decoder_of(PREFERENCE_CHANGES), (value for _, _, value in self.written))
        found = [fact for one in events for fact in note(one, NOW, MemoryReference(), PlainCipher())]
        return [fact for fact in found if isinstance(fact, DeviceChanged)]


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(devices, "LOOK_S", 0)
    made = Desk()
    keys = KeyBook([entry("ck_live_phone", "devices"), entry("ck_live_other", "send")])
    authority = Authority(keys, [], Issuer().tokens(), None, lambda: NOW)
    changes = {"produce": made.produce, "devices": made.devices, "cipher": PlainCipher()}
    async with edge(authenticate=authority.authenticate, **changes) as one:
        made.client = one.client
        yield made


@pytest.mark.spec("NS-API-050 NS-API-051 NS-DATA-OP-08 NS-CH-061")
async def test_a_new_device_is_written_sealed_before_it_is_answered(desk: Desk) -> None:
    status, found = await desk.ask("POST", body={**BODY, "user_id": USER.upper()})
    assert (201, MINE, True, rfc3339(NOW)) == (status, found["id"], found["is_active"], found["created_at"])
    (change,) = desk.changes
    assert (USER, MINE, "registered", NOW) == (
        change.user_id,
        change.device_id,
        change.action,
        change.changed_at,
    )
    assert (b"sealed:" + TOKEN.encode(), f"hash of {TOKEN}") == (change.token, change.token_hash)
    assert [subject_key(USER)] == [key for _, key, _ in desk.written]


@pytest.mark.spec("NS-DATA-OP-09")
@pytest.mark.parametrize("platform", list(Platform))
async def test_a_device_is_of_any_platform(desk: Desk, platform: str) -> None:
    status, found = await desk.ask("POST", body={**BODY, "platform": platform})
    assert (201, platform) == (status, found["platform"])


async def test_a_token_enters_no_topic_in_clear(desk: Desk) -> None:
    """NS-SEC-OP-01. Mutation: the event has the token; a real cipher leaves no trace of it."""
    await desk.ask("POST", body=BODY)
    ((_, _, value),) = desk.written
    assert TOKEN.encode() not in value


@pytest.mark.spec("NS-API-OP-13")
async def test_a_known_device_is_answered_200_with_its_birth_and_on(desk: Desk) -> None:
    """NS-API-OP-13."""
    desk.devices.stored = [replace(STORED, device_id=MINE, is_active=False)]
    status, found = await desk.ask("POST", body=BODY)
    assert (200, rfc3339(T0), rfc3339(NOW), True) == (
        status,
        found["created_at"],
        found["last_used_at"],
        found["is_active"],
    )


@pytest.mark.spec("NS-API-054 NS-API-OP-14")
async def test_no_answer_tells_a_token(desk: Desk) -> None:
    """NS-API-OP-14. Mutation: the token itself is answered."""
    told = [
        await desk.ask("POST", body=BODY),
        await desk.ask("PUT", f"/{DEVICE}", {"is_active": True}),
        await desk.ask("GET", f"/user/{USER}"),
    ]
    assert [201, 200, 200] == [status for status, _ in told]
    assert TOKEN not in json.dumps(told)
    assert TOKEN[-6:] == told[0][1]["token_end"] == told[2][1][0]["token_end"]
    assert "" == (await desk.ask("POST", body={**BODY, "token": "short-one"}))[1]["token_end"]


async def test_a_token_of_a_withdrawn_key_shows_no_end(desk: Desk) -> None:
    """Mutation: it is opened all the same: 500, and no device of the user can be seen."""
    desk.devices.stored = [replace(STORED, token=b"withdrawn:k1")]
    status, (found,) = await desk.ask("GET", f"/user/{USER}")
    assert (200, DEVICE, "") == (status, found["id"], found["token_end"])


@pytest.mark.spec("NS-API-052 NS-API-053")
async def test_a_device_is_switched_off(desk: Desk) -> None:
    status, found = await desk.ask("PUT", f"/{DEVICE}", {"is_active": False})
    assert (200, DEVICE, False) == (status, found["id"], found["is_active"])
    (change,) = desk.changes
    assert (USER, DEVICE, "switched", NOW, False) == (
        change.user_id,
        change.device_id,
        change.action,
        change.changed_at,
        change.is_active,
    )


async def test_a_device_of_a_moment_ago_is_found_though_the_database_is_behind(desk: Desk) -> None:
    """Mutation: one look."""
    desk.devices.hidden = 3
    assert 200 == (await desk.ask("PUT", f"/{DEVICE}", {"is_active": False}))[0]


@pytest.mark.spec("NS-API-053")
async def test_an_unknown_device_is_404(desk: Desk) -> None:
    status, found = await desk.ask("PUT", f"/{OTHER}", {"is_active": False})
    assert (404, "not_found", []) == (status, found["code"], desk.written)


@pytest.mark.spec("NS-API-008")
async def test_a_user_reaches_only_his_own(desk: Desk) -> None:
    """NS-API-OP-02. Mutation: no `acts_for` in a handler."""
    mine, others = person(USER), person(OTHER)
    assert 201 == (await desk.ask("POST", body=BODY, who=mine))[0]
    assert 200 == (await desk.ask("PUT", f"/{DEVICE}", {"is_active": True}, mine))[0]
    assert 200 == (await desk.ask("GET", f"/user/{USER}", who=mine))[0]
    written = len(desk.written)
    assert 403 == (await desk.ask("POST", body=BODY, who=others))[0]
    assert 403 == (await desk.ask("PUT", f"/{DEVICE}", {"is_active": False}, others))[0]
    assert 403 == (await desk.ask("GET", f"/user/{USER}", who=others))[0]
    assert written == len(desk.written)


@pytest.mark.spec("NS-API-008")
@pytest.mark.parametrize("who", [{}, {"Authorization": "Bearer ck_live_other"}, person(USER, "marketer")])
async def test_others_reach_none(desk: Desk, who: dict[str, str]) -> None:
    """NS-API-008."""
    asked = [("POST", "", BODY), ("PUT", f"/{DEVICE}", {"is_active": True}), ("GET", f"/user/{USER}", None)]
    found = {(await desk.ask(method, path, body, who))[0] for method, path, body in asked}
    assert found <= {401, 403}
    assert [] == desk.written


@pytest.mark.parametrize(
    "changed",
    [
        {"platform": "fridge"},
        {"token": ""},
        {"token": "with blank"},
        {"token": f"{TOKEN}\n"},
        {"user_id": f"{USER}\n"},
        {"token": "t" * 4097},
        {"user_id": "me"},
        {"more": 1},
        {"token": None},
    ],
)
async def test_what_is_no_device_is_refused(desk: Desk, changed: dict[str, Any]) -> None:
    status, found = await desk.ask("POST", body={**BODY, **changed})
    assert (400, "invalid_field", []) == (status, found["code"], desk.written)


async def test_what_is_no_id_is_refused(desk: Desk) -> None:
    assert 400 == (await desk.ask("PUT", "/none", {"is_active": True}))[0]
    assert 400 == (await desk.ask("GET", "/user/none"))[0]


async def test_without_the_broker_nothing_is_promised(desk: Desk) -> None:
    desk.is_away = True
    for method, path, body in (("POST", "", BODY), ("PUT", f"/{DEVICE}", {"is_active": True})):
        status, found = await desk.ask(method, path, body)
        assert (503, "broker_unavailable") == (status, found["code"])


async def test_without_the_database_a_launch_is_still_taken(desk: Desk) -> None:
    desk.devices.is_away = True
    assert 201 == (await desk.ask("POST", body=BODY))[0]
    assert 1 == len(desk.changes)
    assert 503 == (await desk.ask("PUT", f"/{DEVICE}", {"is_active": True}))[0]
    assert 503 == (await desk.ask("GET", f"/user/{USER}"))[0]
