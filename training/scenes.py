# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Scenes of the light stage, built in Blender from a seed: people, things on a table, cloth, hard surfaces.

A scene is objects, materials and a camera; it has no lights (the stage brings them). Blender's world has +Z up. What
the matte holds has pass index 1, grounds and walls 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy  # isort: skip  # pyright: ignore[reportMissingImports]  (makes the two below importable)
import bmesh  # pyright: ignore[reportMissingImports]
import numpy as np
from mathutils import Matrix, Vector  # pyright: ignore[reportMissingImports]

from . import cloth, heads, materials
from .surfaces import Noise, box, ellipsoid, join, polygonise

SCENE_VERSION = 6
KINDS = {"head": 0.34, "objects": 0.27, "cloth": 0.17, "hard": 0.22}


@dataclass(frozen=True)
class Framing:
    """What the camera should look at: a point, the radius of what matters, and how far to turn and climb (deg)."""

    target: tuple[float, float, float]
    radius: float
    turn: tuple[float, float] = (-180.0, 180.0)
    climb: tuple[float, float] = (-10.0, 40.0)


def mesh_object(
    name: str,
    vertices: np.ndarray,
    faces: np.ndarray,
    material=None,
    tint: np.ndarray | None = None,
    smooth: bool = True,
):
    """A Blender object of a mesh; tint (V, 3) becomes the linear colour attribute `tint`."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    if tint is not None:
        attribute = mesh.color_attributes.new("tint", "FLOAT_COLOR", "POINT")
        attribute.data.foreach_set(
            "color", np.concatenate([tint, np.ones((len(tint), 1))], axis=1).astype(np.float32).ravel()
        )
    mesh.polygons.foreach_set("use_smooth", np.full(len(mesh.polygons), smooth))
    mesh.update()
    return add(name, mesh, material)


def add(name: str, data, material=None, subject: bool = True):
    """Link a datablock as an object of the scene."""
    if material is not None:
        data.materials.append(material)
    thing = bpy.data.objects.new(name, data)
    thing.pass_index = 1 if subject else 0
    bpy.context.scene.collection.objects.link(thing)
    return thing


def strands_object(strands: np.ndarray, radius: float, material):
    """Hair curves from polylines (N, K, 3), tapering to their tips."""
    n, k, _ = strands.shape
    curves = bpy.data.hair_curves.new("strands")
    curves.add_curves([k] * n)
    curves.points.foreach_set("position", strands.astype(np.float32).ravel())
    widths = np.broadcast_to(radius * np.linspace(1.0, 0.35, k), (n, k)).astype(np.float32)
    curves.points.foreach_set("radius", widths.ravel())
    return add("strands", curves, material)


def bounds(things: list) -> tuple[np.ndarray, np.ndarray]:
    """World-space corners (lo, hi) of objects."""
    bpy.context.view_layer.update()
    corners = np.array([thing.matrix_world @ Vector(c) for thing in things for c in thing.bound_box])
    return corners.min(0), corners.max(0)


# --- heads and shoulders -------------------------------------------------------------------------------------------


def _upright(p: np.ndarray) -> np.ndarray:
    """Head space (Y up, Z out of the face) to Blender (Z up, face toward -Y)."""
    return np.stack([p[..., 0], -p[..., 2], p[..., 1]], axis=-1)


def head_scene(rng: np.random.Generator) -> Framing:
    """A person's head and shoulders; now and then a statue's."""
    made = heads.bust(rng)
    statue = materials.surface(rng, str(rng.choice(["metal", "matte", "plastic"])), 1.5) if rng.random() < 0.1 else None
    cloths = [
        materials.surface(rng, str(rng.choice(["fabric", "matte", "plastic"], p=[0.75, 0.2, 0.05])), 2.0)
        for _ in range(4)
    ]
    kinds = {
        "skin": lambda i: materials.skin(rng),
        "eye": lambda i: materials.tinted(rng, 0.25, 1.0),
        "hair": lambda i: hair,
        "cloth": lambda i: cloths[i % len(cloths)],
        "frame": lambda i: materials.surface(rng, str(rng.choice(["metal", "plastic"]))),
    }
    hair = materials.hair(rng, made.hair_colour)
    for i, part in enumerate(made.parts):
        mesh_object(part.name, _upright(part.vertices), part.faces, statue or kinds[part.name](i), part.tint)
    for strands, radius in made.strands:
        strands_object(_upright(strands), radius, statue or hair)
    if rng.random() < 0.15:
        scatter_thin(rng, (0, 0, 0), 2.0)
    close = rng.random()
    if close < 0.35:
        return Framing((float(rng.normal(0, 0.2)), 0, float(rng.normal(-0.1, 0.2))), 1.5, (-60, 60), (-20, 30))
    if close < 0.9:
        return Framing((float(rng.normal(0, 0.3)), 0, float(rng.normal(-0.6, 0.3))), 2.3, (-75, 75), (-20, 30))
    return Framing((0, 0, -1.0), 2.8, (-180, 180), (-20, 40))


# --- things --------------------------------------------------------------------------------------------------------


def _from_bmesh(name: str, build: Callable, smooth: bool):
    mesh, bm = bpy.data.meshes.new(name), bmesh.new()
    build(bm)
    bm.to_mesh(mesh)
    bm.free()
    mesh.polygons.foreach_set("use_smooth", np.full(len(mesh.polygons), smooth))
    return add(name, mesh)


def _bevel(thing, width: float, segments: int = 3) -> None:
    modifier = thing.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments, modifier.limit_method = width, segments, "ANGLE"


def lathe(profile: np.ndarray, segments: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Turn a profile (K, 2) of radius and height about Z."""
    turn = np.arange(segments) / segments * 2 * np.pi
    v = np.stack(
        [profile[:, :1] * np.cos(turn), profile[:, :1] * np.sin(turn), np.repeat(profile[:, 1:], segments, 1)], -1
    ).reshape(-1, 3)
    i = np.arange(len(profile) - 1)[:, None] * segments + np.arange(segments)
    j = np.arange(len(profile) - 1)[:, None] * segments + (np.arange(segments) + 1) % segments
    return v, np.stack([i, j, j + segments, i + segments], -1).reshape(-1, 4)


