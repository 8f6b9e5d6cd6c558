"""Templates that are pulled into files are read from them as they were."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.reference.known_versions import known_versions, note_versions
from connectors.reference.wire import key_of
from schemas.records import Template
from streams.templates import templates_in, write_files

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{\0"), min_size=1, max_size=80)
MAIL = Template(
    name="welcome",
    channel_type="email",
    language_code="ru",
    subject="s",
    body="<p>{{ A }}</p>\n  {% if A %}\n\tb \n{% endif %}\n",
    body_text="one\ntwo ",
    variables={"A": {"type": "string", "example": "5"}},
    version=7,
)
PART = Template(name="_end", channel_type="email", language_code="ru", body="end")


def read(folder: Path) -> dict[str, Template]:
    return {key_of(each): each for each in templates_in(folder)[0]}


def test_a_template_comes_back_as_it_was(tmp_path: Path) -> None:
    names = write_files(tmp_path, [MAIL, PART])
    assert ["welcome.email.ru.yaml", "_end.email.ru.yaml"] == names
    assert {key_of(each): replace(each, version=1) for each in (MAIL, PART)} == read(tmp_path)


@given(TEXT, TEXT)
@settings(deadline=None, max_examples=30)
def test_any_text_comes_back_letter_by_letter(body: str, subject: str) -> None:
    given_one = replace(MAIL, body=body, subject=subject, body_text=None, variables={}, version=1)
    with TemporaryDirectory() as folder:
        write_files(Path(folder), [given_one])
        assert [given_one] == [*read(Path(folder)).values()]


def test_only_files_that_differ_are_written(tmp_path: Path) -> None:
    write_files(tmp_path, [MAIL, PART])
    assert ["_end.email.ru.yaml"] == write_files(tmp_path, [MAIL, replace(PART, body="new")])


def test_a_folder_with_faults_is_written_anew(tmp_path: Path) -> None:
    write_files(tmp_path, [MAIL])
    (tmp_path / "templates" / "welcome.email.ru.yaml").write_text("body: {{ }}")
    assert ["welcome.email.ru.yaml"] == write_files(tmp_path, [MAIL])


@pytest.mark.parametrize("said", [None, "nonsense", "[]"])
def test_a_folder_that_notes_no_versions_knows_none(tmp_path: Path, said: str | None) -> None:
    (tmp_path / "templates").mkdir()
    if said is not None:
        (tmp_path / "templates" / ".versions.json").write_text(said)
    assert {} == known_versions(tmp_path)
    note_versions(tmp_path, {"template:b/sms/ru": 2, "template:a/sms/ru": 1})
    assert {"template:a/sms/ru": 1, "template:b/sms/ru": 2} == known_versions(tmp_path)
