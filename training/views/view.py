"""What a random camera sees of a scene: shape, surface, and which of many directions are open from every pixel. numpy only.

Camera space: X right, Y up, Z to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .cast import Scene
from .mesh import GROUND, Mesh, random_rotation, unit
from .paint import Paint, log_uniform
from .person import Person

SKY, LAMPS, PER_LAMP = 30, 3, 6
DIRECTIONS = SKY + LAMPS * PER_LAMP  # bits a pixel: 48
LEAST = 0.08  # of the picture that something is seen in
TINY = 4  # fold of the picture that scenes are first looked at in


@dataclass(frozen=True)
class View:
    """One view, S x S pixels, as it is stored.

    `normals` (S, S, 3) int8, 127 for 1; `matte` (S, S) uint8; `part` (S, S) uint8, of `mesh`; `colour` (S, S, 3) uint8,
    the square
    root of reflectance; `roughness`, `metallic` (S, S) uint8; `relief` (S, S) float16, height toward the viewer in
    pictures' sides;
    `open` (S, S, DIRECTIONS / 8) uint8, a bit a direction, little-endian; `directions` (DIRECTIONS, 3) float32, camera
    space, the sky's
    evenly spread, then each lamp's; `pixel` (1,) float32, metres that a pixel spans at the subject.
    """

    normals: np.ndarray
    matte: np.ndarray
    part: np.ndarray
    colour: np.ndarray
    roughness: np.ndarray
    metallic: np.ndarray
    relief: np.ndarray
    open: np.ndarray
    directions: np.ndarray
    pixel: np.ndarray


FIELDS = tuple(f.name for f in fields(View))


@dataclass(frozen=True)
class Camera:
    """`turn` (3, 3): rows are right, up and back in the world; `eye` (3,); `tangent` of half the field of view."""

    turn: np.ndarray
    eye: np.ndarray
    tangent: float

    @classmethod
    def looking(cls, at: np.ndarray, yaw: float, pitch: float, roll: float, half: float, fov: float) -> Camera:
        """A camera that sees `half` metres to each side of `at`; angles in radians, yaw 0 looks along +Y."""
        cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        forward = np.array([-sy * cp, cy * cp, sp])
        right = np.array([cy, sy, 0])
        up = np.cross(right, forward)
        right, up = cr * right + sr * up, cr * up - sr * right
        tangent = np.tan(fov / 2)
        return cls(np.stack([right, up, -forward]), at - forward * half / tangent, tangent)


def person_camera(rng: np.random.Generator, person: Person) -> Camera:
    """From extreme close-up to full figure, mostly from the front, at eye height more or less."""
    kind = rng.choice(["face", "shoulders", "half", "full"], p=[0.38, 0.36, 0.14, 0.12])
    low, high = {"face": (0.085, 0.17), "shoulders": (0.17, 0.36), "half": (0.36, 0.6), "full": (0.7, 1.15)}[str(kind)]
    half = log_uniform(rng, low, high)
    yaw = np.clip(rng.normal(0, 0.6), -1.5, 1.5) if rng.random() < 0.75 else rng.uniform(-1.5, 1.5)
    pitch, roll = np.clip(rng.normal(-0.02, 0.2), -0.6, 0.6), rng.normal(0, 0.09)
    at = person.head.copy()
    if kind == "full":
        at[2] = (person.height[0] + person.height[1]) / 2 + rng.normal(0, 0.1)
    elif kind == "face":
        at += [0, 0, -0.03 + rng.normal(0, 0.25 * half)]
    else:
        at[2] -= (half - 0.1) * rng.uniform(0.3, 1.0)
    at += rng.normal(0, 0.15 * half, 3)
    return Camera.looking(at, yaw, pitch, roll, half, np.deg2rad(log_uniform(rng, 8, 45)))


def scene_camera(rng: np.random.Generator, mesh: Mesh) -> Camera:
    """Things as they are filmed: from level to steep, the whole of them or a part."""
    things = mesh.vertices[np.unique(mesh.faces[mesh.part != GROUND])]
    middle = (things.max(0) + things.min(0)) / 2
    reach = float(np.linalg.norm(things.max(0) - things.min(0))) / 2
    half = reach * log_uniform(rng, 0.45, 1.5)
    at = middle + rng.normal(0, 0.25, 3) * reach * 0.5
    pitch = -np.abs(rng.normal(0.3, 0.3))
    return Camera.looking(
        at, rng.uniform(-0.8, 0.8), max(pitch, -1.3), rng.normal(0, 0.06), half, np.deg2rad(log_uniform(rng, 10, 60))
    )


def look(
    rng: np.random.Generator,
    mesh: Mesh,
    paints: list[Paint],
    camera: Camera,
    size: int,
    *,
    ground: bool,
    scene: Scene | None = None,
) -> View | None:
    """Render a view; None where too little is seen. `ground` puts the ground into the matte."""
    scene = scene or Scene(mesh)
    corners = mesh.corner_normals()
    fine = 2 * size
    hit, rays = _primary(scene, camera, fine)
    seen = hit.face >= 0
    subject = seen & (ground | (mesh.part[hit.face] != GROUND))
    if subject.mean() < LEAST:
        return None
    face, weights = hit.face[seen], hit.weights[seen][..., None]
    normals = unit((corners[face] * weights).sum(1))
    away = (normals * rays[seen]).sum(-1) > 0
    normals = np.where(
        away[:, None], normals - 2 * (normals * rays[seen]).sum(-1, keepdims=True) * rays[seen] * 1.02, normals
    )
    normals = unit(normals)
    facing = np.zeros((fine * fine, 3), np.float32)
    facing[subject] = (normals @ camera.turn.T)[subject[seen]]
    matte = subject.reshape(size, 2, size, 2).mean((1, 3))
    mean = unit(facing.reshape(size, 2, size, 2, 3).sum((1, 3)))
    # Of four samples the first that meets the subject stands for the pixel in everything that cannot be averaged.
    pick = np.arange(fine * fine).reshape(size, 2, size, 2).transpose(0, 2, 1, 3).reshape(size * size, 4)
    chosen = pick[np.arange(size * size), subject[pick].argmax(1)]
    there = subject[chosen]
    row = (np.cumsum(seen) - 1)[chosen[there]]
    positions = camera.eye + rays[seen][row] * hit.distance[seen][row][:, None]
    surface = _painted(mesh, paints, face[row], hit.weights[seen][row])
    directions = _directions(rng)
    bits = _open(scene, positions, normals[row], rays[seen][row], corners[face[row]], directions @ camera.turn)
    depth = -((positions - camera.eye) @ camera.turn[2])
    middle = float(np.exp(np.log(depth).mean()))
    relief = np.log(middle / depth) * 0.5 / camera.tangent

    def picture(values: np.ndarray, kind: type) -> np.ndarray:
        out = np.zeros((size * size, *values.shape[1:]), kind)
        out[there] = values
        return out.reshape(size, size, *values.shape[1:])

    return View(
        np.round(mean * 127).astype(np.int8),
        np.round(matte * 255).astype(np.uint8),
        picture(surface[:, 5], np.uint8),
        picture(np.round(np.sqrt(surface[:, :3]) * 255), np.uint8),
        picture(np.round(surface[:, 3] * 255), np.uint8),
        picture(np.round(surface[:, 4] * 255), np.uint8),
        picture(relief, np.float16),
        picture(np.packbits(bits, axis=1, bitorder="little"), np.uint8),
        directions.astype(np.float32),
        np.array([2 * middle * camera.tangent / size], np.float32),
    )


def people_together(rng: np.random.Generator, people: list[Person]) -> tuple[Mesh, list[Paint], Person]:
    """Up to three persons side by side, and the one that is looked at."""
    from .mesh import join

    meshes, paints = [], []
    for k, person in enumerate(people):
        by = (
            np.array([0.0, 0.0, 0.0])
            if k == 0
            else np.array([(-1) ** k * rng.uniform(0.4, 0.8), rng.normal(0.1, 0.3), rng.normal(0, 0.08)])
        )
        turn = np.eye(3) if k == 0 else _yaw(rng.normal(0, 0.6))
        moved = person.mesh.moved(turn, by)
        meshes.append(
            Mesh(moved.vertices, moved.faces, moved.local, moved.part, moved.item + len(paints), moved.smooth)
        )
        paints += person.paints
    return join(meshes), paints, people[0]


def _primary(scene: Scene, camera: Camera, size: int):
    across = ((np.arange(size) + 0.5) / size * 2 - 1) * camera.tangent
    right, up, back = camera.turn
    rays = -back + right * across[None, :, None] - up * across[:, None, None]
    rays = unit(rays).reshape(-1, 3).astype(np.float32)
    return scene.cast(np.broadcast_to(camera.eye, rays.shape), rays), rays


def _painted(mesh: Mesh, paints: list[Paint], face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N, 6): colour, roughness, metalness and part of points on faces."""
    out = np.zeros((len(face), 6), np.float32)
    local = (mesh.local[mesh.faces[face]] * weights[..., None]).sum(1)
    item, part = mesh.item[face], mesh.part[face]
    for number in np.unique(item):
        here = item == number
        surface = paints[number](local[here].astype(np.float64), part[here])
        out[here, :3] = np.clip(surface.colour, 0, 1)
        out[here, 3], out[here, 4], out[here, 5] = np.clip(surface.roughness, 0, 1), surface.metallic, surface.part
    return out


