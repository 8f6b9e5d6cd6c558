"""Work with templates in threads: few at a time, also when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from threading import Event

from connectors.templates.apart import AT_ONCE, apart


async def test_work_keeps_its_place_when_its_asker_leaves() -> None:
    ends = [Event() for _ in range(AT_ONCE)]
    busy: set[int] = set()

    def work(number: int) -> None:
        busy.add(number)
        ends[number].wait()
        busy.discard(number)

    asking = [asyncio.create_task(apart(work, number)) for number in range(AT_ONCE)]
    while len(busy) < AT_ONCE:
        await asyncio.sleep(0)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    late = asyncio.create_task(apart(busy.copy))
    await asyncio.sleep(0.05)
    ends[0].set()
    found = await late
    for end in ends:
        end.set()
    assert {1} == found


async def test_who_leaves_before_his_turn_is_not_worked_for() -> None:
    end, done = Event(), list[str]()
    asking = [asyncio.create_task(apart(end.wait)) for _ in range(AT_ONCE)]
    late = asyncio.create_task(apart(done.append, "late"))
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    end.set()
    await asyncio.gather(*asking)
    await apart(done.append, "next")
    assert ["next"] == done
