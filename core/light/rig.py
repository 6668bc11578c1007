"""Lights at places in the scene: what a rig may say, checked.

A rig is JSON (`relamp.rig/1`): lights of the kinds distant, sphere, spot and area, placed in the axes of the camera or of the
environment's world, in the unit of the depth. Every number or list of numbers may be keyed over frames as in a job file:
`{"keys": [[1001, 0.0], [1024, 2.0]]}`. Standard library only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from .. import plain_json
from ..errors import InputError, ParameterError, UsageError
from ..parameters import Curve, at_frame, check_characters

SCHEMA = "relamp.rig/1"
KINDS = ("distant", "sphere", "spot", "area")
SPACES = ("camera", "world")
MOST = 32  # largest number of lights in a rig, equal to the number of lamp layers
_LARGEST = 1e6

# What each kind needs, and what it may have beside name, kind, kelvin or colour, stops, shadows and on.
_NEEDED = {"distant": ("direction",), "sphere": (), "spot": ("aim",), "area": ("aim",)}
_PLACE = ("position", "at", "out")
_ALLOWED = {
    "distant": ("direction", "size"),
    "sphere": (*_PLACE, "size"),
    "spot": (*_PLACE, "aim", "angle", "softness", "size"),
    "area": (*_PLACE, "aim", "size"),
}
_COMMON = ("name", "kind", "kelvin", "colour", "stops", "shadows", "on")
_SIZES: dict[str, Any] = {"distant": 0.5, "sphere": 0.05, "spot": 0.05, "area": (0.5, 0.5)}


@dataclass(frozen=True)
class RigLight:
    """One light of a rig. A value may be a `Curve`; `at_frame` gives it at a frame.

    `direction` points to a distant light, `aim` away from a spot or an area. A light is at `position`, or, where that is None,
    `out` units in front of the subject's point at the pixel `at` of the display window (from its upper left corner).
    `kelvin` is its colour, or `colour` in linear Rec.709. `stops` are over the plate's own light: at 0 the light gives the middle
    of the subject, facing it, as much irradiance as the plate's own light gives the subject in the mean. `size` is an angle in
    degrees of a distant light, a radius of a sphere and a spot, width and height of an area. `angle` is a spot's full cone in
    degrees, and `softness` the share of it in which the light fades.
    """

    name: str
    kind: str
    direction: Any = None
    position: Any = None
    at: Any = None
    out: Any = 0.3
    aim: Any = None
    kelvin: Any = None
    colour: Any = None
    stops: Any = 0.0
    size: Any = None
    angle: Any = 30.0
    softness: Any = 0.2
    shadows: bool = True
    on: bool = True

    def at_frame(self, frame: int) -> RigLight:
        """This light with the values of one frame."""
        return replace(self, **{f.name: at_frame(getattr(self, f.name), frame) for f in fields(self)})


@dataclass(frozen=True)
class Rig:
    """The lights of a rig, and the axes they are placed in: those of the camera, or of the environment's world."""

    lights: tuple[RigLight, ...]
    space: str = "camera"

    def at_frame(self, frame: int) -> tuple[RigLight, ...]:
        """The lights that are on, with the values of one frame."""
        return tuple(light.at_frame(frame) for light in self.lights if light.on)


def is_rig(path: str | Path) -> bool:
    """Whether a file is JSON that states a rig's schema; False for what cannot be read."""
    try:
        data = plain_json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and data.get("schema") == SCHEMA


def from_json(text: str, where: str = "the rig") -> Rig:
    """The rig that `text` describes.

    >>> from_json('{"schema": "relamp.rig/1", "lights": [{"kind": "distant", "direction": [0, 1, 1]}]}').lights[0].name
    'light 1'

    Raises:
        InputError: naming `where`, the light and the key that is wrong.
    """
    try:
        data = plain_json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{where} is not a rig, because it is not valid JSON; mend the file at the place named here ({error})"
        ) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(f'{where} is not a rig: expected "schema": "{SCHEMA}" at its top')
    unknown = sorted(set(data) - {"schema", "space", "lights"})
    if unknown:
        raise InputError(f"{where}: a rig has schema, space and lights; it also holds {', '.join(unknown)[:200]}")
    space, lights = data.get("space", "camera"), data.get("lights")
    if space not in SPACES:
        raise InputError(f"{where}: space must be one of {', '.join(SPACES)}; got {space!r:.80}")
    if not isinstance(lights, list) or len(lights) > MOST:
        raise InputError(f"{where}: lights must be a list of at most {MOST} lights")
    return Rig(tuple(_light(item, f"{where}: light {index}", index) for index, item in enumerate(lights, 1)), space)


def with_lights(rig: Rig, lights: list[dict[str, Any]]) -> Rig:
    """The rig with more lights, as a rig file holds them, at its end.

    Raises:
        InputError: a light is wrong; the message names it and the key.
        UsageError: the rig is in the axes of the world and these are in the camera's, or there would be too many lights.
    """
    if rig.space != "camera":
        raise UsageError(
            "the rig is in the axes of the world, and lights to add stand in the camera's: add them to a rig of its own"
        )
    first = len(rig.lights) + 1
    if len(rig.lights) + len(lights) > MOST:
        raise UsageError(f"a rig has at most {MOST} lights; leave some out")
    made = (_light(item, f"light {index}", index) for index, item in enumerate(lights, first))
    return replace(rig, lights=(*rig.lights, *made))


def to_json(rig: Rig) -> str:
    """A rig as the text of a rig file; values equal to the defaults are left out."""
    lights = [
        {
            f.name: _plain(value)
            for f in fields(light)
            if (value := getattr(light, f.name)) != f.default and (f.name != "size" or value != _SIZES[light.kind])
        }
        for light in rig.lights
    ]
    return json.dumps({"schema": SCHEMA, "space": rig.space, "lights": lights}, indent=1) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Curve):
        return {"keys": [[frame, _plain(key)] for frame, key in value.keys]}
    return list(value) if isinstance(value, tuple) else value


