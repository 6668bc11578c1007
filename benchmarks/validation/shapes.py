"""Meshes and hair for the validation shots, built in numpy. +Y up, metres or so; faces wind outward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

Points = np.ndarray


@dataclass(frozen=True)
class Mesh:
    """`vertices` (N, 3), `faces` (M, 3) indices, `colours` (N, 3) albedo or None."""

    vertices: Points
    faces: np.ndarray
    colours: Points | None = None

    def moved(
        self, by: tuple[float, float, float] = (0, 0, 0), yaw: float = 0, pitch: float = 0, scale: float = 1
    ) -> Mesh:
        """Scaled, tilted about X, turned about Y (degrees), then moved."""
        return replace(self, vertices=scale * self.vertices @ turn(yaw, pitch).T + np.array(by))

    def painted(self, colours: ArrayLike) -> Mesh:
        """With an albedo a vertex, or one for all."""
        return replace(self, colours=np.clip(np.broadcast_to(colours, self.vertices.shape), 0.01, 0.95))

    def normals(self) -> Points:
        """Smooth vertex normals, weighted by area."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        flat = np.cross(b - a, c - a)
        total = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(total, self.faces[:, corner], flat)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def turn(yaw: float, pitch: float = 0) -> Points:
    """Rotation matrix: about X by `pitch`, then about Y by `yaw`, degrees."""
    y, p = np.radians(yaw), np.radians(pitch)
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    return about_y @ about_x


def sheet(points: Points) -> Mesh:
    """A grid (H, W, 3) of points as a surface; it faces the side from which its rows run down and its columns right.

    A body around Y has rows from top to bottom and columns from +Z toward +X.
    """
    height, width = points.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return Mesh(points.reshape(-1, 3), faces)


def ball(radius: Callable[[Points], Points] | float = 1.0, rows: int = 120) -> Mesh:
    """A sphere, or any star-shaped body by its radius as a function of the direction (..., 3)."""
    theta, phi = np.meshgrid(
        np.linspace(1e-4, np.pi - 1e-4, rows), np.linspace(0, 2 * np.pi, 2 * rows + 1), indexing="ij"
    )
    d = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1)
    size = radius(d)[..., None] if callable(radius) else radius
    return sheet(d * size)


def lathe(profile: list[tuple[float, float]], columns: int = 96, smooth: int = 12) -> Mesh:
    """A body of revolution about Y; `profile` is (radius, height) from top to bottom, joined by `smooth` points a piece."""
    knots = np.array(profile, float)
    t = np.linspace(0, len(knots) - 1, (len(knots) - 1) * smooth + 1)
    r, y = (np.interp(t, np.arange(len(knots)), knots[:, i]) for i in (0, 1))
    phi = np.linspace(0, 2 * np.pi, columns + 1)
    return sheet(
        np.stack(
            [r[:, None] * np.sin(phi), np.broadcast_to(y[:, None], (len(y), len(phi))), r[:, None] * np.cos(phi)], -1
        )
    )


def tube(path: Points, radius: float, columns: int = 24) -> Mesh:
    """A closed tube along a closed path (N, 3)."""
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead, np.roll(ahead, -1, 0) - np.roll(ahead, 1, 0))  # Frenet binormal, which closes with the path
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    out = np.cross(side, ahead)
    angle = np.linspace(0, 2 * np.pi, columns + 1)
    rings = path[:, None] + radius * (np.cos(angle)[:, None] * out[:, None] + np.sin(angle)[:, None] * side[:, None])
    return _outward(
        sheet(np.concatenate([rings, rings[:1]])), path.repeat(columns + 1, 0), path[:1].repeat(columns + 1, 0)
    )


def box(x: float, y: float, z: float) -> Mesh:
    """A box of these sides about the origin, each face a mesh of its own so that its edges stay sharp."""
    vertices, faces = [], []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3] * sign
            w = np.eye(3)[axis] * sign
            face = sheet(
                np.array([[w + i * v - j * u for j in np.linspace(1, -1, 33)] for i in np.linspace(1, -1, 33)])
            )
            faces.append(face.faces + sum(map(len, vertices)))
            vertices.append(face.vertices)
    return Mesh(np.concatenate(vertices) * np.array([x, y, z]) / 2, np.concatenate(faces))


def together(*meshes: Mesh) -> Mesh:
    """Several meshes as one; what is not painted is mid grey."""
    colours = [mesh.painted(0.5).colours if mesh.colours is None else mesh.colours for mesh in meshes]
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=False)]),
        np.concatenate([c for c in colours if c is not None]),
    )


