"""A directory of YAML: what it holds, and how its faults are told."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import load_directory, read_directory
from connectors.reference.wire import TYPES, key_of
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

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"

TYPE = """
    - code: welcome
      title: Welcome
      category: transactional
      default_channels: [email]
      template_name: hello
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def faults(folder: Path, files: dict[str, str]) -> list[str]:
    with pytest.raises(ReferenceFilesError) as caught:
        load_directory(written(folder, files))
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_the_examples_load_without_a_remark() -> None:
    loaded = read_directory(EXAMPLES)
    assert loaded.warnings == []
    assert set(TYPES.values()) == {type(record) for record in loaded.records}


@pytest.mark.spec("NS-TPL-OP-02")
def test_each_file_gives_its_records(tmp_path: Path) -> None:
    files = {
        "types.yaml": TYPE,
        "rules.yaml": "- {topic: t, event_type: e, notification_type: welcome, data: {A: b.c}}",
        "providers.yaml": "- {name: p, channel_type: email, kind: smtp, config: {port: 25}, cost: 1}",
        "seen.yaml": "- {tag: news, destinations: [seen.news], remember_for_s: 60}",
        "communications.yaml": "- {id: sale, kind: fullscreen, content: {title: Sale}}",
        "filters.yaml": "- {filter_id: city, value_type: string}",
        "experiments.yaml": "- {name: townsfolk, filters: {city: [a, b]}}",
        "templates/hello.email.ru.yaml": """
            subject: S
            body: "{{ Name }}"
            variables: {Name: string}
        """,
    }
    assert load_directory(written(tmp_path, files)) == [
        NotificationType(
            code="welcome",
            title="Welcome",
            category="transactional",
            default_channels=["email"],
            template_name="hello",
        ),
        Rule(topic="t", event_type="e", notification_type="welcome", data={"A": "b.c"}),
        Provider(name="p", channel_type="email", kind="smtp", config={"port": 25}, cost=1.0),
        SeenTag(tag="news", destinations=["seen.news"], remember_for_s=60),
        Communication(id="sale", kind="fullscreen", content={"title": "Sale"}),
        AudienceFilter(filter_id="city", value_type="string"),
        Experiment(name="townsfolk", filters={"city": ["a", "b"]}),
        Template(
            name="hello",
            channel_type="email",
            language_code="ru",
            subject="S",
            body="{{ Name }}",
            variables={"Name": {"type": "string"}},
        ),
    ]