def smooth_profile(rng: np.random.Generator, height: float, radius: float, knots: int, samples: int = 40) -> np.ndarray:
    """A random outline of a vessel, (K, 2), closed at its foot and turned in at its rim."""
    heights = np.linspace(0, height, knots)
    radii = radius * rng.uniform(0.3, 1.0, knots)
    t = np.linspace(0, 1, samples)
    x = t * (knots - 1)
    i = np.minimum(x.astype(int), knots - 2)
    f = x - i
    f = f * f * (3 - 2 * f) if rng.random() < 0.8 else f
    outer = np.stack([radii[i] * (1 - f) + radii[i + 1] * f, np.interp(x, np.arange(knots), heights)], 1)
    inner = outer[::-1] * np.array([0.88, 1.0]) + np.array([0.0, 0.02])
    return np.concatenate([[[0.0, 0.0]], outer, inner[: samples - 3], [[0.0, inner[samples - 4, 1]]]])


THINGS = [
    *("sphere", "box", "cylinder", "cone", "torus", "monkey", "vessel", "vessel", "blob", "rock", "gear", "text"),
    *("plant", "mug", "chain", "stack", "super", "bottle", "lamp", "frame", "fruit"),
]  # fmt: skip
HEROES = ["monkey", "vessel", "super", "gear", "torus", "text", "chain", "rock", "blob", "bottle", "mug", "box"]
PARTS = ["box", "box", "cylinder", "cylinder", "torus", "gear", "super", "sphere", "cone"]


