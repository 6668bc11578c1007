"""Procedural HDR environments: the light that training pictures are lit by.

Each kind of place is a function that paints a `Canvas`: sky, sun, lamps, walls and ground. Everything is drawn from
the generator it is given and from nothing else, so the same seed is the same map at any height, and the same seed at
another moment is the same place later (`animate`). Lamps keep their energy when they are smaller than a pixel.
Colours are linear working-space RGB; the frame is that of `core.light.environment` (+Y up, image centre = +Z).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..core.errors import UsageError
from ..core.light.canvas import UP, Canvas, bearing, ramp, unit
from ..core.light.sky import LUMINANCE, SUN_RADIUS_DEG, SUN_SOLID_ANGLE, blackbody, sky_radiance, sun_irradiance

# ---------------------------------------------------------------------------------------------------------- places


def clear_sky(rng: np.random.Generator, canvas: Canvas) -> None:
    """Blue sky, dawn to noon, sometimes with clouds that pass the sun; a skyline and a ground that receive both."""
    elevation = np.radians(3.0 + 67.0 * rng.random() ** 1.5)
    sun = bearing(rng.uniform(-180.0, 180.0), np.degrees(elevation))
    turbidity = rng.uniform(2.0, 6.0)
    canvas.pixels += sky_radiance(canvas.directions, sun, turbidity)
    beam = sun_irradiance(elevation, turbidity)
    beam = beam * _clouds(rng, canvas, sun, beam, cover=rng.uniform(0.2, 0.75) * (rng.random() < 0.5))
    _landscape(rng, canvas, sun, beam)
    canvas.disk(sun, SUN_RADIUS_DEG, beam / SUN_SOLID_ANGLE)


def sunset(rng: np.random.Generator, canvas: Canvas) -> None:
    """A sun within a few degrees of the horizon, banded warm sky, clouds lit from below."""
    elevation = np.radians(rng.uniform(0.5, 7.0))
    sun = bearing(rng.uniform(-180.0, 180.0), np.degrees(elevation))
    turbidity = rng.uniform(2.5, 6.5)
    beam = sun_irradiance(elevation, turbidity)
    warm = beam / max(float(beam @ LUMINANCE), 1e-6)
    canvas.pixels += sky_radiance(canvas.directions, sun, turbidity) * rng.uniform(0.3, 1.0)
    height = np.abs(canvas.directions[..., 1:2])
    towards = np.clip(canvas.directions @ sun, 0.0, 1.0)[..., None]
    canvas.pixels += warm * rng.uniform(0.1, 0.6) * np.exp(-height / rng.uniform(0.06, 0.2)) * (0.25 + towards**3)
    beam = beam * max(_clouds(rng, canvas, sun, beam, cover=rng.uniform(0.2, 0.7)), 0.1)
    _landscape(rng, canvas, sun, beam)
    canvas.disk(sun, SUN_RADIUS_DEG, beam / SUN_SOLID_ANGLE)


def overcast(rng: np.random.Generator, canvas: Canvas) -> None:
    """Moon and Spencer's overcast sky, three times brighter above than at the horizon; the sun may glow behind it."""
    grey = blackbody(rng.uniform(5800.0, 8500.0)) * rng.uniform(0.3, 1.5)
    y = np.maximum(canvas.directions[..., 1:2], 0.0)
    clouds = _Noise(rng, 0.7)(_cloud_plane(canvas.directions, canvas.seconds))[..., None]
    canvas.pixels += grey * (1.0 + 2.0 * y) / 3.0 * np.exp(rng.uniform(0.05, 0.35) * clouds)
    sun = bearing(rng.uniform(-180.0, 180.0), rng.uniform(15.0, 65.0))
    glow = rng.uniform(0.0, 6.0) * rng.random()
    canvas.disk(sun, rng.uniform(6.0, 20.0), grey * glow, soft_deg=25.0)
    _landscape(rng, canvas, sun, np.zeros(3, np.float32))