def test_texts_may_stand_in_files_of_their_own(tmp_path: Path) -> None:
    files = {
        "templates/hello.email.ru.yaml": "{subject: S, body_file: hello.html, body_text_file: hello.txt}",
        "templates/hello.html": "<p>hi</p>\n",
        "templates/hello.txt": "hi",
        "providers.yaml": "- {name: p, channel_type: email, kind: own,"
        " config: {password_file: secret, dkim: [{private_key_file: key}]}}",
        "secret": "hunter2\n",
        "key": "PEM\n",
    }
    provider, template = load_directory(written(tmp_path, files))
    assert isinstance(template, Template)
    assert isinstance(provider, Provider)
    assert (template.body, template.body_text) == ("<p>hi</p>\n", "hi")
    assert provider.config == {"password": "hunter2", "dkim": [{"private_key": "PEM"}]}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            {"types.yaml": TYPE + "      ttl: 5"},
            "types.yaml, entry 1 (welcome): `ttl`: is not known; did you mean `ttl_s`?",
        ),
        (
            {"types.yaml": TYPE + "      version: 5"},
            "types.yaml, entry 1 (welcome): `version`: leave it out; it is counted when the content changes",
        ),
        (
            {"types.yaml": TYPE + "      ttl_s: soon"},
            "types.yaml, entry 1: ttl_s: Expected `int`, got `str`",
        ),
        (
            {"types.yaml": TYPE + "      ttl_s: 0"},
            "types.yaml, entry 1 (welcome): `ttl_s`: must be at least 1",
        ),
        (
            {"types.yaml": TYPE + "      fallback_after_s: 0"},
            "types.yaml, entry 1 (welcome): `fallback_after_s`: must be at least 1",
        ),
        (
            {"types.yaml": TYPE + "      fallback_after_s: 60\n      fallback_channels: [email]"},
            "types.yaml, entry 1 (welcome): `fallback_after_s`: name a channel in `fallback_channels`",
        ),
        (
            {
                "types.yaml": TYPE
                + "      fallback_channels: [sms]\n      ttl_s: 60\n      fallback_after_s: 60"
            },
            "types.yaml, entry 1 (welcome): `fallback_after_s`: must be shorter than `ttl_s`",
        ),
        (
            {"providers.yaml": "- {name: p, channel_type: push, kind: fcm, platforms: [ios, toaster]}"},
            "providers.yaml, entry 1 (push/p): `platforms`: 'toaster' is none of ios, android, web",
        ),
        (
            {"types.yaml": TYPE.replace("[email]", "[email, fax]")},
            "types.yaml, entry 1 (welcome): `default_channels`: 'fax' is none of email, sms, push, in_app",
        ),
        (
            {"types.yaml": TYPE.replace("transactional", "spam")},
            "types.yaml, entry 1 (welcome): `category`: 'spam' is none of transactional",
        ),
        (
            {"types.yaml": TYPE.replace("code: welcome", "code: ''")},
            "types.yaml, entry 1 (): `code`: must have 1 to 100 characters",
        ),
        (
            {"types.yaml": "- title: x"},
            "types.yaml, entry 1: Object missing required field `code`",
        ),
        (
            {"types.yaml": TYPE + TYPE},
            "types.yaml, entry 2 (welcome): the same as types.yaml, entry 1 (welcome): keep one of them",
        ),
        ({"types.yaml": "code: welcome"}, "types.yaml: must be a list; begin each entry with `- `"),
        (
            {"seen.yaml": "- news"},
            "seen.yaml, entry 1: must be a mapping of tag, destinations, remember_for_s, is_enabled",
        ),
        ({"seen.yaml": "- {tag: a, tag: b}"}, "seen.yaml, line 1: a key stands twice"),
        ({"seen.yaml": "- {tag: a"}, "seen.yaml, line 1: expected ',' or '}', but got '<stream end>'"),
        (
            {"seen.yaml": "- !!python/object:os.system x"},
            "seen.yaml, line 1: could not determine a constructor",
        ),
        (
            {"seen.yaml": "- {tag: a, destinations: []}"},
            "seen.yaml, entry 1 (a): `destinations`: name a topic, or set `is_enabled: false`",
        ),
        (
            {"templates/hello.ru.yaml": "{body: x}"},
            "templates/hello.ru.yaml: name the file <name>.<channel>.<language>.yaml",
        ),
        (
            {"templates/hello.sms.ru.yaml": "{body: x, language_code: en}"},
            "templates/hello.sms.ru.yaml, `language_code`: is 'en', but the file's name says 'ru'",
        ),
        (
            {"templates/hello.sms.no.yaml": "{body: x, language_code: no}"},
            "templates/hello.sms.no.yaml, `language_code`: is False, but the file's name says 'no'",
        ),
        (
            {"templates/hello.sms.ru.yaml": "{body: '{{ Name }}'}"},
            "templates/hello.sms.ru.yaml: undeclared variables: Name",
        ),
        (
            {"templates/hello.sms.ru.yaml": "{body_file: gone.txt}"},
            "templates/hello.sms.ru.yaml: `body_file`: gone.txt cannot be read (FileNotFoundError)",
        ),
        (
            {"templates/hello.sms.ru.yaml": "{body: x, variables: {A: {type: date}}}"},
            "templates/hello.sms.ru.yaml: variable `A`: its type must be one of string, number",
        ),
    ],
)
def test_a_fault_names_file_entry_key_and_what_to_do(
    tmp_path: Path, files: dict[str, str], fault: str
) -> None:
    assert any(fault in told for told in faults(tmp_path, files)), faults(tmp_path, files)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    files = {"types.yaml": "- title: x", "seen.yaml": "- 1\n- 2", "templates/x.sms.ru.yaml": "{}"}
    assert len(faults(tmp_path, files)) == 4


def test_an_empty_and_a_missing_directory_are_told(tmp_path: Path) -> None:
    assert "holds none of types.yaml" in faults(tmp_path, {})[0]
    assert "is no directory" in faults(tmp_path / "gone", {})[0]


def test_links_that_lead_nowhere_are_remarks(tmp_path: Path) -> None:
    files = {
        "types.yaml": TYPE + "      fallback_channels: [sms]\n      dedup_window_s: 60",
        "rules.yaml": "- {topic: t, event_type: e, notification_type: gone}",
        "templates/hello.email.ru.yaml": "{subject: s, body: x, variables: {A: string}}",
        "templates/other.sms.ru.yaml": "{body: x}",
    }
    assert read_directory(written(tmp_path, files)).warnings == [
        "types.yaml, entry 1 (welcome): `dedup_window_s` is shorter than `ttl_s`: a repeat may pass",
        "templates/hello.email.ru.yaml: variable `A` is declared and not used",
        "type welcome: template `hello` has no text for sms",
        "rule t/e: type `gone` is not in types.yaml",
        "template other: no type uses it",
    ]


def test_dates_stay_texts(tmp_path: Path) -> None:
    (template,) = load_directory(written(tmp_path, {"templates/hello.sms.ru.yaml": "body: 2025-01-02"}))
    assert isinstance(template, Template)
    assert template.body == "2025-01-02"
    assert key_of(template) == "template:hello/sms/ru"
