"""What a template says of its variables: a part of JSON Schema, checked before each render (NS-TPL-025).

A description has a `type` (NS-TPL-OP-06) and limits on the value. Our own words beside those of JSON Schema:
`secret` (sealed and masked), `required` as a flag of the variable, `example` (what a preview shows); and for
a push `image`, `button`, `place`: what its value is shown as (connectors/templates/rich.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from schemas.errors import RenderFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TYPES: Final[dict[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "number": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "array": frozenset({list, tuple}),
    "object": frozenset({dict}),
}
SIZES: Final[dict[str, tuple[str, bool]]] = {
    "minLength": ("string", True),
    "maxLength": ("string", False),
    "minItems": ("array", True),
    "maxItems": ("array", False),
    "minimum": ("number", True),
    "maximum": ("number", False),
}
"""Limit → the type it belongs to, and whether it is the lower one."""
SHOWN: Final = frozenset({"image", "button"})
"""What a push shows beside its text: their values are https addresses."""
OURS: Final = frozenset({"secret", "example", "place"}) | SHOWN
PLAIN: Final = frozenset({"type", "required", "description", "enum", "format"})
KNOWN: Final = PLAIN | OURS | SIZES.keys() | {"items", "properties"}
DEEPEST = 8
LONGEST_LABEL = 40
MOST_FAULTS = 20
MOST_WORDS = 1_000
MOST_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable. `form`: its description, or None when its type is all there is to check."""

    name: str
    type_name: str
    types: frozenset[type]
    required: bool
    secret: bool
    form: Mapping[str, Any] | None

    def faults(self, value: Any) -> Iterator[str]:
        """What is wrong with a value; never the value itself."""
        if type(value) not in self.types:
            yield f"variable `{self.name}` is no {self.type_name}"
        elif self.form is not None:
            yield from _faults(self.form, value, f"variable `{self.name}`")


def declared(variables: Mapping[str, Mapping[str, Any]]) -> tuple[Variable, ...]:
    """Read descriptions; `RenderFailedError` for one that cannot be kept."""
    return tuple(_variable(name, form) for name, form in variables.items())


def data_schema(variables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON Schema of the data that a template takes, for clients and their tools."""
    required = [each.name for each in declared(variables) if each.required]
    properties = {name: _plain(form) for name, form in variables.items()}
    return {"type": "object", "properties": properties, "required": required}


def _plain(form: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in form.items() if key not in OURS}
    if not isinstance(plain.get("required"), list):
        plain.pop("required", None)
    if "properties" in plain:
        plain["properties"] = {name: _plain(inner) for name, inner in plain["properties"].items()}
    if "items" in plain:
        plain["items"] = _plain(plain["items"])
    if form.keys() & SHOWN:
        plain |= {"format": "uri", "pattern": "^https://"}
    return {"type": "string"} | plain


def _variable(name: str, form: Mapping[str, Any]) -> Variable:
    kind = _checked(name, form, DEEPEST)
    required = form.get("required", True)
    further = any(key not in {"type", "required", "secret", "example", "description"} for key in form)
    return Variable(
        name,
        kind,
        TYPES[kind],
        required=isinstance(required, list) or bool(required),
        secret=bool(form.get("secret", False)),
        form=form if further or isinstance(required, list) else None,
    )


def _checked(name: str, form: Any, depth: int) -> str:
    """The type's name of a description that is in order."""
    if not isinstance(form, dict) or depth == 0:
        raise RenderFailedError(f"variable `{name}`: must be described by an object, {DEEPEST} levels deep")
    kind = form.get("type", "string")
    if not isinstance(kind, str) or kind not in TYPES:
        raise RenderFailedError(f"variable `{name}`: its type must be one of {', '.join(TYPES)}")
    for key, value in form.items():
        if key not in KNOWN:
            raise RenderFailedError(
                f"variable `{name}`: `{key}` is not known; known are {', '.join(sorted(KNOWN))}"
            )
        if not _fits(key, value, kind):
            raise RenderFailedError(f"variable `{name}`: `{key}` does not fit a {kind}")
    if depth < DEEPEST and form.keys() & (SHOWN | {"place"}):
        raise RenderFailedError(f"variable `{name}`: only a whole variable is an image or a button")
    for inner_name, inner in _within(name, form):
        _checked(inner_name, inner, depth - 1)
    return kind


def _within(name: str, form: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in form.get("properties", {}).items():
        yield f"{name}.{key}", inner
    if "items" in form:
        yield f"{name}[]", form["items"]


def _fits(key: str, value: Any, kind: str) -> bool:
    """Whether a keyword is of the type described and its value is one."""
    if key in SIZES:
        whole = type(value) is int and value >= 0
        return SIZES[key][0] == kind and (whole or (kind == "number" and type(value) in {int, float}))
    return key not in FITTING or FITTING[key](value, kind)


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= LONGEST_LABEL


def _names(value: Any, kind: str) -> bool:
    return not isinstance(value, list) or (kind == "object" and all(type(each) is str for each in value))


FITTING: Final[dict[str, Callable[[Any, str], bool]]] = {
    "enum": lambda value, kind: (
        isinstance(value, list) and 0 < len(value) <= MOST_WORDS and kind in {"string", "number"}
    ),
    "format": lambda value, kind: isinstance(value, str) and value in FORMATS and kind == "string",
    "items": lambda _, kind: kind == "array",
    "properties": lambda value, kind: isinstance(value, dict) and kind == "object",
    "required": _names,
    "image": lambda value, kind: value is True and kind == "string",
    "button": lambda value, kind: kind == "string" and _is_label(value),
    "place": lambda value, kind: kind == "string" and type(value) is int,
}


def _faults(form: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    kind = form.get("type", "string")
    if type(value) not in TYPES[kind]:
        yield f"{where} is no {kind}"
        return
    yield from _limits(form, value, where)
    if kind == "object":
        yield from _keys(form, value, where)
    if kind == "array" and len(value) > MOST_ITEMS:
        yield f"{where} has more than {MOST_ITEMS} items"
    elif kind == "array" and "items" in form:
        for number, item in enumerate(value):
            yield from _faults(form["items"], item, f"{where}, item {number}")


def _limits(form: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    for key, (kind, is_lower) in SIZES.items():
        if key in form:
            size = value if kind == "number" else len(value)
            if size < form[key] if is_lower else size > form[key]:
                yield f"{where} breaks `{key}` {form[key]}"
    if "enum" in form and value not in form["enum"]:
        yield f"{where} is none of its `enum`"
    if "format" in form and not FORMATS[form["format"]](value):
        yield f"{where} is no {form['format']}"
    if form.keys() & SHOWN and not (value.startswith("https://") and _is_uri(value)):
        yield f"{where} is no https address"


def _keys(form: Mapping[str, Any], value: Mapping[str, Any], where: str) -> Iterator[str]:
    required = form.get("required", True)
    for key in required if isinstance(required, list) else ():
        if value.get(key) is None:
            yield f"{where} lacks `{key}`"
    for key, inner in form.get("properties", {}).items():
        if value.get(key) is not None:
            yield from _faults(inner, value[key], f"{where}, `{key}`")


def _is_uri(text: str) -> bool:
    """Whether it is a web address: what may stand in `href` without running a script."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable() and " " not in text


FORMATS: Final[dict[str, Callable[[str], bool]]] = {"uri": _is_uri}