def softbox_studio(rng: np.random.Generator, canvas: Canvas) -> None:
    """A dark studio: a key softbox, usually a fill and a rim, sometimes a strip or a gelled spot."""
    key_azimuth = rng.uniform(-180.0, 180.0)
    level = _log_uniform(rng, 8.0, 300.0)
    colour = blackbody(rng.uniform(3200.0, 6800.0))
    size = (rng.uniform(10.0, 45.0), rng.uniform(12.0, 60.0))
    key, edge, hot = bearing(key_azimuth, rng.uniform(10.0, 60.0)), rng.uniform(0.0, 6.0), rng.uniform(0.2, 0.8)
    canvas.panel(key, size, colour * level, roll_deg=rng.uniform(-25.0, 25.0), soft_deg=edge, hot=hot)
    if rng.random() < 0.7:
        fill = bearing(key_azimuth + rng.choice((-1, 1)) * rng.uniform(60.0, 130.0), rng.uniform(-5.0, 40.0))
        canvas.panel(
            fill,
            (rng.uniform(15.0, 60.0), rng.uniform(20.0, 60.0)),
            _tint(rng, colour) * level * _log_uniform(rng, 0.01, 0.3),
            soft_deg=4.0,
            hot=0.4,
        )
    if rng.random() < 0.7:
        rim = bearing(key_azimuth + rng.uniform(130.0, 230.0), rng.uniform(15.0, 65.0))
        canvas.panel(
            rim,
            (rng.uniform(3.0, 12.0), rng.uniform(15.0, 60.0)),
            _tint(rng, colour) * level * _log_uniform(rng, 0.3, 4.0),
            roll_deg=rng.uniform(-30, 30),
        )
    if rng.random() < 0.3:
        spot = bearing(rng.uniform(-180.0, 180.0), rng.uniform(0.0, 50.0))
        canvas.disk(spot, rng.uniform(1.0, 4.0), _saturated(rng, 0.2) * level * _log_uniform(rng, 1.0, 10.0))
    room(rng, canvas, albedo=(0.04, 0.3), ambient=_log_uniform(rng, 0.02, 0.3))


def window_room(rng: np.random.Generator, canvas: Canvas) -> None:
    """Daylight through one to three windows of one wall of a dark room; sometimes the sun itself comes in."""
    wall = rng.uniform(-180.0, 180.0)
    day = blackbody(rng.uniform(5500.0, 9500.0))
    level = _log_uniform(rng, 5.0, 150.0)
    size = (rng.uniform(8.0, 26.0), rng.uniform(22.0, 55.0))
    count = int(rng.integers(1, 4))
    panes = (int(rng.integers(1, 4)), int(rng.integers(1, 5)))
    for index in range(count):
        azimuth = wall + (index - (count - 1) / 2.0) * (size[0] + rng.uniform(4.0, 14.0))
        canvas.panel(
            bearing(azimuth, rng.uniform(2.0, 10.0)),
            size,
            _tint(rng, day, 0.05) * level * rng.uniform(0.6, 1.2),
            hot=0.3,
            bars=panes,
        )
    if rng.random() < 0.35:
        elevation = rng.uniform(6.0, 35.0)
        beam = sun_irradiance(np.radians(elevation), rng.uniform(2.0, 5.0)) * level / 1.5
        canvas.disk(
            bearing(wall + rng.uniform(-5.0, 5.0), min(elevation, size[1] / 2.5)),
            SUN_RADIUS_DEG,
            beam * rng.uniform(0.05, 0.7) / SUN_SOLID_ANGLE,
        )
    room(rng, canvas, albedo=(0.1, 0.7), ambient=_log_uniform(rng, 0.02, 0.2))


def neon_night(rng: np.random.Generator, canvas: Canvas) -> None:
    """A street at night under saturated tubes and signs, mirrored in a wet ground."""
    main = rng.uniform(-180.0, 180.0)
    hues = [_saturated(rng, 0.02) for _ in range(3)]
    for index in range(int(rng.integers(4, 12))):
        azimuth = main + rng.normal(0.0, 25.0) if index < 3 else rng.uniform(-180.0, 180.0)
        centre = (azimuth, rng.uniform(2.0, 45.0))
        level = _log_uniform(rng, 4.0, 120.0) * (4.0 if index == 0 else 1.0)
        colour = hues[int(rng.integers(3))] * level
        if rng.random() < 0.6:
            lean = rng.uniform(0.0, 180.0)
            reach = rng.uniform(4.0, 22.0)
            offset = (reach * np.cos(np.radians(lean)), reach * np.sin(np.radians(lean)))
            ends = [bearing(centre[0] + s * offset[0], max(centre[1] + s * offset[1], 1.0)) for s in (-1.0, 1.0)]
            canvas.tube(ends[0], ends[1], rng.uniform(0.5, 1.8), colour)
        else:
            canvas.panel(bearing(*centre), (rng.uniform(4.0, 22.0), rng.uniform(4.0, 28.0)), colour * 0.4, hot=0.3)
    for _ in range(int(rng.integers(2, 10))):
        small = bearing(rng.uniform(-180.0, 180.0), rng.uniform(-2.0, 30.0))
        canvas.disk(
            small, rng.uniform(0.15, 0.8), blackbody(rng.uniform(2000.0, 5000.0)) * _log_uniform(rng, 20.0, 400.0)
        )
    room(rng, canvas, albedo=(0.05, 0.3), ambient=0.15, open_sky=_log_uniform(rng, 0.0005, 0.02))
    _wet_ground(canvas, rng.uniform(0.02, 0.25))


