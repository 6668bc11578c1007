"""Networks that see the shape and the surface of what a picture shows, under one protocol: a picture in, passes out.

Whatever a network's own axes and units are, the passes that leave an estimator are in Relamp's: camera space X right, Y up, Z to
the viewer. Files of weights are found and their licences checked above this floor (`relighter.models`); an estimator is given
paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Z, INVERSE, NEAR_TO_FAR, RELIEF = DEPTH_KINDS = ("z", "inverse", "near_to_far", "relief")
"""What an estimated depth is: planar distance along the view axis in some unit; one over it; 0 near to 1 far up to an unknown
scale and shift; or height toward the viewer in units of the picture's longer side."""


@dataclass(frozen=True)
class Picture:
    """One frame as estimators are given it, at the estimator's own size.

    `light` is (h, w, 3) float32 un-premultiplied scene-linear ACEScg, whose typical value in the matte is middle grey;
    `matte` is (h, w) float32, 0 to 1; `fov` is the horizontal field of view of the picture in degrees; `aspect` is the width of a
    pixel over its height. `frame` is the absolute frame number, which only decides random numbers.
    """

    light: np.ndarray
    matte: np.ndarray
    fov: float
    aspect: float = 1.0
    frame: int = 0


@dataclass(frozen=True)
class Passes:
    """What an estimator sees in one picture, float32, at any size of the picture's shape; None for what it does not give.

    `normals` (h, w, 3) unit vectors in camera space. `depth` (h, w) of the kind `depth_kind`; 0 where there is none. `albedo`
    (h, w, 3) linear reflectance in ACEScg, 0 to 1. `roughness` (h, w) 0 to 1, the artist's (alpha is its square). `metallic`
    (h, w) 0 to 1. `matte` (h, w) 0 to 1. `confidence` (h, w) 0 to 1, how far the shape is to be believed.
    """

    normals: np.ndarray | None = None
    depth: np.ndarray | None = None
    depth_kind: str = Z
    albedo: np.ndarray | None = None
    roughness: np.ndarray | None = None
    metallic: np.ndarray | None = None
    matte: np.ndarray | None = None
    confidence: np.ndarray | None = None


PLANES = ("normals", "depth", "albedo", "roughness", "metallic", "matte", "confidence")
"""The fields of `Passes` that hold pixels."""


class Estimator(Protocol):
    """A network that sees.

    `name` is what it is asked for by; `gives` names the planes of `Passes` it fills; `size` is the longer side, px, of the
    picture it wants. Safe for one thread at a time: callers take turns.
    """

    @property
    def name(self) -> str: ...

    @property
    def gives(self) -> frozenset[str]: ...

    @property
    def size(self) -> int: ...

    def estimate(self, picture: Picture) -> Passes:
        """The passes of one picture: the same for the same picture. Raises `InputError` where the network's answer is none."""
        ...
