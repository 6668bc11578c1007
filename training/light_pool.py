"""Lights for training, quick to put on a frame: a pool of places, and a frame's light rig as tables.

What lights a frame of the stage is not the map but its 48 cells and one of its suns, so the hints are made of those,
through the same tables as at inference. Cells of every frame are one pattern, turned, so its tables are made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..core.light.environment import AP1_LUMINANCE, direction_to_uv, directions, solid_angles
from ..core.light.irradiance import irradiance_table
from ..core.light.octahedral import octahedral_directions
from ..core.light.parcels import LAMPS
from ..core.light.reflection import ROUGHNESSES, prefilter, reflection_tables
from ..core.relighter.own.light_tables import GLOSSY_SIZE, LightTables, bounded_log
from .environments import sample_environment
from .light_rig import CELLS, fibonacci_directions
from .lighting import lift_lamp
from .shards import StageFrame

ROWS = 64  # of the places' maps
DIFFUSE_SIZE = 32
SOFTNESS = 30.0  # of a map that turns: half as much for a cell 12 degrees further off
_LUMINANCE = np.asarray(AP1_LUMINANCE, np.float32)
_NONE = np.zeros(3, np.float32)


@dataclass(frozen=True)
class Place:
    """An environment (+Y up) without its strongest lamp, and that lamp: its direction and irradiance, or None."""

    rest: np.ndarray
    lamp: tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Lit:
    """One light on one frame, at unit level.

    `weights` is (G, 3) for the frame's lights; `tables` are in the axes of the cells' pattern; `world` is the map
    (64, 128, 3) without its lamp, in the world of the frame. `level` is its mean luminance before it came to unit level.
    """

    weights: np.ndarray
    tables: LightTables
    world: np.ndarray
    level: float = 1.0


@dataclass(frozen=True)
class Turn:
    """Columns to roll a map by, and the sun that its lamp then stands at."""

    columns: int
    sun: int = -1


def make_pool(rng: np.random.Generator, count: int) -> list[Place]:
    """`count` random places."""
    return [_place(sample_environment(rng, ROWS)) for _ in range(count)]


def _place(pixels: np.ndarray) -> Place:
    lifted = lift_lamp(pixels)
    if lifted is None:
        return Place(pixels.astype(np.float32), None)
    return Place(lifted[0], (lifted[1], lifted[2]))


class Rig:
    """A frame's lights and where they stand."""

    def __init__(self, frame: StageFrame) -> None:
        self.to_world = np.asarray(frame.camera_to_world, np.float64)
        u, _, v = np.linalg.svd(np.asarray(frame.cells, np.float64).T @ fibonacci_directions(CELLS))
        self.pattern_to_camera = u @ v
        self.cells_in_world = (frame.cells @ self.to_world.T).astype(np.float32)
        toward = directions(ROWS, 2 * ROWS).reshape(-1, 3)
        self.nearest = np.argmax(toward @ self.cells_in_world.T, axis=1).astype(np.uint8)
        self.omega = np.repeat(solid_angles(ROWS, 2 * ROWS), 2 * ROWS).astype(np.float64)
        self.area = np.maximum(np.bincount(self.nearest, self.omega, CELLS), 1e-9)
        self.suns = np.asarray(frame.suns, np.float64)
        self.suns_in_world = self.suns @ self.to_world.T
        self.sun_radii = np.radians(np.asarray(frame.sun_diameters, np.float64)) / 2

    def light(self, place: Place, rng: np.random.Generator) -> Lit:
        """A place around the frame, turned about the vertical at random, or until its lamp meets one of the suns."""
        turn, lamp = self.meet(None if place.lamp is None else place.lamp[0], rng), None
        tint = np.exp(rng.normal(0.0, 0.1, 3)).astype(np.float32)
        if place.lamp is not None:
            lamp = (turn.sun, place.lamp[1] * tint)
        return self.around(np.roll(place.rest, turn.columns, axis=1) * tint, lamp)

    def meet(self, direction: np.ndarray | None, rng: np.random.Generator) -> Turn:
        """How to turn a map about the vertical: its lamp toward `direction` (3,) onto a sun, or without one at random."""
        columns = int(rng.integers(2 * ROWS))
        if direction is None:
            return Turn(columns)
        height = np.arcsin(np.clip(self.suns_in_world[:, 1], -1, 1))
        away = np.abs(height - np.arcsin(np.clip(direction[1], -1, 1)))
        near = np.flatnonzero(away < np.radians(10.0))
        chosen = int(rng.choice(near)) if len(near) else int(np.argmin(away))
        there, here = (direction_to_uv(d)[0] for d in (self.suns_in_world[chosen], direction))
        return Turn(round((there - here) * 2 * ROWS), chosen)

    def around(self, world: np.ndarray, lamp: tuple[int, np.ndarray] | None, *, soft: bool = False) -> Lit:
        """A map (64, 128, 3) around the frame, in its world, with one of the suns at an irradiance (3,).

        With `soft` a pixel's light goes to the cells around it by how near they are, so that a map can turn smoothly.
        """
        energy = self.omega[:, None] * world.reshape(-1, 3)
        if soft:
            cells = self._shares().T @ energy
        else:
            cells = np.stack([np.bincount(self.nearest, energy[:, c], CELLS) for c in range(3)], 1)
        cells = cells / self.area[:, None]
        total = (cells * self.area[:, None]).sum(0) + (0 if lamp is None else lamp[1])
        level = max(float(total @ _LUMINANCE) / (4 * np.pi), 1e-9)
        weights = np.zeros((CELLS + len(self.suns), 3), np.float32)
        weights[:CELLS] = cells / level
        if lamp is None:
            return Lit(weights, pattern_tables(weights[:CELLS], None, _NONE), world / np.float32(level), level)
        weights[CELLS + lamp[0]] = lamp[1] / level
        sun = self.suns[lamp[0]] @ self.pattern_to_camera
        tables = pattern_tables(weights[:CELLS], sun, weights[CELLS + lamp[0]])
        return Lit(weights, tables, world / np.float32(level), level)

    def parcels(self, weights: np.ndarray) -> np.ndarray:
        """A light as distant lights, (LAMPS + CELLS, 7) float32, in the axes of the cells' pattern; see `LightTables`.

        Args:
            weights: (G, 3) of a `Lit`, of whose suns at most LAMPS shine.
        """
        cells, suns = weights[:CELLS], weights[CELLS:]
        strongest = np.argsort(-suns.sum(1), kind="stable")[:LAMPS]
        lamps = np.column_stack(
            [self.suns[strongest] @ self.pattern_to_camera, suns[strongest], self.sun_radii[strongest]]
        )
        broad = np.column_stack([fibonacci_directions(CELLS), cells * self.area[:, None], np.zeros(CELLS)])
        return np.concatenate([lamps, broad]).astype(np.float32)

    def _shares(self) -> np.ndarray:
        """(8192, 48): how each pixel's light is shared out among the cells near it; rows sum to 1."""
        cosine = directions(ROWS, 2 * ROWS).reshape(-1, 3) @ self.cells_in_world.T
        shares = np.exp(SOFTNESS * (cosine - 1))
        return shares / shares.sum(1, keepdims=True)


