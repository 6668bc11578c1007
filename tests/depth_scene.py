"""A ball before a turned box, seen by a camera of a known field of view, without a renderer: depth, normals and rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relamp.core.light.backdrop import camera_rays

FOV = 40.0
BALL = (np.array([-0.5, 0.2, -5.0]), 0.9)  # centre, radius

BOX = np.array([0.7, -1.1, -7.0])  # the middle of its front
TURN = np.radians(25.0)  # of the box about the vertical
HALF = 0.9


@dataclass(frozen=True)
class Scene:
    """`z` (h, w) planar, 0 where nothing stands, `normals` (h, w, 3) camera space, `rays` (h, w, 3) unit, `matte` (h, w)."""

    z: np.ndarray
    normals: np.ndarray
    rays: np.ndarray

    @property
    def matte(self) -> np.ndarray:
        return (self.z > 0).astype(np.float32)

    @property
    def distance(self) -> np.ndarray:
        return self.z / -self.rays[..., 2]

    @property
    def inverse(self) -> np.ndarray:
        """As a network writes it: an affine function of 1 / z."""
        inverse = np.divide(1, self.z, out=np.zeros_like(self.z), where=self.z > 0)
        return np.where(self.z > 0, 3 * inverse - 0.2, 0).astype(np.float32)

    @property
    def normalised(self) -> np.ndarray:
        return np.where(self.z > 0, (self.z - 2) / 10, 0).astype(np.float32)


def ball_and_box(width: int = 160, height: int = 120) -> Scene:
    """The scene at some size."""
    rays = camera_rays(width, height, FOV).astype(np.float64)
    found, facing = _ball(rays)
    for t, normal in _box(rays):
        nearer = t < found
        found = np.where(nearer, t, found)
        facing = np.where(nearer[..., None], normal, facing)
    there = np.isfinite(found)
    z = np.where(there, found * -rays[..., 2], 0)
    return Scene(z.astype(np.float32), (facing * there[..., None]).astype(np.float32), rays.astype(np.float32))


def _ball(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre, radius = BALL
    along = rays @ centre
    inside = along**2 - centre @ centre + radius**2
    t = np.where(inside > 0, along - np.sqrt(np.maximum(inside, 0)), np.inf)
    at = np.where(np.isfinite(t), t, 0)[..., None] * rays
    return t, (at - centre) / radius


def _box(rays: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """A turned box, face by face: distance along each ray, infinite beside the face, and the face's normal."""
    right = np.array([np.cos(TURN), 0, np.sin(TURN)])
    axes = np.stack([right, np.array([0.0, 1, 0]), np.cross(right, [0, 1, 0])])
    centre = BOX - HALF * axes[2]
    faces = []
    for i in range(3):
        for sign in (-1.0, 1.0):
            normal = sign * axes[i]
            slope = rays @ normal
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (centre @ normal + HALF) / slope
                at = (t[..., None] * rays - centre) @ axes.T
            others = np.delete(np.abs(at), i, axis=-1).max(-1)
            faces.append((np.where((slope < 0) & (t > 0) & (others < HALF), t, np.inf), normal))
    return faces
