"""What a worker knows after it has read the topic `reference`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from connectors.cipher import Cipher
from connectors.reference.book import ReferenceBook
from connectors.reference.wire import ReferenceRecord, encode, key_of
from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenTag,
    Template,
)

CIPHER = Cipher({"k1": bytes(64)}, current="k1")


def kind(code: str = "welcome", **fields: Any) -> NotificationType:
    given = {"title": "T", "category": "system", "default_channels": ["email"], "template_name": "hello"}
    return NotificationType(code=code, **{**given, **fields})


def template(language: str = "ru", **fields: Any) -> Template:
    given = {"name": "hello", "channel_type": "email", "body": "x"}
    return Template(language_code=language, **{**given, **fields})


def provider(name: str, **fields: Any) -> Provider:
    return Provider(name=name, **{"channel_type": "sms", "kind": "fake_sms", **fields})


def book(*records: ReferenceRecord) -> ReferenceBook:
    made = ReferenceBook(CIPHER)
    for record in records:
        tell(made, record)
    return made


def tell(told: ReferenceBook, record: ReferenceRecord) -> None:
    told.apply(key_of(record).encode(), encode(record, CIPHER))


@pytest.mark.spec("NS-OPS-004")
def test_everything_is_found_by_its_name() -> None:
    rule = Rule(topic="payment.events", event_type="payment.failed", notification_type="welcome")
    tag = SeenTag(tag="news", destinations=["seen.news"])
    known = book(kind(), template(), rule, tag, provider("a"))
    assert kind() == known.type("welcome")
    assert template() == known.template("hello", "email", "ru")
    assert rule == known.rule("payment.events", "payment.failed")
    assert tag == known.tag("news")
    assert provider("a") == known.provider("sms", "a")
    assert [None, None] == [known.provider("email", "a"), known.provider("sms", "b")]
    assert (provider("a"),) == known.providers("sms")
    assert len(known.records()) == 5


def test_what_is_not_there_is_not_found() -> None:
    known = book(kind(), template())
    assert known.type("other") is None
    assert known.template("hello", "email", "en") is None
    assert known.template("hello", "sms", "ru") is None
    assert known.rule("x", "y") is None
    assert known.tag("x") is None
    assert known.providers("sms") == ()
    assert known.secret_variables("other") is None


def test_a_lower_version_never_replaces_a_higher_one() -> None:
    known = book(kind(title="new", version=3), kind(title="old", version=2))
    assert known.type("welcome") == kind(title="new", version=3)


def test_a_deletion_takes_the_entry_away_and_it_may_come_back() -> None:
    known = book(kind(version=4))
    known.apply(b"type:welcome", None)
    assert known.type("welcome") is None
    tell(known, kind(version=6))
    assert known.type("welcome") == kind(version=6)


def test_secret_variables_are_those_of_all_templates_of_the_type() -> None:
    secret, plain = {"type": "string", "secret": True}, {"type": "string"}
    known = book(
        kind(),
        template("ru", variables={"Code": secret, "Name": plain}),
        template("ru", channel_type="sms", variables={"Pin": secret}),
        template("ru", name="other", variables={"Else": secret}),
    )
    assert known.secret_variables("welcome") == frozenset({"Code", "Pin"})
    tell(known, template("en", variables={"Extra": secret}))
    assert known.secret_variables("welcome") == frozenset({"Code", "Pin", "Extra"})


def test_who_has_a_webhook_reports_also_when_switched_off() -> None:
    signed = {"webhook_key": "whsec_any"}
    known = book(
        provider("b", config=signed),
        provider("a", config=signed, is_active=False),
        provider("silent"),
        provider("mail", channel_type="email", config=signed),
    )
    assert (("a", "b"), ("mail",)) == (known.reporting("sms"), known.reporting("email"))
    tell(known, provider("b", version=2))
    assert ("a",) == known.reporting("sms")


@pytest.mark.spec("NS-CH-010 NS-DATA-OP-19 NS-SND-019 NS-OPS-115")
def test_providers_come_by_priority_then_cost_then_name() -> None:
    known = book(
        provider("d", priority=1),
        provider("b", priority=5, cost=2.0),
        provider("c", priority=5, cost=1.0),
        provider("a", priority=5, cost=2.0),
        provider("off", priority=9, is_active=False),
        provider("mail", channel_type="email"),
    )
    assert [each.name for each in known.providers("sms")] == ["c", "a", "b", "d"]
    tell(known, provider("c", version=2, is_active=False))
    assert [each.name for each in known.providers("sms")] == ["a", "b", "d"]


@pytest.mark.spec("NS-DATA-OP-20 NS-SEC-003")
def test_the_configuration_of_a_provider_is_sealed_on_the_way_and_open_in_the_book() -> None:
    with_secret = provider("a", config={"password": "hunter2"})
    assert b"hunter2" not in encode(with_secret, CIPHER)
    assert book(with_secret).providers("sms")[0].config == {"password": "hunter2"}


@pytest.mark.spec("NS-DATA-OP-20")
def test_a_configuration_that_no_key_opens_is_told_and_leaves_the_one_before_in_force() -> None:
    """Mutation: nothing is logged: of a key withdrawn too early nobody hears, and nothing is sent."""
    known = book(provider("a", config={"n": 1}))
    other = Cipher({"k9": bytes(64)}, current="k9")
    with capture_logs() as lines:
        known.apply(b"provider:sms/a", encode(provider("a", config={"n": 2}, version=2), other))
    assert [("reference_not_used", "provider:sms/a")] == [(one["event"], one["key"]) for one in lines]
    assert known.providers("sms")[0].config == {"n": 1}
    assert "sealed with key 'k9'" in known.problems["provider:sms/a"]
    tell(known, provider("a", config={"n": 3}, version=3))
    assert known.problems == {}


def test_without_keys_only_clear_configurations_are_used() -> None:
    keyless = ReferenceBook()
    keyless.apply(b"provider:sms/a", encode(provider("a", config={"n": 1}), CIPHER))
    keyless.apply(b"provider:sms/b", msgspec.json.encode(provider("b", config={"n": 1})))
    assert [each.name for each in keyless.providers("sms")] == ["b"]
    assert keyless.problems == {"provider:sms/a": "its configuration is sealed, and no key is given"}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (b"type:welcome", b"{", "no NotificationType"),
        (b"type:welcome", b"{}", "no NotificationType"),
        (b"type:welcome", b"\xff\xfe", "no NotificationType"),
        (b"pigeon:x", b"{}", "a kind this version does not know"),
        (b"\xff", b"{}", "a kind this version does not know"),
        (b"type:other", msgspec.json.encode(kind()), "its key names another record"),
    ],
)
def test_a_broken_record_is_a_problem_and_nothing_more(key: bytes, value: bytes, words: str) -> None:
    known = book(kind())
    known.apply(key, value)
    assert known.type("welcome") == kind()
    assert words in known.problems[key.decode("utf-8", "replace")]


@pytest.mark.spec("AUD-100")
def test_what_audiences_need_is_found_by_its_name() -> None:
    sale = Communication(id="sale", kind="fullscreen", content={"title": "Sale"})
    city = AudienceFilter(filter_id="city", value_type="string")
    townsfolk = Experiment(name="townsfolk", filters={"city": "a"})
    known = book(sale, city, townsfolk)
    assert (sale, city, townsfolk) == (
        known.communication("sale"),
        known.filter("city"),
        known.experiment("townsfolk"),
    )
    assert [None] * 3 == [known.communication("city"), known.filter("sale"), known.experiment("sale")]


def test_how_soon_a_provider_has_to_report_is_known_also_when_switched_off() -> None:
    known = book(
        provider("a", config={"receipts_within_s": 60}, is_active=False),
        provider("b"),
    )
    found = [known.receipts_within_ms("sms", name) for name in ("a", "b", "nobody")]
    assert [60_000, None, None] == found