def make_thing(rng: np.random.Generator, kind: str | None = None) -> list:
    """One thing of about unit size around the origin, as a list of objects without materials."""
    kind = kind or str(rng.choice(THINGS))
    squash = Matrix.Diagonal((*np.exp(rng.normal(0, 0.2, 3)), 1))
    if kind == "sphere":
        things = [
            _from_bmesh(kind, lambda bm: bmesh.ops.create_uvsphere(bm, u_segments=48, v_segments=24, radius=1), True)
        ]
        if rng.random() < 0.5:
            return things
    elif kind == "box":
        size = np.exp(rng.normal(0, 0.45, 3)) * 1.2
        things = [
            _from_bmesh(kind, lambda bm: bmesh.ops.create_cube(bm, size=1, matrix=Matrix.Diagonal((*size, 1))), False)
        ]
        if rng.random() < 0.7:
            _bevel(things[0], float(rng.uniform(0.01, 0.2)))
        return things
    elif kind in ("cylinder", "cone"):
        sides = int(rng.choice([3, 4, 5, 6, 8, 48, 48, 48]))
        top = 1.0 if kind == "cylinder" else float(rng.choice([0.0, 0.3, 0.6]))
        depth = float(np.exp(rng.normal(0.3, 0.5)))
        r = float(rng.uniform(0.3, 1))
        things = [
            _from_bmesh(
                kind,
                lambda bm: bmesh.ops.create_cone(
                    bm, cap_ends=True, segments=sides, radius1=r, radius2=r * top, depth=depth
                ),
                False,
            )
        ]
        if sides == 48:
            things[0].data.polygons.foreach_set("use_smooth", [len(p.vertices) == 4 for p in things[0].data.polygons])
        if rng.random() < 0.6:
            _bevel(things[0], 0.05)
        return things
    elif kind == "torus":
        ring = np.arange(24) / 24 * 2 * np.pi
        r = rng.uniform(0.1, 0.45)
        v, f = lathe(np.stack([1 - r * 0.5 + r * np.cos(np.append(ring, 0)), r * np.sin(np.append(ring, 0))], 1))
        things = [mesh_object(kind, v, f)]
    elif kind == "monkey":
        things = [_from_bmesh(kind, bmesh.ops.create_monkey, True)]
        things[0].modifiers.new("smooth", "SUBSURF").render_levels = 2
        squash = Matrix.Identity(4)
    elif kind in ("vessel", "bottle", "lamp"):
        if kind == "bottle":
            r, neck = rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.2)
            profile = np.array(
                [
                    [0, 0],
                    [r, 0],
                    [r, 1.2],
                    [r * 0.95, 1.35],
                    [neck, 1.75],
                    [neck, 2.2],
                    [neck * 1.25, 2.2],
                    [neck * 1.25, 2.35],
                    [0, 2.35],
                ]
            )
            fine = np.interp(np.linspace(0, len(profile) - 1, 64), np.arange(len(profile)), profile[:, 0])
            profile = np.stack(
                [fine, np.interp(np.linspace(0, len(profile) - 1, 64), np.arange(len(profile)), profile[:, 1])], 1
            )
        elif kind == "lamp":
            profile = np.array(
                [
                    [0, 0],
                    [0.5, 0],
                    [0.5, 0.08],
                    [0.06, 0.12],
                    [0.06, 1.4],
                    [0.7, 1.3],
                    [0.4, 2.0],
                    [0.38, 2.0],
                    [0.68, 1.3],
                ]
            )
        else:
            profile = smooth_profile(
                rng, float(rng.uniform(0.7, 2.2)), float(rng.uniform(0.4, 1.1)), int(rng.integers(3, 8))
            )
        things = [mesh_object(kind, *lathe(profile))]
        squash = Matrix.Identity(4)
    elif kind in ("blob", "fruit"):
        centres, radii = rng.normal(0, 0.45, (int(rng.integers(2, 7)), 3)), rng.uniform(0.25, 0.6, 7)
        noise, rough = Noise(rng, 2.0, 2), rng.uniform(0, 0.12)

        def shape(p: np.ndarray) -> np.ndarray:
            d = ellipsoid(p, centres[0], (radii[0],) * 3)
            for c, r in zip(centres[1:], radii[1:], strict=False):
                d = join(d, ellipsoid(p, c, np.exp(rng.normal(0, 0.0, 3)) * r), 0.25)
            return d + rough * noise(p)

        things = [mesh_object(kind, *polygonise(shape, (-1.9,) * 3, (1.9,) * 3, 0.08))]
        squash = Matrix.Identity(4)
    elif kind == "rock":
        noise, facets = Noise(rng, 1.2, 4, 0.5), rng.normal(0, 1, (14, 3))
        facets /= np.linalg.norm(facets, axis=1, keepdims=True)

        def rock(p: np.ndarray) -> np.ndarray:
            return np.maximum(
                np.max(p @ facets.T.astype(np.float32), -1) - 0.75, ellipsoid(p, (0, 0, 0), (1, 1, 1))
            ) + 0.12 * noise(p)

        things = [mesh_object(kind, *polygonise(rock, (-1.3,) * 3, (1.3,) * 3, 0.06), smooth=rng.random() < 0.5)]
    elif kind == "gear":
        teeth, depth = int(rng.integers(8, 24)), rng.uniform(0.1, 0.4)
        turn = np.arange(teeth * 4) / (teeth * 4) * 2 * np.pi
        radius = np.where(np.arange(teeth * 4) % 4 < 2, 1.0, rng.uniform(0.75, 0.9))
        rim = np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)
        hub = np.stack([0.3 * np.cos(turn), 0.3 * np.sin(turn)], 1)
        n = len(turn)
        v = np.concatenate(
            [np.c_[r, np.full(n, z)] for r, z in ((rim, -depth), (rim, depth), (hub, depth), (hub, -depth))]
        )
        i, j = np.arange(n), (np.arange(n) + 1) % n
        f = np.concatenate(
            [np.stack([i + a * n, j + a * n, j + b * n, i + b * n], 1) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
        )
        things = [mesh_object(kind, v, f, smooth=False)]
        _bevel(things[0], 0.02, 2)
        return things
    elif kind == "text":
        curve = bpy.data.curves.new(kind, "FONT")
        curve.body = "".join(chr(c) for c in rng.integers(65, 91, int(rng.integers(1, 4))))
        curve.extrude, curve.bevel_depth, curve.size = float(rng.uniform(0.05, 0.3)), float(rng.uniform(0, 0.04)), 1.4
        curve.align_x = "CENTER"
        things = [add(kind, curve)]
        things[0].rotation_euler = (np.pi / 2, 0, 0)
        return things
    elif kind == "plant":
        return _plant(rng)
    elif kind == "mug":
        r, h = rng.uniform(0.4, 0.6), rng.uniform(0.8, 1.3)
        profile = np.array([[0, 0], [r * 0.95, 0], [r, 0.06], [r, h], [r * 0.9, h], [r * 0.9, 0.1], [0, 0.08]])
        cup = mesh_object(kind, *lathe(profile))
        _bevel(cup, 0.02, 2)
        ring = np.linspace(-1.7, 1.7, 24)
        handle = rod(np.stack([r * 0.95 + 0.3 * np.cos(ring), 0 * ring, h * 0.5 + 0.32 * np.sin(ring)], 1), 0.06)
        return [cup, handle]
    elif kind == "chain":
        things = []
        for i in range(int(rng.integers(3, 7))):
            a = np.linspace(0, 2 * np.pi, 25)
            link = np.stack(
                [0.35 * np.cos(a) + 0.45 * i, 0.22 * np.sin(a) * (i % 2), 0.22 * np.sin(a) * (1 - i % 2) + 0.25], 1
            )
            things.append(rod(link - np.array([0.8, 0, 0]), 0.06))
        return things
    elif kind == "stack":
        things, z = [], 0.0
        for _ in range(int(rng.integers(2, 7))):
            size = np.array([rng.uniform(0.8, 1.5), rng.uniform(0.6, 1.1), rng.uniform(0.08, 0.3)])
            m = (
                Matrix.Translation((*rng.normal(0, 0.06, 2), z + size[2] / 2))
                @ Matrix.Rotation(rng.normal(0, 0.3), 4, "Z")
                @ Matrix.Diagonal((*size, 1))
            )
            things.append(_from_bmesh(kind, lambda bm, m=m: bmesh.ops.create_cube(bm, size=1, matrix=m), False))
            _bevel(things[-1], 0.02, 2)
            z += size[2]
        return things
    elif kind == "frame":
        a = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1], [-1, 0, -1]], float) * rng.uniform(0.5, 1, 3)
        things = [rod(a, float(rng.uniform(0.02, 0.08)), cyclic=False)]
        return things
    else:  # superquadric
        e = rng.choice([0.3, 0.5, 1.0, 1.6], 2)
        u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 49)[:-1], np.linspace(-np.pi / 2, np.pi / 2, 32), indexing="xy")

        def power(x: np.ndarray, k: float) -> np.ndarray:
            return np.sign(x) * np.abs(x) ** k

        p = np.stack(
            [
                power(np.cos(v), e[0]) * power(np.cos(u), e[1]),
                power(np.cos(v), e[0]) * power(np.sin(u), e[1]),
                power(np.sin(v), e[0]),
            ],
            -1,
        )
        i = np.arange(31)[:, None] * 48 + np.arange(48)
        j = np.arange(31)[:, None] * 48 + (np.arange(48) + 1) % 48
        things = [mesh_object(kind, p.reshape(-1, 3), np.stack([i, j, j + 48, i + 48], -1).reshape(-1, 4))]
    for thing in things:
        thing.matrix_world = squash
    return things


