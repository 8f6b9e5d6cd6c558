"""Loads a directory of YAML files: types, rules, providers, seen tags, what audiences need, templates.

    types.yaml  rules.yaml  providers.yaml  seen.yaml       each a list
    communications.yaml  filters.yaml  experiments.yaml     likewise
    templates/<name>.<channel>.<language>.yaml              one template each

A template's `body_file` and `body_text_file`, and any `<key>_file` in a provider's config, name a file beside
theirs whose text is taken instead (secrets need not stand in YAML). Every fault is collected before anything
is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.reference.checks import cross_checks, record_checks
from connectors.reference.faults import ReferenceFilesError
from connectors.reference.seen_forms import seen_entry
from connectors.reference.wire import ReferenceRecord, key_of
from connectors.reference.yaml_files import YamlFaultError, read_yaml
from connectors.templates.bundle import among, bundled
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

if TYPE_CHECKING:
    from pathlib import Path

LISTS: dict[str, type[ReferenceRecord]] = {
    "types.yaml": NotificationType,
    "rules.yaml": Rule,
    "providers.yaml": Provider,
    "seen.yaml": SeenTag,
    "communications.yaml": Communication,
    "filters.yaml": AudienceFilter,
    "experiments.yaml": Experiment,
}
TEMPLATES = "templates"
TEXT_FILES = ("body_file", "body_text_file")
UNSAID = {"version", "targets", "parts"}
"""Fields that no file gives: counted, come of the long forms of destinations, looked up in the folder."""


@dataclass(slots=True)
class Loaded:
    """What a directory holds: records that can be stored, and remarks that stop nothing."""

    records: list[ReferenceRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    folder: Path
    places: dict[str, str] = field(default_factory=dict)  # key of a record → where it stands
    loaded: Loaded = field(default_factory=Loaded)
    faults: list[str] = field(default_factory=list)
    templates: list[tuple[str, Template]] = field(default_factory=list)  # checked once all parts are known


def load_directory(folder: Path) -> list[ReferenceRecord]:
    """Load all records; `ReferenceFilesError` lists every fault of the files."""
    return read_directory(folder).records


def read_directory(folder: Path) -> Loaded:
    """Load all records and remarks about them; `ReferenceFilesError` lists every fault of the files."""
    reading = _Reading(folder)
    if not folder.is_dir():
        raise ReferenceFilesError(
            [f"{folder} is no directory: give one with {', '.join(LISTS)} or {TEMPLATES}/"]
        )
    for place, path, entry, record_type in _entries(reading):
        _take(reading, place, path, (entry, record_type))
    _with_parts(reading)
    if not reading.faults and not reading.places:
        reading.faults.append(f"{folder} holds none of {', '.join(LISTS)} nor {TEMPLATES}/*.yaml")
    if reading.faults:
        raise ReferenceFilesError(reading.faults)
    reading.loaded.warnings.extend(cross_checks(reading.loaded.records))
    return reading.loaded


def _entries(reading: _Reading) -> Iterator[tuple[str, Path, Any, type[ReferenceRecord]]]:
    """Walk all entries of all files, each with the words that tell a person where it stands."""
    for name, record_type in LISTS.items():
        path = reading.folder / name
        entries = _read(reading, path) if path.exists() else []
        if not isinstance(entries, list | None):
            reading.faults.append(f"{name}: must be a list; begin each entry with `- `")
            continue
        for number, entry in enumerate(entries or [], 1):
            yield f"{name}, entry {number}", path, entry, record_type
    for path in sorted((reading.folder / TEMPLATES).glob("*.yaml")):
        place = f"{TEMPLATES}/{path.name}"
        entry = _read(reading, path)
        if entry is not None:
            yield place, path, _named_by_file(reading, place, path, entry), Template


def _read(reading: _Reading, path: Path) -> Any:
    try:
        return read_yaml(path)
    except YamlFaultError as error:
        reading.faults.append(f"{path.relative_to(reading.folder)}, {error}")
        return None


def _named_by_file(reading: _Reading, place: str, path: Path, entry: Any) -> Any:
    """Fill in what the file's name says, and refuse a contradiction."""
    parts = path.stem.rsplit(".", 2)
    if not isinstance(entry, dict) or len(parts) != 3:  # noqa: PLR2004 - name, channel, language
        if len(parts) != 3:  # noqa: PLR2004
            reading.faults.append(f"{place}: name the file <name>.<channel>.<language>.yaml")
        return entry
    said = dict(zip(("name", "channel_type", "language_code"), parts, strict=True))
    for key, word in said.items():
        if entry.get(key, word) != word:
            reading.faults.append(f"{place}, `{key}`: is {entry[key]!r}, but the file's name says {word!r}")
    return said | entry


