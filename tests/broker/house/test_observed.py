"""What an operator sees: health, metrics and logs, each with ids, none with what belongs to a user alone."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from streams.docs import metrics_page
from streams.stages import stage_names
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

NAME, MAIL, CODE, TOKEN = "observed", "observed@example.com", "Zq-915273-xK", "device-token-of-the-observed"
DONE = "select message_uuid::text from notification_messages where idempotency_key like 'observed-%'"
PROBES = ("livez", "readyz", "version", "metrics")


@pytest.fixture(scope="module")
def seen_by_operators(house: House) -> dict[str, str]:
    """After a mail, an SMS with a code, and a record that nobody can read: answers and logs by name."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_looked_at(house))


async def _looked_at(house: House) -> dict[str, str]:
    contacts = known(NAME, email=MAIL, phone=phone(301), devices=[{"platform": "ios", "token": TOKEN}])
    await house.send(Sent("user.events", contacts, user(NAME)))
    await house.read_by("intake", "recipient")
    mail, code = (
        {
            "user_id": user(NAME),
            "notification_type": kind,
            "data": data,
            "idempotency_key": f"observed-{kind}",
            "colour": "red",
        }
        for kind, data in (("system_alert", {"Text": "hello"}), ("password_reset", {"Code": CODE}))
    )
    unreadable = json.dumps({"event_type": "user.updated", "user_id": user(NAME), "data": {"email": [MAIL]}})
    await house.send(
        Sent("notification.send.request", mail, user(NAME)),
        Sent("notification.send.request", code, user(NAME), (("source", "auth-service"),)),
        Sent("user.events", unreadable.encode(), user(NAME)),
    )
    assert 2 == len(await house.rows(f"{DONE} and status = 'sent'", [], 2))
    assert 200 == await house.post_seen(user(NAME), "observed-fact")
    found = {}
    async with aiohttp.ClientSession() as session:
        for program in (house.worker, house.http):
            base = f"http://127.0.0.1:{program.settings['http']['ops_port']}"
            for probe in PROBES:
                async with session.get(f"{base}/{probe}") as answer:
                    assert 200 == answer.status
                    found[f"{program.name} {probe}"] = await answer.text()
            found[f"{program.name} log"] = program.log.read_text(encoding="utf-8")
    return found


def test_readiness_names_what_it_waits_for(seen_by_operators: dict[str, str]) -> None:
    assert {"tables", "postgres"} == set(json.loads(seen_by_operators["worker readyz"])["checks"])
    assert {"kafka", "keys", "audience"} == set(json.loads(seen_by_operators["http readyz"])["checks"])


@pytest.mark.spec("NS-OPS-060")
@pytest.mark.parametrize("stage", stage_names())
def test_every_stage_has_metrics(seen_by_operators: dict[str, str], stage: str) -> None:
    assert f'stage="{stage}"' in seen_by_operators["worker metrics"]


@pytest.mark.spec("NS-OPS-OP-07")
def test_every_metric_that_is_exposed_is_on_the_page_of_metrics(seen_by_operators: dict[str, str]) -> None:
    page = metrics_page()
    exposed = {
        line.split()[2]
        for name in ("worker metrics", "http metrics")
        for line in seen_by_operators[name].splitlines()
        if line.startswith("# TYPE carillon_")
    }
    assert len(exposed) > 10
    assert [] == sorted(name for name in exposed if f"`{name}`" not in page and not name.endswith("_created"))


@pytest.mark.spec("NS-EVT-OP-02")
def test_fields_that_nobody_knows_are_counted_by_topic(seen_by_operators: dict[str, str]) -> None:
    """NS-EVT-OP-02. Mutation: a decoder that is given no counter."""
    found = 'carillon_input_fields_ignored_total{topic="notification.send.request"} '
    (line,) = (row for row in seen_by_operators["worker metrics"].splitlines() if row.startswith(found))
    assert float(line.removeprefix(found)) >= 2


@pytest.mark.spec("SEEN-079 NS-OPS-061")
def test_every_line_of_a_log_is_json_with_its_event(seen_by_operators: dict[str, str]) -> None:
    for name in ("worker log", "http log"):
        lines = [json.loads(line) for line in seen_by_operators[name].splitlines()]
        assert lines
        assert [] == [line for line in lines if not line.keys() >= {"event", "level", "timestamp"}]


@pytest.mark.spec("SEEN-090 SEEN-OP-22")
@pytest.mark.parametrize("private", [MAIL, phone(301), phone(301)[1:], TOKEN, CODE, user(NAME)])
def test_no_address_no_secret_and_no_user_is_in_metrics(
    seen_by_operators: dict[str, str], private: str
) -> None:
    assert [] == [name for name, text in seen_by_operators.items() if "metrics" in name and private in text]


@pytest.mark.spec("SEEN-OP-22 NS-EVT-OP-09")
@pytest.mark.parametrize("private", [MAIL, phone(301), phone(301)[1:], TOKEN, CODE])
def test_no_address_and_no_secret_is_in_logs_or_probes(
    seen_by_operators: dict[str, str], private: str
) -> None:
    assert [] == [name for name, text in seen_by_operators.items() if private in text]
