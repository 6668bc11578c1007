"""What surfaces of any roughness mirror of an environment: its own pixels for a mirror, maps blurred by GGX lobes for gloss.

A mirror shows the map at the plate's resolution: where a pixel of the plate sees many of the map's, those are averaged over
what the pixel sees, by a pyramid of the map. From roughness 0.1 on the maps are those of `reflection.prefilter`, between
which the lobe's width is interpolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .environment import lookup, resize
from .reflection import prefilter, reflected

STEPS = (0.1, 0.18, 0.27, 0.38, 0.5, 0.65, 0.8, 1.0)
"""Roughnesses that maps are blurred for; sharper surfaces look into the pyramid."""
SMALLEST_ROWS = 32  # of the pyramid
LOBE = 2.0  # a lobe of a sharp surface is as wide as so many times alpha, radians


@dataclass(frozen=True)
class Mirror:
    """A map at unit level as surfaces mirror it: `pyramid` of ever smaller maps (h, 2 h, 3), and `blurred`, one a step."""

    pyramid: tuple[np.ndarray, ...]
    blurred: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, pixels: np.ndarray, level: float) -> Mirror:
        """Make a map (H, 2 H, 3) ready; it is divided by its `level`."""
        unit = np.maximum(pixels, 0) / np.float32(level)
        pyramid = [unit.astype(np.float32)]
        while pyramid[-1].shape[0] > SMALLEST_ROWS:
            pyramid.append(resize(pyramid[-1], max(SMALLEST_ROWS, pyramid[-1].shape[0] // 2)))
        return cls(tuple(pyramid), tuple(prefilter(unit, step) for step in STEPS))

    def seen(self, directions: np.ndarray, roughness: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Radiance mirrored from unit directions (n, W, 3), in the map's axes, by surfaces of a roughness (n, W).

        `spread` (n, W) is the angle in radians that a pixel of the plate sees of the map.
        """
        alpha = roughness.astype(np.float32) ** 2
        widths = np.array([step**2 for step in STEPS], np.float32)
        sharp = self._pyramid(directions, np.maximum(spread, LOBE * alpha))
        if (alpha <= widths[0]).all():
            return sharp
        # The place of each alpha among the steps: 0 is the sharp look-up at step 0, then from map to map.
        place = np.interp(alpha, widths, np.arange(len(widths))).astype(np.float32)
        place = np.where(alpha < widths[0], 0, place)
        out = np.zeros_like(sharp)
        for index, table in enumerate(self.blurred):
            share = np.maximum(1 - np.abs(place - index), 0)
            if share.any():
                out += share[..., None] * lookup(table, directions)
        # Up to the first step the pyramid, over the last half of the way mixed with the first map.
        mixed = np.clip(2 * alpha / widths[0] - 1, 0, 1)[..., None]
        return np.where(alpha[..., None] < widths[0], sharp * (1 - mixed) + out * mixed, out)

    def _pyramid(self, directions: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Trilinear look-up at the angle `width` in radians, (n, W)."""
        finest = math.pi / self.pyramid[0].shape[0]
        place = np.clip(np.log2(np.maximum(width, 1e-6) / finest), 0, len(self.pyramid) - 1).astype(np.float32)
        out = np.zeros((*directions.shape[:-1], 3), np.float32)
        for index, level in enumerate(self.pyramid):
            share = np.maximum(1 - np.abs(place - index), 0)
            if share.any():
                out += share[..., None] * lookup(level, directions)
        return out


def spread_of(rays: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """How wide an angle each pixel of a picture sees in the mirror, radians (H, W): to its neighbours' reflections."""
    mirrored = reflected(rays, normals)
    across = np.zeros(mirrored.shape[:2], np.float32)
    for axis in (0, 1):
        if mirrored.shape[axis] < 2:
            continue
        step = np.linalg.norm(np.diff(mirrored, axis=axis), axis=-1)
        first = np.take(step, [0], axis=axis)
        across = np.maximum(across, np.concatenate([first, step], axis=axis))
    return across


def specular(cosine: np.ndarray, roughness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and bias of the reflectance at right angles, the second half of the split sum: F0 * scale + bias is mirrored.

    Karis's fit (2014, "Physically Based Shading on Mobile") of the tabulated integral, for the cosine to the viewer.
    """
    c0 = np.array([-1, -0.0275, -0.572, 0.022], np.float32)
    c1 = np.array([1, 0.0425, 1.04, -0.04], np.float32)
    r = roughness[..., None] * c0 + c1
    a004 = np.minimum(r[..., 0] ** 2, np.exp2(-9.28 * cosine)) * r[..., 0] + r[..., 1]
    return -1.04 * a004 + r[..., 2], 1.04 * a004 + r[..., 3]
