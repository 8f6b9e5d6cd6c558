"""What fuzzing found, each by name: it stays mended."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from connectors.reference.yaml_files import YamlFaultError, read_yaml
from schemas.avro_files import MARKER, expanded
from schemas.binary import zigzag
from schemas.codec import Decoder, SchemaBook, own_fingerprint
from schemas.errors import DecodeError, SchemaConflictError
from streams.settings import SettingsError, load_settings
from streams.settings_reading import CONFIG
from tables.totals import Totals
from tests.fuzz.target import bounded
from tests.unit.connectors.http.edge import edge


def test_a_map_whose_key_is_shorter_than_nothing_is_no_endless_loop() -> None:
    """The reader went back by the length and read the same pair 2⁴⁰ times."""
    raw = MARKER + own_fingerprint(Totals) + zigzag(1 << 40) + b"\0\2\3"
    with bounded(1.0), pytest.raises(DecodeError):
        Decoder(Totals)(raw)


def test_an_array_that_nobody_here_knows_ends_with_its_bytes() -> None:
    """What our schema lacks fastavro skips: 2⁴⁰ items behind the last byte, in C, deaf to signals."""
    added = {"name": "added", "type": {"type": "array", "items": "double"}}
    schema = expanded("Totals")
    book = SchemaBook()
    key = book.learn(orjson.dumps({**schema, "fields": [added, *schema["fields"]]}))
    with bounded(), pytest.raises(DecodeError):
        Decoder(Totals, book=book)(MARKER + key + zigzag(1 << 40))


@pytest.mark.parametrize("text", [b'{"type": "record"}', b'{"type": "record", "name": "A", "fields": 1}'])
def test_a_schema_that_is_none_is_refused_as_such(text: bytes) -> None:
    """Exceptions of fastavro came through, which no caller expects."""
    with pytest.raises(ValueError, match="no Avro schema"):
        SchemaBook().learn(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"type": "record", "name": "Totals"}',
        b'{"type": "record", "name": {}, "namespace": "a", "fields": []}',
        b'{"type": "record", "name": "Totals", "fields": [{"name": {}, "type": "long"}]}',
    ],
)
def test_a_record_of_a_schema_that_only_looks_like_one_is_refused(text: bytes) -> None:
    """Half a schema was learned, and each record that names it raised a `KeyError` or the like."""
    book = SchemaBook()
    key = book.learn(text)
    with pytest.raises((SchemaConflictError, DecodeError)):
        Decoder(Totals, book=book)(MARKER + key + b"\0")


async def test_a_seen_post_nested_too_deeply_is_a_problem_of_the_client() -> None:
    """A `RecursionError` of the decoder was a 500, for anybody who asked for it."""
    async with edge() as one:
        status, problem, _ = await one.post(b'{"tag": "t", "id": "1", "a": ' + b"[" * 8000)
        nested, same, _ = await one.post(b'{"tag": "t", "id": "1", "a": ' + b"[" * 8000 + b"]" * 8000 + b"}")
    assert (400, "invalid_json", 400, "invalid_json") == (status, problem["code"], nested, same["code"])


def test_yaml_nested_too_deeply_is_a_fault_of_its_file(tmp_path: Path) -> None:
    """`carillon apply` ended with a stack of a thousand lines."""
    path = tmp_path / "types.yaml"
    path.write_text("[" * 500)
    with pytest.raises(YamlFaultError, match="nested too deeply"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["!!bool x", "!!timestamp x", "a: !!int x"])
def test_a_yaml_tag_that_does_not_fit_is_a_fault_of_its_file(text: str, tmp_path: Path) -> None:
    """A `KeyError`, an `AttributeError` of PyYAML."""
    path = tmp_path / "types.yaml"
    path.write_text(text)
    with pytest.raises(YamlFaultError):
        read_yaml(path)


@pytest.mark.parametrize(
    "text", ["[" * 500, "a: !!bool x", "a: !!timestamp x", "a: 2020-99-99", ".nan: 1", "null: {}"]
)
def test_a_settings_file_that_is_none_is_told_in_one_text(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too deep, a date that is none, sections whose name is no text: each was an exception of a library."""
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    monkeypatch.setenv(CONFIG, str(path))
    with pytest.raises(SettingsError):
        load_settings()
