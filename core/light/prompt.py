"""An environment from words: the result of `words.describe`, painted as a latitude-longitude map.

A prompt is exposed as a photograph is: a key light gives a surface that faces it the irradiance pi, so a white one has the value
1, whether the key is a sun or a candle; only words of strength change that. The result depends on the words alone.
Painted in linear Rec.709 with 6500 K as white, then brought to the working space.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from .canvas import UP, Canvas, bearing
from .map_file import Environment
from .sky import LUMINANCE, blackbody, sky_radiance, sun_irradiance
from .vocabulary import FIXTURES, GROUNDS, HUES, KELVIN, TIMES
from .words import Described, Light, describe

if TYPE_CHECKING:
    from ..pictures.colour import Colour

ROWS = 256
PAINTED_IN = "lin_rec709_scene"
KEY = np.pi  # irradiance of a key light on a surface that faces it
ROOM_STOPS = {"room": -3.2, "studio": -5.0}  # light of the walls relative to the lamps: 1:9 and 1:32
WALLS = np.array((1.06, 1.0, 0.9), np.float32)  # colour of a painted room
OWN_CHROMA = 0.3  # share of its own colour that a sky keeps when a word gives it a colour
CLOUD_RADIUS = 7.0  # degrees over which a cloudy sun is spread


def from_prompt(prompt: str, colour: Colour, rows: int = ROWS) -> Environment:
    """The environment that words describe.

    Args:
        prompt: see `words`.
        colour: the shot's colour management.
        rows: height of the map, px; it is twice as wide.

    Returns:
        An `Environment` without a file, with the digest of its pixels.

    Raises:
        UsageError: words are unknown or contradict each other.
    """
    painted = paint(describe(prompt), rows)
    pixels = np.maximum(colour.to_working(painted, PAINTED_IN), 0).astype(np.float32)
    return Environment(pixels, None, hashlib.sha256(pixels.tobytes()).hexdigest())


def paint(described: Described, rows: int = ROWS) -> np.ndarray:
    """Paint a description, (rows, 2 rows, 3) float32 linear Rec.709 radiance; +Y up, image centre = +Z."""
    canvas = Canvas(rows)
    if described.even:
        even = _coloured(np.ones(3, np.float32), described.colour, 1.0) * 2.0**described.stops
        canvas.pixels += even.astype(np.float32)
        return canvas.pixels
    if described.sky:
        _sky(canvas, described)
    if described.room in ROOM_STOPS or not described.sky:
        _walls(canvas, described)
    for light in described.lights:
        _light(canvas, light, described)
    return canvas.pixels


def _sky(canvas: Canvas, d: Described) -> None:
    """The dome above and the ground below, lit by the dome and the sun."""
    sun = next((light for light in d.lights if light.kind == "sun"), None)
    elevation = np.radians(sun.elevation) if sun else np.radians(TIMES.get(d.time or "", (None, 0.0))[0] or 2.0)
    where = _direction(sun) if sun else bearing(-45.0, float(np.degrees(elevation)))
    turbidity = 7.0 if d.weather == "hazy" else TIMES.get(d.time or "afternoon", (0.0, 2.8))[1]
    dome = _dome(canvas.directions, d, where, turbidity)
    dome = _tinted(dome, d.sky_colour, d.sky_saturation)
    # The largest irradiance from the dome, relative to a key of pi: with a sun it has the natural ratio, within limits.
    canvas.pixels = dome
    facing = np.concatenate([bearing(a, e)[None] for a in range(0, 360, 45) for e in (0.0, 45.0)] + [UP[None]])
    given = float((canvas.irradiance(facing) @ LUMINANCE).max())
    share = 0.4 if d.weather == "stormy" else 1.0
    if sun is not None:
        beam = float(sun_irradiance(max(float(elevation), np.radians(2.0)), turbidity) @ LUMINANCE)
        share = float(np.clip(given / beam, 0.12, 0.4))
    elif d.lights:
        share = 0.06  # a night behind a moon or a street lamp
    canvas.pixels = (dome * (KEY * share / given * 2.0 ** (d.contrast + d.sky_stops))).astype(np.float32)
    albedo = np.asarray(GROUNDS[d.ground], np.float32)
    lit = canvas.irradiance(UP[None])[0]
    for light in d.lights:
        lit = lit + _irradiance(light, d) * max(float(_direction(light)[1]), 0.0)
    below = np.clip(0.5 - canvas.directions[..., 1:2] / (2 * canvas.pixel), 0, 1)
    canvas.pixels += below * (albedo * lit / np.pi - canvas.pixels)


def _dome(directions: np.ndarray, d: Described, sun: np.ndarray, turbidity: float) -> np.ndarray:
    up = np.maximum(directions[..., 1:2], 0.0)
    grey = blackbody(6800.0)
    if d.weather in ("overcast", "stormy"):  # Moon and Spencer's overcast sky
        return grey * (1 + 2 * up) / 3
    if d.weather == "foggy":
        return grey * (0.85 + 0.15 * up)
    if d.time == "night" or any(light.kind in ("moon", "street lamp") for light in d.lights):
        return blackbody(14000.0) * (0.35 + 0.65 * np.exp(-2.0 * up))
    clear = sky_radiance(directions, sun, turbidity)
    if d.time in ("dusk", "blue hour"):
        toward = np.clip(directions @ bearing(-45.0, 0.0), 0, 1)[..., None]
        warm = HUES["orange"] if d.time == "dusk" else HUES["pink"]
        band = np.asarray(warm, np.float32) * np.exp(-7.0 * up) * (0.15 + 0.85 * toward**3)
        blue = blackbody(20000.0) * (0.35 + 0.35 * up)
        return (blue + (2.2 if d.time == "dusk" else 0.5) * band).astype(np.float32)
    if d.weather == "cloudy":
        mean = np.float32(clear[: len(clear) // 2].mean())
        return 0.4 * clear + 0.6 * mean * grey * (1 + 2 * up) / 3
    return clear


def _walls(canvas: Canvas, d: Described) -> None:
    """Walls, ceiling and floor, as bright as the lamps make them, the ceiling a little more and the floor less."""
    total = sum((_irradiance(light, d) for light in d.lights), np.zeros(3, np.float32))
    stops = ROOM_STOPS.get(d.room or "room", -3.2) + d.contrast
    paint_colour = WALLS if d.room != "studio" else np.ones(3, np.float32)
    up = canvas.directions[..., 1:2]
    canvas.pixels += (total / np.pi * paint_colour * 2.0**stops * (1 + 0.35 * up)).astype(np.float32)


def _light(canvas: Canvas, light: Light, d: Described) -> None:
    """Add one light so that a surface facing it receives `_irradiance`."""
    fixture = FIXTURES[light.kind]
    direction = _direction(light)
    irradiance = _irradiance(light, d)
    radius = fixture.radius * light.size
    if fixture.shape == "sun" and light.size >= 1:
        radius = {"cloudy": CLOUD_RADIUS, "overcast": 25.0, "foggy": 30.0, "stormy": 25.0, "hazy": 2.0}.get(
            d.weather, fixture.radius if light.size == 1 else 3.0 * light.size
        )
    before = canvas.pixels.copy()
    radius = min(radius, 60.0)
    shape = {"sun": "disk"}.get(fixture.shape, fixture.shape)
    if shape == "disk":
        canvas.disk(direction, radius, np.ones(3), soft_deg=0.3 * radius if radius > 1 else 0.0)
    elif shape == "flames":
        for across, tall in ((-0.5, 1.4), (0.1, 2.0), (0.6, 1.1)):
            foot = bearing(light.azimuth + across * radius, light.elevation - radius / 2)
            tip = bearing(light.azimuth + (across + 0.15) * radius, light.elevation - radius / 2 + tall * radius)
            canvas.tube(foot, tip, 0.5 * radius, np.ones(3))
    else:
        size = {"panel": (2.0, 2.0), "window": (1.5, 2.2), "strip": (0.35, 3.0)}[shape]
        width, height = (min(side * radius, 120.0) for side in size)
        bars = (2, 3) if shape == "window" else (1, 1)
        canvas.panel(direction, (width, height), np.ones(3), soft_deg=2.0, hot=0.3, bars=bars)
    added = canvas.pixels - before
    received = float(
        ((added * canvas.solid_angle[..., None])[..., 1] * np.maximum(canvas.directions @ direction, 0)).sum()
    )
    canvas.pixels = (before + added * (irradiance / max(received, 1e-9))).astype(np.float32)


def _direction(light: Light) -> np.ndarray:
    return bearing(light.azimuth, light.elevation)


def _irradiance(light: Light, d: Described) -> np.ndarray:
    """The irradiance of the light on a surface that faces it, (3,)."""
    fixture = FIXTURES[light.kind]
    own: np.ndarray = blackbody(fixture.kelvin)
    if light.kind == "sun":
        beam = sun_irradiance(
            float(np.radians(max(light.elevation, 0.5))), TIMES.get(d.time or "afternoon", (0, 2.8))[1]
        )
        own = beam / max(float(beam @ LUMINANCE), 1e-9)
    stops = fixture.stops + light.stops
    if light.kind == "sun":
        stops += {"cloudy": -1.2, "overcast": -2.5, "foggy": -2.5, "stormy": -4.0, "hazy": -0.4}.get(d.weather, 0.0)
    return (_coloured(own, light.colour, light.saturation) * KEY * 2.0**stops).astype(np.float32)


def _coloured(own: np.ndarray, said: str | float | None, much: float) -> np.ndarray:
    """A colour of luminance 1: the one in the prompt, or the light's own."""
    if said is None:
        return own
    named = HUES.get(said) if isinstance(said, str) else None
    if named is not None:
        colour = np.asarray(named, np.float64) ** much
    else:
        kelvin = KELVIN[said] if isinstance(said, str) else said
        # `very warm` is further from white, measured in reciprocal kelvin, which is perceptually even.
        mired = 1e6 / 6500 + (1e6 / kelvin - 1e6 / 6500) * (much if isinstance(said, str) else 1.0)
        colour = blackbody(float(np.clip(1e6 / max(mired, 25.0), 1500, 40000))).astype(np.float64)
    return (colour / (colour @ LUMINANCE)).astype(np.float32)


def _tinted(dome: np.ndarray, said: str | float | None, much: float) -> np.ndarray:
    """A sky in the colour that a word gives it, with its brightness unchanged."""
    if said is None:
        return dome
    luminance = (dome @ LUMINANCE)[..., None]
    own = 1 - (1 - OWN_CHROMA) * min(much, 1.0)
    return (own * dome + (1 - own) * luminance * _coloured(np.ones(3), said, max(much, 1.0))).astype(np.float32)
