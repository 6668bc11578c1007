"""Prepares the shape of a frame for tracing, and traces lights on it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from cachetools import LRUCache, cached

from ..light.backdrop import focal_of
from ..light.parcels import Parcels
from ..pictures.resample import resize, working_shape
from ..shape.depth import LONGEST, held_to_normals, relief_of, seen_along
from ..shape.depth_fit import Fit
from ..shape.placed import PlacedLight, visibility
from ..shape.shadow import Surface, lamp_visibility, mixed_at_outlines
from ..shape.trace import Traced, broad_share, trace
from .arrival import Arrival, Lamp, PlacedArrival, with_bounce

FINEST = 1024  # px, longest side at which shadows of lamps are computed from a relief that is coarser than the plate
KEPT_LIGHTS = 8  # lights kept on a shape: target, source, and the parts of the target
KEPT_LAMPS = 16  # lamps kept on a shape
KEPT_SHAPES = 4  # shapes whose broad tracing is kept, 30 MB each
WEAKEST = 0.01  # share of a light's energy; a lamp with less gets no shadow of its own


@dataclass(frozen=True)
class Depth:
    """A given depth: (h, w), cleaned (`shape.depth_pass`), 0 where there is no surface, and its kind."""

    picture: np.ndarray
    kind: str

    def heights(
        self, rays: np.ndarray, normals: np.ndarray, matte: np.ndarray, known: np.ndarray
    ) -> tuple[np.ndarray, Fit]:
        """Projective heights toward the viewer in pixels, (h, w), and their fit; noisy depth is smoothed to match the normals.

        Args:
            rays: (h, w, 3) unit, from the eye outward. normals: (h, w, 3) unit. matte: (h, w).
            known: (h, w) bool, where the normals are given and not guessed.
        """
        fit = Fit.of(self.picture, self.kind, rays, normals, matte, known)
        height = _planes(fit.heights(self.picture, rays, matte)[..., None])[:, 0]
        held = held_to_normals(height, fit.noise, _planes(normals), _planes(rays), _planes(matte[..., None]))
        return held[0].numpy(), fit


@dataclass(frozen=True)
class Fine:
    """A frame's shape at its own size, for the shadows of lamps: `normals` (H, W, 3) and `matte` (H, W).

    `height` (H, W) are projective heights of a given depth whose fit left no doubt; else None.
    """

    normals: np.ndarray
    matte: np.ndarray
    height: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Shape:
    """A frame's shape, in camera space, float32.

    `normals` (h, w, 3), `matte` (h, w) and `height` (h, w), toward the viewer in pixels, are at the working size. Broad light is
    traced on `broad`, and the shadows of lamps on `surface`, at a size of its own. The last lights and the last lamps on the
    shape are kept, because the parts of a light have its lamps, and one of two lights stays while an artist turns the other.
    """

    normals: np.ndarray
    matte: np.ndarray
    height: np.ndarray
    broad: Traced
    surface: Surface
    _lights: LRUCache[bytes, Arrival] = field(init=False, repr=False, default_factory=lambda: LRUCache(KEPT_LIGHTS))
    _lamps: LRUCache[bytes, np.ndarray] = field(init=False, repr=False, default_factory=lambda: LRUCache(KEPT_LAMPS))
    _keeping: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    @classmethod
    def of(
        cls,
        normals: np.ndarray,
        matte: np.ndarray,
        height: np.ndarray,
        doubt: np.ndarray,
        rays: np.ndarray,
        fine: Fine | None = None,
    ) -> Shape:
        """Make a shape ready for any light.

        Args:
            normals: (h, w, 3) unit. matte: (h, w) from 0 to 1.
            height: (h, w) toward the viewer, projective (`shape.shadow`), in pixels of this picture.
            doubt: (h, w) expected error of the shape in radians.
            rays: (h, w, 3) unit, from the eye outward.
            fine: the same at a larger size, where there is one.
        """
        broad = _broad(normals, matte, height, doubt, rays)
        return cls(normals, matte, height, broad, _surface(normals, matte, height, doubt, rays, fine))

    @property
    def size(self) -> tuple[int, int]:
        """The working size, (h, w)."""
        return self.matte.shape[0], self.matte.shape[1]

    def lit(
        self, table: np.ndarray, light: Parcels, strength: float = 1.0, shape: tuple[int, int] | None = None
    ) -> Arrival:
        """A light on this shape, for a picture of the size `shape` (H, W); the working size if `shape` is None.

        Args:
            table: (S, S, 3) the light on camera-space normals, at unit level.
            light: the same light as lamps and small parcels, in camera space.
            strength: 0 to 1, of shadows and of light reflected by the subject.
        """
        key = _digest(table, light.directions, light.energy, light.radius, strength, *(shape or self.size))
        with self._keeping:  # a frame that fills a gap has the shape of another, which may be in work beside it
            if (kept := self._lights.get(key)) is None:
                self._lights[key] = kept = self._lit(table, light, strength, shape or self.size)
            return kept

    def _lit(self, table: np.ndarray, light: Parcels, strength: float, shape: tuple[int, int]) -> Arrival:
        count = len(light.radius)
        total = max(float(light.energy.sum()), 1e-12)
        rest = slice(count, None)
        directions, energy = [light.directions[rest]], [light.energy[rest]]
        lamps = []
        for direction, power, radius in zip(light.directions, light.energy, light.radius, strict=False):
            if power.sum() >= WEAKEST * total:
                lamps.append(
                    Lamp(direction, power / np.float32(np.pi), float(radius), self._visible(direction, radius))
                )
            else:
                directions.append(direction[None])
                energy.append(power[None])
        broad = broad_share(self.broad, _batch(directions), _batch(energy))[0].permute(1, 2, 0).numpy()
        closed = 1 - self.broad.sky[0].permute(1, 2, 0).numpy()
        arrival = Arrival(table, tuple(lamps), broad, closed, self.size, strength)
        return replace(with_bounce(arrival, self.normals, self.matte), shape=shape)

    def _visible(self, direction: np.ndarray, radius: float) -> np.ndarray:
        """The visible share of a small lamp at each point of the surface, (h, w, 1)."""
        key = _digest(direction, radius)
        if (kept := self._lamps.get(key)) is None:
            seen = lamp_visibility(self.surface, direction, float(radius))
            self._lamps[key] = kept = mixed_at_outlines(self.surface, seen)[..., None]
        return kept

    def placed(self, light: PlacedLight, strength: float, shape: tuple[int, int]) -> PlacedArrival:
        """The light of a source at a place in the scene on this shape, for a picture of the size `shape` (H, W).

        Args:
            light: in pixels of the working size.
            strength: 0 to 1, of its shadow.
        """
        wide = self.surface.top.shape[1]
        seen = np.ones((1, 1, 1), np.float32)
        if strength > 0:
            seen = visibility(self.surface, light.scaled(wide / self.size[1]))
        visible = 1 - np.float32(strength) * (1 - seen)
        k = shape[1] / wide  # size of a surface pixel, in pixels of `shape`
        height, centre = self.surface.height[..., None] * np.float32(k), self.surface.centre
        eye = (self.surface.focal * k, (centre[0] * k, centre[1] * k))
        return PlacedArrival(light.scaled(shape[1] / self.size[1]), height, visible, *eye, shape)


def height_of(normals: np.ndarray, matte: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """The relief integrated from normals (h, w, 3) inside a matte (h, w): projective heights in pixels, (h, w)."""
    return relief_of(seen_along(_planes(normals), _planes(rays)), _planes(matte[..., None]))[0].numpy()


def _digest(*parts: np.ndarray | float) -> bytes:
    """A digest of the content of arrays and numbers, in their order."""
    return hashlib.sha256(b"".join(np.asarray(part).tobytes() for part in parts)).digest()


@cached(LRUCache(KEPT_SHAPES), key=_digest, lock=threading.Lock())
def _broad(normals: np.ndarray, matte: np.ndarray, height: np.ndarray, doubt: np.ndarray, rays: np.ndarray) -> Traced:
    """The shape of `Shape.of` prepared for broad light; a relighter and the tracing of its frame share it."""
    seen = seen_along(_planes(normals), _planes(rays))
    return trace(_planes(normals), seen, *(_planes(p[..., None]) for p in (height, matte, doubt)))


def _surface(
    normals: np.ndarray, matte: np.ndarray, height: np.ndarray, doubt: np.ndarray, rays: np.ndarray, fine: Fine | None
) -> Surface:
    focal, (right, up) = focal_of(rays), rays[0, 0, :2] / -rays[0, 0, 2]  # px, slopes of the first ray
    centre = 0.5 - focal * float(right), 0.5 + focal * float(up)
    spacing = max(1.0, max(matte.shape) / LONGEST)
    if fine is None:
        return Surface(height, normals, matte > 0.5, doubt, spacing, focal, centre)
    full = fine.matte.shape[0], fine.matte.shape[1]
    size = working_shape(*full, FINEST) if fine.height is None else full  # full size where a depth is given
    larger = max(size) / max(matte.shape)
    facing = resize(fine.normals, size)
    facing = facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-6)
    standing, unsure = resize(fine.matte, size) > 0.5, resize(doubt, size)
    eye = focal * larger, (centre[0] * larger, centre[1] * larger)
    if fine.height is not None:
        return Surface(fine.height, facing, standing, unsure, 1.0, *eye)
    tall = cv2.resize(height, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) * np.float32(larger)
    return Surface(tall, facing, standing, unsure, spacing * max(larger, 1.0), *eye)


def _planes(picture: np.ndarray) -> torch.Tensor:
    """A picture (h, w, C) as (1, C, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]


def _batch(parts: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))[None]
