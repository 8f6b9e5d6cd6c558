"""Rights at the brokers: each user gets what the catalogue says that he needs, and nothing inner."""

from __future__ import annotations

import orjson
import pytest
from typer.testing import CliRunner

from schemas import topics as t
from schemas.catalogue import catalogue
from schemas.topics import Use
from streams.cli.app import app
from streams.rights import (
    COMMANDS,
    OTHERS,
    Right,
    RightsError,
    commands,
    operator_rights,
    our_rights,
    rights_of_others,
)
from streams.stages import stage_names

pytestmark = pytest.mark.spec("NS-SEC-OP-06")
KNOWN = catalogue(destinations=["seen.wallet"])
OURS = {*stage_names(), "http", "delivery", "every worker", "trials"}


def of_topics(rights: list[Right]) -> dict[str, tuple[str, ...]]:
    return {right.name: right.operations for right in rights if right.kind == "topic"}


def test_every_writer_and_reader_of_the_catalogue_is_ours_a_command_or_somebody_else() -> None:
    words = {word for topic in KNOWN for word in (*topic.writers, *topic.readers)}
    assert set() == words - OTHERS - COMMANDS - OURS


def test_we_read_events_and_write_no_event_ourselves() -> None:
    found = of_topics(list(our_rights("carillon", "carillon", KNOWN)))
    assert ("Read",) == found["payment.events"]
    assert ("Write",) == found["notification.events"]
    assert ("Write",) == found["payment.events.dlq"]
    assert ("Read", "Write") == found["outcomes"]
    assert "seen.redriven" not in found


def test_groups_fences_and_changelogs_are_those_of_our_app_only() -> None:
    found = [right for right in our_rights("u", "prod", KNOWN) if right.is_prefix]
    assert [("topic", "prod."), ("group", "prod."), ("transactional-id", "prod.")] == [
        (right.kind, right.name) for right in found
    ]


def test_workers_make_no_topics_and_commands_do() -> None:
    ours = {one for right in our_rights("u", "a", KNOWN) for one in right.operations}
    commanding = of_topics(list(operator_rights("o", "a", KNOWN)))
    assert {"Read", "Write"} == ours
    assert {("Read", "Write", "Create", "Alter", "DescribeConfigs")} == set(commanding.values())


def test_others_write_what_we_read_and_read_what_we_write() -> None:
    found = list(rights_of_others({"orders": [t.SEND_REQUEST], "crm": [t.EVENTS, "seen.wallet"]}, KNOWN))
    assert [
        Right("orders", "topic", t.SEND_REQUEST, ("Write",)),
        Right("crm", "topic", t.EVENTS, ("Read",)),
        Right("crm", "topic", "seen.wallet", ("Read",)),
        Right("crm", "group", "crm.", ("Read",), is_prefix=True),
    ] == found


@pytest.mark.parametrize(
    "topic", [topic.name for topic in KNOWN if topic.use not in {Use.PUBLIC_IN, Use.PUBLIC_OUT}]
)
def test_nobody_else_gets_a_topic_whose_words_are_believed(topic: str) -> None:
    with pytest.raises(RightsError, match="for Carillon alone"):
        list(rights_of_others({"orders": [topic]}, KNOWN))


@pytest.mark.parametrize("topic", [t.PREFERENCE_CHANGES, t.SEEN_REDRIVEN])
def test_public_is_not_what_only_our_api_writes_and_our_commands_read(topic: str) -> None:
    with pytest.raises(RightsError, match="for Carillon alone"):
        list(rights_of_others({"orders": [topic]}, KNOWN))


def test_a_command_line_takes_what_has_the_same_rights_together() -> None:
    rights = [Right("User's", "topic", name, ("Read", "Write")) for name in ("a", "b")]
    start = 'kafka-acls --bootstrap-server "$BROKERS" --command-config admin.properties --add '
    assert [
        start
        + """--allow-principal 'User:User'"'"'s' --operation Read --operation Write --topic a --topic b""",
        start + "--allow-principal User:u --operation Read --group a. --resource-pattern-type prefixed",
    ] == commands([*rights, Right("u", "group", "a.", ("Read",), is_prefix=True)])


def test_the_command_needs_no_server_and_tells_every_user() -> None:
    words = ["topics", "acls", "--json", "--operator", "ann", "--destination", "wallet.internal"]
    result = CliRunner().invoke(app, [*words, "--allow", f"orders={t.SEND_REQUEST},{t.CANCEL_REQUEST}"])
    found = orjson.loads(result.output)
    assert {"carillon", "ann", "orders"} == {right["user"] for right in found}
    assert "wallet.internal" in {right["name"] for right in found}


@pytest.mark.parametrize("allowed", ["orders", "=rows", "orders=nothing", "orders=rows"])
def test_a_right_that_nobody_should_have_is_refused(allowed: str) -> None:
    assert 2 == CliRunner().invoke(app, ["topics", "acls", "--allow", allowed]).exit_code
