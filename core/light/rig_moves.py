"""The changes that words make to one light of a rig: brightness, colour, size, and where it stands around the subject.

Each takes the light, an amount, and the subject's middle in the axes of the camera, and gives the changed light. They raise
`UsageError` for a light that cannot be changed so. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import UsageError
from ..parameters import Curve
from ..rig_library import Point
from .rig import RigLight
from .vocabulary import HUES, KELVIN

TURN, LIFT = 25.0, 15.0  # degrees by which a light moves
KELVIN_STEP = 1.25  # factor on the colour temperature
SIZE_STEP = 2.0
NEAR_STEP = 0.7

Change = Callable[[RigLight, float, Point], RigLight]


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value changed, or every key of a value over frames."""
    return (
        Curve(tuple((frame, change(key)) for frame, key in value.keys)) if isinstance(value, Curve) else change(value)
    )


def brighter(light: RigLight, step: float, _: Point) -> RigLight:
    """The light made brighter by `step` stops."""
    return replace(light, stops=_each(light.stops, lambda stops: min(max(stops + step, -20.0), 20.0)))


def at_stops(light: RigLight, stops: float, _: Point) -> RigLight:
    """The light at a strength in stops. Raises `UsageError` where a rig cannot hold it."""
    if abs(stops) > 20:
        raise UsageError(f"a light has -20 to 20 stops; got {stops:g}")
    return replace(light, stops=stops)


def warmer(light: RigLight, step: float, _: Point) -> RigLight:
    """The light made warmer by `step` steps of its colour temperature, or of its red against its blue."""
    if light.colour is not None:
        pull = (1.12**step, 1.0, 1.12**-step)
        return replace(light, colour=_each(light.colour, lambda c: tuple(a * b for a, b in zip(c, pull, strict=True))))
    warm = KELVIN_STEP**-step
    return replace(light, kelvin=_each(light.kelvin or 6500.0, lambda k: min(max(round(k * warm), 1000.0), 40000.0)))


def kelvin(light: RigLight, kelvin: float, _: Point) -> RigLight:
    """The light with a colour temperature."""
    if not 1000 <= kelvin <= 40000:
        raise UsageError(f"a colour temperature is 1000 to 40000 K; got {kelvin:g} K")
    return replace(light, kelvin=kelvin, colour=None)


def coloured(light: RigLight, name: str, share: float = 1.0) -> RigLight:
    """The light in a colour of the vocabulary; of a hue so large a share, the rest of it white."""
    if name in HUES:
        return replace(light, kelvin=None, colour=tuple(round(1 + (c - 1) * share, 3) for c in HUES[name]))
    return replace(light, kelvin=KELVIN[name], colour=None)


def softer(light: RigLight, step: float, _: Point) -> RigLight:
    """The light made larger by `step` doublings."""
    factor = SIZE_STEP**step

    def scaled(size: Any) -> Any:
        if isinstance(size, tuple):
            return tuple(side * factor for side in size)
        return min(max(size * factor, 0.05), 90.0) if light.kind == "distant" else size * factor

    return replace(light, size=_each(light.size, scaled))


def higher(light: RigLight, step: float, middle: Point) -> RigLight:
    """The light raised by `step` times `LIFT` degrees, as far as 85."""
    return _moved(light, middle, lambda side, up, far: (side, min(max(up + LIFT * step, -85.0), 85.0), far))


def to_the_right(light: RigLight, step: float, middle: Point) -> RigLight:
    """The light moved by `step` times `TURN` degrees toward the right of the picture."""

    # Before the subject a light moves right toward its right side, behind it as well: by the angle that grows to the right.
    def moved(side: float, up: float, far: float) -> tuple[float, float, float]:
        ahead = 1.0 if abs(side) <= 90 else -1.0
        return side + ahead * TURN * step, up, far

    return _moved(light, middle, moved)


