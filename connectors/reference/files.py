"""Reference data as YAML files: `types.yaml`, `rules.yaml`, `providers.yaml`, `seen.yaml`, `templates/*.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from connectors.reference.book import key_of
from schemas.records import NotificationType, Provider, Rule, SeenTag, Template

if TYPE_CHECKING:
    from pathlib import Path

LISTS: dict[str, type[msgspec.Struct]] = {
    "types.yaml": NotificationType,
    "rules.yaml": Rule,
    "providers.yaml": Provider,
    "seen.yaml": SeenTag,
}


class ReferenceFileError(ValueError):
    """A file is missing, no YAML, or wrong; the text names file, entry and field."""


def load_directory(folder: Path) -> list[msgspec.Struct]:
    """All records of a folder; files that are not there count as empty, but not all of them."""
    if not folder.is_dir():
        raise ReferenceFileError(f"{folder} is no folder")
    records: list[msgspec.Struct] = []
    for name, kind in LISTS.items():
        path = folder / name
        if path.exists():
            records += [
                _record(path, place, entry, kind) for place, entry in enumerate(_entries(path), start=1)
            ]
    for path in sorted((folder / "templates").glob("*.yaml")):
        records.append(_record(path, 1, _read(path), Template))
    if not records:
        raise ReferenceFileError(f"{folder} holds none of {', '.join(LISTS)} and no templates/*.yaml")
    seen: set[str] = set()
    for record in records:
        if (key := key_of(record)) in seen:
            raise ReferenceFileError(f"{folder}: {key} is given twice")
        seen.add(key)
    return records


def _entries(path: Path) -> list[Any]:
    found = _read(path)
    if not isinstance(found, list):
        raise ReferenceFileError(f"{path}: expected a list of entries")
    return found


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReferenceFileError(f"{path}: {error}") from error


def _record(path: Path, place: int, entry: Any, kind: type[msgspec.Struct]) -> msgspec.Struct:
    known = {field.name for field in msgspec.structs.fields(kind)}
    unknown = sorted(set(entry) - known) if isinstance(entry, dict) else []
    if unknown:
        raise ReferenceFileError(f"{path}, entry {place}: unknown field {', '.join(unknown)}")
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        raise ReferenceFileError(f"{path}, entry {place}: {error}") from error