def ripple(points: Points, seed: int, frequency: float) -> Points:
    """Smooth noise of about -1 to 1 at (..., 3) points: a few waves in random directions."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(10, 3)) * frequency
    return np.cos(points @ waves.T + rng.uniform(0, 2 * np.pi, 10)).sum(-1) / 4.5


def bump(d: Points, at: tuple[float, float, float], width: tuple[float, float]) -> Points:
    """A soft bump of height 1 around the direction `at`; `width` is its spread across and up."""
    centre = np.array(at) / np.linalg.norm(at)
    away = d - centre
    return np.exp(-(away[..., 0] ** 2 + away[..., 2] ** 2) / width[0] ** 2 - away[..., 1] ** 2 / width[1] ** 2)


def skull(d: Points) -> Points:
    """Radius of a head that faces +Z, about 1 high."""
    x, y, z = np.moveaxis(d, -1, 0)
    radius = 1 / np.sqrt((x / 0.74) ** 2 + (y / 1.0) ** 2 + (z / 0.86) ** 2)
    jaw = np.clip(-y, 0, 1) ** 1.6
    radius *= 1 - 0.24 * jaw * (np.hypot(x, 0.15) - 0.15) - 0.2 * jaw * np.clip(-z, 0, 1)
    for height, at, width in _FEATURES:
        radius += height * bump(d, at, width)
        if at[0]:
            radius += height * bump(d, (-at[0], at[1], at[2]), width)
    return radius


_FEATURES = (  # height, direction, spread; those off the middle come in pairs
    (0.22, (0, -0.16, 1), (0.085, 0.1)),  # tip of the nose
    (0.12, (0, 0.02, 1), (0.06, 0.16)),  # its bridge
    (0.055, (0.1, -0.19, 1), (0.06, 0.05)),  # nostrils
    (-0.1, (0.3, 0.1, 0.95), (0.13, 0.085)),  # eye sockets
    (0.055, (0.28, 0.26, 0.93), (0.2, 0.055)),  # brow
    (0.045, (0.42, -0.13, 0.88), (0.18, 0.14)),  # cheeks
    (0.07, (0, -0.4, 0.93), (0.17, 0.04)),  # upper lip
    (0.075, (0, -0.49, 0.9), (0.14, 0.045)),  # lower lip
    (-0.035, (0, -0.445, 0.91), (0.17, 0.016)),  # between them
    (-0.04, (0, -0.57, 0.85), (0.16, 0.05)),  # under them
    (0.09, (0, -0.72, 0.76), (0.2, 0.12)),  # chin
    (-0.03, (0.75, 0.2, 0.6), (0.15, 0.25)),  # temples
)


def head() -> Mesh:
    """A head that faces +Z with ears, neck and shoulders, skin painted."""
    face = ball(skull, 150)
    d = face.vertices / np.linalg.norm(face.vertices, axis=1, keepdims=True)
    skin = np.array([0.58, 0.36, 0.26]) * (1 + 0.05 * ripple(d, 1, 9)[:, None] + 0.04 * ripple(d, 2, 40)[:, None])
    blush = bump(d, (0.45, -0.18, 0.85), (0.22, 0.16)) + bump(d, (-0.45, -0.18, 0.85), (0.22, 0.16))
    blush += 0.8 * bump(d, (0, -0.17, 1), (0.1, 0.09))
    lips = bump(d, (0, -0.445, 0.91), (0.16, 0.065))
    skin = _blend(skin, (0.6, 0.26, 0.19), 0.6 * blush)
    skin = _blend(skin, (0.47, 0.16, 0.14), np.clip(1.6 * lips - 0.3, 0, 1))
    brows = sum(bump(d, (s * 0.3, 0.265, 0.9), (0.16, 0.022)) for s in (-1, 1))
    skin = _blend(skin, (0.1, 0.06, 0.04), np.clip(1.8 * brows - 0.4, 0, 1))
    scalp = np.clip((hairline(d) + 0.1) * 8, 0, 1)
    face = face.painted(_blend(skin, (0.12, 0.075, 0.045), 0.9 * scalp))
    ear = ball(lambda d: 1 + 0.25 * np.sin(7 * d[..., 1] + 1), 40).painted((0.56, 0.32, 0.24))
    ear = replace(ear, vertices=ear.vertices * (0.06, 0.19, 0.12))
    ears = [ear.moved((side * 0.72, -0.02, -0.05), yaw=-25 * side) for side in (-1, 1)]
    neck = lathe([(0.4, -0.45), (0.37, -0.8), (0.39, -1.05), (0.5, -1.3), (0.8, -1.5)]).moved((0, 0, -0.12))
    return together(face, *ears, neck.painted((0.55, 0.34, 0.25)))


def eyes() -> Mesh:
    """Two eyes for `head`, looking along +Z."""
    eye = ball(1.0, 48)
    forward = eye.vertices[:, 2]
    white = np.broadcast_to(np.array([0.8, 0.77, 0.74]), eye.vertices.shape)
    paint = _blend(
        _blend(white, (0.2, 0.13, 0.07), (forward > 0.86) * 1.0), (0.012, 0.01, 0.01), (forward > 0.96) * 1.0
    )
    eye = eye.painted(paint)
    return together(*(eye.moved((s * 0.255, 0.085, 0.665), scale=0.112) for s in (-1, 1)))


def hairline(d: Points) -> Points:
    """Above zero where hair grows, for directions on `head`."""
    return d[..., 1] - 0.42 - 0.75 * np.clip(d[..., 2], -0.9, 1) + 0.25 * np.abs(d[..., 0]) * (d[..., 2] > 0)


def strands(count: int, seed: int) -> Points:
    """Hair for `head`: (count, 7, 3) control points that leave the scalp, fall and curl."""
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(count * 6, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    d = d[hairline(d) > 0][:count]
    root = d * skull(d)[:, None]
    step = rng.uniform(0.08, 0.14, (len(d), 1))
    heading = d + 0.25 * rng.normal(size=d.shape) + np.array([0.25, 0, 0])
    points = [root - 0.02 * d, root]
    for _ in range(5):
        heading = (
            heading / np.linalg.norm(heading, axis=1, keepdims=True)
            + (0, -0.5, -0.12)
            + 0.12 * rng.normal(size=d.shape)
        )
        ahead = points[-1] + step * heading / np.linalg.norm(heading, axis=1, keepdims=True)
        away = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
        least = skull(away)[:, None] + rng.uniform(0.02, 0.14, (len(d), 1))
        points.append(np.where(np.linalg.norm(ahead, axis=1, keepdims=True) < least, away * least, ahead))
    return np.stack(points, 1)


def shirt() -> Mesh:
    """Shoulders under `head`, in a knitted blue."""
    body = lathe([(0.42, -1.18), (0.5, -1.22), (0.95, -1.5), (1.25, -1.85), (1.3, -2.6)], smooth=24)
    flat = replace(body, vertices=body.vertices * (1.25, 1, 0.72)).moved((0, 0, -0.15))
    knit = 0.8 + 0.2 * np.sin(70 * flat.vertices[:, :1] + 3 * np.sin(60 * flat.vertices[:, 1:2]))
    return flat.painted(np.array([0.1, 0.16, 0.3]) * knit)


def cloth(phase: float, rows: int = 220) -> Mesh:
    """A plaid cloth that hangs in folds and waves, 3 wide and 2.6 high, facing +Z."""
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, rows), indexing="ij")
    loose = 0.25 + 0.75 * v
    folds = 0.17 * np.sin(2 * np.pi * (3.4 * u + 0.2 * np.sin(3 * v + phase)) + phase) + 0.07 * np.sin(
        2 * np.pi * (7.1 * u - 0.7 * v) + 1.7 * phase
    )
    swing = 0.16 * np.sin(3.1 * v - 1.4 * phase + 2 * u) * v
    x = (u - 0.5) * (3 - 0.5 * v) + 0.05 * np.cos(2 * np.pi * 3.4 * u + phase) * loose
    hung = sheet(np.stack([x, 1.3 - 2.6 * v + 0.1 * np.sin(np.pi * 6 * u) * (1 - v), loose * folds + swing], -1))
    across, down = (np.clip(3 * np.sin(2 * np.pi * 9 * t) - 0.6, 0, 1).reshape(-1, 1) for t in (u, v))
    weave = 1 + 0.1 * (np.sin(2 * np.pi * 90 * u) * np.sin(2 * np.pi * 80 * v)).reshape(-1, 1)
    base = np.array([0.5, 0.1, 0.08]) * (1 - 0.75 * across) + np.array([0.05, 0.08, 0.05]) * across
    return hung.painted((base * (1 - 0.6 * down) + np.array([0.6, 0.55, 0.4]) * 0.6 * down) * weave)


def draped(phase: float, rows: int = 200) -> Mesh:
    """A pale cloth thrown over a ball on the ground at y = 0, radius about 1.5."""
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, 2 * rows), indexing="ij")
    folds = np.cos(9 * u + 0.4 * phase) + 0.5 * np.cos(14 * u + 1 + 0.6 * phase)
    reach = np.clip((v - 0.25) / 0.75, 0, 1)
    radius = 1.25 * np.sin(np.minimum(v * 1.9, np.pi / 2)) * 0.8 + 0.35 * reach**2 + 0.085 * folds * reach
    height = np.maximum(np.cos(v * 1.9) * 0.95 + 0.5 - 0.75 * reach**3, 0.02 + 0.03 * (1 + folds) * reach)
    points = np.stack([radius * np.sin(u), height, radius * np.cos(u)], -1)
    mesh = sheet(points)
    dots = (np.sin(11 * u) * np.sin(16 * np.pi * v) > 0.75).reshape(-1, 1)
    return mesh.painted(np.where(dots, (0.16, 0.24, 0.42), (0.66, 0.6, 0.5)))


def knot(p: int = 2, q: int = 3, radius: float = 0.24) -> Mesh:
    """A torus knot about Y."""
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    r = 1 + 0.42 * np.cos(q * t)
    return tube(np.stack([r * np.cos(p * t), 0.42 * np.sin(q * t) * 1.3, r * np.sin(p * t)], -1), radius)


def _blend(a: Points, b: tuple[float, float, float], weight: Points) -> Points:
    w = np.clip(weight, 0, 1)[:, None]
    return a * (1 - w) + np.array(b) * w


def _outward(mesh: Mesh, path: Points, closing: Points) -> Mesh:
    """Wind the faces of a tube away from its path."""
    centre = np.concatenate([path, closing])
    if np.mean(np.sum(mesh.normals() * (mesh.vertices - centre), axis=1)) < 0:
        return replace(mesh, faces=mesh.faces[:, ::-1])
    return mesh
