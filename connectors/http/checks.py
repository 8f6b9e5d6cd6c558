"""Named checks of what this process needs, run side by side, each with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Ask = Callable[[], Awaitable[str | None]]
"""None when all is well, else a sentence; raising is failing."""
Asks = Mapping[str, Ask]


async def answers(asks: Asks, timeout_ms: int) -> dict[str, str | None]:
    """What each check found wrong, by its name; None: nothing."""
    found = await asyncio.gather(*(_answer(ask, timeout_ms / 1000) for ask in asks.values()))
    return dict(zip(asks, found, strict=True))


async def _answer(ask: Ask, timeout_s: float) -> str | None:
    try:
        async with asyncio.timeout(timeout_s):
            return await ask()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - a check that raises has failed
        return type(error).__name__
