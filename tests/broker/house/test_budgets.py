"""A campaign's budget over the whole pipeline: it pays for so many, and a kill forgets nothing of it."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from streams.applying import apply_directory
from streams.settings import Settings
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

CAMPAIGN = "thrift"
PAID_FOR, BEYOND = 4, 3
NAMES = [f"thrift-{number}" for number in range(PAID_FOR + 2 * BEYOND)]
PHONES = {name: phone(9_500 + number) for number, name in enumerate(NAMES)}
PRICE = Decimal("2.5")
"""Of a text at `sms-main` (examples/providers.yaml)."""
ROWS = """
select m.status, m.status_reason as reason, m.cost from notification_messages m
where m.campaign_label = 'thrift' and m.status <> 'pending'
"""


def asked(name: str) -> Sent:
    value: dict[str, Any] = {
        "user_id": user(name),
        "notification_type": "hidden_hold",
        "data": {"Text": name},
        "idempotency_key": name,
        "campaign_label": CAMPAIGN,
    }
    return Sent("notification.send.request", value, user(name))


async def played(house: House) -> list[Any]:
    folder = house.folder / "thrift"
    folder.mkdir()
    limit = f"- {{of: campaign/{CAMPAIGN}, in_all: {PRICE * PAID_FOR}}}"
    (folder / "budgets.yaml").write_text(limit, encoding="utf-8")
    await apply_directory(Settings(data_dir=house.folder / "here", **house.settings), folder)
    await house.send(*(Sent("user.events", known(who, phone=PHONES[who]), user(who)) for who in NAMES))
    await house.read_by("intake", "recipient")
    for name in NAMES[:PAID_FOR]:
        await house.send(asked(name))
    await house.rows(ROWS, [], PAID_FOR)
    await house.send(*(asked(name) for name in NAMES[PAID_FOR : PAID_FOR + BEYOND]))
    await house.rows(ROWS, [], PAID_FOR + BEYOND)
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    await house.worker.until_ready()
    await house.send(*(asked(name) for name in NAMES[PAID_FOR + BEYOND :]))
    return await house.rows(ROWS, [], len(NAMES))


@pytest.mark.spec("NS-OPS-116 NS-OPS-OP-12 NS-DATA-OP-14")
def test_a_campaign_sends_what_its_budget_pays_for_and_nothing_more_after_a_kill(house: House) -> None:
    """Mutation tried: no sum is heard: fails."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        rows = runner.run(played(house))
    found = Counter((row["status"], row["reason"], row["cost"]) for row in rows)
    assert {("sent", None, PRICE): PAID_FOR, ("skipped", "budget_spent", None): 2 * BEYOND} == found
    numbers = set(PHONES.values())
    assert PAID_FOR == len([row for row in house.ledger if row["recipient"] in numbers])
