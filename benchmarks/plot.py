"""Plots of measured series as SVG files: points joined by lines, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 300, 60, 20, 34, 48
INKS = ("#c05030", "#3060a0", "#408040", "#806020")

Series = Mapping[str, Sequence[tuple[float, float]]]


def write_plot(path: Path, title: str, across: str, up: str, series: Series) -> None:
    """Write a plot of `series`, (x, y) above zero by name; `across` and `up` name the axes with their units."""
    xs, ys = ([point[k] for points in series.values() for point in points] for k in (0, 1))
    place_x, place_y = _axis(xs, LEFT, WIDTH - RIGHT), _axis(ys, HEIGHT - BOTTOM, TOP)
    drawn = [_text(WIDTH / 2, 18, title, "middle", 14), _text(WIDTH / 2, HEIGHT - 8, across, "middle")]
    drawn += [f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>']
    drawn += [_tick(x, place_x(x), HEIGHT - BOTTOM + 16, "middle") for x in sorted({*xs})]
    for y in _round_values(ys):
        drawn += [_tick(y, LEFT - 6, place_y(y) + 4, "end")]
        drawn += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place_y(y):.1f}" y2="{place_y(y):.1f}" stroke="#dddddd"/>'
        ]
    for index, (name, points) in enumerate(series.items()):
        ink = INKS[index % len(INKS)]
        at = [(place_x(x), place_y(y)) for x, y in points]
        drawn += [f'<polyline fill="none" stroke="{ink}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in at)}"/>']
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ink}"/>' for x, y in at]
        x, y = WIDTH - RIGHT, TOP + 12 + 15 * index
        drawn += [f'<text x="{x}" y="{y}" text-anchor="end" fill="{ink}">{escape(name)}</text>']
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="11"'
    body = "\n".join([f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *drawn])
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{body}\n</svg>\n', encoding="utf-8")


def _axis(values: list[float], first: float, last: float) -> Callable[[float], float]:
    low, high = math.log(min(values)) - 0.1, math.log(max(values)) + 0.1
    return lambda value: first + (math.log(value) - low) / (high - low) * (last - first)


def _round_values(values: list[float]) -> list[float]:
    """1, 2 and 5 times powers of ten within the range of `values`, and at least its ends."""
    powers = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    found = [k * 10.0**p for p in powers for k in (1, 2, 5) if min(values) <= k * 10.0**p <= max(values)]
    return found if len(found) > 1 else [min(values), max(values)]


def _tick(value: float, x: float, y: float, anchor: str) -> str:
    return _text(x, y, f"{value:.3g}" if value < 1000 else f"{value:g}", anchor)


def _text(x: float, y: float, words: str, anchor: str, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