def _open(
    scene: Scene,
    positions: np.ndarray,
    normals: np.ndarray,
    rays: np.ndarray,
    corners: np.ndarray,
    directions: np.ndarray,
) -> np.ndarray:
    """(N, DIRECTIONS) bool: whether light from each world direction arrives."""
    start = (positions + normals * 1.2e-3 - rays * 4e-4).astype(np.float32)
    out = np.zeros((len(positions), len(directions)), bool)
    for k, direction in enumerate(directions):
        lit = np.flatnonzero(normals @ direction > 0)
        out[lit, k] = ~scene.blocked(start[lit], direction)
    return out


def _directions(rng: np.random.Generator) -> np.ndarray:
    """(DIRECTIONS, 3) camera space: an even sphere, turned at random, and small lamps of several sizes."""
    i = np.arange(SKY) + 0.5
    z, turn = 1 - 2 * i / SKY, i * np.pi * (1 + 5**0.5)
    even = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], -1)
    parts = [even @ random_rotation(rng).T]
    for _ in range(LAMPS):
        toward = unit(unit(rng.normal(size=3) * [1, 0.7, 0.7]) + np.array([0, 0.3, 0.35]))
        parts.append(unit(toward + rng.normal(0, rng.choice([0.02, 0.06, 0.15, 0.28]), (PER_LAMP, 3))))
    return np.concatenate(parts)


def _yaw(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
