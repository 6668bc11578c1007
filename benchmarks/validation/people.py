"""People for the validation shots whose geometry is not that of today's training: `training.heads`, sculpted, in numpy alone.

They stand as `shapes.head` does: the head about the origin, two units high, +Y up, facing +Z.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapes
from shapes import Mesh

sys.path.append(str(Path(__file__).parents[2]))  # the repository, whose sculptor needs nothing of Relamp

from training import heads

SIZE = 0.86  # of a sculpted head to be as high as `shapes.head`

Colour = tuple[float, float, float]


@lru_cache(maxsize=4)
def person(seed: int, tone: Colour, cloth: Colour) -> tuple[dict[str, Mesh], list[tuple[np.ndarray, float]], Colour]:
    """One sculpted person: its meshes by what they are made of, strands (N, K, 3) with their radius, and the hair's colour.

    `tone` is the albedo that most of the skin has; the sculptor's zones vary about it.
    """
    bust = heads.bust(np.random.default_rng(seed))
    colour = bust.hair_colour[:3]
    plain = {"hair": colour, "cloth": cloth, "frame": (0.05, 0.05, 0.06)}
    kinds: dict[str, list[Mesh]] = {}
    for part in bust.parts:
        paint = plain[part.name] if part.tint is None else part.tint[:, :3]
        if part.name == "skin":
            paint = paint * (np.array(tone) / np.median(paint, axis=0))
        kinds.setdefault(part.name, []).append(Mesh(SIZE * part.vertices, _triangles(part.faces)).painted(paint))
    strands = [(SIZE * points, SIZE * radius) for points, radius in bust.strands]
    return {name: shapes.together(*meshes) for name, meshes in kinds.items()}, strands, colour


def hat(brim: float = 1.75) -> Mesh:
    """A straw hat with a wide brim for a head about the origin."""
    crown = shapes.lathe([(0.001, 1.42), (0.75, 1.36), (0.95, 0.8), (brim, 0.66), (brim, 0.62), (0.9, 0.7)], 96, 10)
    weave = 1 + 0.12 * np.sin(60 * crown.vertices[:, :1]) * np.sin(
        60 * crown.vertices[:, 1:2] + 60 * crown.vertices[:, 2:]
    )
    return crown.painted(np.array([0.62, 0.5, 0.28]) * weave)


def pole(a: tuple[float, float, float], b: tuple[float, float, float], radius: float) -> Mesh:
    """A round pole from a to b."""
    along = np.subtract(b, a)
    length = float(np.linalg.norm(along))
    up = along / length
    side = np.cross(up, (0, 0, 1) if abs(up[2]) < 0.9 else (1, 0, 0))
    side /= np.linalg.norm(side)
    axes = np.stack([side, up, np.cross(side, up)])
    body = shapes.lathe([(0.001, length), (radius, length), (radius, 0.0), (0.001, 0.0)], 32, 8)
    return Mesh(body.vertices @ axes + np.array(a), body.faces)


def _triangles(faces: np.ndarray) -> np.ndarray:
    return faces if faces.shape[1] == 3 else np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
