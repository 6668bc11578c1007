"""What a glossy surface mirrors of a light of finite size, in closed form.

Surfaces are GGX: the slopes s of their microfacets, in units of alpha, have the density 1 / (pi (1 + s^2)^2). Its integral over
a figure in the plane of slopes is the form factor of that figure at height 1 above a matte point; Lambert (1760) gave it for
polygons, and that of discs is as old. So a sphere is mirrored as a disc and a rectangle as the rectangle that it is, at any
roughness, without samples. Masking and shadowing are Smith's, as in the split sum of `light.glossy`; Fresnel's law is Schlick's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SHARPEST = 0.002  # least alpha
GRAZING = 0.02  # least cosine toward the viewer or the light that masking is computed for


@dataclass(frozen=True, eq=False)
class Sheen:
    """Surfaces that mirror, seen by a viewer: everything float32.

    `normals` and `viewer` (..., 3) are unit, the latter toward the viewer. `alpha` (...) is the GGX width, the square of the
    perceptual roughness, widened where a pixel covers many normals (`footprint`).
    """

    normals: np.ndarray
    viewer: np.ndarray
    alpha: np.ndarray

    @classmethod
    def of(
        cls, normals: np.ndarray, rays: np.ndarray, roughness: np.ndarray, across: np.ndarray, down: np.ndarray
    ) -> Sheen:
        """The sheen of a picture's surfaces.

        Args:
            normals: (n, W, 3) unit. rays: (n, W, 3) unit, from the eye outward. roughness: (n, W) perceptual, 0 to 1.
            across, down: (n, W, 3) the change of the mirrored direction to the next pixel (`light.glossy.steps_of`).
        """
        # A pixel's normals spread as evenly as over a box; twice that variance, of the half vector, widens alpha squared.
        spread = ((across**2).sum(-1) + (down**2).sum(-1)) / np.float32(4 * 12)
        alpha = np.sqrt(np.maximum(roughness, 0) ** 4 + np.minimum(spread, 1))
        return cls(normals, -rays, np.maximum(alpha, np.float32(SHARPEST)).astype(np.float32))

    @cached_property
    def _to_viewer(self) -> np.ndarray:
        return np.maximum((self.normals * self.viewer).sum(-1), np.float32(GRAZING))

    def of_disc(self, towards: np.ndarray, sine: np.ndarray | float) -> np.ndarray:
        """What is mirrored of a round light over the light on a white matte surface that faces it, (..., 2).

        The first number is of a reflectance at right angles of 1, the second what Fresnel adds for each that is lacking of it:
        with F0 the light mirrored is F0 * first + second. The cosine of the light on the surface is left out.

        Args:
            towards: (..., 3) or (3,) unit, to the middle of the light. sine: of half the angle under which it is seen.
        """
        half, facing, over = self._half(towards)  # (..., 3), its cosines to the normal and to the light
        slope = self._slopes(half, facing)
        squared = (slope**2).sum(-1)  # (...)
        radius = (np.asarray(sine, np.float32) / self.alpha) ** 2 / (4 * over * facing**3)
        return self._reflected(towards, facing, over, _of_disc(squared, radius) / (np.pi * self.alpha**2 * facing**4))

    def of_polygon(self, towards: np.ndarray, corners: Sequence[np.ndarray], angle: np.ndarray) -> np.ndarray:
        """As `of_disc`, of a flat light that covers the solid `angle` (...), with its `corners` (..., 3) in their order, unit."""
        _, facing, over = self._half(towards)
        slopes = [self._slopes(half, z) for half, z, _ in (self._half(corner) for corner in corners)]
        covered = np.abs(_of_polygon(slopes))  # (...), 0 to 1
        # The mean density over the light: slopes to half vectors, and those to directions.
        density = covered * 4 * over / (facing * np.maximum(angle, np.float32(1e-9)))
        return self._reflected(towards, facing, over, density)

    def _half(self, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        half = self.viewer + towards
        half = half / np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), np.float32(1e-6))
        facing = np.maximum((half * self.normals).sum(-1), np.float32(GRAZING))
        over = np.maximum((half * towards).sum(-1), np.float32(GRAZING))
        return half, facing, over

    def _slopes(self, half: np.ndarray, facing: np.ndarray) -> np.ndarray:
        """The slope of the microfacet that faces along `half`, in units of alpha, (..., 2)."""
        right, up = self._axes
        flat = np.stack([(half * right).sum(-1), (half * up).sum(-1)], -1)
        return flat / (facing * self.alpha)[..., None]

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Two unit vectors in the plane of each surface, (..., 3) (Duff et al. 2017)."""
        x, y, z = (self.normals[..., k] for k in range(3))
        sign = np.where(z >= 0, np.float32(1), np.float32(-1))
        a = -1 / (sign + z)
        b = x * y * a
        return np.stack([1 + sign * x * x * a, sign * b, -sign * x], -1), np.stack([b, sign + y * y * a, -y], -1)

    def _reflected(self, towards: np.ndarray, facing: np.ndarray, over: np.ndarray, density: np.ndarray) -> np.ndarray:
        lit = np.maximum((self.normals * towards).sum(-1), np.float32(GRAZING))
        seen, narrow = self._to_viewer, self.alpha**2
        # Smith's masking and shadowing over four times both cosines.
        masked = (seen + np.sqrt(seen**2 * (1 - narrow) + narrow)) * (lit + np.sqrt(lit**2 * (1 - narrow) + narrow))
        strength = np.float32(np.pi) * density / masked
        grazing = (1 - np.minimum(over, 1)) ** 5
        return np.stack([strength * (1 - grazing), strength * grazing], -1)


def _of_disc(away: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The mean of 1 / (1 + s^2)^2 over a disc in the plane, (...), for the squares of its distance and its radius."""
    a = 1 + away - radius
    root = np.sqrt(a * a + 4 * radius)
    # Two forms of one number; each cancels where the other is used.
    small = 2 / (root * np.where(a > 0, root + a, 1))
    large = (root - a) / (2 * root * np.maximum(radius, np.float32(1e-12)))
    return np.where(a > 0, small, large)


def _of_polygon(corners: Sequence[np.ndarray]) -> np.ndarray:
    """The integral of 1 / (pi (1 + s^2)^2) over a polygon in the plane, (...), signed by its sense.

    Each edge gives d / sqrt(1 + d^2) times an angle over two pi, with d its distance from the origin.
    """
    total = np.zeros(corners[0].shape[:-1], np.float32)
    for one, other in zip(corners, (*corners[1:], corners[0]), strict=True):
        along = other - one
        length = np.maximum(np.linalg.norm(along, axis=-1), np.float32(1e-9))
        along = along / length[..., None]
        away = one[..., 0] * along[..., 1] - one[..., 1] * along[..., 0]
        root = np.sqrt(1 + away * away)
        first = (one * along).sum(-1) / root
        last = first + length / root
        total += away / root * (np.arctan(last) - np.arctan(first))
    return total / np.float32(2 * np.pi)
