"""Commands of a person at given servers: two addresses and the keys in the environment are all they need."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from schemas import topics as t
from schemas.avro_files import MARKER, expanded, fingerprint
from schemas.codec import HEAD, encode
from schemas.records import DomainEvent
from streams.cli.app import app
from streams.settings import Settings
from streams.topics import wanted
from tests.broker.house.book import known, user
from tests.broker.house.house import House, Sent

NAME, MAIL = "commander", "commander@example.com"
Run = Callable[..., Result]
ENDED = "select outcome from notification_requests where idempotency_key = $1"
DONE = "select status from notification_messages where idempotency_key = $1 and status = 'sent'"


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs one command as a person would who has set the variables; it must end with 0."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def invoke(*words: str, ends: int = 0) -> Result:
        result = CliRunner().invoke(app, words)
        assert ends == result.exit_code, result.output
        return result

    yield invoke
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def wait() -> Iterator[Callable[[Any], Any]]:
    """Runs something of the house to its end, for tests whose commands have loops of their own."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner.run


def test_doctor_finds_everything_in_place(run: Run, house: House) -> None:
    told = run("doctor").output
    assert "FAIL" not in told
    assert f"kafka: {house.kafka.address}" in told
    assert "tables are up to date" in told


def test_doctor_tells_a_topic_that_forgets_and_what_mends_it(
    run: Run, house: House, wait: Callable[[Any], Any]
) -> None:
    """As brokers make it that make topics by themselves."""
    specs = {spec.name: spec for spec in wanted(Settings(**house.settings))}
    kept = dict(specs[t.CAMPAIGNS_WITHDRAWN].config)
    try:
        wait(configured(house, {**kept, "cleanup.policy": "delete"}))
        told = run("doctor", ends=1).output
    finally:
        wait(configured(house, kept))
    assert "1 topics would lose what they keep by their settings" in told
    assert f"--entity-name {t.CAMPAIGNS_WITHDRAWN} --add-config cleanup.policy=compact" in told
    assert "FAIL" not in run("doctor").output


async def configured(house: House, config: dict[str, str]) -> None:
    """Give the topic of withdrawn campaigns exactly these settings of its own."""
    client = AIOKafkaAdminClient(bootstrap_servers=house.kafka.address)
    await client.start()
    try:
        topic = ConfigResource(ConfigResourceType.TOPIC, t.CAMPAIGNS_WITHDRAWN, config)
        answers: list[Any] = await client.alter_configs([topic])
        assert [0] == [resource[0] for answer in answers for resource in answer.resources]
    finally:
        await client.close()


def test_topics_are_listed_as_they_are_and_none_is_missing(run: Run) -> None:
    listed = orjson.loads(run("topics", "list", "--json").output)
    assert (3, 8, 4) == (listed["notification.send.request"], listed["payment.events"], listed["rows"])
    assert None not in listed.values()
    assert "0 created" in run("topics", "create").output


def test_migrations_ran_and_running_them_again_changes_nothing(run: Run) -> None:
    assert "0 applied\n" == run("migrate").output


def test_applying_the_same_again_changes_nothing(run: Run, house: House) -> None:
    assert "0 changed\n" == run("apply", "-f", str(house.folder / "book")).output


def test_a_request_that_was_sent_is_explained_by_its_id_and_its_key(
    run: Run, house: House, wait: Callable[[Any], Any]
) -> None:
    wait(house.send(Sent("user.events", known(NAME, email=MAIL), user(NAME))))
    wait(house.read_by("intake", "recipient"))
    words = ("send", user(NAME), "system_alert", "--email", MAIL, "--key", "command-1")
    request_id = run(*words, "--data", '{"Text": "Back at noon"}').output.strip()
    assert [("sent",)] == [tuple(row) for row in wait(house.rows(DONE, ["command-1"], 1))]
    by_id = orjson.loads(run("why", request_id, "--json").output)
    by_key = orjson.loads(run("why", "--key", "command-1", "--json").output)
    assert by_id["requests"] == by_key["requests"]
    (request,), (message,) = by_id["requests"], by_id["messages"]
    assert (request_id, "accepted", "carillon-cli") == (
        request["request_id"],
        request["outcome"],
        request["source"],
    )
    assert ("type.default_channels", "email") == (request["rule"], request["value"])
    assert ["pending", "sent"] == [line["status"] for line in message["log"]]
    told = run("why", message["message_id"]).output
    assert "email  →  sent" in told
    assert "decided by type.default_channels = email" in told


def test_what_nobody_ever_sent_is_unknown_and_ends_with_1(run: Run) -> None:
    assert "Nothing is known of never-sent" in run("why", "--key", "never-sent", ends=1).output


def test_a_dead_letter_is_listed_shown_and_carried_out_once_it_can_be_read(
    run: Run, house: House, wait: Callable[[Any], Any]
) -> None:
    """Avro of a writer that forgot to publish its schema, and did so afterwards."""
    topic, dead = "library.events", "library.events.dlq"
    ours = expanded("DomainEvent")
    schema = ours | {"fields": [*ours["fields"], {"name": "shelf", "type": "string", "default": ""}]}
    mark = fingerprint(schema)
    data = {"achievement_name": "First victory", "game_name": "Lanterns"}
    event = DomainEvent(event_type="library.achievement_unlocked", user_id=user(NAME), data=data)
    contacts = known(NAME, devices=[{"platform": "ios", "token": "device-of-a-commander"}])
    letter = Sent(
        topic, MARKER + mark + encode(event)[HEAD:] + b"\x00", user(NAME), (("event_id", "shelf-1"),)
    )
    wait(house.send(Sent("user.events", contacts, user(NAME))))
    wait(house.read_by("intake", "recipient"))
    wait(house.send(letter))
    wait(house.read_by("intake"))

    assert 1 == orjson.loads(run("dlq", "list", "--json").output)[dead]
    (shown,) = map(orjson.loads, run("dlq", "show", topic, "--json").output.splitlines())
    assert (topic, "intake") == (shown["topic"], shown["stage"])
    assert mark.hex() in shown["reason"]
    wait(house.send(Sent("carillon.schemas", orjson.dumps(schema), mark)))
    assert "1 sent again\n" == run("dlq", "redrive", topic, "--offset", str(shown["offset"])).output
    assert [("accepted",)] == [tuple(row) for row in wait(house.rows(ENDED, ["shelf-1"], 1))]


@pytest.mark.parametrize("command", ["show", "redrive"])
def test_dead_letters_of_a_topic_that_is_none_are_a_usage_error(run: Run, command: str) -> None:
    told = run("dlq", command, "payments", ends=2).output
    assert "no topic payments.dlq" in told
    assert "payment.events" in told


def test_offsets_of_a_stage_that_does_not_run_are_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_KAFKA__APP", "another-house")
    told = run("offsets", "set", "sink", "--to", "earliest").output
    assert [f"rows/{number} → 0" for number in range(4)] == sorted(told.splitlines())


def test_offsets_of_a_stage_that_runs_are_left_alone(run: Run) -> None:
    """Mutation tried: the broker's refusal not caught: a stack, exit code 1."""
    told = run("offsets", "set", "recipient", "--to", "latest", ends=2).output
    assert "recipient is still running" in told
    assert "no stage recipients" in run("offsets", "set", "recipients", "--to", "latest", ends=2).output
