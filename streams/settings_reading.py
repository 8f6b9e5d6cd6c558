"""Names of settings in file, environment and flags, and sentences for a person where something is wrong."""

from __future__ import annotations

import difflib
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

PREFIX: Final = "CARILLON_"
CONFIG: Final = f"{PREFIX}CONFIG"
TESTS_ONLY: Final = f"{PREFIX}TEST_"
FROM_FILE: Final = "_FILE"
WHERE_TOLD: Final = "Every setting is described in docs/configuration.md."

NO_YAML: Final = (ValueError, RecursionError, AttributeError, KeyError, TypeError)
"""What PyYAML raises beside its own: for lists too deep, and for tags such as `!!bool x`."""

Nested = dict[str, Any]


class SettingsError(ValueError):
    """Wrong settings, told in one text."""


class Leaf(NamedTuple):
    """One setting: where it stands, its declaration, and whether it is a secret."""

    path: tuple[str, ...]
    field: FieldInfo
    secret: bool

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return variable(self.path)


def variable(path: tuple[str, ...]) -> str:
    """`("kafka", "app")` → `CARILLON_KAFKA__APP`."""
    return PREFIX + "__".join(path).upper()


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """All settings of a model and of the sections in it, in the order of their declaration."""
    for name, field in model.model_fields.items():
        here = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, here)
        else:
            yield Leaf(here, field, SecretStr in _alternatives(field.annotation))


def known_variables(model: type[BaseModel], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of our prefix and their values, secrets taken from the files that `_FILE` names.

    SettingsError names all unknown variables, and secrets that are given twice.
    """
    known = {leaf.variable: leaf for leaf in leaves(model)}
    files = {name + FROM_FILE: name for name, leaf in known.items() if leaf.secret}
    values: dict[str, str] = {}
    wrong: list[str] = []
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if name in known:
            values[name] = environment[name]
        elif name in files and files[name] in environment:
            wrong.append(f"{name}: {files[name]} is set too; keep one of them")
        elif name in files:
            values[files[name]] = _content(name, environment[name]).strip()
        elif name != CONFIG and not name.startswith(TESTS_ONLY):
            wrong.append(f"{name}: there is no such setting{_meant(name, [*known, *files])}")
    if wrong:
        raise SettingsError(_text(wrong))
    return values


def config_file(environment: Mapping[str, str]) -> Path | None:
    """The YAML file that the environment names; SettingsError when it cannot be read or holds no sections."""
    path = environment.get(CONFIG)
    if path is None:
        return None
    content = _content(CONFIG, path)
    try:
        sections = yaml.safe_load(content)
    except (yaml.YAMLError, *NO_YAML) as error:
        raise SettingsError(_text([f"{CONFIG}: {path} is not YAML: {error}"])) from error
    if not isinstance(sections, dict) or not all(isinstance(name, str) for name in sections):
        raise SettingsError(_text([f"{CONFIG}: {path} must hold sections such as `kafka:`"]))
    return Path(path)


def nested(flags: Mapping[str, object]) -> Nested:
    """`{"kafka.app": "x", "kafka.partitions": None}` → `{"kafka": {"app": "x"}}`."""
    values: Nested = {}
    for name, value in flags.items():
        *sections, leaf = name.split(".")
        if value is not None:
            functools.reduce(lambda below, section: below.setdefault(section, {}), sections, values)[leaf] = (
                value
            )
    return values


def told(model: type[BaseModel], error: ValidationError) -> str:
    """Every wrong setting by its variable's name, without the value of a secret."""
    return _text(f"{name}: {problem}" if name else problem for name, problem in _problems(model, error))


def _problems(model: type[BaseModel], error: ValidationError) -> Iterator[tuple[str, str]]:
    known = {leaf.path for leaf in leaves(model)}
    for row in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in row["loc"])
        if row["type"] == "extra_forbidden":
            yield variable(path), "there is no such setting" + _meant(variable(path), map(variable, known))
        else:
            yield variable(path) if path in known else "", row["msg"].removeprefix("Value error, ")


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(_text([f"{name}: {path} cannot be read: {error}"])) from error


def _alternatives(annotation: object) -> tuple[object, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _meant(name: str, known: typing.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _text(problems: typing.Iterable[str]) -> str:
    return "\n".join(["The settings are wrong:", *(f"  {problem}" for problem in problems), WHERE_TOLD])