def _take(reading: _Reading, place: str, path: Path, given: tuple[Any, type[ReferenceRecord]]) -> None:
    """Turn one entry into a record, or into faults."""
    entry, record_type = given
    if not isinstance(entry, dict):
        reading.faults.append(f"{place}: must be a mapping of {', '.join(_fields(record_type))}")
        return
    faults: list[str] = []
    entry = _with_files(entry, path, faults)
    faults += _unknown_keys(entry, record_type)
    entry = seen_entry(entry, faults) if record_type is SeenTag else _short_forms(entry)
    record = _converted(entry, record_type, faults)
    if record is not None:
        place = f"{place} ({key_of(record).partition(':')[2]})" if record_type is not Template else place
        first = reading.places.setdefault(key_of(record), place)
        if first != place:
            faults.append(f"the same as {first}: keep one of them")
        if isinstance(record, Template):
            reading.templates.append((place, record))
        else:
            _check(reading, place, record)
    reading.faults += [f"{place}: {fault}" for fault in faults]


def _with_parts(reading: _Reading) -> None:
    """Check templates with the layouts and partials of the same folder."""
    find = among(template for _, template in reading.templates)
    for place, template in reading.templates:
        _check(reading, place, bundled(template, find))


def _check(reading: _Reading, place: str, record: ReferenceRecord) -> None:
    errors, warnings = record_checks(record)
    reading.faults += [f"{place}: {error}" for error in errors]
    reading.loaded.warnings += [f"{place}: {warning}" for warning in warnings]
    reading.loaded.records.append(record)


def _converted(entry: dict[str, Any], record_type: type[ReferenceRecord], faults: list[str]) -> Any:
    try:
        return msgspec.convert(entry, record_type)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at ")
        faults.append(f"{where.strip('`').removeprefix('$.') or 'entry'}: {text}" if where else text)
        return None


def _with_files(entry: dict[str, Any], path: Path, faults: list[str]) -> dict[str, Any]:
    """Replace keys that name files by the texts of the files."""
    filled = _filled({key: entry[key] for key in TEXT_FILES if key in entry}, path, faults)
    rest = {key: value for key, value in entry.items() if key not in TEXT_FILES}
    if "config" in entry:
        rest["config"] = _with_secrets(entry["config"], path, faults)
    return rest | filled


def _with_secrets(given: Any, path: Path, faults: list[str]) -> Any:
    """The same for a config, and for what lies within it; texts lose the line break at their end."""
    if isinstance(given, list):
        return [_with_secrets(one, path, faults) for one in given]
    if not isinstance(given, dict):
        return given
    named = {key: value for key, value in given.items() if str(key).endswith("_file")}
    kept = {key: _with_secrets(value, path, faults) for key, value in given.items() if key not in named}
    return kept | {key: text.strip() for key, text in _filled(named, path, faults).items()}


def _filled(named: dict[str, Any], path: Path, faults: list[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, name in named.items():
        try:
            texts[key.removesuffix("_file")] = (path.parent / str(name)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"`{key}`: {name} cannot be read ({type(error).__name__})")
    return texts


def _short_forms(entry: dict[str, Any]) -> dict[str, Any]:
    """`UserName: string` means `UserName: {type: string}` (NS-TPL-025)."""
    variables = entry.get("variables")
    if not isinstance(variables, dict):
        return entry
    whole = {name: {"type": form} if isinstance(form, str) else form for name, form in variables.items()}
    return entry | {"variables": whole}


def _unknown_keys(entry: dict[str, Any], record_type: type[ReferenceRecord]) -> Iterator[str]:
    known = _fields(record_type)
    for key in entry:
        if key == "version":
            yield "`version`: leave it out; it is counted when the content changes"
        elif key not in known:
            longer = [name for name in known if name.startswith(str(key))]
            close = longer or get_close_matches(str(key), known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"
            yield f"`{key}`: is not known; {hint}"


def _fields(record_type: type[ReferenceRecord]) -> list[str]:
    return [name for name in record_type.__struct_fields__ if name not in UNSAID]
