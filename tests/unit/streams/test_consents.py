"""Consents of other systems: a file is whole or nothing of it is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.json import encode
from typer.testing import CliRunner

from schemas.facts import Consent, fact_in
from schemas.inputs import decoder_of
from schemas.times import parse_rfc3339
from schemas.topics import PREFERENCE_CHANGES
from streams.cli.app import app
from streams.consents import ConsentFileError, Kept, event_of, read_consents

USER = "7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"
NOW = parse_rfc3339("2026-11-22T00:00:00Z")
AT = "2019-03-01T10:00:00+03:00"
HEADER = "user_id,source,at,action,purpose,channel_type,text_version\n"
FULL = Kept(USER, "old CRM", AT, "revoked", "promo", "email", "2019-03")


def file(folder: Path, text: str, name: str = "consents.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.spec("NS-PREF-OP-07")
def test_a_table_and_lines_of_json_say_the_same(tmp_path: Path) -> None:
    table = file(
        tmp_path, f"\ufeff{HEADER}{USER},old CRM,{AT},revoked,promo,email,2019-03\n{USER}, shop ,{AT},,,,\n"
    )
    lines = file(
        tmp_path, "\n".join(encode(one).decode() for one in read_consents(table, NOW)) + "\n\n", "c.ndjson"
    )
    assert [FULL, Kept(USER, "shop", AT)] == read_consents(table, NOW) == read_consents(lines, NOW)


def test_what_is_written_is_a_fact_with_its_evidence() -> None:
    event = decoder_of(PREFERENCE_CHANGES)(encode(event_of(FULL)))
    assert "user.consent_revoked" == event.event_type
    expected = Consent(purpose="promo", channel_type="email", source="old CRM", text_version="2019-03")
    assert expected == fact_in(event)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"nobody,shop,{AT},,,,", "line 2: Expected"),
        (f"{USER},,{AT},,,,", "`source`"),
        (f"{USER},shop,2019-03-01,,,,", "RFC 3339"),
        (f"{USER},shop,2030-01-01T00:00:00Z,,,,", "future"),
        (f"{USER},shop,{AT},yes,,,", "Invalid enum"),
        (f"{USER},shop,{AT},,,pigeon,", "Invalid enum"),
        (f"{USER},shop,{AT}", "other fields"),
        (f"{USER},shop,{AT},,,,,x", "other fields"),
        ("", "no consent"),
    ],
)
def test_a_fault_stops_the_whole_file_and_names_its_line(tmp_path: Path, line: str, problem: str) -> None:
    good = f"\n{USER},shop,{AT},,,," if line else ""
    with pytest.raises(ConsentFileError, match=problem):
        read_consents(file(tmp_path, f"{HEADER}{line}{good}"), NOW)


def test_many_faults_are_told_in_part(tmp_path: Path) -> None:
    with pytest.raises(ConsentFileError) as told:
        read_consents(file(tmp_path, "{}\n" * 30, "c.ndjson"), NOW)
    assert (21, "and 10 more") == (len(told.value.faults), told.value.faults[-1])


def told(*words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(app, ["consent", "import", *words, "--json"])
    return result.exit_code, orjson.loads(result.stdout)


def test_the_command_checks_a_file_without_a_server(tmp_path: Path) -> None:
    good = file(tmp_path, f"{HEADER}{USER},shop,{AT},,,,\n")
    assert (0, {"read": 1, "written": 0}) == told(str(good), "--check")
    assert 2 == told(str(tmp_path / "gone.csv"))[0]
    code, found = told(str(file(tmp_path, f"{HEADER}x,shop,{AT},,,,\n", "bad.csv")))
    assert (2, 1) == (code, len(found["errors"]))
