"""The light a plate was shot under, fitted to its shading where it was not measured.

A non-negative light (soft lobes over the sphere, Lawson-Hanson non-negative least squares) explains luminance as a
function of the normal. Without a known albedo, quantities that a picture does not determine are kept neutral. The colour of the
light cannot be separated from the colour of the surface, so the light takes only a quarter (in stops) of the subject's tint. For
the level of the light, the subject is taken to reflect `ASSUMED_ALBEDO`. Shadows are explained by less light, so the level
found is that of the light which arrives. Light from behind the subject is visible only on its rims, where normals are least
reliable. It is pulled toward half the mean of the light in front; otherwise a few wrong pixels along an outline would make a
key light behind the subject.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .environment import AP1_LUMINANCE, directions, solid_angles

ASSUMED_ALBEDO = 0.35  # between skin (0.3 to 0.5) and cloth; sets the level of the fit only
DARK_ALBEDO = 0.02  # pixels with a lower estimated albedo are not used
HEIGHT = 16
LOBE_ROWS = 9  # 20 degrees apart; an odd number of rows, so that the horizon is a row and not an edge between two
BIN_ROWS = 17
SHARPNESS = 12.0  # k of a lobe exp(k (cos - 1)), half its height at 20 degrees, the spacing of the lobes
SMOOTHNESS = 0.15  # with DARK, least error of log shading and direction on balls and heads with patches of albedo
BEHIND = 4.0  # weight that holds light behind the subject to UNLIT; `benchmarks/source_light.py`
UNLIT = 0.5  # share of the mean in front; a key light is mostly on one side only
TINT = 0.25
DARK = 0.3  # share of the mean shading above which errors are relative, because relighting divides by the fit
MINIMUM_PIXELS = 16
MAXIMUM_PIXELS = 1 << 17  # chosen evenly from a larger picture; light is smooth, so these are enough


def fit_source(
    rgb: np.ndarray,
    normals: np.ndarray,
    weights: np.ndarray,
    viewer: np.ndarray | None = None,
    albedo: np.ndarray | None = None,
    luminance_weights: ArrayLike = AP1_LUMINANCE,
    seen: np.ndarray | None = None,
) -> np.ndarray:
    """Fit a light to a plate's shading.

    The fit is robust to varying albedo: pixels are grouped by normal, each group gives its median, and groups that disagree with
    the fit have less weight.

    Args:
        rgb: (..., 3) un-premultiplied, scene-linear, working space.
        normals: (..., 3) unit, world space.
        weights: (...) zero or more; pixels with weight 0, or with a value that is not finite, are ignored.
        viewer: (3,) from the subject toward the camera, world space; None where it is not known.
        albedo: (..., 3) above 0, estimated by a network; None where it is not known.
        luminance_weights: (3,) of the working space (`Colour.luminance_weights`).
        seen: (16, 32) luminance of the light as a network sees it, world space, any level; None where none looked. The light is
            then half of it and half of the fit, both as bright on the subject.

    Returns:
        (16, 32, 3) float32 radiance, a latitude-longitude map.

    Raises:
        InputError: fewer than 16 usable pixels, or all of them black.
    """
    if albedo is not None:
        rgb = rgb * (np.float32(ASSUMED_ALBEDO) / np.maximum(albedo, DARK_ALBEDO))
    of_rgb = np.asarray(luminance_weights, np.float32)
    luminance, facing, mass = _usable(rgb, normals, weights, of_rgb)
    frame = _before_viewer(viewer)
    faced, shading, count = _by_normal(luminance, facing @ frame.T.astype(np.float32), mass)
    if not shading.max() > 0:
        raise InputError("the plate is black inside the matte, so no source light can be fitted; give --source-env")
    response = irradiance_of(lobe_maps(np.eye(3)), faced)
    confidence = np.sqrt(count) / (shading + DARK * shading.mean())
    held = _held_behind() if viewer is not None else np.zeros((0, response.shape[1]))
    amounts = _fit(response * (ASSUMED_ALBEDO / np.pi), shading, confidence, held)
    light = lobe_light(amounts, frame)
    if seen is not None:
        here, there = np.log(irradiance_of(np.stack((light, seen)), faced @ frame) + 1e-9).T
        light = (light + seen * np.exp(np.average(here - there, weights=count))) / 2
    return (light[..., None] * _tint(rgb, weights, TINT if albedo is None else 1.0, of_rgb)).astype(np.float32)


def _usable(
    rgb: np.ndarray, normals: np.ndarray, weights: np.ndarray, luminance_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luminances, unit normals and weights of the usable pixels, flat."""
    rgb, normals = np.asarray(rgb, np.float32).reshape(-1, 3), np.asarray(normals, np.float32).reshape(-1, 3)
    weights = np.asarray(weights, np.float32).reshape(-1)
    with np.errstate(all="ignore"):  # invalid pixels are expected in a plate
        length = np.linalg.norm(normals, axis=-1)
        luminance = rgb @ luminance_weights
        kept = (weights > 0) & np.isfinite(luminance) & np.isfinite(length) & (length > 0.5) & np.isfinite(weights)
    if kept.sum() < MINIMUM_PIXELS:
        raise InputError(
            f"only {int(kept.sum())} pixels have a matte, a normal and a finite colour; fitting the source light needs"
            f" {MINIMUM_PIXELS}: check the matte and normals, or give --source-env"
        )
    # Evenly over the luminances and not over the picture, so that a mirrored picture gives the same pixels.
    chosen = np.flatnonzero(kept)[np.lexsort((normals[kept][:, 1], luminance[kept]))]
    chosen = chosen[:: 1 + len(chosen) // MAXIMUM_PIXELS]
    return np.maximum(luminance[chosen], 0), normals[chosen] / length[chosen, None], weights[chosen]


def _by_normal(
    luminance: np.ndarray, facing: np.ndarray, mass: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean normal, weighted median of luminance, and weight, of each occupied bin of directions."""
    nearest = np.argmax(facing @ lobe_directions(BIN_ROWS).T.astype(np.float32), axis=1)
    order = np.lexsort((luminance, nearest))
    starts = np.flatnonzero(np.r_[True, np.diff(nearest[order]) > 0])
    stops = np.r_[starts[1:], len(order)]
    seen, shading, count = [], [], []
    for start, stop in zip(starts, stops, strict=True):
        members = order[start:stop]
        running = np.cumsum(mass[members])
        shading.append(luminance[members[np.searchsorted(running, running[-1] / 2)]])
        seen.append(mass[members] @ facing[members])
        count.append(running[-1])
    normals = np.array(seen) / np.linalg.norm(seen, axis=1, keepdims=True)
    return normals, np.array(shading, np.float64), np.array(count, np.float64)


def _before_viewer(viewer: np.ndarray | None) -> np.ndarray:
    """The rotation (3, 3) from the world to axes with z toward the viewer and x level; its rows are these axes.

    The light is fitted in these axes, so that a mirrored picture gives the mirrored light for any rotation of the camera.
    """
    if viewer is None:
        return np.eye(3)
    toward = np.asarray(viewer, np.float64) / np.linalg.norm(viewer)
    side = np.array((toward[2], 0, -toward[0]))  # up x toward
    level = np.linalg.norm(side)
    side = side / level if level > 1e-6 else np.array((1.0, 0, 0))  # a camera pointing straight down has no level
    return np.stack((side, np.cross(toward, side), toward))


def _held_behind() -> np.ndarray:
    """Rows that, times the amounts of lobes, give the difference of lobes behind from their share of the mean in front."""
    facing = lobe_directions(LOBE_ROWS)[:, 2]
    firmness = np.clip(0.1 - facing, 0, 1)
    before = facing > 0
    return BEHIND * firmness[:, None] * (np.eye(len(facing)) - UNLIT * before / before.sum())


def _fit(response: np.ndarray, shading: np.ndarray, confidence: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Non-negative amounts of the lobes: smooth where the plate does not determine them, robust to bins that disagree."""
    lobes = response.shape[1]
    neighbours = lobe_directions(LOBE_ROWS) @ lobe_directions(LOBE_ROWS).T
    kernel = np.exp(SHARPNESS * (neighbours - 1)) * (1 - np.eye(lobes))
    from scipy.optimize import nnls

    rough = np.eye(lobes) - kernel / kernel.sum(axis=1, keepdims=True)
    confidence = confidence / confidence.max()
    scale = SMOOTHNESS * np.linalg.norm(response * confidence[:, None]) / np.sqrt(lobes)
    trust = np.ones_like(confidence)
    amounts = np.zeros(lobes)
    for _ in range(4):
        weight = (confidence * trust)[:, None]
        system = np.concatenate((response * weight, scale * rough, scale * held))
        wanted = np.r_[shading * weight[:, 0], np.zeros(lobes + len(held))]
        _, reduced = np.linalg.qr(np.column_stack((system, wanted)))
        amounts, _residual = nnls(reduced[:lobes, :lobes], reduced[:lobes, lobes])  # the same problem, square
        error = np.abs(response @ amounts - shading) * confidence
        trust = np.sqrt(1 / np.maximum(1, error / (1.5 * np.median(error) + 1e-9)))  # Huber
    return amounts


def _tint(rgb: np.ndarray, weights: np.ndarray, share: float, luminance_weights: np.ndarray) -> np.ndarray:
    """A tint of unit luminance: a share, in stops, of that of the subject's mean colour, (3,)."""
    kept = np.isfinite(rgb).all(axis=-1) & (np.asarray(weights) > 0)
    mean = np.maximum(np.asarray(rgb)[kept].mean(axis=0, dtype=np.float64), 1e-6)
    tint = (mean / (mean @ luminance_weights)) ** share
    return tint / (tint @ luminance_weights)


def lobe_maps(frame: np.ndarray) -> np.ndarray:
    """The lobes as luminance maps in world space, (lobes, 16, 32); `frame` (3, 3) turns the world into the lobes' axes."""
    cosine = np.einsum("nk,hwk->nhw", lobe_directions(LOBE_ROWS) @ frame, directions(HEIGHT, 2 * HEIGHT))
    return np.exp(SHARPNESS * (cosine - 1)).astype(np.float32)


def lobe_light(amounts: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The luminance map of amounts (N,) of the lobes, (16, 32), world space; `frame` as for `lobe_maps`."""
    return np.tensordot(amounts, lobe_maps(frame), axes=1)


def irradiance_of(maps: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Irradiance of smooth small maps (M, 16, 32) on N normals, (N, M); pixel centres are precise enough for them."""
    cosines = np.maximum(normals @ directions(HEIGHT, 2 * HEIGHT).reshape(-1, 3).T, 0)
    energy = maps * solid_angles(HEIGHT, 2 * HEIGHT)[:, None]
    return cosines @ energy.reshape(len(maps), -1).T


def lobe_directions(rows: int) -> np.ndarray:
    """Directions spread about evenly over the sphere in rows around +Y, (N, 3), symmetric about x = 0.

    Each row has one at x = 0 in front and one behind, so that no frontal normal is on the edge between a pair.
    """
    found = []
    for tilt in np.pi * (np.arange(rows) + 0.5) / rows:
        half = max(1, round(rows * np.sin(tilt)))
        turn = np.pi * np.arange(1 - half, half + 1) / half
        level = np.sin(tilt) * np.stack((np.sin(turn), np.cos(turn)))
        found.append(np.stack((level[0], np.full(len(turn), np.cos(tilt)), level[1])))
    return np.concatenate(found, axis=1).T