def fire(rng: np.random.Generator, canvas: Canvas) -> None:
    """Flames low on one side, flickering; the rest of the world has only what they light and a little night sky."""
    azimuth, reach = rng.uniform(-180.0, 180.0), rng.uniform(10.0, 40.0)
    kelvin, level = rng.uniform(1500.0, 2100.0), _log_uniform(rng, 30.0, 600.0)
    tongues = int(rng.integers(3, 8))
    for _ in range(tongues):
        phase = rng.uniform(0.0, 2.0 * np.pi, 4)
        rates = rng.uniform((5.0, 9.0, 17.0, 3.0), (8.0, 14.0, 30.0, 6.0))
        beat = np.sin(rates * canvas.seconds + phase)
        flicker = float(np.exp(0.35 * beat[0] + 0.25 * beat[1] + 0.15 * beat[2]))
        place = azimuth + rng.normal(0.0, reach / 3.0) + 2.0 * beat[3]
        foot = rng.uniform(-25.0, -8.0)
        tip = foot + rng.uniform(8.0, 28.0) * flicker**0.5
        canvas.tube(
            bearing(place, foot),
            bearing(place + 3.0 * beat[1], tip),
            rng.uniform(2.0, 7.0),
            blackbody(kelvin * (1.0 + 0.05 * beat[0])) * level * flicker / tongues,
        )
    room(rng, canvas, albedo=(0.1, 0.5), ambient=0.2, open_sky=_log_uniform(rng, 0.002, 0.3))


def street_lights(rng: np.random.Generator, canvas: Canvas) -> None:
    """Night: a row of sodium or white lamps above a street, a few windows and headlights."""
    street, height = rng.uniform(-180.0, 180.0), rng.uniform(4.0, 9.0)
    lamp = blackbody(rng.choice((1900.0, 2200.0, 3000.0, 4200.0))) * _log_uniform(rng, 200.0, 5000.0)
    aside, spacing, first = rng.uniform(2.0, 8.0), rng.uniform(12.0, 30.0), rng.uniform(-8.0, 8.0)
    for side in (-1.0, 1.0):
        for index in range(-2, 3):
            place = np.array((side * aside, height, first + (index + 0.25 * side) * spacing))
            distance = float(np.linalg.norm(place))
            towards = unit(place)
            heading = np.degrees(np.arctan2(towards[0], towards[2])) + street
            canvas.disk(bearing(heading, np.degrees(np.arcsin(towards[1]))), float(np.degrees(0.2 / distance)), lamp)
    for _ in range(int(rng.integers(0, 8))):
        where = bearing(rng.uniform(-180.0, 180.0), rng.uniform(3.0, 30.0))
        canvas.panel(
            where,
            (rng.uniform(1.5, 5.0), rng.uniform(2.0, 6.0)),
            blackbody(rng.uniform(2400.0, 6500.0)) * _log_uniform(rng, 0.3, 6.0),
        )
    if rng.random() < 0.4:
        for offset in (-1.5, 1.5):
            beam = blackbody(rng.uniform(3200.0, 6500.0)) * _log_uniform(rng, 500.0, 8000.0)
            canvas.disk(bearing(street + offset, -1.5), 0.35, beam)
    room(rng, canvas, albedo=(0.05, 0.25), ambient=0.15, open_sky=_log_uniform(rng, 0.001, 0.05))
    _wet_ground(canvas, rng.uniform(0.0, 0.1))


