"""A plot over time as plain SVG, with a mark at each blow; readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 960
HEIGHT: Final = 170
LEFT: Final = 70
TOP: Final = 26
BOTTOM: Final = 20
INKS: Final = ("a", "b", "c")
STYLE: Final = """\
svg { max-width: 100%; height: auto }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
svg .title { font-weight: 600 } svg .axis { stroke: #8c959f; stroke-width: 1 }
svg .mark { stroke: #d1242f; stroke-width: 1; opacity: .35 } svg .line { fill: none; stroke-width: 1.5 }
svg .a { stroke: #1a7f37 } svg .b { stroke: #0969da } svg .c { stroke: #bc4c00 }
svg text.a { fill: #1a7f37; stroke: none } svg text.b { fill: #0969da; stroke: none }
svg text.c { fill: #bc4c00; stroke: none }
"""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at a second of the run, with a text that shows under the pointer."""

    at_s: float
    told: str


def curves(title: str, lines: Mapping[str, Sequence[Point]], marks: Iterable[Mark], last_s: float) -> str:
    """One picture; all lines share the axis. Points are (second of the run, value)."""
    most = max((value for points in lines.values() for _, value in points), default=0.0) or 1.0
    base = TOP + HEIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {base + BOTTOM}" role="img">'
    parts = [
        head,
        f'<text class="title" x="0" y="14">{escape(title)}</text>',
        f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{base}H{WIDTH}"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 6}" text-anchor="end">{_shown(most)}</text>',
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{WIDTH}" y="{base + 15}" text-anchor="end">{last_s:.0f} s</text>',
    ]
    for mark in marks:
        x = _x(mark.at_s, last_s)
        parts.append(
            f'<path class="mark" d="M{x:.1f} {TOP}V{base}"><title>{escape(mark.told)}</title></path>'
        )
    for ink, (name, points) in zip(INKS, lines.items(), strict=False):
        path = " ".join(
            f"{_x(at, last_s):.1f},{base - HEIGHT * min(1.0, value / most):.1f}" for at, value in points
        )
        parts.append(f'<polyline class="line {ink}" points="{path}"/>')
        x = WIDTH - 150 * (len(lines) - INKS.index(ink))
        parts.append(f'<text class="{ink}" x="{x}" y="14">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def _x(at_s: float, last_s: float) -> float:
    return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, at_s / (last_s or 1.0)))


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
