"""Plots over time as plain SVG, with marks at seconds of the run; readable on light and dark pages."""

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
GAP: Final = 14
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
ALONE: Final = """\
svg { color: #24292f } @media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }
"""
"""Of a picture in a file of its own, which inherits no colour from a page."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at a second of the run, with a text that shows under the pointer."""

    at_s: float
    told: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot; all lines share the axis. Points are (second of the run, value)."""

    title: str
    lines: Mapping[str, Sequence[Point]]
    marks: Sequence[Mark] = ()


def curves(title: str, lines: Mapping[str, Sequence[Point]], marks: Iterable[Mark], last_s: float) -> str:
    """One picture, for a page that has `STYLE`."""
    body = _drawn(Panel(title, lines, tuple(marks)), last_s)
    return "\n".join([_head(TOP + HEIGHT + BOTTOM), *body, "</svg>"])


def sheet(panels: Sequence[Panel], last_s: float) -> str:
    """Plots one below the other, as a file of its own."""
    each = TOP + HEIGHT + BOTTOM + GAP
    parts = [_head(each * len(panels)), f"<style>{STYLE}{ALONE}</style>"]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate(0 {number * each})">', *_drawn(panel, last_s), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _head(height: int) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'


def _drawn(panel: Panel, last_s: float) -> list[str]:
    lines = panel.lines
    most = max((value for points in lines.values() for _, value in points), default=0.0) or 1.0
    base = TOP + HEIGHT
    parts = [
        f'<text class="title" x="0" y="14">{escape(panel.title)}</text>',
        f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{base}H{WIDTH}"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 6}" text-anchor="end">{_shown(most)}</text>',
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{WIDTH}" y="{base + 15}" text-anchor="end">{last_s:.0f} s</text>',
    ]
    for mark in panel.marks:
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
    return parts


def _x(at_s: float, last_s: float) -> float:
    return LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, at_s / (last_s or 1.0)))


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
