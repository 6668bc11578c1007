"""Irradiance: what a matt surface receives from an environment.

One convention throughout: irradiance is the cosine integral itself, E(n) = integral of L(d) max(n.d, 0) over solid angle,
so a uniform map of 1 gives pi, and a white Lambertian surface has the value E / pi.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from threading import Lock, get_ident

import numpy as np
from cachetools import LRUCache, cached

from ..pictures.bands import each_band
from .emitters import Emitters, emitters
from .environment import level
from .octahedral import octahedral_directions, sample_table

CHUNK = 512  # normals at a time: 512 x 8192 cosines are 16 MiB
KEPT = 32  # tables in memory, 192 KiB each


@dataclass(frozen=True)
class Light:
    """The light of an environment on matte surfaces, in the axes of its own map.

    `table` is (S, S, 3) float32, the value of a white Lambertian surface facing each octahedral direction, at unit
    level; `level` is the luminance of the map's mean radiance over the sphere, k in the gain's arithmetic.
    """

    table: np.ndarray
    level: float
    luminance_weights: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray, luminance_weights: np.ndarray) -> Light:
        """Tabulate a lat-long environment, (H, 2H, 3) working-space radiance."""
        k = level(pixels, luminance_weights)
        return cls(irradiance_table(pixels) / np.float32(np.pi * k), k, np.asarray(luminance_weights, np.float64))

    @classmethod
    def of_part(cls, pixels: np.ndarray, whole: Light) -> Light:
        """Tabulate a part of an environment in units of the whole one's level, so that parts add up to it."""
        return cls(irradiance_table(pixels) / np.float32(np.pi * whole.level), whole.level, whole.luminance_weights)

    def turned(self, camera_to_map: np.ndarray) -> np.ndarray:
        """The table for camera-space normals, (S, S, 3), when (3, 3) `camera_to_map` turns them into the map."""
        directions = octahedral_directions(self.table.shape[0])
        return sample_table(self.table, directions @ camera_to_map.T.astype(np.float32))


def irradiance(pixels: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Irradiance on surfaces whose whole hemisphere is open.

    The cosine integral, exact but for blocks of 2.8 degrees that the horizon cuts. Its time grows with the number of
    normals; for the pixels of a frame, use `irradiance_table` with `sample_table`.

    Args:
        pixels: (H, W, 3) float32 radiance, latitude-longitude.
        normals: (..., 3) unit, in the world of the map.

    Returns:
        (..., 3) float32; pi for a uniform map of 1. 0 where a normal is not finite.
    """
    flat = np.asarray(normals, np.float32).reshape(-1, 3)
    finite = np.isfinite(flat).all(axis=-1, keepdims=True)
    received = _receive(emitters(pixels), np.where(finite, flat, 0))
    return received.reshape(np.shape(normals))


def irradiance_table(pixels: np.ndarray, size: int = 128) -> np.ndarray:
    """Irradiance over all normals, as an octahedral table.

    The tables of the last maps are kept: a worker relights many frames, and a rig many lamps, under the same few maps.

    Args:
        pixels: (H, W, 3) float32 radiance, latitude-longitude.

    Returns:
        (size, size, 3) float32 on `octahedral_directions(size)`, read-only; read it with `sample_table`.
    """
    return _table(emitters(pixels), size)


def _lights(lights: Emitters, size: int) -> tuple[bytes, int]:
    """The same for equal lights: their SHA-256."""
    return sha256(lights.energy.tobytes() + lights.directions.tobytes()).digest(), size


@cached(LRUCache(KEPT), key=_lights, lock=Lock())
def _table(lights: Emitters, size: int) -> np.ndarray:
    table = _receive(lights, octahedral_directions(size).reshape(-1, 3)).reshape(size, size, 3)
    table.flags.writeable = False
    return table


def frame_irradiance(pixels: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Irradiance for the normals of a frame, by one table; arguments and result as for `irradiance`.

    A normal that is not finite or has no length takes the mean over all normals, so that a log of it stays finite.
    """
    return sample_table(irradiance_table(pixels), normals)


def _receive(lights: Emitters, normals: np.ndarray) -> np.ndarray:
    out = np.empty((len(normals), 3), np.float32)
    toward = np.ascontiguousarray(lights.directions.T)
    kept: dict[int, np.ndarray] = {}  # by thread, used again for each chunk

    def receive(some: slice) -> None:
        mine = kept.setdefault(get_ident(), np.empty((CHUNK, len(lights.directions)), np.float32))
        cosines = np.matmul(normals[some], toward, out=mine[: some.stop - some.start])  # (n, N)
        np.matmul(np.maximum(cosines, 0, out=cosines), lights.energy, out=out[some])

    each_band(len(normals), receive, CHUNK)
    return out
