"""Triangle meshes as the views need them: vertices, what a face is part of, and where on its own thing a vertex is. numpy
only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

SKIN, HAIR, CLOTH, EYE, MOUTH, THING, GROUND, HARD, TEETH = range(1, 10)
"""Parts, as the shards store them; 0 is nothing."""

CREASE = 0.79  # cosine: corners whose face is turned further from the vertex's mean normal keep the face's own


@dataclass(frozen=True)
class Mesh:
    """A mesh. `vertices` (V, 3) metres, Z up; `faces` (F, 3); `part` (F,) uint8; `item` (F,), which thing's paint a face has.

    `local` (V, 3) are a vertex's coordinates on its own thing, before it was posed or placed: paint sticks to them.
    `smooth` (F,) bool: shaded with the vertices' mean normals even across creases.
    """

    vertices: np.ndarray
    faces: np.ndarray
    local: np.ndarray
    part: np.ndarray
    item: np.ndarray
    smooth: np.ndarray

    @classmethod
    def of(
        cls,
        vertices: np.ndarray,
        faces: np.ndarray,
        part: int | np.ndarray,
        *,
        local: np.ndarray | None = None,
        smooth: bool = True,
    ) -> Mesh:
        """A mesh of one item."""
        count = len(faces)
        return cls(
            np.asarray(vertices, np.float32),
            np.asarray(faces, np.int32),
            np.asarray(vertices if local is None else local, np.float32),
            np.broadcast_to(np.asarray(part, np.uint8), count).copy(),
            np.zeros(count, np.int32),
            np.full(count, smooth),
        )

    def moved(self, turn: np.ndarray, by: np.ndarray, scale: float = 1.0) -> Mesh:
        """Scaled, turned by (3, 3), then shifted by (3,) metres."""
        return replace(self, vertices=(self.vertices * scale @ turn.T + by).astype(np.float32))

    def numbered(self, item: int) -> Mesh:
        """With all its faces belonging to one item."""
        return replace(self, item=np.full(len(self.faces), item, np.int32))

    def corner_normals(self) -> np.ndarray:
        """(F, 3, 3) float32 unit normals of each face's corners: the vertices' mean, or the face's own across a crease."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        mean = np.zeros(self.vertices.shape)
        for k in range(3):
            for axis in range(3):
                mean[:, axis] += np.bincount(self.faces[:, k], cross[:, axis], len(mean))
        own = unit(cross)
        corners = unit(mean)[self.faces]
        creased = ((corners * own[:, None]).sum(-1) < CREASE) & ~self.smooth[:, None]
        return np.where(creased[..., None], own[:, None], corners).astype(np.float32)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    offsets = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
        np.concatenate([m.local for m in meshes]),
        np.concatenate([m.part for m in meshes]),
        np.concatenate([m.item for m in meshes]),
        np.concatenate([m.smooth for m in meshes]),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def grid(rows: int, columns: int, *, closed: bool) -> np.ndarray:
    """Faces (F, 3) of a grid of rows x columns vertices; `closed` joins the last column to the first."""
    index = np.arange(rows * columns).reshape(rows, columns)
    left, right = (index, np.roll(index, -1, 1)) if closed else (index[:, :-1], index[:, 1:])
    a, b, c, d = left[:-1], right[:-1], right[1:], left[1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3), every turn equally likely: a unit quaternion."""
    w, x, y, z = unit(rng.normal(size=4))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
