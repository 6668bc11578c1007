"""Reflections of an environment on surfaces of any roughness: from the map's own pixels, or from maps blurred by GGX lobes.

A mirror shows the map at the plate's resolution. Where a pixel of the plate covers many pixels of the map, those are averaged by
a pyramid of the map. From roughness 0.1 on the maps are those of `reflection.prefilter`, between
which the lobe's width is interpolated.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

import numpy as np

from .environment import lookup, resize
from .reflection import prefilter, reflected

STEPS = (0.1, 0.18, 0.27, 0.38, 0.5, 0.65, 0.8, 1.0)
"""Roughnesses for which maps are blurred; sharper surfaces use the pyramid."""
SMALLEST_ROWS = 32  # of the pyramid's smallest map
TAPS = (-0.375, -0.125, 0.125, 0.375)
"""The positions in a pixel, along each of its sides, at which a mirror is sampled."""
LOBE = 2.0  # width of the lobe of a sharp surface, radians per alpha


@dataclass(frozen=True, eq=False)
class Mirror:
    """A map at unit level for reflections: `pyramid` of ever smaller maps (h, 2 h, 3), the largest first.

    A blurred map is made when it is first needed; from any number of threads.
    """

    pyramid: tuple[np.ndarray, ...]
    _blurred: dict[int, np.ndarray] = field(default_factory=dict, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, pixels: np.ndarray, level: float) -> Mirror:
        """Prepare a map (H, 2 H, 3); it is divided by its `level`."""
        unit = np.maximum(pixels, 0) / np.float32(level)
        pyramid = [unit.astype(np.float32)]
        while pyramid[-1].shape[0] > SMALLEST_ROWS:
            pyramid.append(resize(pyramid[-1], max(SMALLEST_ROWS, pyramid[-1].shape[0] // 2)))
        return cls(tuple(pyramid))

    def blurred(self, index: int) -> np.ndarray:
        """The map blurred for roughness `STEPS[index]`, (128, 256, 3)."""
        with self._making:
            if index not in self._blurred:
                self._blurred[index] = prefilter(self.pyramid[0], STEPS[index])
            return self._blurred[index]

    def seen(self, directions: np.ndarray, roughness: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        """Radiance (n, W, 3) reflected from unit directions (n, W, 3), in the map's axes, by surfaces of a roughness (n, W).

        `across` and `down` (n, W, 3) are the change of direction to the next pixel of the plate (`steps_of`); a sharp reflection
        is averaged over it.
        """
        alpha = roughness.astype(np.float32) ** 2
        widths = np.array([step**2 for step in STEPS], np.float32)
        # The position of each alpha among the blurred maps, for interpolation between two of them.
        place = np.interp(alpha, widths, np.arange(len(widths))).astype(np.float32)
        out = np.zeros_like(directions, np.float32)
        blurs = alpha > widths[0] / 2
        for index in range(len(STEPS)):
            share = np.maximum(1 - np.abs(place - index), 0) * blurs
            if share.any():
                out += share[..., None] * lookup(self.blurred(index), directions)
        sharp = alpha < widths[0]
        if sharp.any():
            # Blend from the map's own pixels to the first blurred map over the last half of the range.
            mixed = np.clip(2 * alpha[sharp] / widths[0] - 1, 0, 1)[:, None]
            own = self._sharp(directions[sharp], LOBE * alpha[sharp], across[sharp], down[sharp])
            out[sharp] = own * (1 - mixed) + out[sharp] * mixed
        return out

    def _sharp(self, directions: np.ndarray, lobe: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        """The map averaged over the parallelogram of directions of each of N pixels, (N, 3): the mean of 4 x 4 look-ups."""
        extent = np.maximum(np.linalg.norm(across, axis=-1), np.linalg.norm(down, axis=-1))  # (N,)
        width = np.maximum(extent / len(TAPS), lobe)
        out = np.zeros((len(directions), 3), np.float32)
        for x in TAPS:
            for y in TAPS:
                out += self._pyramid(directions + np.float32(x) * across + np.float32(y) * down, width)
        return out / np.float32(len(TAPS) ** 2)

    def _pyramid(self, directions: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Trilinear look-up toward N directions (N, 3), averaged over an angle `width` (N,) in radians, (N, 3)."""
        finest = math.pi / self.pyramid[0].shape[0]
        place = np.clip(np.log2(np.maximum(width, 1e-6) / finest), 0, len(self.pyramid) - 1).astype(np.float32)
        out = np.zeros((*directions.shape[:-1], 3), np.float32)
        for index, level in enumerate(self.pyramid):
            share = np.maximum(1 - np.abs(place - index), 0)
            if share.any():
                out += share[..., None] * lookup(level, directions)
        return out


def steps_of(rays: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The change of the reflected direction from pixel to pixel, across and down, (H, W, 3) each.

    The shorter one of the steps to both neighbours is used, so that steps at an outline do not cross it.

    Args:
        rays: (H, W, 3) unit, from the eye outward. normals: (H, W, 3) unit, in the same space.
    """
    mirrored = reflected(rays, normals)
    found = []
    for axis in (1, 0):
        step = np.diff(mirrored, axis=axis)
        if not step.size:  # a picture of one row or column has no neighbours
            found.append(np.zeros_like(mirrored))
            continue
        before = np.concatenate([np.take(step, [0], axis=axis), step], axis=axis)
        after = np.concatenate([step, np.take(step, [-1], axis=axis)], axis=axis)
        nearer = np.linalg.norm(before, axis=-1, keepdims=True) < np.linalg.norm(after, axis=-1, keepdims=True)
        found.append(np.where(nearer, before, after))
    return found[0], found[1]


def specular(cosine: np.ndarray, roughness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and bias of the reflectance at right angles, the second half of the split sum: the reflectance is F0 * scale + bias.

    Karis's fit (2014, "Physically Based Shading on Mobile") of the tabulated integral, for the cosine to the viewer.
    """
    c0 = np.array([-1, -0.0275, -0.572, 0.022], np.float32)
    c1 = np.array([1, 0.0425, 1.04, -0.04], np.float32)
    r = roughness[..., None] * c0 + c1
    a004 = np.minimum(r[..., 0] ** 2, np.exp2(-9.28 * cosine)) * r[..., 0] + r[..., 1]
    return -1.04 * a004 + r[..., 2], 1.04 * a004 + r[..., 3]
