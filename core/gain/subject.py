"""What is relit: one frame's subject, and the light on it as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..shape.edges import own_light
from ..shape.seen import PARTS
from .analytic import Hint
from .materials import Materials
from .proxy import Proxy


@dataclass(frozen=True)
class Subject:
    """One frame, everything over the plate's data window.

    `plate` is (H, W, 3) premultiplied working-space light as read, `alpha` (H, W) or None, `weight` (H, W) of the matte,
    `normals` (H, W, 3) unit camera-space vectors, `known` (H, W) bool, where the normals are reliable; `guessed` says that
    the normals were inflated from the matte. `depth` is (H, W), cleaned (`shape.depth_pass`), 0 where there is
    no surface; None where no depth was given. `materials` are the materials of its surfaces; None where none were given.
    `parts` (H, W, 3), 0 to 1, is how much of a pixel is skin, hair and cloth (`seen.PARTS`); None where no network tells it.
    `proxies` are those made of it, by exposure anchor and longer side.
    """

    plate: np.ndarray
    alpha: np.ndarray | None
    weight: np.ndarray
    normals: np.ndarray
    known: np.ndarray
    guessed: bool
    depth: np.ndarray | None = None
    materials: Materials | None = None
    parts: np.ndarray | None = None
    proxies: dict[tuple[float, int], Proxy] = field(init=False, repr=False, compare=False, default_factory=dict)

    @cached_property
    def opacity(self) -> np.ndarray | None:
        """How much of each pixel the plate covers, (H, W): its alpha, but 1 where alpha is 0 inside the matte; None means 1."""
        if self.alpha is None:
            return None
        empty = self.alpha <= 0
        return np.where(empty & (self.weight > 0), np.float32(1), self.alpha) if empty.any() else self.alpha

    @property
    def hair(self) -> np.ndarray | None:
        """How much of a pixel is hair, (H, W), 0 to 1; None where there is none."""
        if self.parts is None:
            return None
        share = self.parts[..., PARTS.index("hair")]
        return share if share.any() else None

    @cached_property
    def own(self) -> np.ndarray:
        """The subject's own light, (H, W, 3) premultiplied: the plate, without what is behind the subject at a soft matte."""
        if self.opacity is None:
            return own_light(self.plate, self.weight)
        if not ((self.weight > 0) & (self.weight < 1)).any():
            return self.plate
        opacity = self.opacity[..., None]
        found = own_light(self.plate / np.where(opacity > 0, opacity, 1), self.weight) * opacity
        return np.where(((self.weight > 0) & (self.weight < 1))[..., None], found, self.plate)

    @property
    def coverage(self) -> np.ndarray:
        """How much of each pixel the subject covers, (H, W): the matte's weight times `opacity`."""
        return self.weight if self.opacity is None else self.weight * self.opacity


@dataclass(frozen=True)
class Shading:
    """The tables of one frame's light on camera-space normals, (S, S, 3) each, at unit level.

    `lamps` are the parts of `target`, the last one the rest; `source` is None where the source light is not known.
    """

    hint: Hint
    target: np.ndarray
    source: np.ndarray | None = None
    source_level: float = 1.0
    lamps: tuple[np.ndarray, ...] = ()
