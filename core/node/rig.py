"""A rig made from a host's own things: where they stand, how they change over frames, and the text of its file.

`write` writes it. Hosts give matrices of 16 numbers, row by row, whose last column is a place; things look and shine along
their -Z. Standard library only; the file is checked by the worker that reads it (`light.rig`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..parameters import Curve
from .request import curve

SCHEMA = "relamp.rig/1"
DIGITS = 6
Vector = tuple[float, float, float]


def pose(matrix: Sequence[float]) -> tuple[Vector, Vector]:
    """Where a thing stands, and the unit direction it looks and shines in, in the axes of the matrix.

    >>> pose([1, 0, 0, 2, 0, 1, 0, 3, 0, 0, 1, 4, 0, 0, 0, 1])
    ((2.0, 3.0, 4.0), (-0.0, -0.0, -1.0))
    """
    back = _axis(matrix, 2)
    return _place(matrix), (-back[0], -back[1], -back[2])


def seen_from(camera: Sequence[float], position: Vector, aim: Vector) -> tuple[Vector, Vector]:
    """A place and a direction of the world in the axes of a camera: X right, Y up, Z to the viewer."""
    axes, here = [_axis(camera, index) for index in range(3)], _place(camera)
    away = [p - c for p, c in zip(position, here, strict=True)]
    return _vector(_dot(axis, away) for axis in axes), _vector(_dot(axis, aim) for axis in axes)


def in_world_of(camera: Sequence[float], position: Vector, aim: Vector) -> tuple[Vector, Vector]:
    """The inverse of `seen_from`."""
    axes, here = [_axis(camera, index) for index in range(3)], _place(camera)

    def turned(v: Vector) -> list[float]:
        return [sum(axis[row] * part for axis, part in zip(axes, v, strict=True)) for row in range(3)]

    return _vector(c + p for c, p in zip(here, turned(position), strict=True)), _vector(turned(aim))


def over_frames(looks: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """One light of a rig file from its values on each frame: what moves is keyed, without the keys that a line replaces."""
    first = looks[min(looks)]
    made = {}
    for key in first:
        values = {frame: _rounded(look[key]) for frame, look in looks.items()}
        found = curve(values) if isinstance(values[min(looks)], (float, tuple)) else values[min(looks)]
        made[key] = {"keys": [[frame, value] for frame, value in found.keys]} if isinstance(found, Curve) else found
    return made


def rig_text(lights: Sequence[Mapping[str, Any]], space: str) -> str:
    """The text of a rig file with `lights` in the axes `space`, camera or world."""
    return json.dumps({"schema": SCHEMA, "space": space, "lights": list(lights)}, indent=1) + "\n"


def camera_text(fields: Mapping[int, float]) -> str:
    """The text of a camera file that has only a horizontal field of view, degrees by frame, and stands at the world's origin."""
    views = {str(frame): {"fov": round(degrees, DIGITS)} for frame, degrees in fields.items()}
    still = len(set(fields.values())) == 1
    return json.dumps(next(iter(views.values())) if still else {"frames": views}) + "\n"


def write(file: Path, text: str) -> None:
    """Write a rig file, or that of its camera. Raises `OutputError`."""
    with replacing(file, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, list, tuple)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_rounded(part) for part in value)
    return round(float(value), DIGITS) + 0.0  # no negative zero


def _place(matrix: Sequence[float]) -> Vector:
    return float(matrix[3]), float(matrix[7]), float(matrix[11])


def _axis(matrix: Sequence[float], index: int) -> Vector:
    """An axis of a matrix, unit: a thing may be scaled."""
    found = [float(matrix[row * 4 + index]) for row in range(3)]
    length = math.hypot(*found) or 1.0
    return _vector(part / length for part in found)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _vector(parts: Any) -> Vector:
    x, y, z = parts
    return float(x), float(y), float(z)
