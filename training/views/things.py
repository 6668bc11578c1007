"""Things: turned, boxed, blown, carved, knotted and draped shapes, alone or together on a ground. numpy only.

Sizes are metres. `RandomShapes` adds the thousand shapes of `pybullet_data/random_urdfs` (zlib licence) where they were
unpacked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .mesh import CLOTH, GROUND, THING, Mesh, grid, join, random_rotation
from .paint import Paint, log_uniform, ramp, thing_paint, waves
from .person import sphere, tube

ROOM = 0.35  # chance of walls behind things that stand on a ground


def make_thing(rng: np.random.Generator, shapes: list[Mesh]) -> Mesh:
    """One shape of about unit size about the origin, standing with its lowest point at z = 0."""
    makers = [_turned, _box, _blob, _superquadric, _knot, _prism, _heap, _sheet, _cylinder]
    chances = np.array([0.2, 0.11, 0.13, 0.13, 0.08, 0.1, 0.08, 0.09, 0.08])
    if shapes and rng.random() < 0.2:
        mesh = shapes[int(rng.integers(len(shapes)))]
    else:
        mesh = makers[int(rng.choice(len(makers), p=chances))](rng)
    if mesh.part[0] != CLOTH and rng.random() < 0.3:
        mesh = mesh.moved(random_rotation(rng), np.zeros(3))
    v = mesh.vertices - (mesh.vertices.max(0) + mesh.vertices.min(0)) / 2
    v = v / max(float(np.abs(v).max()) * 2, 1e-6)
    v[:, 2] -= v[:, 2].min()
    return Mesh(v.astype(np.float32), mesh.faces, v.astype(np.float32), mesh.part, mesh.item, mesh.smooth)


def make_scene(rng: np.random.Generator, shapes: list[Mesh]) -> tuple[Mesh, list[Paint]]:
    """Things on a ground, sometimes against walls, sometimes one thing alone in the air."""
    count = int(rng.choice([1, 2, 3, 4, 6], p=[0.34, 0.22, 0.18, 0.14, 0.12]))
    placed: list[tuple[np.ndarray, float]] = []
    meshes, paints = [], []
    for _ in range(count):
        size = 1.0 if not placed else log_uniform(rng, 0.25, 1.1)
        mesh = make_thing(rng, shapes)
        for _try in range(20):
            at = np.append(rng.normal(0, 0.25 + 0.35 * len(placed) ** 0.5, 2) if placed else np.zeros(2), 0)
            if all(np.linalg.norm((at - p)[:2]) > 0.42 * (size + s) for p, s in placed):
                break
        turn = _about_z(rng.uniform(0, 2 * np.pi))
        meshes.append(mesh.moved(turn, at, size).numbered(len(paints)))
        paints.append(thing_paint(rng, 0.7))
        placed.append((at, size))
    if rng.random() < 0.72:
        for mesh in _ground(rng, max(np.linalg.norm(p) + s for p, s in placed)):
            meshes.append(mesh.numbered(len(paints)))
            paints.append(thing_paint(rng, rng.choice([0.3, 1.0, 2.5])))
    return join(meshes), paints


def _ground(rng: np.random.Generator, reach: float) -> list[Mesh]:
    """A floor or table, and sometimes walls in the back."""
    half = reach * rng.uniform(1.2, 5)
    side = np.linspace(-half, half, 60)
    x, y = np.meshgrid(side, side)
    flat = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
    rough = rng.choice([0, 0.004, 0.02], p=[0.6, 0.25, 0.15])
    flat[:, 2] -= np.abs(rough * waves(rng, flat, 0.5, 4, 8)) * ramp(np.linalg.norm(flat[:, :2], axis=-1), 0, 0.6)
    meshes = [Mesh.of(flat, grid(60, 60, closed=False), GROUND)]
    if rng.random() < ROOM:
        back = reach * rng.uniform(0.7, 1.5)
        high = np.linspace(0, reach * rng.uniform(0.8, 3), 30)
        x, z = np.meshgrid(side, high)
        wall = np.stack([x, np.full_like(x, back), z], -1).reshape(-1, 3)
        if rng.random() < 0.35:  # a curtain
            wall[:, 1] += (
                0.05
                * reach
                * np.sin(wall[:, 0] * rng.uniform(4, 14) / reach + 0.6 * waves(rng, wall * [1, 0, 0.4], 0.3, 1.5))
            )
        meshes.append(Mesh.of(wall, grid(30, 60, closed=False)[:, ::-1], GROUND))
    return meshes


def _turned(rng: np.random.Generator) -> Mesh:
    """Vases, cups, bottles, bowls, legs: a profile turned on a lathe."""
    knots = int(rng.integers(4, 9))
    z = np.linspace(0, rng.uniform(0.6, 2), knots)
    r = np.abs(rng.normal(0.4, 0.22, knots)) + 0.06
    if rng.random() < 0.5:
        r[0] *= 0.8
    fine = np.linspace(0, 1, 90)
    place = np.linspace(0, 1, knots)
    kind = rng.random()
    if kind < 0.75:
        from scipy.interpolate import PchipInterpolator

        profile = np.stack([PchipInterpolator(place, r)(fine), PchipInterpolator(place, z)(fine)], -1)
    else:
        profile = np.stack([np.interp(fine, place, r), np.interp(fine, place, z)], -1)
    if rng.random() < 0.5:  # hollow: down again inside
        inner = profile[::-1] * [1, 1] - [rng.uniform(0.02, 0.06), 0]
        profile = np.concatenate([profile, inner[inner[:, 0] > 0.02]])
    else:
        profile = np.concatenate([profile, [[0.001, profile[-1, 1]]]])
    profile = np.concatenate([[[0.001, profile[0, 1]]], profile])
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    flutes = 1 + rng.uniform(0, 0.08) * (rng.random() < 0.25) * np.cos(t * rng.integers(5, 20))
    points = np.stack([profile[:, :1] * np.cos(t) * flutes, profile[:, :1] * np.sin(t) * flutes,
                       np.broadcast_to(profile[:, 1:], (len(profile), 72))], -1)  # fmt: skip
    mesh = Mesh.of(points.reshape(-1, 3), grid(len(profile), 72, closed=True), THING, smooth=False)
    if rng.random() < 0.3:
        t = np.linspace(-1.4, 1.4, 40)
        middle, wide = z[-1] * 0.5, z[-1] * rng.uniform(0.2, 0.4)
        path = np.stack([r.mean() + np.cos(t) * wide * rng.uniform(0.6, 1.1), 0 * t, middle + np.sin(t) * wide], -1)
        mesh = join([mesh, Mesh.of(*tube(path, rng.uniform(0.03, 0.08), around=14), THING)])
    return mesh


def _cylinder(rng: np.random.Generator) -> Mesh:
    """Tins, posts, discs and cones."""
    top = rng.choice([1.0, rng.uniform(0.01, 1)], p=[0.6, 0.4])
    high = log_uniform(rng, 0.1, 3)
    profile = np.array([[0.001, 0], *([1, h] for h in (0, 0.03)), [top, high - 0.03], [top, high], [0.001, high]])
    t = np.linspace(0, 2 * np.pi, int(rng.choice([6, 8, 64, 64])), endpoint=False)
    points = np.stack(
        [profile[:, :1] * np.cos(t), profile[:, :1] * np.sin(t), np.broadcast_to(profile[:, 1:], (6, len(t)))], -1
    )
    return Mesh.of(points.reshape(-1, 3), grid(6, len(t), closed=True), THING, smooth=False)


def _box(rng: np.random.Generator) -> Mesh:
    """Boxes with rounded or sharp edges."""
    points, faces = sphere(80, 60)
    sharp = rng.choice([6.0, 12.0, 40.0])
    cube = points / (np.abs(points) ** sharp).sum(-1, keepdims=True) ** (1 / sharp)
    return Mesh.of(cube * np.exp(rng.normal(0, 0.5, 3)), faces, THING, smooth=False)


def _superquadric(rng: np.random.Generator) -> Mesh:
    points, faces = sphere(80, 60)
    power = rng.uniform(1.2, 5)
    shape = points / (np.abs(points) ** power).sum(-1, keepdims=True) ** (1 / power)
    return Mesh.of(shape * np.exp(rng.normal(0, 0.4, 3)), faces, THING)


def _blob(rng: np.random.Generator) -> Mesh:
    """Stones, fruit, clay: a sphere pushed by noise."""
    points, faces = sphere(110, 80)
    low = rng.uniform(0.05, 0.4) * waves(rng, points, 0.3, 0.9, 6) * 0.6
    high = rng.uniform(0, 0.08) * waves(rng, points, 1, 5, 12)
    ridges = -rng.uniform(0, 0.25) * (rng.random() < 0.3) * np.abs(waves(rng, points, 0.5, 2, 8))
    return Mesh.of(
        points * np.maximum(1 + low + high + ridges, 0.2)[:, None] * np.exp(rng.normal(0, 0.25, 3)), faces, THING
    )


def _knot(rng: np.random.Generator) -> Mesh:
    """Rings, knots and bent rods."""
    t = np.linspace(0, 2 * np.pi, 260, endpoint=False)
    p, q = rng.choice([(1, 0), (2, 3), (3, 2), (1, 4), (2, 5)])
    r = 1 + (0.4 * np.cos(q * t) if q else 0)
    path = np.stack([r * np.cos(p * t), r * np.sin(p * t), 0.4 * np.sin(q * t) if q else 0 * t], -1)
    thick = rng.uniform(0.06, 0.3) * (0.6 if q else 1)
    thick = thick * (1 + 0.3 * (rng.random() < 0.3) * np.sin(t * rng.integers(3, 12)))
    return Mesh.of(*tube(path, thick, closed=True, around=28), THING)


def _prism(rng: np.random.Generator) -> Mesh:
    """Extruded polygons, stars and letters' like."""
    corners = int(rng.integers(3, 9))
    t = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(-0.2, 0.2, corners)
    r = rng.uniform(0.35, 1, corners)
    outline = np.stack([r * np.cos(t), r * np.sin(t)], -1)
    high, shrink = log_uniform(rng, 0.15, 2), rng.choice([1.0, rng.uniform(0.1, 1)])
    rings = [np.c_[outline * s, np.full(corners, z)] for s, z in ((1e-3, 0), (1, 0), (shrink, high), (1e-3, high))]
    return Mesh.of(np.concatenate(rings), grid(4, corners, closed=True), THING, smooth=False)


