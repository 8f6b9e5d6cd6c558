"""Our own filters for those of Jinja2 that can make far more of a value than it was, or take far longer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jinja2 import pass_eval_context
from jinja2.filters import FILTERS, sync_do_join
from markupsafe import Markup

from connectors.templates.meter import BUDGET_TURNS, TEXT_CHARS_PER_TURN, LimitReachedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.nodes import EvalContext

LONGEST_TEXT = BUDGET_TURNS * TEXT_CHARS_PER_TURN
LARGEST_INDENT = 4
COMMENT_END = "-->"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@pass_eval_context
def tojson(escaping: EvalContext, value: Any, indent: int | None = None) -> Any:
    """Write as JSON. Each indent is multiplied by items and levels, so it is small."""
    if indent is not None and not (type(indent) is int and 0 <= indent <= LARGEST_INDENT):
        raise LimitReachedError(f"`tojson` takes an indent from 0 to {LARGEST_INDENT}")
    return FILTERS["tojson"](escaping, value, indent)


@pass_eval_context
def join(escaping: EvalContext, value: Any, d: str = "", attribute: str | int | None = None) -> Any:
    """Join the items of an array; the letters of a text would each take a separator."""
    if isinstance(value, str):
        raise LimitReachedError("`join` needs an array")
    return sync_do_join(escaping, value, d, attribute)


def replace(text: Any, old: str, new: str) -> Any:
    """Replace all; refused before it makes a text that is too long."""
    text = text if isinstance(text, str) else str(text)
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise LimitReachedError("`replace` would make a text too long")
    return text.replace(old, new)


def striptags(text: Any) -> str:
    """Take tags and comments out, in one pass each: MarkupSafe copies the text once for each of them."""
    text = str(text)
    text = _until(text, COMMENT_END, _COMMENT)
    text = _until(text, ">", _TAG)
    return Markup(" ".join(text.split())).unescape()  # noqa: S704 - to be unescaped, not to be shown as it is


def _until(text: str, end: str, pattern: re.Pattern[str]) -> str:
    """Remove matches before the last `end`: behind it none ends, and each search would see that anew."""
    last = text.rfind(end)
    if last < 0:
        return text
    cut = last + len(end)
    return pattern.sub("", text[:cut]) + text[cut:]


BOUNDED: Final[dict[str, Callable[..., Any]]] = {
    "join": join,
    "replace": replace,
    "striptags": striptags,
    "tojson": tojson,
}
