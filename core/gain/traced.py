"""A frame's shape made ready to trace lights on, and a light traced on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..light.parcels import Placed
from ..pictures.resample import resize
from ..shape.depth import LONGEST, relief_of
from ..shape.placed import PlacedLight, visibility
from ..shape.shadow import Surface, lamp_visibility
from ..shape.trace import Traced, broad_share, trace
from .arrival import Arrival, Lamp, PlacedArrival, with_bounce

FINEST = 1024  # px, longer side that shadows of lamps are worked out at where the relief is coarser than the plate
WEAKEST = 0.01  # of a light's energy: a lamp with less throws no shadow of its own


@dataclass(frozen=True)
class Shape:
    """A frame's shape, in camera space, float32.

    `normals` (h, w, 3), `matte` (h, w) and `height` (h, w), toward the viewer in pixels, are at the working size. Broad light is
    traced on `broad`, and the shadows of lamps on `surface`, at a size of its own.
    """

    normals: np.ndarray
    matte: np.ndarray
    height: np.ndarray
    broad: Traced
    surface: Surface

    @classmethod
    def of(
        cls,
        normals: np.ndarray,
        matte: np.ndarray,
        height: np.ndarray,
        doubt: np.ndarray,
        fine: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Shape:
        """Make a shape ready for any light.

        Args:
            normals: (h, w, 3) unit. matte: (h, w) from 0 to 1.
            height: (h, w) toward the viewer, in pixels of this picture.
            doubt: (h, w) expected error of the shape in radians.
            fine: normals (H, W, 3) and matte (H, W) of the same picture at a larger size, where there are any.
        """
        planes = (normals.transpose(2, 0, 1), height, matte[None], doubt[None])
        broad = trace(*(torch.from_numpy(np.ascontiguousarray(p, np.float32))[None] for p in planes))
        return cls(normals, matte, height, broad, _surface(normals, matte, height, doubt, fine))

    @property
    def size(self) -> tuple[int, int]:
        """The working size, (h, w)."""
        return self.matte.shape[0], self.matte.shape[1]

    def lit(
        self, table: np.ndarray, light: Placed, strength: float = 1.0, shape: tuple[int, int] | None = None
    ) -> Arrival:
        """A light on this shape, for a picture of the size `shape` (H, W), the working size without it.

        Args:
            table: (S, S, 3) the light on camera-space normals, at unit level.
            light: the same as lamps and pieces before the camera.
            strength: 0 to 1, of shadows and of what the subject gives back.
        """
        count = len(light.radius)
        total = max(float(light.energy.sum()), 1e-12)
        rest = slice(count, None)
        directions, energy = [light.directions[rest]], [light.energy[rest]]
        lamps = []
        for direction, power, radius in zip(light.directions, light.energy, light.radius, strict=False):
            if power.sum() >= WEAKEST * total:
                visible = lamp_visibility(self.surface, direction, float(radius))[..., None]
                lamps.append(Lamp(direction, power / np.float32(np.pi), float(radius), visible))
            else:
                directions.append(direction[None])
                energy.append(power[None])
        broad = broad_share(self.broad, _batch(directions), _batch(energy))[0].permute(1, 2, 0).numpy()
        closed = 1 - self.broad.sky[0].permute(1, 2, 0).numpy()
        return with_bounce(Arrival(table, tuple(lamps), broad, closed, self.size, strength), self.normals, self.matte)

    def placed(self, light: PlacedLight, strength: float, shape: tuple[int, int]) -> PlacedArrival:
        """A light that stands in the scene on this shape, for a picture of the size `shape` (H, W).

        Args:
            light: in pixels of the working size.
            strength: 0 to 1, of its shadow.
        """
        wide = self.size[1]
        on_surface = light.scaled(self.surface.top.shape[1] / wide)
        seen = visibility(self.surface, on_surface) if strength > 0 else np.ones((1, 1, 1), np.float32)
        visible = 1 - np.float32(strength) * (1 - seen)
        factor = shape[1] / wide
        return PlacedArrival(light.scaled(factor), self.height[..., None] * np.float32(factor), visible, shape)


def height_of(normals: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The relief that normals (h, w, 3) add up to inside a matte (h, w): heights toward the viewer in pixels, (h, w)."""
    planes = (normals.transpose(2, 0, 1), matte[None])
    return relief_of(*(torch.from_numpy(np.ascontiguousarray(p, np.float32))[None] for p in planes))[0].numpy()


def _surface(
    normals: np.ndarray,
    matte: np.ndarray,
    height: np.ndarray,
    doubt: np.ndarray,
    fine: tuple[np.ndarray, np.ndarray] | None,
) -> Surface:
    spacing = max(1.0, max(matte.shape) / LONGEST)
    if fine is None or fine[1].shape == matte.shape:
        return Surface(height, normals, matte > 0.5, doubt, spacing)
    scale = min(1.0, FINEST / max(fine[1].shape))
    size = max(1, round(fine[1].shape[0] * scale)), max(1, round(fine[1].shape[1] * scale))
    facing = resize(fine[0], size)
    facing = facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-6)
    larger = max(size) / max(matte.shape)
    tall = cv2.resize(height, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) * np.float32(larger)
    return Surface(tall, facing, resize(fine[1], size) > 0.5, resize(doubt, size), spacing * max(larger, 1.0))


def _batch(parts: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.float32))[None]
