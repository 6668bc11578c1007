"""The proxy: a frame at the working size and at a fixed exposure, the picture input of the networks.

The exposure anchor is a factor that brings the plate's typical luminance to 0.18 before the picture is log-encoded. The
networks' input is therefore independent of the plate's level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pictures.curves import MIDDLE_GREY
from ..pictures.resample import resize, shrink_normals, working_shape
from ..shape.depth_pass import shrink_depth

PROBES = 3
PROBE_SIZE = 192  # px, longer side: enough to measure one number and a soft light


@dataclass(frozen=True)
class Proxy:
    """A frame at the working size.

    `light` is (h, w, 3) float32, un-premultiplied and anchored, not yet encoded; `matte` is (h, w), 0 to 1; `normals` is
    (h, w, 3) unit camera-space vectors; `known` is (h, w) bool, where the normals are reliable; `depth` is (h, w), cleaned, 0
    where there is no surface, or None.
    """

    light: np.ndarray
    matte: np.ndarray
    normals: np.ndarray
    known: np.ndarray
    depth: np.ndarray | None = None


def make(
    plate: np.ndarray,
    alpha: np.ndarray | None,
    weight: np.ndarray,
    normals: np.ndarray,
    known: np.ndarray,
    depth: np.ndarray | None = None,
    *,
    anchor: float,
    longer: int,
) -> Proxy:
    """Make the proxy of a frame at full resolution (H, W).

    Args:
        plate: (H, W, 3) float32, premultiplied working-space light; what is not finite counts as black.
        alpha: (H, W), or None for 1 everywhere.
        weight: (H, W) of the matte, already divided by alpha (`law.matte_weight`).
        normals: (H, W, 3) unit camera-space vectors.
        known: (H, W) bool.
        depth: (H, W), cleaned (`shape.depth_pass`), or None.
        anchor: the factor that brings the plate to the proxy's exposure.
        longer: largest length of the proxy's longer side, px.
    """
    height, width = plate.shape[:2]
    shape = working_shape(height, width, longer)
    finite = np.isfinite(plate)
    light = plate if finite.all() else np.where(finite, plate, np.float32(0))
    cover = np.ones(plate.shape[:2], np.float32) if alpha is None else np.clip(alpha, 0, 1)
    small, covered = resize(light, shape), resize(cover, shape)
    small = np.where(covered[..., None] > 1e-3, small / np.maximum(covered, 1e-3)[..., None], small)
    opaque = weight if alpha is None else weight * cover
    matte = np.clip(resize(opaque.astype(np.float32, copy=False), shape), 0, 1)
    unit, sure = shrink_normals(normals, known, shape, least=0.5)  # (h, w, 3), (h, w)
    far = None if depth is None else shrink_depth(depth, shape)
    return Proxy(small * np.float32(anchor), matte, unit, sure, far)


def probe_frames(on_disk: tuple[int, ...]) -> tuple[int, ...]:
    """At most `PROBES` of the plate's frames, evenly spread, with the first and the last."""
    picks = np.linspace(0, len(on_disk) - 1, min(PROBES, len(on_disk)))
    return tuple(on_disk[round(p)] for p in picks)


def exposure_anchor(rgb: np.ndarray, weight: np.ndarray, luminance_weights: np.ndarray) -> float:
    """The factor that brings the matte's typical luminance, its geometric mean between the 5th and 95th percentile, to 0.18.

    Args:
        rgb: (N, 3) unpremultiplied working-space light.
        weight: (N,) of the matte.

    Returns:
        A positive float; 1 where no pixel in the matte is above zero.
    """
    luminance = (rgb @ np.asarray(luminance_weights, np.float32))[weight > 0.5]
    luminance = luminance[luminance > 0]
    if luminance.size == 0:
        return 1.0
    low, high = np.quantile(luminance, (0.05, 0.95))
    typical = np.exp(np.log(np.clip(luminance, low, high)).mean())
    # Six digits are precise enough, and short enough to type.
    return float(f"{MIDDLE_GREY / typical:.6g}")
