"""Estimators: networks that estimate the shape and the surface in a picture, under one protocol: picture in, passes out.

An estimator converts a network's own axes and units to Relamp's: camera space X right, Y up, Z to the viewer. Files of weights
are found, and their licences checked, above this floor (`relighter.models`); an estimator is given paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...pictures.rec709 import display_code
from ...pictures.resample import resize
from ..seen import PARTS

Z, INVERSE, NEAR_TO_FAR, RELIEF = DEPTH_KINDS = ("z", "inverse", "near_to_far", "relief")
"""The kinds of an estimated depth, in this order: planar distance along the view axis in some unit; one over it; 0 near to 1 far
up to an unknown scale and shift; or height toward the viewer in units of the picture's longer side."""


@dataclass(frozen=True)
class Picture:
    """The input of an estimator: one frame at the estimator's own size.

    `light` is (h, w, 3) float32 un-premultiplied scene-linear ACEScg, whose typical value in the matte is middle grey;
    `matte` is (h, w) float32, 0 to 1; `fov` is the horizontal field of view of the picture in degrees; `aspect` is the width of a
    pixel over its height. `frame` is the absolute frame number, which affects random numbers only.
    """

    light: np.ndarray
    matte: np.ndarray
    fov: float
    aspect: float = 1.0
    frame: int = 0

    def displayed(self) -> np.ndarray:
        """The picture with square pixels, (h, w', 3) float32, display-encoded Rec.709 from 0 to 1."""
        height, width = self.matte.shape
        return resize(display_code(self.light).astype(np.float32), (height, max(1, round(width * self.aspect))))


@dataclass(frozen=True)
class Passes:
    """The passes of one picture, float32, at any size with the picture's proportions; None for passes that are not estimated.

    `normals` (h, w, 3) unit vectors in camera space. `depth` (h, w) of the kind `depth_kind`; 0 where there is none. `albedo`
    (h, w, 3) linear reflectance in ACEScg, 0 to 1. `roughness` (h, w) 0 to 1, perceptual (alpha is its square). `metallic`
    (h, w) 0 to 1. `skin`, `hair` and `cloth` (h, w) 0 to 1, how much of a pixel is that. `matte` (h, w) 0 to 1. `confidence`
    (h, w) 0 to 1, the confidence in the shape.
    """

    normals: np.ndarray | None = None
    depth: np.ndarray | None = None
    depth_kind: str = Z
    albedo: np.ndarray | None = None
    roughness: np.ndarray | None = None
    metallic: np.ndarray | None = None
    skin: np.ndarray | None = None
    hair: np.ndarray | None = None
    cloth: np.ndarray | None = None
    matte: np.ndarray | None = None
    confidence: np.ndarray | None = None


PLANES = ("normals", "depth", "albedo", "roughness", "metallic", *PARTS, "matte", "confidence")
"""The fields of `Passes` that hold pixels."""


class Estimator(Protocol):
    """A network that estimates passes.

    `name` is its name in options; `gives` names the planes of `Passes` it fills; `size` is the longer side, px, of its input
    picture. Not safe for several threads at a time.
    """

    @property
    def name(self) -> str: ...

    @property
    def gives(self) -> frozenset[str]: ...

    @property
    def size(self) -> int: ...

    def estimate(self, picture: Picture) -> Passes:
        """The passes of one picture, the same for the same picture. Raises `InputError` for an invalid output."""
        ...
