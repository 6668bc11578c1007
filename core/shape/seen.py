"""A network's estimate of the shape of a subject, as pictures. Floor 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PARTS = ("skin", "hair", "cloth")  # what a network tells apart; a pixel that is none of them is something else


@dataclass(frozen=True)
class SeenShape:
    """A subject's shape as estimated by a network at one size, float32.

    `normals` (h, w, 3) unit, camera space: X right, Y up, Z to the viewer. `relief` (h, w) height toward the viewer in units of
    the picture's longer side. `log_albedo` (h, w, 3) natural log of reflectance. `doubt` (h, w) expected error of the normals in
    radians. `parts` (h, w, 3) are the shares of `PARTS`, 0 to 1 each; what is left is something else.
    """

    normals: np.ndarray
    relief: np.ndarray
    log_albedo: np.ndarray
    doubt: np.ndarray
    parts: np.ndarray

    @property
    def planes(self) -> tuple[np.ndarray, ...]:
        """All five planes."""
        return self.normals, self.relief, self.log_albedo, self.doubt, self.parts

    def each(self, changed: Callable[[np.ndarray], np.ndarray]) -> SeenShape:
        """The same with every plane changed."""
        return SeenShape(*map(changed, self.planes))
