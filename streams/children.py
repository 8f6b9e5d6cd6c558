"""The processes beneath `carillon up` and the demo: fake provider, worker, HTTP; each ends with this one."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from pydantic import SecretStr

from connectors.embedded.key import kept_key
from connectors.embedded.process import Command, GuardedProcess
from streams.keeping import Say, first_of, keep
from streams.settings import Settings, given_variables

FAKE = "fake"


class Children:
    """Guarded processes of this program, each with its settings in a file that only we may read."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder.absolute()
        self._stack = stack
        self._running: dict[str, GuardedProcess] = {}
        self._argv: dict[str, tuple[str, ...]] = {}

    async def start(self, name: str, settings: Settings, *words: str) -> None:
        """Run `carillon <words>` with these settings."""
        path = self._folder / f"{name}.yaml"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(_plain(settings)))
        forget = [word for name in given_variables() for word in ("-u", name)]
        argv = (
            "/usr/bin/env",
            *forget,
            f"CARILLON_CONFIG={path}",
            sys.executable,
            "-m",
            "streams.cli",
            *words,
        )
        self._guard(name, argv)

    async def keep(self, say: Say) -> str:
        """Start again what ends, until cancelled; the fake provider apart, whose ports would be others."""
        ours = self._argv.keys() - {FAKE}
        return await first_of(
            *(keep(name, partial(self.ended, name), partial(self._again, name), say) for name in ours)
        )

    async def ended(self, name: str) -> int:
        """Wait until the process of that name ends; its exit code."""
        return await self._running[name].ended()

    async def start_fake(self) -> dict[str, Any]:
        """The fake provider; its addresses come as the first line of its output."""
        ledger = self._folder / "ledger.jsonl"
        log = self._folder / "fake.log"
        log.unlink(missing_ok=True)
        self._guard(FAKE, (sys.executable, "-m", "connectors.fake", "--ledger", str(ledger)))
        ready: dict[str, Any] = {}

        async def told() -> bool:
            line = log.read_bytes().partition(b"\n")[0] if log.exists() else b""
            if line.startswith(b"{") and line.endswith(b"}"):
                ready.update(orjson.loads(line))
            return bool(ready)

        await self._running[FAKE].wait_ready(told)
        return ready

    def _guard(self, name: str, argv: tuple[str, ...]) -> None:
        self._argv[name] = argv
        self._again(name)
        self._stack.push_async_callback(self._stop, name)

    def _again(self, name: str) -> None:
        with (self._folder / f"{name}.lock").open("w") as lock:
            command = Command(self._argv[name], self._folder / f"{name}.log", grace_s=30.0)
            self._running[name] = GuardedProcess(name, command, lock.fileno())

    async def _stop(self, name: str) -> None:
        await self._running[name].stop()

    async def wait_ready(self, name: str, url: str) -> None:
        """Until the process says it is ready."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:

            async def ready() -> bool:
                try:
                    async with session.get(url) as answer:
                        return answer.status == 200  # noqa: PLR2004 - OK
                except (aiohttp.ClientError, TimeoutError):
                    return False

            await self._running[name].wait_ready(ready)

    def pid(self, name: str) -> int:
        """Process id, for tests and measurements."""
        return self._running[name].pid


def _plain(settings: Settings) -> dict[str, Any]:
    """Settings as a file may hold them: secrets in clear, what is not set left out."""

    def clear(value: Any) -> Any:
        match value:
            case SecretStr():
                return value.get_secret_value()
            case Path():
                return str(value.absolute())
            case dict():
                return {name: clear(inner) for name, inner in value.items() if inner is not None}
            case _:
                return value

    plain: dict[str, Any] = clear(settings.model_dump())
    plain.setdefault("crypto", {}).setdefault("keys", kept_key(settings.data_dir))
    return plain
