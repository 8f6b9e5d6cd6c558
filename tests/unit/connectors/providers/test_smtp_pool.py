"""Connections that are kept: never one that was cut short in the midst of a mail, and none is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connectors.providers.smtp_pool import SmtpPool
from schemas.words import Verdict
from tests.unit.connectors.providers.smtp_desk import CONTENT, conversation

if TYPE_CHECKING:
    from connectors.providers.smtp_line import Line

PIPELINING = "250-test\r\n250 PIPELINING"


@pytest.mark.spec("NS-SND-OP-14")
async def test_a_connection_whose_call_was_cut_short_is_never_used_again() -> None:
    """The next mail would hear replies to this one. Mutation tried: kept as if all were well: fails."""
    async with conversation({"EHLO": PIPELINING, "DATA": "silence"}) as (script, carrier):
        cut = asyncio.create_task(carrier.send("a@example.com", CONTENT, "m-1:0"))
        while "DATA" not in script.said:
            await asyncio.sleep(0.001)
        cut.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut
        script.replies["DATA"] = "354 go ahead"
        after = await carrier.send("b@example.com", CONTENT, "m-2:0")
    assert (Verdict.ACCEPTED, 2) == (after.verdict, script.greetings)


async def test_a_connection_that_cannot_be_made_leaves_its_place() -> None:
    """Mutation tried: not: fails, there is none for the next one."""

    def broken() -> Line:
        raise OSError("no")

    pool = SmtpPool(broken, connections=1, idle_s=1.0, wait_s=0.05)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            async with pool.lease():
                pass
