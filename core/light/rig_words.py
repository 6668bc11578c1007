"""A rig from words: the lights that `words.describe` finds in a prompt, as distant lights.

A key light gives the middle of the subject as much light as the mean of the plate's own light on it; the other kinds are weaker
or stronger as in a prompt. Standard library only.
"""

from __future__ import annotations

import logging
import math
import re

from ..counted import counted
from ..errors import UsageError
from .rig import Rig, RigLight
from .vocabulary import FIXTURES, HUES, KELVIN
from .words import Described, Light, describe

log = logging.getLogger("relamp")


_CALLED = ("kicker", "hair light", "cheek light", "edge light")
"""Rims that keep the word that they were asked for by as their name."""


def rig_of(prompt: str) -> Rig:
    """The rig that words describe, in the camera's axes.

    >>> [light.name for light in rig_of("warm rim from behind left, soft fill from the right").lights]
    ['rim', 'fill']

    Raises:
        UsageError: as `words.describe`, or the words name no light with a direction.
    """
    if refused := re.search(r"\b(?:negative fill|(?:no|without) fill)\b", prompt.lower()):
        raise UsageError(
            f"{prompt!r}: lights of a rig only add light, and {refused[0]} takes some away; leave it out here, "
            "or give the words to --prompt, as a new light all around"
        )
    described = describe(prompt)
    if not described.lights:
        raise UsageError(
            f"{prompt!r} names no light that stands somewhere; give the words to --prompt, as a new light all around"
        )
    if left_out := _left_out(described):
        log.warning("a rig holds lights only: %s of %r is left out (--prompt has it)", " and ".join(left_out), prompt)
    names = [light.called if light.called in _CALLED else light.kind for light in described.lights]  # L names
    lights = tuple(_rig_light(light, _name(names, index)) for index, light in enumerate(described.lights))
    return Rig(lights)


def _left_out(described: Described) -> list[str]:
    """What words describe beside lights, which a rig cannot hold."""
    found = []
    if described.sky and (described.time or described.sky_colour or described.weather != "clear"):
        found.append("the sky")
    if described.room:
        found.append(f"the {described.room}")
    if described.contrast:
        found.append("the darkness of the shadows")
    return found


def sentence(light: RigLight) -> str:
    """A light described in one line, with the values of one frame."""
    if light.kelvin is not None:
        colour = f"{light.kelvin:.0f} K"
    else:
        colour = "white" if light.colour is None else f"RGB {', '.join(f'{c:g}' for c in light.colour)}"
    facts = f"{light.kind}, {_where(light)}, {colour}, {counted(light.stops, 'stop', sign=True)}"
    return f"{light.name}: {facts}{'' if light.on else ' (off)'}"


def _where(light: RigLight) -> str:
    if light.at is not None:
        return f"{light.out:g} before the subject at pixel {light.at[0]:g}, {light.at[1]:g}"
    if light.position is not None:
        return "at " + ", ".join(f"{value:g}" for value in light.position)
    x, y, z = light.direction
    flat = math.hypot(x, z)
    side = math.degrees(math.atan2(x, z))
    up = math.degrees(math.atan2(y, flat))
    across, height = ("right" if side >= 0 else "left"), ("up" if up >= 0 else "down")
    return f"from {abs(side):.0f} degrees {across} of the camera, {abs(up):.0f} {height}"


def _name(names: list[str], index: int) -> str:
    """The kind of a light, numbered where there are several of that kind."""
    kind = names[index]
    return kind if names.count(kind) == 1 else f"{kind} {names[: index + 1].count(kind)}"


def _rig_light(light: Light, name: str) -> RigLight:
    azimuth, elevation = math.radians(light.azimuth), math.radians(light.elevation)
    flat = math.cos(elevation)
    direction = (math.sin(azimuth) * flat, math.sin(elevation), math.cos(azimuth) * flat)
    fixture = FIXTURES[light.kind]
    size = min(max(2 * fixture.radius * light.size, 0.05), 90.0)
    kelvin, colour = _colour(light)
    return RigLight(
        name,
        "distant",
        direction=tuple(round(value, 4) for value in direction),
        kelvin=kelvin,
        colour=colour,
        stops=fixture.stops + light.stops,
        size=round(size, 2),
    )


def _colour(light: Light) -> tuple[float | None, tuple[float, ...] | None]:
    """Kelvin, or RGB where words name a hue."""
    if light.colour is None:
        return float(FIXTURES[light.kind].kelvin), None
    if isinstance(light.colour, str) and light.colour in HUES:
        # A paler hue is nearer to white.
        return None, tuple(round(1 + (c - 1) * min(light.saturation, 1.0), 3) for c in HUES[light.colour])
    return float(KELVIN[light.colour] if isinstance(light.colour, str) else light.colour), None
