"""What cast shadows are worth: a matte scene of balls, boxes and ground whose truth a ray caster knows.

    python benchmarks/shadows.py [--size 512] [--picture shadows.png]

The scene is seen by a 40 degree camera and lit by one small lamp. The shadow of `core/shape/shadow` on the scene's depth is
compared with the true one: overlap (intersection over union) of what is less than half lit, among surfaces that face the lamp.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relamp.core.light.sheet import write_png
from relamp.core.shape.shadow import Surface, lamp_visibility

FOV = 40.0
PITCH = -22.0
EYE = (0.0, 1.6, 5.0)
BALLS = (((-0.9, 0.55, 0.0), 0.55), ((0.9, 0.3, 0.9), 0.3), ((0.35, 0.2, -0.6), 0.2))
BOXES = (
    ((0.5, 0.0, -0.6), (1.2, 1.1, 0.0)),
    ((-0.35, 0.0, 0.8), (0.05, 0.4, 1.2)),
    ((-0.2, 0.0, -0.9), (-0.14, 1.3, -0.84)),
)
LAMPS = ((0.8, 0.7, 0.25), (-0.7, 0.6, 0.45), (0.4, 0.9, -0.5), (-0.85, 0.35, 0.1))  # world, toward them
BLOCK = 1 << 16


@dataclass(frozen=True)
class View:
    """The scene as its camera sees it: `points` (h, w, 3) in the world, `normals` (h, w, 3) and `z` (h, w) in camera space."""

    points: np.ndarray
    normals: np.ndarray
    z: np.ndarray
    turn: np.ndarray

    @property
    def focal(self) -> float:
        """Pixels."""
        return self.z.shape[1] / 2 / np.tan(np.radians(FOV / 2))

    def surface(self, z: np.ndarray | None = None, thickness: float = 1.0) -> Surface:
        """What shadows are traced on, of the true depth or another one (h, w)."""
        z = self.z if z is None else z
        there = np.isfinite(self.z)
        middle = float(np.median(self.z[there]))
        height = np.where(there, self.focal * (middle / np.where(there, z, 1) - 1), 0).astype(np.float32)
        centre = (z.shape[1] / 2, z.shape[0] / 2)
        return Surface(height, self.normals, there, focal=self.focal, centre=centre, thickness=thickness)


def hit(origin: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (N,), infinite for a miss, and normals (N, 3) of what rays (N, 3) meet first; `towards` is unit."""
    found, facing = np.full(len(origin), np.inf), np.zeros((len(origin), 3))

    def keep(t: np.ndarray, normal: np.ndarray, valid: np.ndarray) -> None:
        nearer = valid & (t > 1e-4) & (t < found)
        found[nearer], facing[nearer] = t[nearer], np.broadcast_to(normal, facing.shape)[nearer]

    with np.errstate(divide="ignore", invalid="ignore"):
        keep(-origin[:, 1] / towards[:, 1], np.array([0.0, 1, 0]), np.abs(towards[:, 1]) > 1e-9)
        for centre, radius in BALLS:
            from_centre = origin - centre
            b = (from_centre * towards).sum(1)
            inside = b**2 - (from_centre**2).sum(1) + radius**2
            t = -b - np.sqrt(np.maximum(inside, 0))
            keep(t, (from_centre + t[:, None] * towards) / radius, inside > 0)
        for low, high in BOXES:
            one, other = (np.array(low) - origin) / towards, (np.array(high) - origin) / towards
            near, far = np.fmin(one, other), np.fmax(one, other)
            axis = near.argmax(1)
            normal = np.zeros_like(origin)
            normal[np.arange(len(origin)), axis] = -np.sign(towards[np.arange(len(origin)), axis])
            keep(near.max(1), normal, near.max(1) < far.min(1))
    return found, facing


def view(size: int) -> View:
    """The scene at `size` by three quarters of it."""
    width, height = size, size * 3 // 4
    focal = width / 2 / np.tan(np.radians(FOV / 2))
    x, y = np.meshgrid((np.arange(width) + 0.5 - width / 2) / focal, (height / 2 - np.arange(height) - 0.5) / focal)
    camera = np.stack([x, y, -np.ones_like(x)], -1).reshape(-1, 3)
    length = np.linalg.norm(camera, axis=1)
    pitch = np.radians(PITCH)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )  # camera to world
    towards = camera / length[:, None] @ turn.T
    eye = np.broadcast_to(np.array(EYE), towards.shape)
    t, normals = hit(eye, towards)
    t = np.where(t < 14, t, np.inf)  # the ground ends
    shape = (height, width)
    points = (eye + np.where(np.isfinite(t), t, 0)[:, None] * towards).reshape(*shape, 3)
    return View(points, (normals @ turn).reshape(*shape, 3).astype(np.float32), (t / length).reshape(shape), turn)


def truth(seen: View, lamp: np.ndarray, radius: float = 0.01, rays: int = 8) -> np.ndarray:
    """The share of a lamp's disc that each point sees, (h, w)."""
    side = np.cross(lamp, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(lamp, side)
    origin = (seen.points + 2e-3 * (seen.normals @ seen.turn.T)).reshape(-1, 3)
    open_ = np.zeros(len(origin))
    for k in range(rays):
        r, angle = radius * np.sqrt((k + 0.5) / rays), 2.4 * k
        towards = lamp + r * (np.cos(angle) * side + np.sin(angle) * other)
        towards /= np.linalg.norm(towards)
        for start in range(0, len(origin), BLOCK):
            part = slice(start, start + BLOCK)
            t, _ = hit(origin[part], np.broadcast_to(towards, origin[part].shape))
            open_[part] += np.isinf(t) / rays
    return open_.reshape(seen.z.shape)


def overlap(found: np.ndarray, true: np.ndarray, facing: np.ndarray) -> float:
    """Intersection over union of what is less than half lit, among what faces the lamp."""
    one, other = (found < 0.5) & facing, (true < 0.5) & facing
    return float((one & other).sum() / max((one | other).sum(), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    seen = view(given.size)
    rows = []
    for toward in LAMPS:
        lamp = np.array(toward) / np.linalg.norm(toward)
        true = truth(seen, lamp)
        there = np.isfinite(seen.z)
        in_camera = (lamp @ seen.turn).astype(np.float32)
        facing = there & (seen.normals @ in_camera > 0.05)
        line = [f"{toward}"]
        for thickness in (0.5, 1.0, 1.4, 2.0, 100.0):
            started = time.perf_counter()
            found = lamp_visibility(seen.surface(thickness=thickness), in_camera, 0.01)
            line.append(f"{overlap(found, true, facing):.3f} {time.perf_counter() - started:.2f}s")
            if thickness == 1.0:
                cosine = np.maximum(seen.normals @ in_camera, 0) * there
                rows.append(
                    np.concatenate([true * cosine, found * cosine, np.where(facing, np.abs(true - found), 0)], 1)
                )
        print(" | ".join(line), flush=True)
    if given.picture:
        grey = np.round(255 * np.clip(np.concatenate(rows), 0, 1) ** 0.45).astype(np.uint8)
        write_png(given.picture, np.repeat(grey[..., None], 3, -1), overwrite=True)


if __name__ == "__main__":
    main()
