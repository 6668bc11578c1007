"""Describes the reading of a prompt in a sentence, so that an artist sees the meaning taken for each word."""

from __future__ import annotations

from ..counted import counted
from .vocabulary import FIXTURES, KELVIN
from .words import Described, Light


def said_back(described: Described) -> str:
    """A sentence that lists each light with its colour, strength and place, then sky, room and level.

    >>> from .words import describe
    >>> said_back(describe("golden hour backlight, snow"))
    'sun, its own colour, from behind, 7 deg up; clear sky at golden hour over snow'
    """
    parts = [_light(light) for light in described.lights]
    if described.even:
        parts.append(f"even light from everywhere, {_colour(described.colour, None)}")
    if described.sky:
        time = f" at {described.time}" if described.time else ""
        coloured = "" if described.sky_colour is None else f", {_colour(described.sky_colour, None)}"
        parts.append(f"{described.weather} sky{time} over {described.ground}{coloured}")
    if described.room:
        parts.append({"room": "in a room", "studio": "in a studio"}.get(described.room, described.room))
    if described.contrast:
        parts.append(
            f"shadows {counted(abs(described.contrast), 'stop')} {'darker' if described.contrast < 0 else 'lighter'}"
        )
    if described.level:
        parts.append(f"{counted(-described.level, 'stop')} darker in all")
    return "; ".join(parts)


def _light(light: Light) -> str:
    brighter = f", {counted(light.stops, 'stop', sign=True)}" if light.stops else ""
    size = "" if light.size == 1 else ", larger than usual" if light.size > 1 else ", smaller than usual"
    up = f"{abs(light.elevation):g} deg {'up' if light.elevation >= 0 else 'down'}"
    own = None if light.kind == "sun" else FIXTURES[light.kind].kelvin
    return f"{light.kind}, {_colour(light.colour, own)}{brighter}{size}, from {_bearing(light.azimuth)}, {up}"


def _colour(colour: str | float | None, own: float | None) -> str:
    if isinstance(colour, str) and colour not in KELVIN:
        return colour
    kelvin = KELVIN.get(colour) if isinstance(colour, str) else colour or own
    return "its own colour" if kelvin is None else f"{kelvin:g} K"


def _bearing(azimuth: float) -> str:
    """An azimuth, degrees from the front toward the right, as the nearest of eight sides."""
    sides = ("the front", "front right", "the right", "behind right", "behind", "behind left", "the left", "front left")
    return sides[round(azimuth / 45) % 8]