def _light(item: Any, where: str, index: int) -> RigLight:
    if not isinstance(item, dict):
        raise InputError(f"{where} must be an object such as {{'kind': 'distant', 'direction': [0, 1, 1]}}")
    kind = item.get("kind")
    if kind not in KINDS:
        raise InputError(f"{where}: kind must be one of {', '.join(KINDS)}; got {kind!r:.80}")
    unknown = sorted(set(item) - {*_COMMON, *_ALLOWED[kind]})
    if unknown:
        raise InputError(
            f"{where}: a {kind} light has no {', '.join(unknown)[:200]}; it has {', '.join(_ALLOWED[kind])}"
        )
    lacking = [key for key in _NEEDED[kind] if key not in item]
    if lacking:
        raise InputError(f"{where}: a {kind} light needs {' and '.join(lacking)}")
    if kind != "distant" and ("position" in item) == ("at" in item):
        raise InputError(f"{where}: give either position, or at (a pixel of the subject) with out (how far before it)")
    if "kelvin" in item and "colour" in item:
        raise InputError(f"{where}: give either kelvin or colour, not both")
    values = {"size": _SIZES[kind], "name": f"light {index}", **item}
    if values["name"] == "" or not isinstance(values["name"], str) or len(values["name"]) > 100:
        raise InputError(f"{where}: name must be text of 1 to 100 characters")
    try:
        check_characters("name", values["name"], as_path=False)
    except ParameterError as error:
        raise InputError(f"{where}: {error}") from None
    for flag in ("shadows", "on"):
        if flag in item and not isinstance(item[flag], bool):
            raise InputError(f"{where}: {flag} must be true or false; got {item[flag]!r:.80}")
    for key, read in _readers(kind).items():
        if key in values:
            values[key] = _value(values[key], read, f"{where}: {key}")
    return RigLight(**values)


def _readers(kind: str) -> dict[str, Callable[[Any], Any]]:
    """The reader of each number of a light; readers raise `ValueError` that states what they expect."""
    sizes = {"distant": _number(0.01, 90, "degrees"), "area": _vector(2, least=1e-6)}
    return {
        "direction": _pointing,
        "aim": _pointing,
        "position": _vector(3),
        "at": _vector(2),
        "out": _number(-_LARGEST, _LARGEST),
        "kelvin": _number(1000, 40000, "kelvin"),
        "colour": _colour,
        "stops": _number(-20, 20, "stops"),
        "size": sizes.get(kind, _number(1e-6, _LARGEST)),
        "angle": _number(1, 170, "degrees"),
        "softness": _number(0, 1),
    }


def _value(value: Any, read: Callable[[Any], Any], where: str) -> Any:
    try:
        if isinstance(value, dict):
            if set(value) != {"keys"} or not isinstance(value["keys"], list):
                raise ValueError('a value over frames is {"keys": [[frame, value], ...]}')
            curve = Curve(tuple((_frame(key[0]), read(key[1])) for key in value["keys"]))
            if read is _pointing:
                _require_pointing(curve)
            return curve
        return read(value)
    except (ValueError, TypeError, IndexError, KeyError, ParameterError) as error:
        raise InputError(f"{where} cannot be used: {error!s:.200}") from None


def _frame(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(f"a frame is a whole number; got {number!r:.80}")
    return number


def _number(lo: float, hi: float, unit: str = "") -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not lo <= value <= hi:
            raise ValueError(f"expected a number from {lo:g} to {hi:g} {unit}".rstrip() + f"; got {value!r:.80}")
        return float(value)

    return read


def _vector(length: int, least: float = -_LARGEST) -> Callable[[Any], tuple[float, ...]]:
    one = _number(least, _LARGEST)

    def read(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or len(value) != length:
            raise ValueError(f"expected {length} numbers; got {value!r:.80}")
        return tuple(one(part) for part in value)

    return read


def _pointing(value: Any) -> tuple[float, ...]:
    found = _vector(3)(value)
    if math.hypot(*found) < 1e-6:
        raise ValueError("expected a direction, and all three of its numbers are 0")
    return found


def _require_pointing(curve: Curve) -> None:
    """Raise `ValueError` where directions over frames pass through (0, 0, 0), halfway between opposite keys."""
    keys, at = cast(Any, curve.keys), cast(Callable[[int], Any], curve.at)
    for (left, a), (right, b) in pairwise(keys):
        share = math.hypot(*a) / (math.hypot(*a) + math.hypot(*b))  # where opposite directions cancel out
        frame = left + round(share * (right - left))
        if math.hypot(*at(frame)) < 1e-6:
            raise ValueError(f"the keys at frames {left} and {right} point opposite ways; add a key between them")


def _colour(value: Any) -> tuple[float, ...]:
    found = _vector(3, least=0.0)(value)
    if not any(found):
        raise ValueError("a black light gives nothing; turn it off with on: false")
    return found


def straight_ahead(wide: float, high: float, far: float) -> float:
    """The light of an area on a surface that faces its middle, over that of a point as strong as the area is large: at most 1.

    >>> round(straight_ahead(0.01, 0.01, 1.0), 3), round(straight_ahead(2.0, 2.0, 1.0), 3)
    (1.0, 0.435)
    """
    x, y = wide / far / 2, high / far / 2
    across, along = math.hypot(1, x), math.hypot(1, y)
    return (x / across * math.atan(y / across) + y / along * math.atan(x / along)) / (2 * x * y)
