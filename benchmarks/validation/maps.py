"""Light for the validation set: lat-long maps of places that training never saw, painted by code of their own.

Frame of the maps: +Y up, image centre = +Z, left quarter = +X (as Relamp's and Mitsuba's). Numbers are ACEScg radiance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

HEIGHT = 256
AP1_LUMINANCE = np.array((0.2722287168, 0.6740817658, 0.0536895174))

Picture = np.ndarray


def make(name: str, level: float, turn: float = 0.0, height: int = HEIGHT) -> Picture:
    """The map `name`, (H, 2H, 3) float32, its mean radiance over the sphere brought to the luminance `level`.

    `turn` in degrees turns the whole place about +Y: positive moves what is at +Z toward +X.
    """
    d = view_directions(height)
    s, c = np.sin(np.radians(-turn)), np.cos(np.radians(-turn))
    turned = np.stack([c * d[..., 0] + s * d[..., 2], d[..., 1], -s * d[..., 0] + c * d[..., 2]], -1)
    pixels = np.maximum(PLACES[name](turned), 0.0)
    weight = row_weights(height)
    mean = (pixels.mean(axis=1) * weight[:, None]).sum(axis=0)
    return (pixels * (level / (mean @ AP1_LUMINANCE))).astype(np.float32)


def balanced(pixels: Picture) -> Picture:
    """A map (H, 2H, 3) as a camera that is white-balanced to it records it.

    A grey surface that faces +Z gets grey light of the same luminance.
    """
    share = np.maximum(view_directions(pixels.shape[0])[..., 2], 0) * row_weights(pixels.shape[0])[:, None]
    got = (pixels * share[..., None]).sum(axis=(0, 1))
    return (pixels * (got @ AP1_LUMINANCE / got)).astype(np.float32)


def view_directions(height: int) -> Picture:
    """(H, 2H, 3) unit directions of the pixel centres."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (0.5 - (np.arange(2 * height) + 0.5) / (2 * height)) * 2 * np.pi
    theta, phi = np.meshgrid(theta, phi, indexing="ij")
    return np.stack([np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1)


def row_weights(height: int) -> Picture:
    """(H,) share of the sphere a row covers; they sum to 1."""
    edges = np.cos(np.linspace(0, np.pi, height + 1))
    return (edges[:-1] - edges[1:]) / 2


def toward(azimuth: float, elevation: float) -> Picture:
    """A unit direction by degrees: azimuth 0 is +Z (behind the default camera), 90 is +X (its right), 180 straight ahead."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])


def _noon(d: Picture) -> Picture:
    up = d[..., 1:2]
    haze = np.exp(-np.maximum(up, 0) * 5)
    sky = _rgb(0.35, 0.62, 1.25) * (1 - haze) + _rgb(1.1, 1.2, 1.35) * haze
    cloud = np.clip(_noise(d * (1, 3, 1), 3, 5.0) * 2.2 - 0.2, 0, 1)[..., None] * (up > 0.03)
    sky = sky * (1 - cloud) + _rgb(2.0, 2.0, 2.05) * cloud
    grass = _rgb(0.16, 0.19, 0.08) * (1 + 0.7 * _noise(d, 5, 25.0)[..., None])
    pixels = np.where(up > _skyline(d, 11, 9.0), sky, np.where(up > 0, _rgb(0.25, 0.23, 0.2), grass))
    return pixels + _disc(d, toward(52, 48), 0.6, _rgb(1.0, 0.95, 0.86) * 9.0)


def _dusk(d: Picture) -> Picture:
    up = d[..., 1:2]
    sunward = np.maximum(d @ toward(-118, 8), 0)[..., None]
    glow = np.exp(-np.abs(up) * 7) * (0.25 + 1.6 * sunward**4)
    sky = _rgb(0.16, 0.2, 0.42) * (0.6 + 0.5 * np.maximum(up, 0)) + _rgb(1.6, 0.62, 0.24) * glow
    streaks = np.clip(_noise(d * (1, 9, 1), 8, 4.0), 0, 1)[..., None] * np.exp(-np.abs(up - 0.25) * 6) * (0.3 + sunward)
    sky = sky + _rgb(1.2, 0.5, 0.34) * streaks
    field = _rgb(0.09, 0.07, 0.06) * (1 + 0.6 * _noise(d, 9, 20.0)[..., None]) + _rgb(0.2, 0.09, 0.04) * sunward**3
    pixels = np.where(up > _skyline(d, 21, 5.0), sky, np.where(up > 0, _rgb(0.05, 0.04, 0.05), field))
    return pixels + _disc(d, toward(-118, 8), 1.0, _rgb(1.0, 0.52, 0.2) * 3.2)


def _overcast(d: Picture) -> Picture:
    up = d[..., 1:2]
    sky = _rgb(0.92, 0.97, 1.05) * (1 + 2 * np.maximum(up, 0)) / 3  # CIE standard overcast
    sky = sky * (1 + 0.35 * _noise(d * (1, 2, 1), 31, 3.0)[..., None])
    wet = _rgb(0.14, 0.14, 0.15) * (1 + 0.4 * _noise(d, 33, 14.0)[..., None])
    return np.where(up > _skyline(d, 35, 14.0), sky, np.where(up > 0, _rgb(0.12, 0.11, 0.1), wet))


def _window(d: Picture) -> Picture:
    up = d[..., 1:2]
    walls = _rgb(0.075, 0.065, 0.052) * (1 + 0.25 * _noise(d, 41, 4.0)[..., None])
    room = np.where(up > 0.5, _rgb(0.13, 0.12, 0.105), np.where(up < -0.35, _rgb(0.09, 0.05, 0.028), walls))
    daylight = _rgb(3.6, 4.3, 5.6) * (0.55 + 0.45 * np.clip(up + 0.4, 0, 1))
    panes = _panel(d, toward(82, 14), 22, 26, 0.5)
    bars = np.maximum(_panel(d, toward(82, 14), 1.2, 26, 0.3), _panel(d, toward(82, 16), 22, 1.2, 0.3))
    room = room * (1 - panes) + daylight * panes * (1 - bars)
    small = _panel(d, toward(148, 12), 9, 22, 0.5)
    room = room * (1 - small) + 0.6 * daylight * small
    return room + _disc(d, toward(-65, 22), 3.0, _rgb(1.0, 0.62, 0.3) * 0.22)  # a table lamp across the room


def _studio(d: Picture) -> Picture:
    up = d[..., 1:2]
    dark = _rgb(0.018, 0.018, 0.02) * (1 + 0.5 * np.maximum(-up, 0))
    falloff = 0.7 + 0.3 * np.cos(np.pi * (d @ toward(-38, 30)))[..., None]
    key = _panel(d, toward(-38, 30), 17, 17, 1.5) * _rgb(13.0, 12.6, 12.0) * falloff
    strip = _panel(d, toward(112, 10), 5, 32, 1.0) * _rgb(5.0, 5.2, 5.6)
    hair = _panel(d, toward(196, 52), 10, 6, 0.8) * _rgb(9.0, 9.3, 10.0)
    sweep = _panel(d, toward(180, -4), 60, 38, 14.0) * _rgb(0.16, 0.16, 0.17)
    return dark + key + strip + hair + sweep


def _neon(d: Picture) -> Picture:
    up = d[..., 1:2]
    night = _rgb(0.012, 0.016, 0.035) * (1 + np.maximum(up, 0))
    street = _rgb(0.03, 0.026, 0.03) * (1 + _noise(d, 61, 18.0)[..., None])
    pixels = np.where(up > 0, night, street)
    blocks = _skyline(d, 63, 28.0)
    lit = (_noise(d, 67, 42.0) > 0.62)[..., None] * _rgb(0.5, 0.36, 0.16)
    pixels = np.where((up > 0) & (up < blocks), _rgb(0.02, 0.018, 0.025) + lit, pixels)
    pink = sum(
        _panel(d, toward(a, e), w, h, 0.4) for a, e, w, h in ((-70, 14, 1.3, 22), (-52, 30, 14, 1.3), (-60, 4, 10, 1.0))
    )
    blue = sum(
        _panel(d, toward(a, e), w, h, 0.4) for a, e, w, h in ((66, 18, 20, 1.5), (96, 8, 1.4, 16), (150, 20, 9, 6))
    )
    lamp = _disc(d, toward(12, 62), 1.4, _rgb(1.0, 0.72, 0.38) * 0.5)
    return pixels + pink * _rgb(17.0, 4.5, 11.0) + blue * _rgb(4.5, 15.0, 20.0) + lamp


def _fire(d: Picture) -> Picture:
    up = d[..., 1:2]
    cave = _rgb(0.03, 0.022, 0.018) * (1 + 0.6 * _noise(d, 71, 6.0)[..., None])
    sky = np.where(up > 0.45, _rgb(0.03, 0.045, 0.09), cave)
    glow = np.exp(12 * (d @ toward(28, 6) - 1))[..., None] * _rgb(1.4, 0.45, 0.12)
    tongues = (
        _panel(d, toward(28, 10), 8, 13, 3.0) * np.clip(0.6 + 1.3 * _noise(d * (3, 1, 3), 73, 9.0), 0, 2)[..., None]
    )
    return sky + glow + tongues * _rgb(34.0, 12.5, 3.6)


PLACES: dict[str, Callable[[Picture], Picture]] = {
    "noon": _noon,
    "dusk": _dusk,
    "overcast": _overcast,
    "window": _window,
    "studio": _studio,
    "neon": _neon,
    "fire": _fire,
}


def _rgb(r: float, g: float, b: float) -> Picture:
    return np.array([r, g, b])


def _disc(d: Picture, centre: Picture, radius: float, irradiance: Picture) -> Picture:
    """A round lamp of `radius` degrees that gives a surface facing it `irradiance`, however few pixels it covers."""
    height = d.shape[0]
    pixel = 180 / height
    angle = np.degrees(np.arccos(np.clip(d @ centre, -1, 1)))
    cover = np.clip((radius - angle) / pixel + 0.5, 0, 1)
    if not cover.any():
        cover = (angle == angle.min()).astype(float)
    solid_angle = (row_weights(height) * 4 * np.pi / d.shape[1])[:, None]
    return cover[..., None] * irradiance / (cover * solid_angle).sum()


def _panel(d: Picture, centre: Picture, half_width: float, half_height: float, soft: float) -> Picture:
    """(H, W, 1), 1 inside a flat rectangle seen toward `centre`; sizes and the softness of its edge in degrees."""
    right = np.cross([0, 1, 0], centre)
    right /= np.linalg.norm(right)
    ahead = d @ centre
    x, y = (np.degrees(np.arctan2(d @ axis, np.maximum(ahead, 1e-6))) for axis in (right, np.cross(centre, right)))
    inside = np.minimum(half_width - np.abs(x), half_height - np.abs(y))
    return (np.clip(inside / soft + 0.5, 0, 1) * (ahead > 0))[..., None]


def _skyline(d: Picture, seed: int, highest: float) -> Picture:
    """(H, W, 1) sine of the elevation up to which buildings stand, blocks of 4 degrees, `highest` in degrees."""
    heights = np.random.default_rng(seed).uniform(0.05, 1, 90) ** 2 * highest
    block = np.floor(np.degrees(np.arctan2(d[..., 0], d[..., 2])) / 4).astype(int) % 90
    return np.sin(np.radians(heights[block]))[..., None]


def _noise(d: Picture, seed: int, frequency: float) -> Picture:
    """(H, W) smooth noise of about -1 to 1, by waves in random directions and its own octave above."""
    rng = np.random.default_rng(seed)
    total = np.zeros(d.shape[:-1])
    for octave in (1.0, 2.1):
        waves = rng.normal(size=(14, 3)) * frequency * octave
        total += np.cos(d @ waves.T + rng.uniform(0, 2 * np.pi, 14)).sum(axis=-1) / (5 * octave)
    return total
