"""Texts of people: variables and files of settings, YAML of `carillon apply`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from connectors.cipher import Cipher
from connectors.postgres.reference_columns import columns_of
from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import LISTS, load_directory
from connectors.reference.wire import decode, encode, key_of
from streams.settings import Settings, SettingsError, load_settings
from streams.settings_reading import CONFIG, FROM_FILE, PREFIX, leaves
from tests.fuzz.target import Check, Target

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
ODD = st.sampled_from(
    [
        "[" * 500,
        "- " * 500,
        "{? " * 50,
        "&a [*a]",
        "a: &a [1]\nb: [*a, *a]",
        "? {a: 1}\n: 2",
        "<<: 5",
        "!!python/object:os.system x",
        "!!int x",
        "!!bool x",
        "!!float x",
        "!!binary x",
        "!!timestamp 2020-99-99",
        "!!set {a}",
        "0b",
        "0x",
        "1_",
        "1:99",
        ".inf",
        ".nan",
        "9" * 5000,
        '"\\0"',
        '"\\ud800"',
        "2020-02-30",
        "%YAML 9.9\n---\na",
        "a\n---\nb",
        "\t",
        "\ufeff",
        "=",
        "no",
        "~",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
FORMS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=6,
)
GOOD: dict[str, dict[str, Any]] = {
    "types.yaml": {
        "code": "a",
        "title": "A",
        "category": "system",
        "default_channels": ["email"],
        "template_name": "a",
        "ttl_s": 5,
        "dedup_window_s": 5,
    },
    "rules.yaml": {"topic": "user.events", "event_type": "a", "notification_type": "a", "data": {"A": "a"}},
    "providers.yaml": {
        "name": "a",
        "channel_type": "sms",
        "kind": "fake_sms",
        "config": {},
        "cost": 1.0,
        "cost_per_message": 0.5,
        "rate_limit": 5,
    },
    "seen.yaml": {"tag": "a", "destinations": ["seen.a"], "remember_for_s": 5},
    "communications.yaml": {"id": "a", "kind": "fullscreen", "content": {"title": "A"}},
    "budgets.yaml": {"of": "sms/a", "per_day": 1.5, "in_all": "7"},
    "filters.yaml": {"filter_id": "a", "value_type": "string"},
    "experiments.yaml": {"name": "a", "filters": {"a": ["b", "c"]}},
}
TEMPLATE: dict[str, Any] = {
    "subject": "A",
    "body": "{{ A }}",
    "variables": {"A": "string"},
    "category": "system",
}


@st.composite
def _entry(draw: st.DrawFn, good: dict[str, Any]) -> Any:
    """An entry with some values, keys or all of it exchanged."""
    changes = draw(st.dictionaries(st.sampled_from(sorted(good)) | SCALARS, FORMS, max_size=3))
    return draw(st.just({**good, **changes}) | FORMS) if changes else good


def _written(value: Any) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True))


@st.composite
def texts(draw: st.DrawFn, good: st.SearchStrategy[Any]) -> bytes:
    """YAML of a value, perhaps with something odd put in somewhere."""
    text = draw(good.map(_written))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(ODD | st.text(max_size=4)) + text[place:]
    return text.encode("utf-8", "surrogatepass")


FOLDERS = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: texts(st.lists(_entry(entry), max_size=2)) | st.binary(max_size=20)
            for name, entry in GOOD.items()
        },
        "templates/a.email.en.yaml": texts(_entry(TEMPLATE)) | st.binary(max_size=20),
    },
)


def check_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Every fault of the files in one error; else records that Postgres and the topic can hold."""
    for name in (*LISTS, "templates/a.email.en.yaml"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if name in files:
            path.write_bytes(files[name])
    try:
        records = load_directory(folder)
    except ReferenceFilesError:
        return
    for record in records:
        columns_of(record, CIPHER)
        value = encode(record, CIPHER)
        assert b"\\u0000" not in value
        assert value == encode(decode(key_of(record), value, CIPHER), CIPHER)


@contextmanager
def folder_of_files() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as name:
        yield lambda files: check_folder(Path(name), files)


LEAVES = [leaf.path for leaf in leaves(Settings)]
VARIABLES = st.dictionaries(
    st.sampled_from([PREFIX + "__".join(path).upper() for path in LEAVES])
    | st.sampled_from(
        [PREFIX + "__".join(leaf.path).upper() + FROM_FILE for leaf in leaves(Settings) if leaf.secret]
    )
    | st.from_regex(rf"\A{PREFIX}[A-Z_]{{1,12}}\Z").filter(lambda name: name != CONFIG),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
    | st.sampled_from(
        ["1", "-1", "true", "[]", "{}", '{"a": 1}', "null", "127.0.0.1:9", "k1:AAAA", "9" * 5000, "/"]
    ),
    max_size=4,
)


@st.composite
def _sections(draw: st.DrawFn) -> Any:
    sections: dict[Any, Any] = {}
    for path in draw(st.lists(st.sampled_from(LEAVES), max_size=4)):
        *section, name = path
        inner = sections.setdefault(section[0], {}) if section else sections
        inner[name] = draw(FORMS)
    return sections | draw(st.dictionaries(st.sampled_from(["kafka", "http", "nobody"]), FORMS, max_size=1))


def check_settings(file: Path, given: tuple[bytes | None, Mapping[str, str]]) -> None:
    """Settings, or the one error with a line for each of them that is wrong."""
    text, variables = given
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PREFIX)}
    os.environ.update(variables)
    if text is not None:
        file.write_bytes(text)
        os.environ[CONFIG] = str(file)
    try:
        with suppress(SettingsError):
            load_settings()
    finally:
        for name in (*variables, CONFIG):
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def file_of_settings() -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as name:
        yield lambda given: check_settings(Path(name) / "settings.yaml", given)


TARGETS = [
    Target("apply", "files of carillon apply", FOLDERS, folder_of_files),
    Target(
        "settings",
        "variables and the file of settings",
        st.tuples(st.none() | texts(_sections() | FORMS) | st.binary(), VARIABLES),
        file_of_settings,
    ),
]