def mixed_interior(rng: np.random.Generator, canvas: Canvas) -> None:
    """A furnished room: cool window, warm table lamps, perhaps ceiling panels, coloured walls."""
    window = rng.uniform(-180.0, 180.0)
    day = blackbody(rng.uniform(6000.0, 10000.0)) * _log_uniform(rng, 1.0, 40.0)
    canvas.panel(
        bearing(window, rng.uniform(0.0, 8.0)),
        (rng.uniform(12.0, 45.0), rng.uniform(20.0, 45.0)),
        day,
        hot=0.4,
        bars=(int(rng.integers(1, 4)), 2),
    )
    for _ in range(int(rng.integers(1, 4))):
        where = bearing(rng.uniform(-180.0, 180.0), rng.uniform(-15.0, 25.0))
        canvas.disk(
            where,
            rng.uniform(1.5, 6.0),
            blackbody(rng.uniform(2300.0, 3200.0)) * _log_uniform(rng, 8.0, 300.0),
            soft_deg=2.0,
        )
    if rng.random() < 0.5:
        white = blackbody(rng.uniform(3000.0, 5000.0)) * _log_uniform(rng, 4.0, 40.0)
        start = rng.uniform(-180.0, 180.0)
        for index in range(int(rng.integers(1, 5))):
            canvas.panel(
                bearing(start + 90.0 * index, rng.uniform(45.0, 75.0)),
                (24.0, 10.0),
                white,
                roll_deg=rng.uniform(-90.0, 90.0),
            )
    room(rng, canvas, albedo=(0.15, 0.8), ambient=_log_uniform(rng, 0.1, 0.5), saturation=0.5)


def forest(rng: np.random.Generator, canvas: Canvas) -> None:
    """Under trees: leaves lit through, holes of bright sky, a broken sun, a dappled floor."""
    elevation = rng.uniform(20.0, 65.0)
    sun = bearing(rng.uniform(-180.0, 180.0), elevation)
    turbidity = rng.uniform(2.0, 5.0)
    sky = sky_radiance(canvas.directions, sun, turbidity)
    beam = sun_irradiance(np.radians(elevation), turbidity)
    leaves = _Noise(rng, 5.0, octaves=4)(canvas.directions, phase=0.8 * canvas.seconds)
    masses = _Noise(rng, 1.2, octaves=2)(canvas.directions)
    hole = _step(0.6 * leaves + masses + 1.3 * canvas.directions[..., 1] - rng.uniform(0.9, 2.2), 0.3)[..., None]
    green = np.array((0.06, 0.085, 0.025), np.float32) * rng.uniform(0.7, 1.3, 3)
    towards = np.clip(canvas.directions @ sun, 0.0, 1.0)[..., None]
    leaf = green * (0.3 + 0.9 * towards**2) * beam * np.exp(0.6 * leaves[..., None])
    canvas.pixels += (hole * sky + (1.0 - hole) * leaf).astype(np.float32)
    floor = np.array((0.10, 0.08, 0.05), np.float32) * rng.uniform(0.6, 1.5, 3)
    through = rng.uniform(0.0, 0.3)
    _ground(rng, canvas, floor, canvas.irradiance(UP[None])[0] + beam * sun[1] * through, dapple=rng.uniform(0.5, 1.5))
    for index in range(6):  # the sun's disk in pieces: what comes through sways with the leaves
        sway = 0.5 + 0.5 * np.sin(rng.uniform(0.3, 1.5) * canvas.seconds + rng.uniform(0.0, 6.3))
        nearby = unit(sun + rng.normal(0.0, 0.004 * (index + 1), 3))
        share = through * rng.uniform(0.0, 1.0) * (0.4 + 0.6 * sway)
        canvas.disk(nearby, SUN_RADIUS_DEG, beam * share / SUN_SOLID_ANGLE)


