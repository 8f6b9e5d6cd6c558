"""Plots of lines as plain SVG, readable on light and dark pages; an axis may be logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, HEIGHT = 760, 60, 20, 220
TOP, BOTTOM = 52, 44
INKS = ("a", "b", "c", "d")
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .axis { stroke: #8c959f }
.grid { stroke: #8c959f; opacity: .25 } .budget { stroke: #d1242f; stroke-dasharray: 5 4 }
.line { fill: none; stroke-width: 2 } .a { stroke: #1a7f37 } .b { stroke: #0969da } .c { stroke: #bc4c00 }
.d { stroke: #8250df } text.a { fill: #1a7f37; stroke: none } text.b { fill: #0969da; stroke: none }
text.c { fill: #bc4c00; stroke: none } text.d { fill: #8250df; stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .a { stroke: #3fb950 } .b { stroke: #58a6ff }
.c { stroke: #f0883e } .d { stroke: #bc8cff } text.a { fill: #3fb950 } text.b { fill: #58a6ff }
text.c { fill: #f0883e } text.d { fill: #bc8cff } .budget { stroke: #ff7b72 } }
"""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is told along one side, from `low` to `high`; a logarithmic one begins above 0."""

    title: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0 to 1; what lies outside is put at the end."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low)

    def ticks(self) -> list[float]:
        """Values to be named: 1, 2 and 5 of each decade (of many decades only 1), or the quarters."""
        if not self.log:
            return [self.low + (self.high - self.low) * quarter / 4 for quarter in range(5)]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if len(decades) <= 4 else (1,)
        values = [step * 10.0**decade for decade in decades for step in steps]
        return [value for value in values if self.low <= value <= self.high]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share axes. `budget`: a value of the upright axis that is marked across."""

    title: str
    along: Axis
    upright: Axis
    lines: Mapping[str, Sequence[Point]]
    budget: float | None = None


def plot(panels: Iterable[Panel]) -> str:
    """The picture, one panel below the other."""
    parts, y = [], 0
    for panel in panels:
        parts += _panel(panel, y + TOP)
        y += TOP + HEIGHT + BOTTOM
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    base = top + HEIGHT
    parts = [
        f'<text class="title" x="0" y="{top - 34}">{escape(panel.title)}</text>',
        f'<text x="0" y="{top - 12}">{escape(panel.upright.title)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{base + 36}" text-anchor="end">{escape(panel.along.title)}</text>',
        f'<path class="axis" fill="none" d="M{LEFT} {top}V{base}H{WIDTH - RIGHT}"/>',
    ]
    for value in panel.along.ticks():
        x = _x(panel, value)
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{base}"/>')
        parts.append(f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{value:,g}</text>')
    for value in panel.upright.ticks():
        y = _y(panel, value, base)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>')
    if panel.budget is not None:
        y = _y(panel, panel.budget, base)
        parts.append(f'<path class="budget" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
    return parts + _lines(panel, top, base)


def _lines(panel: Panel, top: int, base: int) -> list[str]:
    parts = []
    room = (WIDTH - LEFT - RIGHT - 120) / max(len(panel.lines), 1)
    for number, (ink, (name, points)) in enumerate(zip(INKS, panel.lines.items(), strict=False)):
        path = " ".join(f"{_x(panel, x):.1f},{_y(panel, y, base):.1f}" for x, y in points)
        x = LEFT + 120 + number * room
        parts.append(f'<polyline class="line {ink}" points="{path}"/>')
        parts.append(f'<text class="{ink}" x="{x:.0f}" y="{top - 12}">{escape(name)}</text>')
    return parts


def _x(panel: Panel, value: float) -> float:
    return LEFT + panel.along.share(value) * (WIDTH - LEFT - RIGHT)


def _y(panel: Panel, value: float, base: int) -> float:
    return base - panel.upright.share(value) * HEIGHT
