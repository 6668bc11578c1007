"""Measurements made once per shot, on given frames: the exposure anchor and, if no source light is given, an estimate of it.

The frames are spread over all that exist on disk, so the result never depends on which frames are rendered. Floor 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..gain.law import unpremultiply
from ..gain.proxy import PROBE_SIZE, exposure_anchor
from ..gain.subject import Subject
from ..light.source_fit import fit_source, lobe_light
from ..pictures.curves import decode_log, encode_log
from ..pictures.resample import resize, working_shape
from ..temporal.working_frame import WorkingFrame


@dataclass(frozen=True)
class Samples:
    """Pixels of a frame's subject: un-premultiplied working-space light (N, 3), unit world normals (N, 3), weights (N,).

    `viewer` (3,) points from the subject toward the camera, world space. `albedo` (N, 3) is a network's estimate, or None.
    `seen` (16, 32) is the luminance of the light as a network sees it, world space, at any level, or None.
    """

    rgb: np.ndarray
    normals: np.ndarray
    weights: np.ndarray
    viewer: np.ndarray
    albedo: np.ndarray | None = None
    seen: np.ndarray | None = None


def anchor_of(samples: Sequence[Samples], luminance_weights: np.ndarray) -> float:
    """The exposure anchor of several frames together."""
    rgb, weights = (np.concatenate([getattr(s, name) for s in samples]) for name in ("rgb", "weights"))
    return exposure_anchor(rgb, weights, luminance_weights)


def source_light_of(samples: Sequence[Samples], luminance_weights: np.ndarray) -> np.ndarray:
    """The light that several frames were shot under, (16, 32, 3); raises `InputError` (`light.source_fit`)."""
    rgb, normals, weights = (np.concatenate([getattr(s, n) for s in samples]) for n in ("rgb", "normals", "weights"))
    delit = [s.albedo for s in samples if s.albedo is not None]
    albedo = np.concatenate(delit) if len(delit) == len(samples) else None
    viewer = np.sum([s.viewer for s in samples], axis=0)
    seen = [s.seen for s in samples if s.seen is not None]
    light = np.mean(seen, axis=0) if len(seen) == len(samples) else None
    return fit_source(rgb, normals, weights, viewer, albedo, luminance_weights, light)


def measured_rows(pixels: np.ndarray) -> tuple[tuple[tuple[float, float, float], ...], ...]:
    """A map in the form that `Measured` stores: numbers of six digits, which JSON stores exactly."""
    return tuple(tuple((float(f"{r:.6g}"), float(f"{g:.6g}"), float(f"{b:.6g}")) for r, g, b in row) for row in pixels)


def samples_of(subject: Subject, camera_rotation: np.ndarray) -> Samples:
    """Samples of a frame at the size of measurements; `camera_rotation` (3, 3) turns camera space into world space."""
    # Take every few pixels first, because a 4K frame has more than are needed.
    step = max(1, max(subject.weight.shape) // (4 * PROBE_SIZE))
    sparse = (slice(None, None, step), slice(None, None, step))
    height, width = subject.weight[sparse].shape
    shape = working_shape(height, width, PROBE_SIZE)
    weight = subject.weight[sparse] * subject.known[sparse]
    alpha = None if subject.opacity is None else subject.opacity[sparse]
    if alpha is not None:
        weight = weight * (alpha > 0.9)
    rgb = unpremultiply(subject.plate[sparse], alpha) * weight[..., None]
    normals = subject.normals[sparse] * weight[..., None]
    small = [resize(a.astype(np.float32), shape) for a in (rgb, normals, weight)]  # (h, w, 3), (h, w, 3), (h, w)
    mass = np.maximum(small[2], 1e-6)[..., None]
    world = (small[1] / mass) @ camera_rotation.T.astype(np.float32)
    keep = small[2] > 0.5
    return Samples((small[0] / mass)[keep], _unit(world[keep]), small[2][keep], camera_rotation[:, 2])


def samples_of_working_frame(
    working: WorkingFrame, anchor: float, camera_rotation: np.ndarray, to_acescg: np.ndarray
) -> Samples:
    """Samples of a working frame, with a network's shape, albedo and light, whose exposure anchor is known.

    `to_acescg` (3, 3), on column vectors, is from the working space to ACEScg.
    """
    keep = working.matte > 0.5
    world = working.normals[keep] @ camera_rotation.T.astype(np.float32)
    albedo = None if working.albedo is None else working.albedo[keep]
    rgb = decode_log(working.code[keep]) / np.float32(anchor)
    seen = _seen_light(working, camera_rotation, to_acescg) if keep.any() else None
    return Samples(rgb, world, working.matte[keep], camera_rotation[:, 2], albedo, seen)


def _seen_light(working: WorkingFrame, camera_rotation: np.ndarray, to_acescg: np.ndarray) -> np.ndarray | None:
    """The light that the network sees in a frame, (16, 32) luminance in the world; None without a network's shape."""
    from ..shape.estimators.light import load, see_light

    if working.albedo is None or working.doubt is None:
        return None
    code, albedo = encode_log(decode_log(working.code) @ to_acescg.T), working.albedo @ to_acescg.T
    amounts = see_light(load().network, code, working.matte, working.normals, albedo, working.doubt)
    return lobe_light(amounts, camera_rotation.T)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