def pattern_tables(cells: np.ndarray, sun: np.ndarray | None, irradiance: np.ndarray) -> LightTables:
    """Tables of 48 cells (48, 3) and one sun toward (3,), in the axes of the pattern."""
    diffuse_basis, glossy_basis = _cell_tables()
    diffuse, glossy = diffuse_basis @ cells, glossy_basis @ cells
    if sun is not None:
        d = _directions(DIFFUSE_SIZE)
        diffuse = diffuse + np.maximum(d @ sun.astype(np.float32), 0)[..., None] * irradiance / np.float32(np.pi)
        cosine = _directions(GLOSSY_SIZE) @ sun.astype(np.float32)
        ahead = cosine > 0
        angle = np.arccos(np.clip(cosine[ahead], -1, 1))
        angles, profiles = _sun_profiles()
        for k, profile in enumerate(profiles):
            glossy[k][ahead] += np.interp(angle, angles, profile).astype(np.float32)[:, None] * irradiance
    return LightTables(bounded_log(diffuse), bounded_log(glossy))


@lru_cache(maxsize=1)
def _cell_tables() -> tuple[np.ndarray, np.ndarray]:
    """Tables of each cell alone at radiance 1: (S, S, 48) and (R, S', S', 48) float32."""
    toward = directions(2 * ROWS, 4 * ROWS)
    nearest = np.argmax(toward @ fibonacci_directions(CELLS).T.astype(np.float32), axis=-1)
    diffuse, glossy = [], []
    for k in range(CELLS):
        pixels = np.repeat((nearest == k)[..., None], 3, axis=2).astype(np.float32)
        diffuse.append(irradiance_table(pixels, DIFFUSE_SIZE)[..., 0] / np.float32(np.pi))
        glossy.append(np.stack(reflection_tables(pixels, ROUGHNESSES, GLOSSY_SIZE))[..., 0])
    return np.stack(diffuse, -1), np.stack(glossy, -1)


@lru_cache(maxsize=1)
def _sun_profiles() -> tuple[np.ndarray, list[np.ndarray]]:
    """What each roughness mirrors of a far lamp of irradiance 1, by the angle from it: angles and a profile each."""
    pixels = np.zeros((2 * ROWS, 4 * ROWS, 3), np.float32)
    row, column = ROWS, 2 * ROWS
    pixels[row, column] = 1 / solid_angles(2 * ROWS, 4 * ROWS)[row]
    d = directions(2 * ROWS, 4 * ROWS)
    angle = np.arccos(np.clip(d[:, column] @ d[row, column], -1, 1))[row:]
    return angle, [prefilter(pixels, r)[row:, column, 0] for r in ROUGHNESSES]


@lru_cache(maxsize=4)
def _directions(size: int) -> np.ndarray:
    return octahedral_directions(size)
