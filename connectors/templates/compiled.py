"""A template made ready: its parts compiled, its declared variables as a check to run before each render."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, UndefinedError, meta

from connectors.templates.grammar import Weaver, check
from connectors.templates.meter import METER, LimitReachedError, Meter
from connectors.templates.rich import Rich
from connectors.templates.sandbox import RenderContext, TemplateEnvironment
from connectors.templates.splicing import Splicer
from connectors.templates.variables import MOST_FAULTS, Variable, declared
from schemas.errors import RenderFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from schemas.records import Template

PARTS = ("subject", "title", "body", "body_text")
SOURCE_CHARS = 512 * 1024
FILE = "<template>"

ESCAPING = TemplateEnvironment(autoescape=True)
PLAIN = TemplateEnvironment(autoescape=False)


@dataclass(frozen=True, slots=True)
class Part:
    """One compiled text of a template: subject, title, body or text body."""

    name: str
    program: JinjaTemplate
    environment: TemplateEnvironment
    source: str
    uses: frozenset[str]

    def render(self, values: dict[str, Any], limit_chars: int) -> str:
        """Run it; `RenderFailedError` names the part, the line and what went wrong, and never a value."""
        pieces: list[str] = []
        room = limit_chars
        try:
            for piece in self.program.root_render_func(RenderContext(self.environment, values)):
                room -= len(piece)
                if room < 0:
                    raise LimitReachedError(f"the output is longer than {limit_chars} characters")
                pieces.append(piece)
        except Exception as error:  # noqa: BLE001 - a template is foreign code: whatever it raises is its failure
            raise RenderFailedError(f"{self.name}, line {self._line(error)}: {self._told(error)}") from None
        return "".join(pieces)

    def _line(self, error: Exception) -> int:
        line = 1
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILE:
                line = self.program.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return line

    def _told(self, error: Exception) -> str:
        if isinstance(error, LimitReachedError):
            return str(error)
        if isinstance(error, UndefinedError):
            name = str(error).rpartition("attribute ")[2].split(" ")[0].strip("'")
            return f"`{name}` is not there" if name in self.source else "an item is not there"
        return f"an expression failed with {type(error).__name__}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """All parts of one template, its variables, and which of them a push shows."""

    parts: tuple[Part, ...]
    variables: tuple[Variable, ...]
    rich: Rich

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Pick the declared variables, checked against their types (NS-TPL-OP-06), with a fresh meter."""
        values: dict[str, Any] = {METER: Meter()}
        problems: list[str] = []
        for variable in self.variables:
            value = given.get(variable.name)
            if value is None:
                if variable.required:
                    problems.append(f"variable `{variable.name}` is missing")
            elif type(value) not in variable.types or variable.form is not None:
                problems += islice(variable.faults(value), MOST_FAULTS)
            values[variable.name] = value
        if problems:
            raise RenderFailedError("; ".join(problems[:MOST_FAULTS]))
        return values


def compiled(template: Template) -> Compiled:
    """Make a template ready; `RenderFailedError` when it is none."""
    variables = declared(template.variables)
    parts = tuple(
        _part(name, source, template) for name in PARTS if (source := getattr(template, name)) is not None
    )
    names = {variable.name for variable in variables}
    unknown = sorted({name for part in parts for name in part.uses} - names)
    if unknown:
        raise RenderFailedError(f"undeclared variables: {', '.join(unknown)}")
    return Compiled(parts, variables, Rich(template))


def _part(name: str, source: str, template: Template) -> Part:
    if len(source) > SOURCE_CHARS:
        raise RenderFailedError(f"{name}: longer than {SOURCE_CHARS} characters")
    environment = ESCAPING if template.channel_type == "email" and name == "body" else PLAIN
    texts = {part: text for part, form in template.parts.items() if isinstance(text := form.get(name), str)}
    try:
        tree = Splicer(environment.parse, texts).spliced(environment.parse(source))
        check(tree)
        uses = frozenset(meta.find_undeclared_variables(tree))
        code = environment.compile(Weaver().visit(tree), filename=FILE)
        program = JinjaTemplate.from_code(environment, code, {})
    except TemplateSyntaxError as error:
        raise RenderFailedError(f"{name}, line {error.lineno}: {error.message}") from None
    except Exception as error:  # noqa: BLE001 - deep nesting ends in RecursionError, SyntaxError or MemoryError
        raise RenderFailedError(f"{name}: cannot be compiled ({type(error).__name__})") from None
    return Part(name, program, environment, "\n".join((source, *texts.values())), uses)
