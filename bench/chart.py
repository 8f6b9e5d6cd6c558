"""A plot of horizontal bars as plain SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABEL, VALUE, ROW, TITLE, GAP = 760, 230, 90, 22, 30, 14
OURS = "Carillon"
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 }
.bar { fill: #8c959f } .ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #3fb950 } }
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that share a scale."""

    title: str
    bars: Mapping[str, float]
    form: str = "{:,.0f}"


def svg(groups: Iterable[Group]) -> str:
    """The picture, one group below the other."""
    y, parts = 0, []
    for group in groups:
        y += TITLE
        parts.append(f'<text class="title" x="0" y="{y - 9}">{escape(group.title)}</text>')
        most = max(group.bars.values(), default=1.0) or 1.0
        for label, value in group.bars.items():
            parts += _bar(label, value, most, y, group.form)
            y += ROW
        y += GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _bar(label: str, value: float, most: float, y: int, form: str) -> list[str]:
    length = max(1.0, value / most * (WIDTH - LABEL - VALUE))
    kind = "ours" if label.startswith(OURS) else "bar"
    middle = y + ROW - 7
    return [
        f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">{escape(label)}</text>',
        f'<rect class="{kind}" x="{LABEL}" y="{y + 2}" width="{length:.1f}" height="{ROW - 6}" rx="2"/>',
        f'<text x="{LABEL + length + 6:.1f}" y="{middle}">{form.format(value)}</text>',
    ]
