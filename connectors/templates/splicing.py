"""Layouts and partials: `{% include "_footer" %}` and `{% extends "_mail" %}`, spliced before compiling.

A part is a template whose name begins with `_`; nothing is ever sent by it alone. The texts come with the
template (`Template.parts`), so nothing is looked up while rendering. What results is checked as
a whole: a part can do no more than the text that uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Environment

MARK = "_"
DEEPEST = 5
MOST_CHARS = 512 * 1024


def is_part(name: str) -> bool:
    """Whether a template of this name is a layout or a partial."""
    return name.startswith(MARK)


def names_used(environment: Environment, source: str) -> list[str]:
    """Parts that a text names itself; none when it is no template."""
    try:
        tree = environment.parse(source)
        found: list[nodes.Include | nodes.Extends] = [
            *tree.find_all(nodes.Include),
            *tree.find_all(nodes.Extends),
        ]
        return list(dict.fromkeys(_named(node) for node in found))
    except (TemplateSyntaxError, RecursionError):
        return []


class Splicer(NodeTransformer):
    """Puts parts where a text includes or extends them."""

    def __init__(self, parse: Callable[[str], nodes.Template], texts: Mapping[str, str]) -> None:
        self._parse = parse
        self._texts = texts
        self._blocks: dict[str, nodes.Block] = {}
        self._within: list[str] = []
        self._chars = MOST_CHARS

    def spliced(self, tree: nodes.Template) -> nodes.Template:
        """The tree without includes, layouts and blocks; `TemplateSyntaxError` names what does not fit."""
        layouts = [node for node in tree.body if isinstance(node, nodes.Extends)]
        if not layouts:
            made = self.visit(tree)
            assert isinstance(made, nodes.Template)
            return made
        for node in tree.body:
            self._take_block(node)
        inner = self._part(_named(layouts[0]), layouts[0].lineno)
        made = nodes.Template(inner, lineno=1)
        assert tree.environment is not None
        made.set_environment(tree.environment)
        return made

    def visit_Include(self, node: nodes.Include) -> list[nodes.Node]:  # noqa: N802 - Jinja2's naming
        return self._part(_named(node), node.lineno)

    def visit_Block(self, node: nodes.Block) -> list[nodes.Node]:  # noqa: N802
        chosen = self._blocks.pop(node.name, node)
        found: list[nodes.Node] = []
        for child in chosen.body:
            found += _listed(self.visit(child))
        return found

    def _take_block(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Block):
            self._blocks[node.name] = node
        elif isinstance(node, nodes.Output) and all(
            isinstance(each, nodes.TemplateData) and not each.data.strip() for each in node.nodes
        ):
            return
        elif not isinstance(node, nodes.Extends) or self._blocks:
            raise TemplateSyntaxError(
                "with a layout, text stands in blocks only, behind `extends`", node.lineno
            )

    def _part(self, name: str, line: int) -> list[nodes.Node]:
        text = self._texts.get(name)
        if text is None:
            raise TemplateSyntaxError(f"part `{name}` is not known, or has no such text", line)
        self._chars -= len(text)
        if name in self._within or len(self._within) == DEEPEST or self._chars < 0:
            raise TemplateSyntaxError(
                f"part `{name}` includes itself, or parts are too deep or too long", line
            )
        self._within.append(name)
        try:
            tree = self._parse(text)
            if isinstance(first := next(tree.find_all(nodes.Extends), None), nodes.Extends):
                raise TemplateSyntaxError("a part cannot have a layout", first.lineno)
            found: list[nodes.Node] = []
            for child in tree.body:
                found += _listed(self.visit(child))
        except TemplateSyntaxError as error:
            within = error.message or ""
            told = within if within.startswith("part ") else f"part `{name}`, line {error.lineno}: {within}"
            raise TemplateSyntaxError(told, line) from None
        self._within.pop()
        return found


def _named(node: nodes.Include | nodes.Extends) -> str:
    name = node.template.value if isinstance(node.template, nodes.Const) else None
    if not isinstance(name, str) or not is_part(name) or getattr(node, "ignore_missing", False):
        raise TemplateSyntaxError(
            'include or extend one part by its name, as in `{% include "_footer" %}`', node.lineno
        )
    return name


def _listed(made: nodes.Node | list[nodes.Node] | None) -> list[nodes.Node]:
    if made is None:
        return []
    return made if isinstance(made, list) else [made]