def coloured_lamps(rng: np.random.Generator, canvas: Canvas) -> None:
    """One to five lamps of any size, colour and place over a two-coloured dome: stage light, and breadth."""
    axis = unit(rng.normal(size=3) + UP)
    mix = (0.5 + 0.5 * (canvas.directions @ axis))[..., None]
    ends = [_saturated(rng, rng.uniform(0.2, 0.9)) for _ in range(2)]
    canvas.pixels += (mix * ends[0] + (1.0 - mix) * ends[1]) * _log_uniform(rng, 0.02, 1.0)
    for _ in range(int(rng.integers(1, 6))):
        where = bearing(rng.uniform(-180.0, 180.0), np.degrees(np.arcsin(rng.uniform(-0.4, 1.0))))
        radius = _log_uniform(rng, 0.4, 25.0)
        level = _log_uniform(rng, 0.3, 6.0) * (60.0 / radius) ** 2 / 40.0
        canvas.disk(where, radius, _saturated(rng, rng.uniform(0.05, 0.9)) * level, soft_deg=rng.uniform(0.0, radius))


Place = Callable[[np.random.Generator, Canvas], None]

KINDS: dict[str, Place] = {
    place.__name__: place
    for place in (
        clear_sky,
        sunset,
        overcast,
        softbox_studio,
        window_room,
        neon_night,
        fire,
        street_lights,
        mixed_interior,
        forest,
        coloured_lamps,
    )
}
"""Every kind of place by name."""

_SHARES = (0.2, 0.1, 0.05, 0.15, 0.1, 0.1, 0.05, 0.05, 0.08, 0.05, 0.07)


