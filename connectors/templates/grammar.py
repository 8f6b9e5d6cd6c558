"""What a template may say: the constructs allowed, the leading-dot alias, and where the meter is woven in.

`{{.UserName}}` of NS-TPL-011 means `{{ UserName }}` (NS-TPL-OP-03). There are no calls, macros, imports and
powers; includes and layouts are gone before this looks (`connectors/templates/splicing.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2.lexer import Token, TokenStream

# Internal filters: no template can spell a name with a blank.
TURNS = " turns"
MEASURED = " measured"
JOINED = " joined"
SCALAR = " scalar"

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.For,
    nodes.If,
    nodes.Assign,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
)
REFUSALS: dict[type[nodes.Node], str] = {
    nodes.Call: "calls are not allowed: use a filter, such as `x|items` or `x|upper`",
    nodes.Macro: "macros are not allowed",
    nodes.Import: "templates cannot import others",
    nodes.FromImport: "templates cannot import others",
    nodes.Pow: "powers are not allowed",
}
CONSTANT = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Neg, nodes.TemplateData)
KEYWORDS_BEFORE_A_NAME = frozenset({"if", "elif", "else", "in", "is", "and", "or", "not"})
ENDS_A_VALUE = frozenset({"name", "rparen", "rbracket", "string", "integer", "float"})
MEMBERSHIP = frozenset({"in", "notin"})
MOST_NODES = 10_000
NODES_PER_TURN = 100
CONSTANT_CHARS = 64


class LeadingDot(Extension):
    """Drops a dot that follows nothing it could be an item of: `{{.Name}}`, `{% if .Paid and .Items %}`."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Pass every token on but such dots."""
        before: Token | None = None
        for token in stream:
            if not (token.type == "dot" and not _ends_a_value(before)):
                yield token
            before = token


def _ends_a_value(token: Token | None) -> bool:
    if token is None or token.type not in ENDS_A_VALUE:
        return False
    return not (token.type == "name" and token.value in KEYWORDS_BEFORE_A_NAME)


def check(tree: nodes.Template) -> None:
    """Raise `TemplateSyntaxError` for the first construct that is not allowed, or when there are too many."""
    waiting: list[nodes.Node] = [tree]
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_NODES:
            raise TemplateSyntaxError(f"more than {MOST_NODES} expressions and texts", node.lineno)
        _check_node(node)
        waiting.extend(node.iter_child_nodes())


def _check_node(node: nodes.Node) -> None:
    if not isinstance(node, ALLOWED):
        kind = type(node)
        raise TemplateSyntaxError(
            REFUSALS.get(kind, f"`{kind.__name__.lower()}` is not allowed"), node.lineno
        )
    if isinstance(node, nodes.Name) and node.name == "self":
        raise TemplateSyntaxError("`self` is not allowed", node.lineno)
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateSyntaxError("recursive loops are not allowed", node.lineno)
    if _is_written_out(node) and not all(isinstance(child, CONSTANT) for child in node.find_all(nodes.Node)):
        raise TemplateSyntaxError("a list or object written out holds constants only", node.lineno)


def _is_written_out(node: nodes.Node) -> bool:
    return isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load")


class Weaver(NodeTransformer):
    """Puts the meter where a template loops, slices, searches, joins or compares; gives `x if y` its `else`.

    What stands anywhere else takes a bounded time, and a turn of a loop costs by what stands in it. So the
    budget of turns bounds the whole render.
    """

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja2's naming
        self.generic_visit(node)
        inside = [*node.body, node.test] if node.test is not None else node.body
        price = 1 + sum(_weight(each) for each in inside) // NODES_PER_TURN
        node.iter = _filtered(TURNS, node.iter, nodes.Const(price))
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(MEASURED, node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(JOINED, nodes.Tuple(node.nodes, "load", lineno=node.lineno))

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.CondExpr:  # noqa: N802
        self.generic_visit(node)
        node.expr2 = node.expr2 or nodes.Const("")
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.expr, nodes.Const):
            node.expr = _filtered(SCALAR, node.expr)
        for operand in node.ops:
            if operand.op in MEMBERSHIP:
                operand.expr = _filtered(MEASURED, operand.expr)
        for operand in node.ops[:-1]:
            operand.expr = _filtered(SCALAR, operand.expr)
        return node


def _weight(tree: nodes.Node) -> int:
    """How much a turn runs through; loops inside pay for their own turns."""
    weight = 0
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        weight += 1
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            weight += len(node.value) // CONSTANT_CHARS
        waiting.extend([node.iter, *node.else_] if isinstance(node, nodes.For) else node.iter_child_nodes())
    return weight


def _filtered(name: str, node: nodes.Node, *arguments: nodes.Expr) -> nodes.Filter:
    assert isinstance(node, nodes.Expr)
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)