def closer(light: RigLight, step: float, middle: Point) -> RigLight:
    """The light brought nearer to the subject, by `step` times."""
    if light.kind == "distant":
        raise UsageError(
            f"{light.name} is a distant light, which is equally far from everything; make it stronger or weaker"
        )
    if light.at is not None:
        return replace(light, out=_each(light.out, lambda out: out * NEAR_STEP**step))
    return _moved(light, middle, lambda side, up, far: (side, up, far * NEAR_STEP**step))


def across(light: RigLight, _: float, middle: Point) -> RigLight:
    """The light on the other side of the camera."""
    return _moved(light, middle, lambda side, up, far: (-side, up, far))


def stand(light: RigLight, sides: frozenset[str], middle: Point) -> RigLight:
    """The light on named sides of the subject: `left`, `right`, `front`, `behind`, `above`, `below`."""

    def placed(side: float, up: float, far: float) -> tuple[float, float, float]:
        ahead = abs(side)  # degrees from the camera, to either side
        if "straight behind" in sides:
            ahead = 180.0
        elif "behind" in sides:
            ahead = 180 - ahead if ahead < 90 else ahead
        elif "front" in sides:
            ahead = 0.0 if sides.isdisjoint(("left", "right")) else 180 - ahead if ahead > 90 else ahead
        if not sides.isdisjoint(("left", "right")):
            ahead = 45.0 if ahead < 20 else 135.0 if ahead > 160 else ahead  # in the middle it has no side
            side = 1.0 if "right" in sides else -1.0
        up = max(up, 50.0) if "above" in sides else min(up, -40.0) if "below" in sides else up
        return math.copysign(ahead, side), up, far

    return _moved(light, middle, placed)


def at_side(light: RigLight, degrees: float, middle: Point) -> RigLight:
    """The light at an angle to the right of the camera."""
    return _moved(light, middle, lambda side, up, far: (min(max(degrees, -180.0), 180.0), up, far))


def at_height(light: RigLight, degrees: float, middle: Point) -> RigLight:
    """The light at an angle above the subject's middle."""
    return _moved(light, middle, lambda side, up, far: (side, min(max(degrees, -85.0), 85.0), far))


def switched(light: RigLight, on: float, _: Point) -> RigLight:
    """The light turned on, or with `on` below 0 off."""
    return replace(light, on=on > 0)


def shadowed(light: RigLight, on: float, _: Point) -> RigLight:
    """The light with shadows, or with `on` below 0 without."""
    return replace(light, shadows=on > 0)


def _moved(
    light: RigLight, middle: Point, move: Callable[[float, float, float], tuple[float, float, float]]
) -> RigLight:
    """A light moved around the subject: `move` takes and gives degrees to the right of the camera and up, and a distance."""
    if light.at is not None:
        raise UsageError(f"{light.name} stands before a pixel of the subject; give it another pixel in the rig's file")

    def around(offset: tuple[float, ...]) -> tuple[float, ...]:
        x, y, z = offset
        far = math.hypot(x, y, z)
        side, up, far = move(math.degrees(math.atan2(x, z)), math.degrees(math.asin(y / max(far, 1e-9))), far)
        a, e = math.radians(side), math.radians(up)
        placed = far * math.sin(a) * math.cos(e), far * math.sin(e), far * math.cos(a) * math.cos(e)
        return tuple(round(value, 4) for value in placed)

    if light.kind == "distant":
        return replace(light, direction=_each(light.direction, around))

    def place(position: tuple[float, ...]) -> tuple[float, ...]:
        offset = around(tuple(p - m for p, m in zip(position, middle, strict=True)))
        return tuple(round(m + o, 4) for m, o in zip(middle, offset, strict=True))

    position = _each(light.position, place)
    if light.aim is None or isinstance(position, Curve) or isinstance(light.aim, Curve):
        return replace(light, position=position)
    aim = tuple(round(m - p, 4) for m, p in zip(middle, position, strict=True))
    return replace(light, position=position, aim=aim)


def about(middle: Point, position: list[float], factor: float) -> list[float]:
    """A position at `factor` of its distance from the subject's middle."""
    return [round(m + factor * (p - m), 4) for m, p in zip(middle, position, strict=True)]