def _heap(rng: np.random.Generator) -> Mesh:
    """Several shapes grown into one."""
    makers = [_box, _superquadric, _blob, _cylinder, _turned]
    parts = []
    for _ in range(int(rng.integers(2, 6))):
        mesh = makers[int(rng.integers(len(makers)))](rng)
        size = float(np.abs(mesh.vertices).max())
        parts.append(mesh.moved(random_rotation(rng), rng.normal(0, 0.4, 3), rng.uniform(0.3, 0.8) / size))
    return join(parts)


def _sheet(rng: np.random.Generator) -> Mesh:
    """Cloth that hangs or lies in folds."""
    side = np.linspace(-1, 1, 130)
    u, v = np.meshgrid(side, side * rng.uniform(0.5, 1.2))
    flat = np.stack([u, v, np.zeros_like(u)], -1).reshape(-1, 3)
    run = rng.uniform(0, np.pi)
    along = np.array([np.cos(run), np.sin(run), 0])
    folds = np.sin(2 * np.pi * rng.uniform(1, 4) * (flat @ along) + 0.8 * waves(rng, flat, 0.2, 0.8, 5))
    depth = rng.uniform(0.03, 0.16) * folds + rng.uniform(0.02, 0.12) * waves(rng, flat, 0.3, 1.5, 8)
    depth += rng.uniform(0, 0.05) * np.abs(waves(rng, flat, 0.8, 3, 8))
    flat[:, 2] = depth
    hang = rng.random() < 0.6
    points = flat[:, [0, 2, 1]] if hang else flat
    faces = grid(130, 130, closed=False)
    return Mesh.of(points, faces[:, ::-1] if hang else faces, CLOTH, local=flat)