def paint(
    kind: str, seed: int, height: int = 64, *, yaw: float = 0.0, seconds: float = 0.0, gains: Sequence[float] = ()
) -> np.ndarray:
    """One environment of a named kind, entirely decided by its arguments.

    Args:
        kind: a name of `KINDS`.
        seed: of the place; the same place is painted at any height, yaw and moment.
        height: rows, 16 or more.
        yaw: degrees about +Y; positive moves +Z towards +X, in the map to the left.
        seconds: the moment; clouds, leaves and flames move.
        gains: factor of each lamp in the order of painting, 1 for those not named.

    Returns:
        (H, 2H, 3) float32 working-space radiance, not negative; +Y up, image centre = +Z.

    Raises:
        UsageError: the kind is unknown or the height too small.
    """
    if kind not in KINDS:
        raise UsageError(f"environment kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if height < 16:
        raise UsageError(f"an environment needs at least 16 rows; got {height}")
    canvas = Canvas(height, yaw=yaw, seconds=seconds, gains=gains)
    rng = np.random.default_rng(seed)
    KINDS[kind](rng, canvas)
    # Maps are uncalibrated: balanced somewhere near the light's colour, exposed somehow.
    balance = 2.0 ** rng.uniform(-2.0, 2.0) * np.exp(rng.normal(0.0, 0.08, 3))
    return np.maximum(canvas.pixels * balance.astype(np.float32), 0.0)


def sample_environment(rng: np.random.Generator, height: int = 64) -> np.ndarray:
    """One environment of a random kind, place and heading.

    Args:
        rng: where all chance comes from.
        height: rows, 16 or more.

    Returns:
        (H, 2H, 3) float32 working-space radiance, not negative; +Y up, image centre = +Z.
    """
    return paint(*_draw(rng), height, yaw=rng.uniform(-180.0, 180.0))


def animate(
    rng: np.random.Generator, kind: str | None, frames: int, *, height: int = 64, fps: float = 24.0
) -> Iterator[np.ndarray]:
    """One environment a frame: a place in which the light moves.

    The place turns, fades, has lamps switched or flickering, one or more of these at a time or none; what moves by
    itself (clouds, leaves, flames) does so in every case.

    Args:
        rng: where all chance comes from.
        kind: a name of `KINDS`, None for any.
        frames: how many maps to yield.
        height: rows, 16 or more.
        fps: frames a second.

    Yields:
        (H, 2H, 3) float32, as from `paint`, in order of time.

    Raises:
        UsageError: the kind is unknown or the height too small.
    """
    drawn, seed = _draw(rng)
    kind = drawn if kind is None else kind
    yaw = rng.uniform(-180.0, 180.0)
    turn = float(rng.choice((-1, 1))) * _log_uniform(rng, 4.0, 120.0) * (rng.random() < 0.5)
    stops = rng.uniform(-3.0, 3.0) * (rng.random() < 0.3)
    hurry = _log_uniform(rng, 0.5, 4.0)
    switched = rng.choice(8, size=int(rng.integers(1, 4)), replace=False) if rng.random() < 0.3 else ()
    switch_frame, ramp, to_on = rng.uniform(0.2, 0.8) * frames, _log_uniform(rng, 0.5, 6.0), bool(rng.random() < 0.5)
    trembling = rng.random() < 0.25
    depth, rates, phases = rng.uniform(0.05, 0.5), rng.uniform(2.0, 12.0, (8, 3)), rng.uniform(0.0, 2.0 * np.pi, (8, 3))
    for frame in range(frames):
        seconds = frame / fps
        gains = np.exp(depth * np.sin(2.0 * np.pi * rates * seconds + phases).sum(axis=1)) if trembling else np.ones(8)
        on = np.clip((frame - switch_frame) / ramp + 0.5, 0.0, 1.0)
        for lamp in switched:
            gains[lamp] *= on if to_on else 1.0 - on
        fade = 2.0 ** (stops * frame / max(frames - 1, 1))
        place = paint(kind, seed, height, yaw=yaw + turn * seconds, seconds=hurry * seconds, gains=tuple(gains))
        yield place * np.float32(fade)


# ---------------------------------------------------------------------------------------------- what places are made of


class _Noise:
    """Band-limited noise of unit variance in space: plane waves in octaves. Any resolution sees the same field."""

    def __init__(self, rng: np.random.Generator, frequency: float, octaves: int = 3, waves: int = 8) -> None:
        scale = np.repeat(2.0 ** np.arange(octaves), waves)
        heading = rng.normal(size=(3, octaves * waves))
        self._waves = (heading / np.linalg.norm(heading, axis=0) * scale * frequency * 2.0 * np.pi).astype(np.float32)
        self._waves *= rng.uniform(0.7, 1.4, octaves * waves).astype(np.float32)
        self._phases = rng.uniform(0.0, 2.0 * np.pi, octaves * waves).astype(np.float32)
        self._rates = rng.normal(0.0, 1.0, octaves * waves).astype(np.float32)
        weight = 1.0 / scale
        self._weights = (weight * np.sqrt(2.0 / np.sum(weight**2))).astype(np.float32)

    def __call__(self, points: np.ndarray, phase: float = 0.0) -> np.ndarray:
        """Value at points (..., 3); `phase` lets it boil in place."""
        flat = points.reshape(-1, 3).astype(np.float32) @ self._waves
        value = np.cos(flat + (self._phases + np.float32(phase) * self._rates)) @ self._weights
        return value.reshape(points.shape[:-1])


def _clouds(rng: np.random.Generator, canvas: Canvas, sun: np.ndarray, beam: np.ndarray, cover: float) -> float:
    """Lay clouds over the sky that is painted; returns the share of the sun's beam that comes through them."""
    noise = _Noise(rng, rng.uniform(0.12, 0.5), octaves=4)
    level, speed, softness = 1.2 * (1.0 - 2.0 * cover), rng.uniform(0.02, 0.3), rng.uniform(0.4, 1.5)
    if cover <= 0.0:
        return 1.0

    def opacity(directions: np.ndarray) -> np.ndarray:
        thick = _step(noise(_cloud_plane(directions, speed * canvas.seconds)) - level, softness)
        return thick * np.clip(directions[..., 1] / 0.12, 0.0, 1.0)

    thick = opacity(canvas.directions)[..., None]
    cosine = np.clip(canvas.directions @ sun, -1.0, 1.0)[..., None]
    halo = 0.13 * (1.0 - 0.49) / (1.49 - 1.4 * cosine) ** 1.5  # Henyey-Greenstein, g = 0.7
    sky = canvas.irradiance(UP[None])[0] / np.pi
    lit = 0.9 * sky + beam * (0.06 + halo * (1.0 - 0.7 * thick)) * (1.0 - 0.4 * thick)
    canvas.pixels += thick * (lit - canvas.pixels)
    return float(np.exp(-5.0 * opacity(sun)))


def _landscape(rng: np.random.Generator, canvas: Canvas, sun: np.ndarray, beam: np.ndarray) -> None:
    """Ground and skyline below the sky that is painted, lit by it and by the beam of a sun not painted yet."""
    earth = (0.22, 0.17, 0.11), (0.09, 0.12, 0.04), (0.16, 0.16, 0.16), (0.4, 0.33, 0.22), (0.75, 0.77, 0.8)
    albedo = np.asarray(earth[int(rng.integers(len(earth)))], np.float32) * rng.uniform(0.6, 1.1, 3)
    azimuths = np.arange(16) * 22.5
    facing = -np.stack([bearing(a, 0.0) for a in azimuths])
    walls = canvas.irradiance(facing) / 1.6 + np.maximum(facing @ sun, 0.0)[:, None] * beam
    _ground(
        rng, canvas, albedo, canvas.irradiance(UP[None])[0] + max(sun[1], 0.0) * beam, dapple=rng.uniform(0.05, 0.3)
    )

    heading = np.degrees(np.arctan2(canvas.directions[..., 0], canvas.directions[..., 2]))
    circle = np.stack((np.cos(np.radians(heading)), np.sin(np.radians(heading)), np.zeros_like(heading)), axis=-1)
    tallest = np.radians(_log_uniform(rng, 1.0, 25.0))
    if rng.random() < 0.5:  # trees and hills
        profile = tallest * (0.55 + 0.25 * _Noise(rng, 0.8, octaves=5)(circle))
        surface = np.array((0.05, 0.07, 0.03), np.float32)
    else:  # buildings: one height a block
        steps = rng.uniform(0.0, 1.0, 48) ** 2
        profile = tallest * steps[(heading // 7.5).astype(int) % 48]
        surface = np.array((0.3, 0.28, 0.25), np.float32) * rng.uniform(0.5, 1.3, 3)
    clear = np.clip(1.5 - 1.5 * (canvas.directions @ sun - 0.9) / 0.1, 0.0, 1.0)  # lower where the sun stands
    profile = np.minimum(profile, np.maximum(np.arcsin(sun[1]) - 0.03, 0.01) + clear * tallest)
    elevation = np.arcsin(np.clip(canvas.directions[..., 1], -1.0, 1.0))
    mask = ramp(elevation, profile, 2.0 * canvas.pixel) * (elevation > 0.0)
    place = np.mod(heading, 360.0) / 22.5
    share = (place % 1.0)[..., None]
    low, high = place.astype(int) % 16, (place.astype(int) + 1) % 16
    lit = (walls[low] * (1.0 - share) + walls[high] * share) * surface / np.pi
    canvas.pixels += mask[..., None] * (lit.astype(np.float32) - canvas.pixels)


def _ground(
    rng: np.random.Generator, canvas: Canvas, albedo: np.ndarray, irradiance: np.ndarray, dapple: float
) -> None:
    """A Lambertian plane below the horizon, uneven by `dapple`, fading into the horizon's haze far away."""
    y = canvas.directions[..., 1]
    plane = canvas.directions / np.maximum(-y, 0.05)[..., None]
    uneven = np.exp(dapple * _Noise(rng, 0.35, octaves=3)(plane) - 0.5 * dapple**2)
    lit = (albedo * irradiance / np.pi) * uneven[..., None]
    haze = np.clip(1.0 + y / 0.04, 0.0, 0.5)[..., None]
    rows = canvas.pixels.shape[0] // 2
    horizon = canvas.pixels[rows - 1].mean(axis=0)
    mask = (y < 0.0)[..., None]
    canvas.pixels = np.where(mask, lit * (1.0 - haze) + haze * horizon, canvas.pixels).astype(np.float32)


def _wet_ground(canvas: Canvas, strength: float) -> None:
    """Mirror what is above the horizon into the ground, dim as water is when looked at from above."""
    half = canvas.pixels.shape[0] // 2
    grazing = (1.0 - np.abs(canvas.directions[half:, :, 1:2])) ** 3  # Fresnel's growth towards the horizon
    canvas.pixels[half:] += strength * (0.1 + 0.9 * grazing) * canvas.pixels[:half][::-1]


def room(
    rng: np.random.Generator,
    canvas: Canvas,
    *,
    albedo: tuple[float, float],
    ambient: float,
    saturation: float = 0.15,
    open_sky: float | None = None,
) -> None:
    """Walls, floor and ceiling around the lamps that are painted, lit by them with their distance.

    Args:
        albedo: darkest and brightest face.
        ambient: what all faces get everywhere, relative to the mean light.
        saturation: of the faces' colours.
        open_sky: luminance of a night sky in place of the ceiling; None for a ceiling.
    """
    size = rng.uniform(2.0, 5.0, 3) if open_sky is None else rng.uniform(4.0, 14.0, 3)
    above, below = rng.uniform(1.2, 2.4) if open_sky is None else size[1], 1.6
    angle = rng.uniform(-180.0, 180.0)
    axes = np.stack((bearing(angle + 90.0, 0.0), UP, bearing(angle, 0.0)))
    colours = np.stack([_tint(rng, np.ones(3), saturation) * rng.uniform(*albedo) for _ in range(6)])
    night = _tint(rng, np.array((0.7, 0.95, 1.6)), 0.6)
    uneven = _Noise(rng, 0.3, octaves=3)

    points, _, face = _hit_box(canvas.directions @ axes.T, size, above, below)
    inward = np.zeros(points.shape, np.float32)
    np.put_along_axis(inward, (face // 2)[..., None], np.where(face % 2 == 0, -1.0, 1.0)[..., None], axis=-1)
    total = sum((power for _, power in canvas.lamps), np.zeros(3))
    light = np.zeros_like(canvas.pixels) + np.asarray(ambient * total / 4.0, np.float32)
    for direction, power in canvas.lamps:
        local = (axes @ direction)[None]
        hit, reach, wall = _hit_box(local, size, above, below)
        away = float(reach[0]) * 0.95
        offset = local[0] * away - points
        squared = (offset**2).sum(axis=-1)
        cosine = np.maximum((offset * inward).sum(axis=-1), 0.0) / np.sqrt(squared + 1e-6)
        beamed = np.maximum(offset[..., wall[0] // 2] * np.sign(hit[0, wall[0] // 2]), 0.0) / np.sqrt(squared + 1e-6)
        light += (cosine * (0.1 + 0.9 * beamed) * away**2 / (squared + 0.2))[..., None] * power.astype(np.float32)
    walls = light * colours[face].astype(np.float32) / np.pi * np.exp(0.2 * uneven(points))[..., None]
    if open_sky is not None:
        glow = np.exp(-3.0 * np.maximum(canvas.directions[..., 1:2], 0.0))
        walls = np.where((face == 2)[..., None], open_sky * night * (0.4 + glow), walls)
    canvas.pixels += walls.astype(np.float32)


def _hit_box(directions: np.ndarray, size: np.ndarray, above: float, below: float) -> tuple[np.ndarray, ...]:
    """Where rays from inside meet a box: points (..., 3), distances (...), faces (...) numbered +x -x +y -y +z -z."""
    reach = np.where(directions > 0.0, (size[0], above, size[2]), (size[0], below, size[2]))
    along = reach / np.maximum(np.abs(directions), 1e-6)
    axis = along.argmin(axis=-1)
    distance = along.min(axis=-1)
    sign = np.take_along_axis(directions, axis[..., None], axis=-1)[..., 0] <= 0.0
    return directions * distance[..., None], distance, 2 * axis + sign


def _cloud_plane(directions: np.ndarray, drift: float) -> np.ndarray:
    """Directions on a flat layer of cloud overhead, moved along it by `drift`."""
    plane = directions / (np.maximum(directions[..., 1:2], 0.0) + 0.12)
    return plane * np.array((1.0, 0.0, 1.0), np.float32) + np.array((drift, 0.0, 0.0), np.float32)


def _draw(rng: np.random.Generator) -> tuple[str, int]:
    return str(rng.choice(list(KINDS), p=_SHARES)), int(rng.integers(2**31))


def _step(value: np.ndarray, width: float) -> np.ndarray:
    """Smoothstep from 0 to 1 over `width` around zero."""
    t = np.clip(0.5 + value / width, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tint(rng: np.random.Generator, colour: np.ndarray, amount: float = 0.25) -> np.ndarray:
    """The colour, moved at random without changing its luminance."""
    moved = colour * np.exp(rng.normal(0.0, amount, 3))
    return (moved * ((colour @ LUMINANCE) / (moved @ LUMINANCE))).astype(np.float32)


def _saturated(rng: np.random.Generator, floor: float) -> np.ndarray:
    """A colour of any hue and luminance 1; `floor` 0 is pure, 1 is white."""
    hue = rng.uniform(0.0, 6.0)
    pure = np.clip(np.abs(np.mod(hue + np.array((0.0, 4.0, 2.0)), 6.0) - 3.0) - 1.0, 0.0, 1.0)
    colour = floor + (1.0 - floor) * pure
    return (colour / max(float(colour @ LUMINANCE), 0.15)).astype(np.float32)
