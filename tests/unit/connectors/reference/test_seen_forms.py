"""Destinations of seen facts: short and long forms, and what is refused (SEEN-OP-15, SEEN-OP-21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.cipher import Cipher
from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import load_directory, read_directory
from connectors.reference.wire import decode, encode, key_of
from schemas.records import SeenDestination, SeenTag
from streams.applying import seen_topics

CIPHER = Cipher.of_text(Cipher.new_key("test"))
API = "{kind: api, name: wallet, url: 'https://wallet.internal:8080/seen'"


def loaded(folder: Path, text: str) -> SeenTag:
    (folder / "seen.yaml").write_text(text)
    (tag,) = load_directory(folder)
    assert isinstance(tag, SeenTag)
    return tag


def test_a_plain_name_and_its_long_form_are_both_topics(tmp_path: Path) -> None:
    tag = loaded(tmp_path, "- {tag: a, destinations: [seen.a, {kind: topic, topic: seen.b}]}")
    assert ["seen.a"] == tag.destinations
    assert [SeenDestination(kind="topic", name="seen.b", topic="seen.b")] == tag.targets


def test_two_apis_at_one_host_have_names_of_their_own(tmp_path: Path) -> None:
    two = API.replace("wallet,", "two,")
    tag = loaded(tmp_path, f"- {{tag: a, destinations: [{API}}}, {two}, max_attempts: 3}}]}}")
    assert [("wallet", None), ("two", 3)] == [(t.name, t.max_attempts) for t in tag.targets]


def test_what_was_published_before_there_were_targets_is_read() -> None:
    old = b'{"tag":"a","destinations":["seen.a"],"remember_for_s":60,"is_enabled":true,"version":3}'
    expected = SeenTag(tag="a", destinations=["seen.a"], remember_for_s=60, version=3)
    assert expected == decode("tag:a", old, None)


@pytest.mark.spec("SEEN-065")
def test_a_tag_with_targets_comes_back_from_the_topic(tmp_path: Path) -> None:
    tag = loaded(tmp_path, f"- {{tag: a, percentage: 5, destinations: [{API}, event_types: [client]}}]}}")
    assert tag == decode(key_of(tag), encode(tag, CIPHER), CIPHER)


@pytest.mark.spec("SEEN-OP-15")
@pytest.mark.parametrize(
    ("destinations", "fault"),
    [
        ("[{kind: api}]", "one without a name: an API needs a `name`"),
        ("[{kind: api, url: 'http://h:80/'}]", "http://h:80/: an API needs a `name`"),
        ("[{kind: api, name: 'a b', url: 'http://h/'}]", "a b: `name` must have 1 to 100"),
        ("[{kind: api, name: x, url: 'http://h/', auth_header: A}]", "x: `auth_header` and `auth_secret` go"),
        ("[{kind: api, name: x, url: 'http://h/', auth_secret: a}]", "x: `auth_header` and `auth_secret` go"),
        (
            "[{kind: api, name: x, url: 'http://h/', auth_header: 'A: b', auth_secret: a}]",
            "x: `auth_header` is no header that may be set",
        ),
        (
            "[{kind: api, name: x, url: 'http://h/', auth_header: Idempotency-Key, auth_secret: a}]",
            "x: `auth_header` is no header that may be set",
        ),
        (
            "[{kind: api, name: x, url: 'http://h/', auth_header: A, auth_secret: 'Bearer 5f7c'}]",
            "x: `auth_secret` is the name of an entry",
        ),
        ("[{kind: api, name: x}]", "x: `url` must be http:// or https://"),
        ("[{kind: api, name: x, url: 'ftp://h/'}]", "x: `url` must be http:// or https://"),
        ("[{kind: api, name: x, url: 'https://u:p@h/'}]", "x: `url` must be http:// or https://"),
        ("[{kind: api, name: x, url: 'http://h:99999/'}]", "x: `url` must be http:// or https://"),
        ("[{kind: api, name: x, url: 'http://a..b/'}]", "x: `url` must be http:// or https://"),
        ("[{kind: mail, name: x}]", "x: `kind`: 'mail' is none of api, topic"),
        ("[{kind: topic, name: x}]", "x: `topic` must have 1 to 249"),
        (f"[{API}, timeout_ms: 0}}]", "`timeout_ms` must be at least 1 and at most 120000"),
        (f"[{API}, in_flight: 0}}]", "`in_flight` must be at least 1 and at most 64"),
        (f"[{API}, in_flight: 65}}]", "`in_flight` must be at least 1 and at most 64"),
        (f"[{API}, max_attempts: 0}}]", "`max_attempts` must be at least 1"),
        (f"[{API}, event_types: [rider]}}]", "'rider' is none of client, driver, unauthorized"),
        (f"[{API}}}, {API}}}]", "wallet stands twice"),
        (f"[{API}, retries: 3}}]", "`retries` is not known"),
        ("['..']", "no topic can be called '..'"),
        ("[facts.seen]", "facts.seen is a topic of the pipeline itself"),
        ("[payment.events.dlq]", "payment.events.dlq is a topic of the pipeline itself"),
        ("[{kind: topic, topic: seen.failed}]", "seen.failed is a topic of the pipeline itself"),
        ("['seen facts']", "`topic` must have 1 to 249"),
    ],
)
def test_what_no_fact_could_be_sent_to_is_refused(tmp_path: Path, destinations: str, fault: str) -> None:
    with pytest.raises(ReferenceFilesError) as caught:
        loaded(tmp_path, f"- {{tag: a, destinations: {destinations}}}")
    assert fault in "\n".join(caught.value.faults)


def test_apply_makes_every_topic_that_facts_go_to(tmp_path: Path) -> None:
    tag = loaded(tmp_path, f"- {{tag: a, destinations: [seen.a, {{kind: topic, topic: seen.b}}, {API}}}]}}")
    assert ["seen.a", "seen.b"] == seen_topics([tag, tag])


@pytest.mark.parametrize("given", ["percentage: 101", "percentage: -1", "targets: []"])
def test_a_share_is_of_a_hundred_and_targets_are_not_for_people(tmp_path: Path, given: str) -> None:
    with pytest.raises(ReferenceFilesError, match=given.partition(":")[0]):
        loaded(tmp_path, f"- {{tag: a, destinations: [seen.a], {given}}}")


@pytest.mark.parametrize(
    ("url", "many"), [("https://w/", 0), ("http://127.0.0.1:80/", 0), ("http://w.internal/", 1)]
)
def test_a_secret_that_would_go_over_the_net_in_clear_is_remarked(
    tmp_path: Path, url: str, many: int
) -> None:
    entry = f"{{kind: api, name: w, url: '{url}', auth_header: Authorization, auth_secret: wallet}}"
    (tmp_path / "seen.yaml").write_text(f"- {{tag: a, destinations: [{entry}]}}")
    told = [one for one in read_directory(tmp_path).warnings if "its secret goes over http" in one]
    assert many == len(told)
