"""Balls, boxes, a thin post and ground, lit by one small lamp: a scene of which a ray caster knows every shadow.

`view` gives what a 40 degree camera sees of it, `truth` the share of a lamp that each point sees, and `casters` the point of the
scene that is first in the way of the lamp.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from relamp.core.evaluation.evaluate import SPACE
from relamp.core.gain.subject import Subject
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.camera import Camera
from relamp.core.parameters import WORKING_SIZE
from relamp.core.pictures.frame import Frame, Source, Window
from relamp.core.pictures.resample import resize, shrink_normals, working_shape
from relamp.core.shape.depth_pass import clean_depth
from relamp.core.shape.shadow import Surface
from relamp.core.shot.read_ahead import ReadFrame
from relamp.core.shot.tracing import LastShape
from relamp.core.temporal.working_frame import WorkingFrame

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
BESIDE = 0.02  # of the distance from the eye; pixels farther apart in space are not neighbours on a surface
SAME = 0.002  # of the distance from the eye, within which a point is the one that is seen


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

    def surface(self, depth: np.ndarray | None, kind: str = "z") -> Surface:
        """What a render traces lamps on, of a depth pass (h, w) of a kind and the true normals, or of these alone."""
        there = np.isfinite(self.z)
        matte, rays = there.astype(np.float32), camera_rays(self.z.shape[1], self.z.shape[0], FOV)
        normals = np.where(there[..., None], self.normals, np.float32([0, 0, 1]))
        if depth is not None:
            depth = clean_depth(np.where(there, depth, 0).astype(np.float32), kind, rays)
        subject = Subject(normals, None, matte, normals, there, guessed=False, depth=depth)
        window = Window(0, 0, self.z.shape[1], self.z.shape[0])
        file = Source(Path("scene.exr"), (), 0, (0, 1, 2), None, False, None)
        frame = Frame(normals, None, window, window, 1.0, SPACE, "made here", "float", file)
        small = working_shape(*self.z.shape, WORKING_SIZE)
        facing, _ = shrink_normals(normals, there, small, least=0.5)
        working = WorkingFrame(facing, resize(matte, small), facing, facing, facing)
        return LastShape().of(ReadFrame(frame, subject), subject, working, Camera(np.eye(3), FOV), kind).surface


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


def in_camera(seen: View, toward: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A lamp's direction in the world and before the camera, unit, (3,) each."""
    lamp = np.array(toward) / np.linalg.norm(toward)
    return lamp, (lamp @ seen.turn).astype(np.float32)


def edges(seen: View, share: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Where a shadow (h, w) begins or ends on a surface, (h, w) bool: the pixel before the edge, along rows or columns.

    Neighbours that face away, or that lie on another thing, have no edge between them.
    """
    found = np.zeros(share.shape, bool)
    dark = share < 0.5
    for axis in (0, 1):
        here, there = (
            tuple(s if a == axis else slice(None) for a in (0, 1)) for s in (slice(None, -1), slice(1, None))
        )
        near = np.linalg.norm(seen.points[here] - seen.points[there], axis=-1) < BESIDE * seen.z[here]
        found[here] |= near & facing[here] & facing[there] & (dark[here] != dark[there])
    return found


def cast_by_the_seen(seen: View, lamp: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Which pixels `of` (h, w) bool have a shadow whose edge is drawn by something that the camera sees, (h, w) bool.

    From each pixel and its neighbours a ray goes to the lamp. The point that it meets first is projected into the camera, which
    sees it if the depth there is that of the point.
    """
    near = cv2.dilate(of.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    row, column = np.nonzero(near & np.isfinite(seen.z))
    origin = seen.points[row, column] + 2e-3 * (seen.normals[row, column] @ seen.turn.T)
    t, _ = hit(origin, np.broadcast_to(lamp, origin.shape))
    meets = np.isfinite(t)
    point = ((origin + np.where(meets, t, 0)[:, None] * lamp) - np.array(EYE)) @ seen.turn  # (P, 3) in camera space
    height, width = seen.z.shape
    x = np.clip(np.rint(width / 2 - 0.5 - seen.focal * point[:, 0] / point[:, 2]).astype(int), 0, width - 1)
    y = np.clip(np.rint(height / 2 - 0.5 + seen.focal * point[:, 1] / point[:, 2]).astype(int), 0, height - 1)
    around = np.stack([np.roll(seen.z, (dy, dx), (0, 1))[y, x] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])  # (9, P)
    visible = np.zeros(seen.z.shape, np.uint8)
    visible[row, column] = meets & (np.abs(around + point[:, 2]).min(0) < SAME * -point[:, 2])
    return of & (cv2.dilate(visible, np.ones((3, 3), np.uint8)) > 0)
