"""The library of lights for rigs: named presets that the command line, the words and the panel add.

The presets are data, in `rig_library.json`. Each holds lights in the form of a rig file (`relamp.rig/1`), in the axes of the
camera, except that a light stands at an `offset` from the subject's middle, its `aim` may be "subject", and lengths are shares
of the distance from the camera to that middle. `lights_of` turns a preset into lights of a rig file. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import plain_json
from .errors import UsageError

MIDDLE = (0.0, 0.0, -2.0)
"""The subject's middle in camera axes where it is not known: straight ahead, 2 units away, as in rigs without a depth."""

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Preset:
    """One entry of the library: the `name` that is typed, the `label` that a menu shows, and a line that describes it.

    `lights` are as in `rig_library.json`.
    """

    name: str
    label: str
    says: str
    lights: tuple[dict[str, Any], ...]


@lru_cache(maxsize=1)
def presets() -> tuple[Preset, ...]:
    """The presets in the order in which a menu lists them."""
    listed = plain_json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["presets"]
    return tuple(Preset(p["name"], p["label"], p["says"], tuple(p["lights"])) for p in listed)


def lights_of(name: str, middle: Point = MIDDLE, taken: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The lights of a preset as a rig file holds them, around a subject whose middle is at `middle` in camera axes.

    >>> [light["name"] for light in lights_of("three-point", taken=["key"])]
    ['key 2', 'fill', 'rim']

    Args:
        middle: in the unit of the rig's lengths.
        taken: the names of lights that the rig already has; a light with one of them is numbered.

    Raises:
        UsageError: the library has no preset of this name; the message lists those that it has.
    """
    names, made = set(taken), []
    for light in _spelt_out(name):
        placed = _placed(light, middle)
        placed["name"] = free_name(light["name"], names)
        names.add(placed["name"])
        made.append(placed)
    return made


def _spelt_out(name: str) -> list[dict[str, Any]]:
    """The lights of a preset, with those of the presets that it consists of."""
    found = next((preset for preset in presets() if preset.name == name), None)
    if found is None:
        raise UsageError(f"the library has no light {name!r:.80}; it has {', '.join(p.name for p in presets())}")
    return [part for light in found.lights for part in (_spelt_out(light["preset"]) if "preset" in light else [light])]


def _placed(light: dict[str, Any], middle: Point) -> dict[str, Any]:
    """A light of the library as a light of a rig file."""
    made = deepcopy({key: value for key, value in light.items() if key != "offset"})
    if "offset" not in light:
        return made
    far = math.hypot(*middle)
    made["position"] = [_rounded(m + far * o) for m, o in zip(middle, light["offset"], strict=True)]
    if light.get("aim") == "subject":
        made["aim"] = [-value for value in light["offset"]]
    size = light["size"]
    made["size"] = [_rounded(far * side) for side in size] if isinstance(size, list) else _rounded(far * size)
    return made


def _rounded(length: float) -> float:
    """A length with five significant digits, so that files stay readable."""
    return float(f"{length:.5g}")


def free_name(name: str, taken: set[str]) -> str:
    """The name, numbered from 2 on where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
