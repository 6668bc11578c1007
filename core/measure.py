"""What is measured once a shot, on named frames: its exposure anchor and, if nobody knows it, the light it was shot under.

The frames are spread over all that lies on disk, so the result never depends on which frames are rendered. Floor 3.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .finish import Subject
from .gain import unpremultiply
from .job import Measured
from .light.source_fit import fit_source
from .proxy import MIDDLE_GREY

PROBES = 3
PROBE_SIZE = 192  # px, longer side: plenty for one number and a soft light


def probe_frames(on_disk: tuple[int, ...]) -> tuple[int, ...]:
    """At most `PROBES` of the plate's frames, evenly spread, first and last among them."""
    picks = np.linspace(0, len(on_disk) - 1, min(PROBES, len(on_disk)))
    return tuple(on_disk[round(p)] for p in picks)


def measure(
    frames: tuple[int, ...],
    probes: Iterable[tuple[Subject, np.ndarray]],
    luminance_weights: np.ndarray,
    *,
    anchor: float | None,
    fit_light: bool,
) -> Measured:
    """Measure a shot.

    Args:
        frames: from `probe_frames`.
        probes: their subjects, each with its (3, 3) camera-to-world rotation; those that could be read.
        anchor: the exposure anchor when it is given and not to be measured.
        fit_light: whether to fit the source light.
    """
    probes = list(probes)
    samples = [samples_of(subject, rotation) for subject, rotation in probes]
    rgb, normals, weight = (np.concatenate(parts) for parts in zip(*samples, strict=True))
    measured = exposure_anchor(rgb, weight, luminance_weights) if anchor is None else anchor
    viewer = np.sum([rotation[:, 2] for _, rotation in probes], axis=0)
    light = _as_rows(fit_source(rgb, normals, weight, viewer)) if fit_light else None
    return Measured(frames, measured, light)


def exposure_anchor(rgb: np.ndarray, weight: np.ndarray, luminance_weights: np.ndarray) -> float:
    """The factor that brings the matte's typical luminance, its geometric mean between the 5th and 95th percentile, to 0.18.

    Args:
        rgb: (N, 3) unpremultiplied working-space light.
        weight: (N,) of the matte.

    Returns:
        A positive float; 1 when nothing in the matte is lit.
    """
    luminance = (rgb @ np.asarray(luminance_weights, np.float32))[weight > 0.5]
    luminance = luminance[luminance > 0]
    if luminance.size == 0:
        return 1.0
    low, high = np.quantile(luminance, (0.05, 0.95))
    typical = np.exp(np.log(np.clip(luminance, low, high)).mean())
    # Six digits are plenty, and make a number that a person can type.
    return float(f"{MIDDLE_GREY / typical:.6g}")


def samples_of(subject: Subject, camera_rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours, world normals (N, 3) and weights (N,) of a frame at the size it is measured at."""
    # Every few pixels first: a 4K frame has more than enough of them.
    step = max(1, max(subject.weight.shape) // (4 * PROBE_SIZE))
    sparse = (slice(None, None, step), slice(None, None, step))
    height, width = subject.weight[sparse].shape
    scale = min(1.0, PROBE_SIZE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = subject.weight[sparse] * subject.known[sparse]
    alpha = None if subject.alpha is None else subject.alpha[sparse]
    if alpha is not None:
        weight = weight * (alpha > 0.9)
    rgb = unpremultiply(subject.plate[sparse], alpha) * weight[..., None]
    normals = subject.normals[sparse] * weight[..., None]
    small = [cv2.resize(a.astype(np.float32), size, interpolation=cv2.INTER_AREA) for a in (rgb, normals, weight)]
    mass = np.maximum(small[2], 1e-6)[..., None]
    world = (small[1] / mass) @ camera_rotation.T.astype(np.float32)
    keep = small[2] > 0.5
    return (small[0] / mass)[keep], _unit(world[keep]), small[2][keep]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def _as_rows(pixels: np.ndarray) -> tuple[tuple[tuple[float, float, float], ...], ...]:
    return tuple(tuple((float(f"{r:.6g}"), float(f"{g:.6g}"), float(f"{b:.6g}")) for r, g, b in row) for row in pixels)
