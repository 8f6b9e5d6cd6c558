"""Starts a pipeline of its own, lets the demo run on it, and leaves nothing running."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from streams.demo.show import Running, demo
from streams.lag import Lag
from streams.outside import engine_config
from streams.running import Addresses, on_free_ports, pipeline
from streams.settings import Settings
from streams.topology import input_topics
from streams.why import explain, told


def run_demo(settings: Settings, examples: Path) -> int:
    """The whole demo; 0 if the books balance."""
    return asyncio.run(_demo(settings, examples.absolute(), Console(highlight=False)))


async def _demo(settings: Settings, examples: Path, console: Console) -> int:
    async with pipeline(_unlimited(on_free_ports(settings)), console.print, examples) as (running, at):
        lag = Lag(at.bootstrap)
        await lag.start()
        try:
            return await demo(_running(running, at, examples, lag), console)
        finally:
            await lag.stop()


def _unlimited(settings: Settings) -> Settings:
    """A day of the sample users passes within seconds: what is sent in a minute says nothing."""
    recipients = settings.recipients.model_copy(update={"are_limited": False})
    return settings.model_copy(update={"recipients": recipients})


def _running(settings: Settings, at: Addresses, examples: Path, lag: Lag) -> Running:
    config = engine_config(settings)
    secret = settings.http.gateway_secret
    assert secret is not None
    assert at.fake_url is not None
    assert at.ledger is not None

    async def settled() -> None:
        for stage in ("intake", "recipient"):
            await lag.wait(config.group(stage), input_topics(stage))

    async def why(request_id: str) -> str:
        return told(await explain(settings, request_id))

    return Running(
        bootstrap=at.bootstrap,
        dsn=at.dsn,
        http_url=at.http,
        gateway_secret=secret.get_secret_value(),
        fake_url=at.fake_url,
        ledger=at.ledger,
        examples=examples,
        scratch=settings.data_dir / "run",
        settled=settled,
        why=why,
    )
