"""Starts a pipeline of its own, lets the demo run on it, and leaves nothing running."""

from __future__ import annotations

import asyncio
from hashlib import blake2b, sha256
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from connectors.embedded.key import kept_key
from streams.demo.show import Running, demo
from streams.lag import Lag
from streams.outside import engine_config
from streams.running import Addresses, on_free_ports, pipeline
from streams.settings import Settings, SettingsError
from streams.stages import chosen, input_topics
from streams.why import explain, told


def run_demo(settings: Settings, examples: Path) -> int:
    """The whole demo; 0 if the books balance. `SettingsError`: brokers that ask who comes.

    The books are kept by a script that knows nothing of ours, so nobody's password either.
    """
    if settings.kafka.security():
        raise SettingsError("The demo needs brokers without SASL and TLS, such as the embedded ones.")
    return asyncio.run(_demo(settings, examples.absolute(), Console(highlight=False)))


async def _demo(settings: Settings, examples: Path, console: Console) -> int:
    settings, key = _with_key(_unlimited(on_free_ports(settings)))
    async with pipeline(settings, console.print, examples) as running:
        lag = Lag(running.settings.kafka.brokers())
        await lag.start()
        try:
            return await demo(_running(running.settings, running.at, examples, lag, key), console)
        finally:
            await lag.stop()


def _unlimited(settings: Settings) -> Settings:
    """A day of the sample users passes within seconds: what is sent in a minute says nothing."""
    recipients = settings.recipients.model_copy(update={"are_limited": False})
    return settings.model_copy(update={"recipients": recipients})


def _with_key(settings: Settings) -> tuple[Settings, str]:
    """The settings with one key more, of a CRM and an app, and that key."""
    secret = blake2b(kept_key(settings.data_dir).encode(), digest_size=16, person=b"demo").hexdigest()
    key = f"ck_live_{secret}"
    entry = f"demo:{sha256(key.encode()).hexdigest()}:audience+campaigns"
    keys = SecretStr(f"{settings.http.api_keys.get_secret_value()}\n{entry}")
    return settings.model_copy(update={"http": settings.http.model_copy(update={"api_keys": keys})}), key


def _running(settings: Settings, at: Addresses, examples: Path, lag: Lag, key: str) -> Running:
    config = engine_config(settings)
    secret = settings.http.gateway_secret
    assert secret is not None
    assert at.fake_url is not None
    assert at.ledger is not None

    async def settled() -> None:
        for stage in chosen(("intake", "recipient")):
            await lag.wait(config.group(stage), input_topics(stage))

    async def why(request_id: str) -> str:
        return told(await explain(settings, request_id))

    return Running(
        bootstrap=at.bootstrap,
        dsn=at.dsn,
        http_url=at.http,
        gateway_secret=secret.get_secret_value(),
        api_key=key,
        fake_url=at.fake_url,
        ledger=at.ledger,
        examples=examples,
        scratch=settings.data_dir / "run",
        settled=settled,
        why=why,
    )