def rod(points: np.ndarray, radius: float, cyclic: bool = False):
    """A round wire along points (K, 3)."""
    curve = bpy.data.curves.new("rod", "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution, curve.use_fill_caps = "3D", radius, 3, True
    spline = curve.splines.new("POLY")
    spline.points.add(len(points) - 1)
    spline.points.foreach_set("co", np.c_[points, np.ones(len(points))].astype(np.float32).ravel())
    spline.use_cyclic_u, spline.use_smooth = cyclic, True
    return add("rod", curve)


def _plant(rng: np.random.Generator) -> list:
    """Stems with leaves: thin things that cast broken shadows."""
    leaf_v, leaf_f, things = [], [], []
    for _ in range(int(rng.integers(2, 7))):
        lean, height = rng.normal(0, 0.45, 2), rng.uniform(0.8, 2.0)
        t = np.linspace(0, 1, 10)
        stem = np.stack([lean[0] * t**2, lean[1] * t**2, height * t], 1)
        things.append(rod(stem, float(rng.uniform(0.01, 0.03))))
        for _ in range(int(rng.integers(3, 9))):
            at, size, a = stem[rng.integers(3, 10)], rng.uniform(0.2, 0.6), rng.uniform(0, 2 * np.pi)
            u = np.linspace(0, 1, 6)
            width = 0.3 * np.sin(np.pi * u) ** 0.8
            droop = rng.uniform(-0.8, 0.8)
            d, s = np.array([np.cos(a), np.sin(a), rng.uniform(-0.2, 0.7)]), np.array([-np.sin(a), np.cos(a), 0])
            mid = at + size * (u[:, None] * d + np.outer(u**2, [0, 0, -droop]))
            base = sum(len(x) for x in leaf_v)
            fold = np.array([0, 0, 0.25]) * size
            leaf_v.append(
                np.concatenate(
                    [
                        mid - np.outer(width * size, s) + np.outer(width, fold),
                        mid,
                        mid + np.outer(width * size, s) + np.outer(width, fold),
                    ]
                )
            )
            i = np.arange(5)
            leaf_f += [
                np.stack([base + i + 6 * k, base + i + 1 + 6 * k, base + i + 7 + 6 * k, base + i + 6 + 6 * k], 1)
                for k in (0, 1)
            ]
    leaves = mesh_object("leaves", np.concatenate(leaf_v), np.concatenate(leaf_f))
    leaves.data.materials.append(materials.surface(rng, "leaf"))
    return [*things, leaves]


def scatter_thin(rng: np.random.Generator, centre, radius: float) -> list:
    """Rods, wires and twigs across a region."""
    things = []
    material = materials.surface(rng)
    for _ in range(int(rng.integers(1, 5))):
        a, b = (np.asarray(centre) + rng.normal(0, radius, 3) for _ in range(2))
        t = np.linspace(0, 1, 12)[:, None]
        bend = rng.normal(0, 0.25 * radius, 3) * np.sin(np.pi * t)
        wire = rod(a + (b - a) * t + bend, radius * float(rng.uniform(0.004, 0.03)))
        wire.data.materials.append(material)
        things.append(wire)
    return things


def dress(rng: np.random.Generator, things: list, kind: str = "any", scale: float = 2.5) -> None:
    """Give every thing without a material one, often the same for all parts."""
    shared = materials.surface(rng, kind, scale)
    for thing in things:
        if not thing.data.materials:
            thing.data.materials.append(shared if rng.random() < 0.7 else materials.surface(rng, kind, scale))


def place(things: list, at, size: float, turn: np.ndarray) -> None:
    """Scale things together to a size, turn them, and stand them on a point."""
    lo, hi = bounds(things)
    scale = size / max(float((hi - lo).max()), 1e-6)
    spin = Matrix.Rotation(turn[2], 4, "Z") @ Matrix.Rotation(turn[1], 4, "Y") @ Matrix.Rotation(turn[0], 4, "X")
    fit = spin @ Matrix.Scale(scale, 4) @ Matrix.Translation(-Vector((lo + hi) / 2))
    for thing in things:
        thing.matrix_world = fit @ thing.matrix_world
    lo, _ = bounds(things)
    for thing in things:
        thing.matrix_world = Matrix.Translation(Vector(at) - Vector((0, 0, lo[2]))) @ thing.matrix_world


def ground(rng: np.random.Generator, size: float) -> None:
    """A floor or a table top, flat or uneven, with a wall behind at times."""
    material = materials.surface(rng, "ground", float(rng.uniform(0.4, 2.0)))
    if rng.random() < 0.7:
        corner = size * (1.0 if rng.random() < 0.7 else 0.2)
        v = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * corner
        thing = mesh_object("ground", v, np.array([[0, 1, 2, 3]]), material, smooth=False)
        if corner < size:
            edge = thing.modifiers.new("thick", "SOLIDIFY")
            edge.thickness, edge.offset = 0.12 * corner, -1.0
            _bevel(thing, 0.02 * corner)
    else:
        n = 96
        t = np.linspace(-1, 1, n) * size * 0.5
        x, y = np.meshgrid(t, t, indexing="ij")
        p = np.stack([x, y, 0 * x], -1).astype(np.float32)
        p[..., 2] = Noise(rng, float(rng.uniform(0.15, 0.8)), 3)(p) * float(rng.uniform(0.02, 0.15))
        p[..., 2] -= p[..., 2].max() * 0.5
        thing = mesh_object("ground", p.reshape(-1, 3), cloth.grid_faces(n, n)[:, ::-1], material)
    thing.pass_index = 0
    if rng.random() < 0.25:
        wall = mesh_object("wall", np.array([[-1, 0, -0.1], [1, 0, -0.1], [1, 0, 1.2], [-1, 0, 1.2]]) * size,
                           np.array([[0, 1, 2, 3]]), materials.surface(rng, "ground", 0.8), smooth=False)  # fmt: skip
        wall.pass_index = 0
        wall.matrix_world = Matrix.Rotation(rng.uniform(-0.6, 0.6), 4, "Z") @ Matrix.Translation(
            (0, float(rng.uniform(2.5, 4)), 0)
        )


def objects_scene(rng: np.random.Generator) -> Framing:
    """Several things on a ground or a table."""
    count, placed = int(rng.integers(2, 9)), []
    for _ in range(count):
        size = float(np.exp(rng.normal(0.1, 0.45)))
        for _ in range(20):
            at = rng.normal(0, 1.0, 2)
            if all(np.linalg.norm(at - other) > 0.42 * (size + reach) for other, reach in placed):
                break
        else:
            continue
        placed.append((at, size))
        things = make_thing(rng)
        upright = rng.random() < 0.65
        turn = np.array([0, 0, rng.uniform(0, 6.28)]) if upright else rng.uniform(0, 6.28, 3)
        dress(rng, things)
        place(things, (*at, 0.0), size, turn)
        if rng.random() < 0.15:
            _, hi = bounds(things)
            top = make_thing(rng)
            dress(rng, top)
            place(top, (*at, hi[2] - 0.02), size * 0.5, np.array([0, 0, rng.uniform(0, 6.28)]))
    if rng.random() < 0.35:
        scatter_thin(rng, (0, 0, 0.7), 1.3)
    ground(rng, float(rng.uniform(8, 30)))
    wall = any(o.name.startswith("wall") for o in bpy.data.objects)
    return Framing((*rng.normal(0, 0.3, 2).tolist(), 0.5), 2.0, (-40, 40) if wall else (-180, 180), (5, 60))


def cloth_scene(rng: np.random.Generator) -> Framing:
    """A draped, hanging or crumpled sheet, with or without what it lies on."""
    kind = str(rng.choice(["drape", "hang", "relief"], p=[0.45, 0.3, 0.25]))
    material = materials.surface(
        rng, str(rng.choice(["fabric", "matte", "plastic", "metal"], p=[0.7, 0.12, 0.1, 0.08])), 1.5
    )
    n = 56
    if kind == "drape":
        shapes = [
            (rng.normal(0, 0.6, 2), rng.uniform((0.2, 0.2, 0.3), (0.75, 0.75, 0.9)), rng.random() < 0.5)
            for _ in range(int(rng.integers(1, 5)))
        ]

        def obstacle(p: np.ndarray) -> np.ndarray:
            d = p[..., 2]
            for at, r, boxy in shapes:
                centre = (*at, r[2])
                d = np.minimum(d, box(p, centre, r, 0.1) if boxy else ellipsoid(p, centre, r))
            return d

        sheet = cloth.flat_sheet(rng, n, float(rng.uniform(2.4, 4.4)), 2 * max(r[2] for _, r, _ in shapes) + 0.1)
        p = cloth.drape(rng, obstacle, sheet, np.zeros((n, n), bool))
        framing = Framing((0, 0, 0.6), 1.8, climb=(5, 60))
    elif kind == "hang":
        sheet, pinned = cloth.hanging_sheet(rng, n, float(rng.uniform(2.5, 4.0)))
        ball = (*rng.normal(0, 0.5, 2), rng.normal(0, 0.5))

        def obstacle(p: np.ndarray) -> np.ndarray:
            return ellipsoid(p, ball, (0.5, 0.5, 0.5))

        p = cloth.drape(rng, obstacle, sheet, pinned, 60)
        framing = Framing((0, 0, 0), 1.9, climb=(-30, 35))
    else:
        p = cloth.crumpled(rng, 110, 4.0)
        n = 110
        framing = Framing((0, 0, 0), float(rng.uniform(0.9, 1.7)), climb=(15, 80))
    sheet = mesh_object("sheet", p.reshape(-1, 3), cloth.grid_faces(n, n), material)
    if kind != "relief":
        sheet.modifiers.new("smooth", "SUBSURF").render_levels = 1
    if kind != "relief":  # look at where it came to rest
        lo, hi = bounds([sheet])
        framing = Framing(tuple((0.5 * (lo + hi)).tolist()), float((hi - lo).max()) * 0.45, climb=framing.climb)
    if rng.random() < 0.5:
        modifier = sheet.modifiers.new("thick", "SOLIDIFY")
        modifier.thickness = 0.02
    if kind == "drape" and rng.random() < 0.75:
        ground(rng, 12.0)
    if rng.random() < 0.4:
        things = make_thing(rng)
        dress(rng, things)
        place(
            things, (*(rng.normal(0, 1.0, 2)), 0.0), float(rng.uniform(0.5, 1.0)), np.array([0, 0, rng.uniform(0, 6)])
        )
    return framing


def hard_scene(rng: np.random.Generator) -> Framing:
    """One hard thing seen close, or an assembly of parts; metal or glossy half the time."""
    glossy = str(rng.choice(["metal", "plastic", "any"], p=[0.35, 0.25, 0.4]))
    if rng.random() < 0.5:
        things = make_thing(rng, str(rng.choice(HEROES)))
        dress(rng, things, glossy)
        place(things, (0, 0, -1.2), 2.4, rng.uniform(0, 6.28, 3))
        radius = 1.35
    else:
        for _ in range(int(rng.integers(5, 16))):  # an assembly
            part = make_thing(rng, str(rng.choice(PARTS)))
            dress(rng, part, glossy)
            place(
                part,
                rng.normal(0, 0.65, 3) - np.array([0, 0, 0.4]),
                float(rng.uniform(0.4, 1.5)),
                rng.integers(0, 4, 3) * np.pi / 2,
            )
        radius = 1.7
    if rng.random() < 0.4:
        scatter_thin(rng, (0, 0, 0), 1.2)
    if rng.random() < 0.3:
        lo, _ = bounds([o for o in bpy.data.objects if o.type in ("MESH", "CURVE", "FONT")])
        before = set(bpy.data.objects)
        ground(rng, 10.0)
        for thing in set(bpy.data.objects) - before:
            thing.matrix_world = Matrix.Translation((0, 0, max(float(lo[2]), -1.5))) @ thing.matrix_world
        return Framing((0, 0, 0), radius, climb=(5, 50))
    return Framing((0, 0, 0), radius * float(rng.uniform(0.6, 1.1)), climb=(-40, 60))


SCENES = {"head": head_scene, "objects": objects_scene, "cloth": cloth_scene, "hard": hard_scene}


def camera(rng: np.random.Generator, framing: Framing):
    """A perspective camera on the framing: 20 to 60 deg wide, off centre, rolled, at times out of focus or moving."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    eye = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(eye)
    scene.camera = eye
    data.angle = float(np.radians(rng.uniform(20, 60)))
    distance = framing.radius / np.tan(data.angle / 2) * float(rng.uniform(0.65, 1.15))
    turn, climb = np.radians(rng.uniform(*framing.turn)), np.radians(rng.uniform(*framing.climb))
    away = Vector((np.sin(turn) * np.cos(climb), -np.cos(turn) * np.cos(climb), np.sin(climb)))
    target = Vector(framing.target) + Vector(rng.normal(0, 0.12 * framing.radius, 3))
    eye.location = target + away * distance
    roll = float(np.radians(rng.normal(0, 5)))
    eye.rotation_euler = (away.to_track_quat("Z", "Y").to_matrix() @ Matrix.Rotation(roll, 3, "Z")).to_euler()
    data.clip_start, data.clip_end = 0.02, 500.0
    if rng.random() < 0.25:
        data.dof.use_dof = True
        data.dof.focus_distance = distance * float(rng.uniform(0.85, 1.05))
        data.dof.aperture_fstop = float(rng.uniform(0.3, 2.0)) * 0.05 * 50 / distance
    if rng.random() < 0.15:
        scene.render.use_motion_blur = True
        scene.render.motion_blur_shutter = 0.5
        drift = Vector(rng.normal(0, 0.05 * framing.radius, 3))
        here = eye.location.copy()
        for frame, side in ((0, -1), (2, 1)):
            eye.location = here + side * drift
            eye.keyframe_insert("location", frame=frame)
        scene.frame_set(1)
    return eye


def build(seed: int) -> str:
    """Empty the file and build the scene of a seed; returns its kind."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = np.random.default_rng([seed, SCENE_VERSION])
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    camera(rng, SCENES[kind](rng))
    return kind
