"""The demo's course: feed in phases, show progress, wait for the end, check the books, tell what came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import aiohttp
import asyncpg
import orjson
import yaml

from connectors.kafka_clients import open_brokers
from streams.demo import campaigns
from streams.demo import lines as ndjson
from streams.demo import report as reports
from streams.demo.books import Books
from streams.demo.campaigns import Scene
from streams.demo.feeder import Feeder, feeder
from streams.demo.progress import Display, Goal, Standing, display

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from rich.console import Console

    from streams.demo.campaigns import Row
    from streams.demo.lines import Line
    from streams.demo.report import Report

POLL_S = 0.25
BOOKS_TRIES = 5
OK = 200


@dataclass(frozen=True, slots=True)
class Running:
    """A running pipeline, as its starter describes it.

    `settled` returns once all that was fed has passed the intake and the recipient stage knows all facts.
    `why` gives the trace of a request id as text. `patience_s`: after this the demo gives up waiting.
    """

    bootstrap: str
    dsn: str
    http_url: str
    gateway_secret: str
    api_key: str
    fake_url: str
    ledger: Path
    examples: Path
    scratch: Path
    settled: Callable[[], Awaitable[None]]
    why: Callable[[str], Awaitable[str]]
    patience_s: float = 120.0


async def demo(running: Running, console: Console) -> int:
    """Run the demo against a running pipeline; 0 if the books balance and campaigns are right, else 1."""
    books = Books(running.examples, running.scratch)
    with (running.examples / "requests.ndjson").open("rb") as file:
        lines = ndjson.parse(file)
    goal = await books.goal()
    await _misbehave(running)
    with display(console, len(lines), goal) as shown:
        await _course(running, lines, goal, shown)
    report, said = await _balance(running, books)
    rows = await _campaigns(running)
    await _tell(running, console, report, rows)
    if not report.balanced:
        console.print(said, style="red", markup=False, highlight=False, soft_wrap=True)
    verdict = (
        "The books balance: nothing lost, nothing repeated."
        if report.balanced
        else "The books do NOT balance."
    )
    console.print(verdict, style="bold green" if report.balanced else "bold red")
    is_right = all(row.is_right for row in rows)
    if not is_right:
        console.print("A campaign is NOT shown as it must be.", style="bold red")
    return 0 if report.balanced and is_right else 1


async def _campaigns(running: Running) -> list[Row]:
    """After the books, which know the facts of the file only."""
    async with aiohttp.ClientSession(running.http_url) as session:
        return await Scene(session, running.api_key, running.gateway_secret).played()


async def _misbehave(running: Running) -> None:
    """Tell the fake providers what to do wrong (`examples/faults.yaml`)."""
    faults = yaml.safe_load((running.examples / "faults.yaml").read_text("utf-8"))
    async with aiohttp.ClientSession(running.fake_url, raise_for_status=True) as session:
        for fault in faults:
            async with session.post("/script", data=orjson.dumps(fault)):
                pass


async def _course(running: Running, lines: list[Line], goal: Goal, shown: Display) -> None:
    """Feed, watching; return when all has ended or patience has."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    connection = await asyncpg.connect(running.dsn)
    try:
        async with feeder(
            open_brokers(running.bootstrap), running.http_url, running.gateway_secret
        ) as feeding:
            task = asyncio.create_task(_feed(running, lines, feeding))
            try:
                standing = Standing()
                while not standing.is_done(goal) and loop.time() - began < running.patience_s:
                    standing = await _standing(connection, feeding)
                    shown.show(standing, loop.time() - began)
                    await _pause(task)
            finally:
                task.cancel()
    finally:
        await connection.close()


async def _pause(task: asyncio.Task[None]) -> None:
    """Wait a moment; a failure of the feeding ends the demo."""
    await asyncio.sleep(POLL_S)
    if task.done():
        task.result()


async def _feed(running: Running, lines: list[Line], feeding: Feeder) -> None:
    for phase in sorted({line.phase for line in lines}):
        await feeding.feed(line for line in lines if line.phase == phase)
        await running.settled()


async def _standing(connection: asyncpg.Connection, feeding: Feeder) -> Standing:
    row = await connection.fetchrow(files("streams.demo").joinpath("figures.sql").read_text("utf-8"))
    return Standing(feeding.fed, *(row or ()))


async def _balance(running: Running, books: Books) -> tuple[Report, str]:
    """The books; again while something is still on its way (statistics follow the rows)."""
    tries = 1
    while True:
        report, said = await books.balance(running.bootstrap, running.dsn, running.ledger)
        if report.balanced or tries == BOOKS_TRIES:
            return report, said
        tries += 1
        await asyncio.sleep(1)


async def _tell(running: Running, console: Console, report: Report, rows: list[Row]) -> None:
    for table in (*reports.tables(report), campaigns.table(rows)):
        console.print(table)
        console.print()
    if report.samples.mail:
        console.rule("A mail as it arrived", align="left")
        console.print(
            await _mail(running.fake_url, report.samples.mail), markup=False, highlight=False, soft_wrap=True
        )
    if report.samples.why:
        console.rule(f"carillon why {report.samples.why}", align="left")
        console.print(await running.why(report.samples.why), markup=False, highlight=False, soft_wrap=True)
    console.rule("Where the numbers lie", align="left")
    console.print(reports.WHERE, markup=False, highlight=False, soft_wrap=True)


async def _mail(fake_url: str, message_id: str) -> str:
    async with (
        aiohttp.ClientSession(fake_url) as session,
        session.get("/mails/last", params={"message_id": message_id}) as answer,
    ):
        raw = await answer.read()
        return reports.mail_text(raw) if answer.status == OK else "(the server kept no copy)"
