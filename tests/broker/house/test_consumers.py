"""Facts on their way to consumers' APIs when the worker is killed; and what a person sends again."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import structlog
import yaml
from typer.testing import CliRunner

from streams.cli.app import app
from tests.broker.house.book import user
from tests.broker.house.house import PATIENCE_S, House

LIVE, DEAD = "live", "dead"
FACTS = 60
Wait = Callable[[Any], Any]
Run = Callable[..., str]


@pytest.fixture
def wait() -> Iterator[Wait]:
    """Runs something of the house to its end, for tests whose commands have loops of their own."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner.run


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The output of a command as a person would give it who has set the variables."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def invoke(*words: str) -> str:
        result = CliRunner().invoke(app, words)
        assert 0 == result.exit_code, result.output
        return result.output

    yield invoke
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def configure(run: Run, wait: Wait, house: House, tmp_path: Path) -> Callable[..., str]:
    """Applies one tag with these consumers, all of them fake, and waits until the worker has read it."""

    def applied(tag: str, *names: str, **more: Any) -> str:
        apis = [{"kind": "api", "name": name, "url": f"{house.fake_url}/consumers/{name}"} for name in names]
        entry = {"tag": tag, "destinations": [f"seen.{tag}", *(api | more for api in apis)]}
        (tmp_path / "seen.yaml").write_text(yaml.safe_dump([entry]))
        told = run("apply", "-f", str(tmp_path))
        wait(heard_of(house, tag))
        return told

    return applied


def calls_of(house: House, tag: str, name: str) -> list[dict[str, Any]]:
    found = [row for row in house.ledger if (row["channel"], row["account"]) == ("seen", name)]
    return [row for row in found if row["recipient"].startswith(f"{tag}/")]


def taken(house: House, tag: str, name: str) -> Counter[str]:
    """How often each fact was taken, repeats that the consumer recognised included."""
    calls = calls_of(house, tag, name)
    return Counter(row["idempotency_key"] for row in calls if row["taken"] or row["repeat"])


async def until(house: House, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            house.worker.check_alive()
            await asyncio.sleep(0.05)


async def metrics(house: House) -> list[str]:
    url = f"http://127.0.0.1:{house.worker.settings['http']['ops_port']}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return (await answer.text()).splitlines()


async def heard_of(house: House, tag: str) -> None:
    """A fact of a tag that the worker has not read yet is one of an unknown tag."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(f'tag="{tag}"' in line for line in await metrics(house)):
            await asyncio.sleep(0.05)


async def hidden_calls(house: House, tag: str, name: str) -> float:
    wanted = f'carillon_seen_deliveries_total{{destination="{name}",result="hidden",tag="{tag}"}}'
    return sum(float(line.split()[-1]) for line in await metrics(house) if line.startswith(wanted))


async def struck(house: House, tag: str) -> None:
    """Post all facts, and kill the worker while calls of both consumers are out."""
    await house.script(fault="refuse", channel="seen", account=DEAD, times=24)
    await house.script(fault="take_and_hang", channel="seen", account=LIVE, times=8)
    posts = (house.post_seen(user(f"{tag}-{number}"), f"fact-{number}", tag) for number in range(FACTS))
    assert {200} == set(await asyncio.gather(*posts))
    await until(house, lambda: len(calls_of(house, tag, LIVE)) >= 10 and bool(calls_of(house, tag, DEAD)))
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    await house.worker.until_ready()
    await until(house, lambda: {FACTS} == {len(taken(house, tag, name)) for name in (LIVE, DEAD)})


@pytest.mark.spec("SEEN-088")
def test_a_kill_loses_no_fact_and_repeats_only_calls_that_it_hid(
    house: House, configure: Callable[..., str], wait: Wait
) -> None:
    tag = "struck"
    assert f"tag:{tag}" in configure(tag, LIVE, DEAD)
    wait(struck(house, tag))
    hidden = {name: wait(hidden_calls(house, tag, name)) for name in (LIVE, DEAD)}
    again = {name: taken(house, tag, name).total() - FACTS for name in (LIVE, DEAD)}
    print(f"hidden {hidden}, taken again {again}, calls {len(house.ledger)}")
    assert hidden[LIVE]
    assert all(again[name] <= hidden[name] for name in (LIVE, DEAD))
    facts = wait(house.topics(f"seen.{tag}"))
    assert FACTS == sum(map(len, facts.values()))


def lines(output: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in output.splitlines()]


def test_a_fact_that_was_refused_is_listed_and_sent_again_to_that_consumer_alone(
    house: House, configure: Callable[..., str], run: Run, wait: Wait
) -> None:
    tag = "refused"
    configure(tag, "strict", "lenient")
    wait(house.script(fault="refuse", word="rejected", channel="seen", account="strict", times=1))
    assert 200 == wait(house.post_seen(user("refused"), "fact", tag))

    def failed() -> list[dict[str, Any]]:
        return [line for line in lines(run("seen", "list", "--json")) if line["tag"] == tag]

    wait(until(house, lambda: bool(calls_of(house, tag, "lenient")) and bool(calls_of(house, tag, "strict"))))
    for _ in range(100):
        if failed():
            break
    expected = {"tag": tag, "destination": "strict", "reason": "refused", "count": 1}
    assert [expected] == failed()
    assert "1 sent again\n" == run("seen", "redrive", "--tag", tag)
    wait(until(house, lambda: bool(taken(house, tag, "strict"))))
    told = "0 sent again; 1 were before, --again sends them once more\n"
    assert told == run("seen", "redrive", "--tag", tag)
    wait(house.read_by("seen"))
    assert [1, 1] == [taken(house, tag, name).total() for name in ("strict", "lenient")]
    assert "1 sent again\n" == run("seen", "redrive", "--tag", tag, "--again")
    wait(until(house, lambda: taken(house, tag, "strict").total() == 2))
    assert 1 == len({row["idempotency_key"] for row in calls_of(house, tag, "strict")})


@pytest.mark.spec("SEEN-OP-02 SEEN-OP-08")
def test_a_fact_of_an_unknown_tag_is_delivered_once_its_tag_is_configured(
    house: House, configure: Callable[..., str], run: Run, wait: Wait
) -> None:
    tag = "newcomer"
    assert 200 == wait(house.post_seen(user("newcomer"), "fact", tag))
    wait(house.read_by("seen"))
    unknown = {"tag": tag, "destination": None, "reason": "unknown tag", "count": 1}
    assert unknown in lines(run("seen", "list", "--json"))
    configure(tag, "late-comer")
    for again in ([], ["--again"]):
        assert "1 sent again\n" == run("seen", "redrive", "--unknown", "--tag", tag, *again)
    wait(until(house, lambda: bool(taken(house, tag, "late-comer"))))
    wait(house.read_by("seen"))
    assert 1 == len(calls_of(house, tag, "late-comer"))