def random_shapes(folder: Path) -> list[Mesh]:
    """The shapes of a folder of `random_urdfs` packed by `pack_shapes`; none where it is not there."""
    path = folder / "shapes.npz"
    if not path.exists():
        return []
    with np.load(path) as packed:
        vertices, faces = packed["vertices"], packed["faces"]
        ends_v, ends_f = np.cumsum(packed["vertex_counts"]), np.cumsum(packed["face_counts"])
    parts = zip(np.split(vertices, ends_v[:-1]), np.split(faces, ends_f[:-1]), strict=True)
    return [Mesh.of(v, f, THING, smooth=False) for v, f in parts]


def pack_shapes(source: Path, folder: Path) -> None:
    """Read `random_urdfs/*/*.obj` and keep what the views need of them."""
    vertices, faces = [], []
    for path in sorted(source.glob("*/*.obj")):
        rows = [line.split() for line in path.read_text().splitlines()]
        v = np.array([[float(x) for x in r[1:4]] for r in rows if r and r[0] == "v"], np.float32)
        f = [[int(x.split("/")[0]) - 1 for x in r[1:]] for r in rows if r and r[0] == "f"]
        triangles = np.array([[p[0], p[k], p[k + 1]] for p in f for k in range(1, len(p) - 1)], np.int32)
        if len(v) and len(triangles):
            vertices.append(v)
            faces.append(triangles)
    np.savez_compressed(
        folder / "shapes.npz", vertices=np.concatenate(vertices), faces=np.concatenate(faces),
        vertex_counts=[len(v) for v in vertices], face_counts=[len(f) for f in faces],
    )  # fmt: skip


def _about_z(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
