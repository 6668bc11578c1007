"""Rays through a mesh, on the CPU: Embree, by way of `embreex` (MIT; Embree itself Apache-2.0)."""

# pyright: reportMissingImports=false
# embreex lives in the environment that renders views.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from .mesh import Mesh


@dataclass(frozen=True)
class Hit:
    """What N rays meet first: `face` (N,), -1 for nothing; `distance` (N,); `weights` (N, 3) of the face's corners."""

    face: np.ndarray
    distance: np.ndarray
    weights: np.ndarray


class Scene:
    """A mesh that rays can be cast through."""

    def __init__(self, mesh: Mesh) -> None:
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(
            self._scene, np.ascontiguousarray(mesh.vertices, np.float32), np.ascontiguousarray(mesh.faces, np.int32)
        )

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> Hit:
        """First hits of rays from `origins` (N, 3) along unit `directions` (N, 3)."""
        found = self._scene.run(_rows(origins), _rows(directions), output=1)
        u, v = found["u"], found["v"]
        return Hit(found["primID"], found["tfar"], np.stack([1 - u - v, u, v], -1))

    def blocked(self, origins: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """(N,) bool: whether anything stands between `origins` (N, 3) and a far light toward unit `direction` (3,)."""
        along = np.broadcast_to(np.asarray(direction, np.float32), origins.shape)
        return self._scene.run(_rows(origins), _rows(along), query="OCCLUDED") >= 0


def _rows(vectors: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(vectors, np.float32)
