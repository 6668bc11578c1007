# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Makes the example plate: a turning bust, a brass vase and a steel ball on a table, path-traced in Cycles.

    python -m venv bpy-venv && bpy-venv/bin/pip install bpy==5.0.1          (Python 3.11)
    bpy-venv/bin/python examples/make_plate.py                              (about a quarter of an hour on two cores)
    bpy-venv/bin/python examples/make_plate.py --env examples/environments/low_sun.exr --frames 1013 --out truth

The world is lit by the map and by nothing else, so with `--env` the same script gives the true answer to a relight.
Everything is modelled in the canonical frame (X right, Y up, Z to the viewer; 1 unit is 10 cm) as signed distances that
are meshed here; only `to_blender` knows Blender's axes. Frames are half RGBA, premultiplied, Linear Rec.709, cropped to
what is in them, with camera-space normals in N.X N.Y N.Z and planar depth in depth.Z (float, in the scene's units, 0 outside).
"""

from __future__ import annotations

# bpy has a Python of its own; nothing else in the repository is installed there.
# pyright: reportMissingImports=false
import argparse
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import OpenImageIO as oiio

HERE = Path(__file__).parent
FIRST, LAST, FPS = 1001, 1024, 24
WIDTH, HEIGHT = 640, 360
FIELD_OF_VIEW_DEG = 40.0
APERTURE_MM = 36.0
CAMERA_DISTANCE = 11.6
CAMERA_HEIGHT = -0.84
NORMAL_LAYER = "Shape"
MANTISSA_BITS, DEPTH_BITS = 8, 11
DEPTH_FINER = 3  # times finer than the plate that depth is rendered; a pixel has the median of what was hit in it
TURN_DEG = (-32.0, 30.0)  # of the head, over the shot; positive towards the camera's right

# Profiles of what is turned on a lathe: radii, then heights above the table.
# fmt: off
VASE = np.stack((
    (0.0, 0.38, 0.40, 0.24, 0.34, 0.58, 0.62, 0.47, 0.24, 0.20, 0.30, 0.36, 0.33, 0.24, 0.15),
    (0.0, 0.00, 0.06, 0.20, 0.45, 0.85, 1.15, 1.50, 1.78, 1.98, 2.16, 2.22, 2.23, 2.12, 1.95),
), axis=-1)
CUP = np.stack((
    (0.0, 0.30, 0.36, 0.42, 0.44, 0.42, 0.39, 0.36, 0.00),
    (0.0, 0.00, 0.05, 0.30, 0.62, 0.65, 0.60, 0.25, 0.12),
), axis=-1)
# fmt: on

Field = Callable[[np.ndarray], np.ndarray]


# ------------------------------------------------------------------------------------- signed distances, points (..., 3)


def ellipsoid(p: np.ndarray, centre, radii) -> np.ndarray:
    radii = np.asarray(radii, np.float32)
    q = (p - np.asarray(centre, np.float32)) / radii
    k0 = np.linalg.norm(q, axis=-1)
    k1 = np.linalg.norm(q / radii, axis=-1)
    return k0 * (k0 - 1.0) / np.maximum(k1, 1e-6)


def capsule(p: np.ndarray, start, end, radius, radius_end=None) -> np.ndarray:
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    axis = end - start
    t = np.clip(((p - start) @ axis) / float(axis @ axis), 0.0, 1.0)
    thick = radius if radius_end is None else radius + t * (radius_end - radius)
    return np.linalg.norm(p - (start + t[..., None] * axis), axis=-1) - thick


def join(a: np.ndarray, b: np.ndarray, smooth: float) -> np.ndarray:
    h = np.clip(0.5 + 0.5 * (b - a) / smooth, 0.0, 1.0)
    return b + h * (a - b) - smooth * h * (1.0 - h)


def cut(a: np.ndarray, b: np.ndarray, smooth: float) -> np.ndarray:
    """a without b."""
    return -join(-a, b, smooth)


def mirrored(p: np.ndarray) -> np.ndarray:
    return np.concatenate((np.abs(p[..., :1]), p[..., 1:]), axis=-1)


EYE = np.array((0.30, 0.03, 0.60), np.float32)
EYE_RADIUS = 0.165


def skin(p: np.ndarray) -> np.ndarray:
    """Head and neck; the chin is at y = -1.1, the crown at 1.15, the tip of the nose at z = 1.1."""
    m = mirrored(p)
    d = ellipsoid(p, (0, 0.30, -0.12), (0.77, 0.83, 0.94))
    d = join(d, ellipsoid(p, (0, -0.12, 0.22), (0.63, 0.84, 0.62)), 0.18)
    d = join(d, ellipsoid(p, (0, -0.66, 0.30), (0.44, 0.40, 0.44)), 0.18)
    d = join(d, ellipsoid(m, (0.28, -0.50, 0.36), (0.27, 0.32, 0.30)), 0.20)  # cheeks
    d = join(d, ellipsoid(p, (0, -0.95, 0.56), (0.20, 0.15, 0.17)), 0.16)
    d = join(d, capsule(m, (0.38, -0.82, 0.30), (0.53, -0.42, -0.02), 0.12, 0.15), 0.22)  # jaw line
    d = join(d, ellipsoid(m, (0.41, -0.20, 0.52), (0.21, 0.16, 0.20)), 0.20)  # cheek bones
    d = join(d, capsule(m, (0.10, 0.23, 0.77), (0.44, 0.25, 0.60), 0.085, 0.07), 0.12)  # brows
    d = cut(d, ellipsoid(m, (0.30, 0.02, 0.88), (0.20, 0.13, 0.20)), 0.12)  # sockets
    lids = np.linalg.norm(m - EYE, axis=-1) - (EYE_RADIUS + 0.036)
    across = (m[..., 0] - EYE[0]) / 0.150
    opening = np.abs(m[..., 1] - EYE[1] + 0.012 - 0.02 * across) - 0.058 * np.sqrt(np.maximum(1.0 - across**2, 0.0))
    lids = cut(lids, np.maximum(opening, EYE[2] - m[..., 2]), 0.015)
    d = join(d, lids, 0.035)
    d = cut(d, np.linalg.norm(m - EYE, axis=-1) - EYE_RADIUS * 0.97, 0.005)
    d = join(d, capsule(p, (0, 0.16, 0.78), (0, -0.29, 1.00), 0.070, 0.105), 0.10)  # nose
    d = join(d, ellipsoid(p, (0, -0.31, 1.00), (0.10, 0.09, 0.10)), 0.05)
    d = join(d, ellipsoid(m, (0.115, -0.345, 0.90), (0.075, 0.070, 0.10)), 0.045)
    d = cut(d, ellipsoid(m, (0.060, -0.415, 0.93), (0.035, 0.040, 0.055)), 0.03)
    curve = 0.16 * m[..., 0] ** 2  # lips follow the teeth
    lips = p + np.stack((np.zeros_like(curve), np.zeros_like(curve), 2.6 * curve), axis=-1)
    d = join(d, ellipsoid(lips, (0, -0.60, 0.78), (0.28, 0.20, 0.11)), 0.16)
    d = join(d, ellipsoid(mirrored(lips), (0.045, -0.575, 0.862), (0.19, 0.036, 0.048)), 0.035)
    d = join(d, ellipsoid(lips, (0, -0.662, 0.852), (0.185, 0.044, 0.056)), 0.04)
    d = cut(d, capsule(mirrored(lips), (0.0, -0.613, 0.922), (0.25, -0.585, 0.890), 0.012), 0.025)
    d = cut(d, ellipsoid(p, (0, -0.79, 0.90), (0.20, 0.05, 0.08)), 0.10)
    ear = m - np.array((0.79, -0.03, -0.10), np.float32)
    turned = ear @ np.array(((0.92, 0, -0.38), (0, 1, 0), (0.38, 0, 0.92)), np.float32)  # flares back by 22 degrees
    shell = ellipsoid(turned, (0, 0.04, 0), (0.075, 0.27, 0.17))
    shell = join(shell, ellipsoid(turned, (-0.01, -0.19, 0.03), (0.06, 0.10, 0.09)), 0.05)
    shell = cut(shell, ellipsoid(turned, (0.075, 0.05, 0.035), (0.065, 0.18, 0.10)), 0.04)
    shell = join(shell, capsule(turned, (0.03, -0.04, -0.03), (0.03, 0.12, -0.02), 0.025), 0.04)
    d = join(d, shell, 0.04)
    d = join(d, capsule(p, (0, -0.75, -0.20), (0, -2.1, -0.36), 0.44, 0.50), 0.22)
    return join(d, capsule(m, (0.46, -0.65, -0.22), (0.10, -1.95, 0.06), 0.08, 0.07), 0.12)  # neck muscles


def hair_cap(p: np.ndarray) -> np.ndarray:
    """The mass of hair under the strands: the skull a little swollen, open at the face."""
    m = mirrored(p)
    d = ellipsoid(p, (0, 0.34, -0.16), (0.80, 0.84, 0.97))
    d = join(d, ellipsoid(p, (0, -0.25, -0.62), (0.60, 0.60, 0.42)), 0.2)
    face = ellipsoid(m, (0.0, -0.22, 0.85), (0.72, 1.02, 0.86))
    sides = ellipsoid(m, (0.9, -0.42, 0.02), (0.42, 0.62, 0.42))
    return cut(cut(d, face, 0.10), sides, 0.12)


def garment(p: np.ndarray) -> np.ndarray:
    """Shoulders in a heavy jumper with a rolled collar, and folds."""
    m = mirrored(p)
    d = capsule(m, (0.0, -2.15, -0.35), (1.30, -2.42, -0.35), 0.46, 0.44)
    d = join(d, ellipsoid(p, (0, -3.3, -0.25), (1.55, 1.55, 0.85)), 0.35)
    d = join(d, capsule(m, (1.42, -2.45, -0.35), (1.78, -4.2, -0.15), 0.44, 0.38), 0.22)
    d = join(d, capsule(m, (0.25, -1.72, -0.36), (0.95, -2.15, -0.36), 0.30, 0.34), 0.25)
    d = join(d, capsule(p, (0, -1.75, -0.28), (0, -2.3, -0.25), 0.62, 0.80), 0.20)
    around, height = np.hypot(p[..., 0], (p[..., 2] + 0.27) * 0.95) - 0.60, p[..., 1] + 1.66 - 0.20 * p[..., 2]
    roll = np.hypot(around, height * 0.55) - 0.130
    roll = roll + 0.012 * np.sin(9.0 * np.arctan2(p[..., 0], p[..., 2]) + 6.0 * p[..., 1])
    folds = 0.020 * np.sin(5.0 * p[..., 0] + 3.0 * p[..., 1] + 2.0 * np.sin(2.3 * p[..., 1] + 1.7 * p[..., 0]))
    folds += 0.012 * np.sin(11.0 * p[..., 1] - 4.0 * m[..., 0] + np.sin(3.0 * p[..., 0]))
    return join(d + folds, roll, 0.06)


def surface_net(field: Field, low, high, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Mesh the zero of a signed distance: vertices (V, 3), quads (Q, 4) facing outwards.

    Naive surface nets (Gibson 1998), one vertex a cell, then two Newton steps onto the surface.
    """
    axes = [np.arange(a, b + step, step, dtype=np.float32) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    value = np.concatenate([field(slab) for slab in np.array_split(grid, 8)]).astype(np.float32)
    inside = value < 0.0
    ends = slice(None, -1), slice(1, None)
    corners = np.stack([inside[i, j, k] for i in ends for j in ends for k in ends])
    active = corners.any(axis=0) & ~corners.all(axis=0)
    index = np.full(active.shape, -1, np.int64)
    index[active] = np.arange(int(active.sum()))
    vertices = np.asarray(low, np.float32) + (np.argwhere(active) + 0.5) * np.float32(step)
    for _ in range(4):
        slope = gradient(field, vertices, 0.25 * step)
        vertices = vertices - np.clip(field(vertices), -step, step)[:, None] * slope
    quads = []
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        first = np.moveaxis(inside, axis, 0)
        change = first[:-1] != first[1:]
        entering = np.moveaxis(first[:-1] & change, 0, axis)
        cells = np.argwhere(np.moveaxis(change, 0, axis))
        cells = cells[(cells[:, a] > 0) & (cells[:, b] > 0)]
        cells = cells[(cells[:, a] < inside.shape[a] - 1) & (cells[:, b] < inside.shape[b] - 1)]
        around = []
        for da, db in ((1, 1), (0, 1), (0, 0), (1, 0)):
            cell = cells.copy()
            cell[:, a] -= da
            cell[:, b] -= db
            around.append(index[tuple(cell.T)])
        quad = np.stack(around, axis=-1)
        outward = entering[tuple(cells.T)]
        quad[~outward] = quad[~outward][:, ::-1]
        quads.append(quad)
    return vertices.astype(np.float32), np.concatenate(quads)


def gradient(field: Field, points: np.ndarray, step: float) -> np.ndarray:
    offsets = np.eye(3, dtype=np.float32) * step
    slope = np.stack([field(points + o) - field(points - o) for o in offsets], axis=-1)
    return slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9)


# -------------------------------------------------------------------------------------------------------------- Blender


def to_blender(points: np.ndarray) -> np.ndarray:
    """Canonical (x, y, z) as Blender's (z, x, y), so that an environment texture needs no mapping."""
    return np.ascontiguousarray(points[..., (2, 0, 1)], np.float32)


def add_mesh(name: str, vertices: np.ndarray, faces: np.ndarray, material, parent=None):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(vertices).tolist(), [], faces.tolist())
    mesh.shade_smooth()
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    thing.parent = parent
    bpy.context.scene.collection.objects.link(thing)
    return thing


def lathe(profile, centre, around: int = 160, smooth: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Turn a profile of (radius, height) about a vertical axis."""
    rough = np.asarray(profile, np.float32)
    t = np.linspace(0, len(rough) - 1, smooth * (len(rough) - 1) + 1)
    low = np.minimum(t.astype(int), len(rough) - 2)
    f = (t - low)[:, None]
    padded = np.concatenate((rough[:1] * 2 - rough[1:2], rough, rough[-1:] * 2 - rough[-2:-1]))
    a, b, c, d = (padded[low + i] for i in range(4))
    cubic = (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3
    curve = 0.5 * (2 * b + (c - a) * f + cubic)  # Catmull-Rom
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    radius = np.maximum(curve[:, 0:1], 0.0)
    height = np.broadcast_to(curve[:, 1:2], (len(curve), around))
    ring = np.stack((radius * np.sin(angle), height, radius * np.cos(angle)), axis=-1)
    i, j = np.meshgrid(np.arange(len(curve) - 1), np.arange(around), indexing="ij")
    k = (j + 1) % around
    faces = np.stack((i * around + j, i * around + k, (i + 1) * around + k, (i + 1) * around + j), -1).reshape(-1, 4)
    return ring.reshape(-1, 3) + np.asarray(centre, np.float32), faces


def slab(low, high) -> tuple[np.ndarray, np.ndarray]:
    ends = list(zip(low, high, strict=True))
    corners = np.array([(x, y, z) for x in ends[0] for y in ends[1] for z in ends[2]], np.float32)
    faces = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    return corners, faces


class Shader:
    """A Principled material and the few nodes that are put before it."""

    def __init__(self, name: str, **inputs) -> None:
        self.material = bpy.data.materials.new(name)
        self.tree = self.material.node_tree
        self.principled = self.tree.nodes["Principled BSDF"]
        for key, value in inputs.items():
            self.principled.inputs[key.replace("_", " ")].default_value = (*value, 1.0) if "Color" in key else value

    def node(self, kind: str, links=None, **settings):
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            if key in node.inputs:
                node.inputs[key].default_value = value
            else:
                setattr(node, key, value)
        for key, output in (links or {}).items():
            self.tree.links.new(output, node.inputs[key])
        return node

    def ramp(self, value, *stops: tuple[float, tuple[float, float, float]]):
        """Colour by value: (position, colour) in order of position."""
        ramp = self.node("ShaderNodeValToRGB", {"Fac": value})
        elements = ramp.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        return ramp.outputs["Color"]

    def colour_noise(self, scale: float, low, high, detail: float = 6.0, sharp: float = 0.15) -> None:
        place = self.node("ShaderNodeTexCoord").outputs["Object"]
        noise = self.node("ShaderNodeTexNoise", {"Vector": place}, Scale=scale, Detail=detail)
        ramp = self.ramp(noise.outputs["Fac"], (0.5 - sharp, low), (0.5 + sharp, high))
        self.tree.links.new(ramp, self.principled.inputs["Base Color"])

    def bump(self, scale: float, strength: float, distance: float) -> None:
        place = self.node("ShaderNodeTexCoord").outputs["Object"]
        height = self.node("ShaderNodeTexNoise", {"Vector": place}, Scale=scale, Detail=4.0).outputs["Fac"]
        node = self.node("ShaderNodeBump", {"Height": height}, Strength=strength, Distance=distance)
        self.tree.links.new(node.outputs["Normal"], self.principled.inputs["Normal"])

    def finish(self):
        """The material, its normals (of the shape, without the bumps) sent to the layer that becomes N."""
        normal = self.node("ShaderNodeNewGeometry").outputs["Normal"]
        self.node("ShaderNodeOutputAOV", {"Color": normal}, aov_name=NORMAL_LAYER)
        return self.material


def skin_material():
    shader = Shader("skin", Roughness=0.44, Subsurface_Weight=1.0, Subsurface_Scale=0.075, Specular_IOR_Level=0.45)
    shader.principled.inputs["Subsurface Radius"].default_value = (1.0, 0.34, 0.18)
    shader.principled.subsurface_method = "RANDOM_WALK"
    place = shader.node("ShaderNodeTexCoord").outputs["Object"]
    attribute = shader.node("ShaderNodeAttribute", attribute_name="tone")
    noise = shader.node("ShaderNodeTexNoise", {"Vector": place}, Scale=5.0, Detail=8.0)
    vary = shader.ramp(noise.outputs["Fac"], (0.3, (0.86, 0.86, 0.86)), (0.7, (1.08, 1.08, 1.08)))
    mix = shader.node("ShaderNodeMix", data_type="RGBA", blend_type="MULTIPLY")
    mix.inputs["Factor"].default_value = 1.0
    shader.tree.links.new(attribute.outputs["Color"], mix.inputs[6])
    shader.tree.links.new(vary, mix.inputs[7])
    shader.tree.links.new(mix.outputs[2], shader.principled.inputs["Base Color"])
    shader.bump(38.0, 0.18, 0.02)
    return shader.finish()


def eye_material():
    shader = Shader("eye", Roughness=0.12, Coat_Weight=1.0, Coat_Roughness=0.01)
    place = shader.node("ShaderNodeTexCoord").outputs["Object"]
    split = shader.node("ShaderNodeSeparateXYZ", {"Vector": place})  # object X is canonical Z: forward
    white, rim, iris, inner, pupil = (
        (0.70, 0.66, 0.64),
        (0.03, 0.05, 0.07),
        (0.10, 0.19, 0.24),
        (0.06, 0.12, 0.16),
        (0.004, 0.004, 0.004),
    )
    stops = (0.874, white), (0.888, rim), (0.92, iris), (0.972, inner), (0.985, pupil)
    shader.tree.links.new(shader.ramp(split.outputs["X"], *stops), shader.principled.inputs["Base Color"])
    return shader.finish()


def skin_tone(v: np.ndarray) -> np.ndarray:
    """Albedo by vertex: lips, cheeks, nose and ears redder, the jaw a little cooler, brows dark."""
    tone = np.broadcast_to(np.array((0.60, 0.375, 0.275), np.float32), v.shape).copy()
    m = mirrored(v)

    def blend(colour, distance, width):
        weight = np.clip(0.5 - distance / width, 0.0, 1.0)[:, None] ** 1.5
        tone[:] = tone + weight * (np.asarray(colour, np.float32) - tone)

    blend((0.60, 0.315, 0.235), ellipsoid(m, (0.44, -0.28, 0.60), (0.22, 0.17, 0.25)), 0.35)
    blend((0.60, 0.300, 0.225), ellipsoid(v, (0, -0.30, 1.02), (0.14, 0.10, 0.14)), 0.15)
    blend((0.58, 0.300, 0.235), ellipsoid(m, (0.84, -0.02, -0.12), (0.16, 0.30, 0.22)), 0.15)
    blend((0.46, 0.330, 0.265), ellipsoid(v, (0, -0.86, 0.50), (0.46, 0.24, 0.42)), 0.35)
    lips = v + np.stack((0 * v[:, 0], 0 * v[:, 0], 0.42 * v[:, 0] ** 2), axis=-1)
    blend((0.46, 0.185, 0.165), ellipsoid(lips, (0, -0.615, 0.90), (0.240, 0.078, 0.12)), 0.05)
    return tone


def strands(rng: np.random.Generator, roots: np.ndarray, normals: np.ndarray, length: float, points: int, part: float):
    """Hairs (N, points, 3) combed back from a parting and hanging with the head's shape."""
    back = np.array((0.0, -0.55, -0.9), np.float32)
    side = np.sign(roots[:, :1] - part) * np.array((1.0, 0.0, 0.0), np.float32)
    height = roots[:, 1:2]
    comb = back + 0.9 * side * np.clip(height, 0.1, 1.0) + np.array((0, -0.6, 0)) * (1.0 - np.clip(height, 0.0, 1.0))
    clump = np.stack([np.sin(6.0 * roots @ w + k) for k, w in enumerate(rng.normal(size=(3, 3)))], axis=-1)
    comb = comb + 0.35 * clump + rng.normal(0.0, 0.16, roots.shape)
    comb /= np.linalg.norm(comb, axis=-1, keepdims=True)
    place, curves = roots.astype(np.float32), [roots]
    step = (length * rng.uniform(0.6, 1.15, len(roots)) / (points - 1))[:, None]
    normal = normals
    for index in range(1, points):
        tangent = comb - (comb * normal).sum(-1, keepdims=True) * normal
        tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-6)
        lift = 1.1 * np.exp(-1.1 * (index - 1))
        wave = 0.18 * np.sin(1.9 * index + 5.0 * roots[:, 1:2] + 7.0 * roots[:, :1])
        heading = tangent + (lift + 0.02) * normal + wave * np.cross(normal, tangent)
        place = place + step * heading / np.linalg.norm(heading, axis=-1, keepdims=True)
        distance = hair_cap(place)[:, None]
        normal = gradient(hair_cap, place, 0.01)
        place = place + np.maximum(0.03 + 0.012 * index - distance, 0.0) * normal * (hair_cap(place) < 0.06)[:, None]
        curves.append(place)
    return np.stack(curves, axis=1)


def add_hair(name: str, curves: np.ndarray, outward: np.ndarray, root_radius: float, material, parent) -> None:
    data = bpy.data.hair_curves.new(name)
    count, points = curves.shape[:2]
    data.add_curves([points] * count)
    data.position_data.foreach_set("vector", to_blender(curves).ravel())
    radius = data.attributes.new("radius", "FLOAT", "POINT")
    taper = np.linspace(1.0, 0.25, points, dtype=np.float32) * root_radius
    radius.data.foreach_set("value", np.tile(taper, count))
    data.attributes.new("outward", "FLOAT_VECTOR", "CURVE").data.foreach_set("vector", to_blender(outward).ravel())
    data.materials.append(material)
    thing = bpy.data.objects.new(name, data)
    thing.parent = parent
    bpy.context.scene.collection.objects.link(thing)


def hair_material(melanin: float, redness: float):
    material = bpy.data.materials.new("hair")
    tree = material.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    hair = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    hair.parametrization = "MELANIN"
    for key, value in {"Melanin": melanin, "Melanin Redness": redness, "Roughness": 0.32, "Random Color": 0.25}.items():
        hair.inputs[key].default_value = value
    tree.links.new(hair.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    # A strand's own normal says little; what N carries is the direction in which the mass of hair faces.
    outward = tree.nodes.new("ShaderNodeAttribute")
    outward.attribute_name = "outward"
    turned = tree.nodes.new("ShaderNodeVectorTransform")
    turned.vector_type, turned.convert_from, turned.convert_to = "NORMAL", "OBJECT", "WORLD"
    layer = tree.nodes.new("ShaderNodeOutputAOV")
    layer.aov_name = NORMAL_LAYER
    tree.links.new(outward.outputs["Vector"], turned.inputs["Vector"])
    tree.links.new(turned.outputs["Vector"], layer.inputs["Color"])
    return material


def build(pivot) -> None:
    """Everything in the shot; what belongs to the head hangs on `pivot`."""
    rng = np.random.default_rng(11)
    vertices, faces = surface_net(skin, (-1.1, -2.0, -1.2), (1.1, 1.3, 1.25), 0.0165)
    head = add_mesh("head", vertices, faces, skin_material(), pivot)
    tone = head.data.attributes.new("tone", "FLOAT_COLOR", "POINT")
    opaque = np.ones((len(vertices), 1), np.float32)
    tone.data.foreach_set("color", np.concatenate((skin_tone(vertices), opaque), axis=1).ravel())

    eye = eye_material()
    for side in (-1.0, 1.0):
        bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=48, radius=1.0)
        ball = bpy.context.object
        ball.data.shade_smooth()
        ball.data.materials.append(eye)
        ball.parent = pivot
        ball.location = to_blender(EYE * (side, 1.0, 1.0)).tolist()
        ball.scale = (EYE_RADIUS,) * 3
        ball.rotation_euler = (0.0, math.radians(3.0), math.radians(-1.5 * side))

    cap = Shader("hair mass", Base_Color=(0.018, 0.010, 0.006), Roughness=0.7)
    vertices, faces = surface_net(hair_cap, (-1.1, -1.2, -1.4), (1.1, 1.4, 1.0), 0.03)
    add_mesh("hair mass", vertices, faces, cap.finish(), pivot)
    hair = hair_material(0.72, 0.55)
    chosen = rng.choice(len(vertices), 26000)
    roots = vertices[chosen] + rng.normal(0.0, 0.012, (26000, 3)).astype(np.float32)
    roots -= hair_cap(roots)[:, None] * gradient(hair_cap, roots, 0.01)
    outside = skin(roots) > -0.02
    roots = roots[outside]
    outwards = gradient(hair_cap, roots, 0.05)
    add_hair("hair", strands(rng, roots, outwards, 0.62, 9, 0.22), outwards, 0.0055, hair, pivot)
    brows = np.stack((rng.uniform(0.10, 0.47, 700), rng.normal(0.0, 0.011, 700), np.full(700, 0.9)), axis=-1)
    brows[:, 1] += 0.205 + 0.24 * brows[:, 0] - 0.42 * brows[:, 0] ** 2
    for _ in range(12):  # onto the skin
        brows -= skin(brows)[:, None] * gradient(skin, brows, 0.01) * 0.8
    brows = np.concatenate((brows, brows * (-1, 1, 1))).astype(np.float32)
    lean = np.sign(brows) * (1.0, 0.0, 0.0) + (0.0, 0.30, 0.0) + rng.normal(0, 0.15, brows.shape)
    outwards = gradient(skin, brows, 0.01)
    t = np.linspace(0.0, 1.0, 4)[None, :, None]
    brow = brows[:, None] + t * (0.070 * lean[:, None] + 0.03 * outwards[:, None])
    add_hair("brows", brow, outwards, 0.0028, hair, pivot)

    wool = Shader("wool", Roughness=0.9, Sheen_Weight=0.5, Sheen_Roughness=0.5)
    wool.colour_noise(5.0, (0.035, 0.085, 0.105), (0.055, 0.125, 0.150), detail=2.0, sharp=0.25)
    wool.bump(16.0, 0.12, 0.02)
    add_mesh("garment", *surface_net(garment, (-2.4, -4.3, -1.4), (2.4, -1.2, 1.1), 0.03), wool.finish())

    table = Shader("table", Roughness=0.38, Coat_Weight=0.25, Coat_Roughness=0.2)
    place = table.node("ShaderNodeTexCoord").outputs["Object"]
    stretch = table.node("ShaderNodeMapping", {"Vector": place}, Scale=(2.2, 0.22, 2.2))
    along = {"Vector": stretch.outputs["Vector"]}
    grain = table.node("ShaderNodeTexNoise", along, Scale=3.2, Detail=9.0, Distortion=1.4)
    wood = table.ramp(grain.outputs["Fac"], (0.35, (0.09, 0.042, 0.02)), (0.68, (0.27, 0.145, 0.07)))
    table.tree.links.new(wood, table.principled.inputs["Base Color"])
    add_mesh("table", *slab((-3.9, -3.2, 0.75), (3.9, -2.62, 2.3)), table.finish()).data.shade_flat()

    brass = Shader("brass", Base_Color=(0.83, 0.56, 0.24), Metallic=1.0, Roughness=0.16)
    brass.bump(3.0, 0.05, 0.05)
    add_mesh("vase", *lathe(VASE, (2.25, -2.62, 1.35)), brass.finish())
    steel = Shader("steel", Base_Color=(0.72, 0.73, 0.75), Metallic=1.0, Roughness=0.03)
    angles = np.linspace(-np.pi / 2, np.pi / 2, 13)
    ball = np.stack((0.40 * np.cos(angles), 0.40 * np.sin(angles)), axis=-1)
    add_mesh("ball", *lathe(ball, (-2.15, -2.22, 1.45)), steel.finish())
    clay = Shader("glaze", Base_Color=(0.42, 0.075, 0.045), Roughness=0.3, Coat_Weight=0.6, Coat_Roughness=0.06)
    add_mesh("cup", *lathe(CUP, (1.25, -2.62, 1.85)), clay.finish())


def set_up(environment: Path, samples: int) -> None:
    import addon_utils  # exists only once bpy is loaded

    addon_utils.enable("cycles", default_set=True)
    scene = bpy.context.scene
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    scene.render.engine = "CYCLES"
    scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = WIDTH, HEIGHT, 100
    scene.render.fps = FPS
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "Raw"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.adaptive_threshold = "CPU", samples, True, 0.015
    cycles.adaptive_min_samples = 32
    cycles.seed, cycles.use_animated_seed = 7, False  # what stands still keeps its noise: no boil
    cycles.max_bounces, cycles.transparent_max_bounces = 10, 8
    cycles.sample_clamp_indirect = 6.0
    cycles.blur_glossy = 0.5
    cycles.use_denoising, cycles.denoiser, cycles.denoising_prefilter = True, "OPENIMAGEDENOISE", "ACCURATE"
    cycles.filter_width = 1.5

    layer = scene.view_layers[0]
    layer.aovs.add().name = NORMAL_LAYER
    layer.use_pass_z = True
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.color_depth = "32"

    world = bpy.data.worlds.new("world")
    scene.world = world
    tree = world.node_tree
    texture = tree.nodes.new("ShaderNodeTexEnvironment")
    texture.image = bpy.data.images.load(str(environment.resolve()))
    texture.image.colorspace_settings.name = "Linear Rec.709"
    tree.links.new(texture.outputs["Color"], tree.nodes["Background"].inputs["Color"])
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = 1024

    lens = bpy.data.cameras.new("camera")
    lens.sensor_width, lens.angle = APERTURE_MM, math.radians(FIELD_OF_VIEW_DEG)
    camera = bpy.data.objects.new("camera", lens)
    camera.location = to_blender(np.array((0.0, CAMERA_HEIGHT, CAMERA_DISTANCE))).tolist()
    camera.rotation_euler = (math.pi / 2, 0.0, math.pi / 2)  # looks along Blender's -X, canonical -Z
    scene.collection.objects.link(camera)
    scene.camera = camera


def turn(frame: int) -> float:
    """Heading of the head in degrees: an eased turn over the shot."""
    t = np.clip((frame - FIRST) / (LAST - FIRST), 0.0, 1.0)
    return float(TURN_DEG[0] + (TURN_DEG[1] - TURN_DEG[0]) * t * t * (3.0 - 2.0 * t))


def pose(frame: int, pivot) -> None:
    """Turn the head to where it is at a frame."""
    heading = math.radians(turn(frame))
    pivot.rotation_euler = (0.0, math.radians(-2.0), heading)  # Blender's Z is canonical Y: the axis of the neck
    bpy.context.scene.frame_set(frame)


def rendered(path: Path) -> dict[str, np.ndarray]:
    """Render the scene as it stands to a file, and give its channels (H, W) by name."""
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    parts: dict[str, np.ndarray] = {}
    for part in range(oiio.ImageBuf(str(path)).nsubimages):
        image = oiio.ImageBuf(str(path), part, 0)
        pixels = np.asarray(image.get_pixels(oiio.FLOAT))
        parts.update({name: pixels[..., index] for index, name in enumerate(image.spec().channelnames)})
    return parts


def depth(path: Path, alpha: np.ndarray) -> np.ndarray:
    """Planar depth (H, W) float32 where `alpha` (H, W) is above 0: the median of what was hit in a pixel, else in the nearest.

    The scene is rendered as it stands, to `path`. Depth cannot be averaged over a pixel, as an edge would then stand between
    what is before and behind it.
    """
    scene = bpy.context.scene
    cycles, usual = scene.cycles, (scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling)
    scene.render.resolution_percentage = 100 * DEPTH_FINER
    cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling = 1, False, False
    parts = rendered(path)
    scene.render.resolution_percentage = 100
    cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling = usual
    fine = next(v for k, v in parts.items() if k.endswith("Depth.Z"))  # (3H, 3W), 1e10 where nothing is hit
    height, width = alpha.shape
    cells = fine.reshape(height, DEPTH_FINER, width, DEPTH_FINER).swapaxes(1, 2).reshape(height, width, -1)
    cells = np.sort(np.where(cells < 1e6, cells, np.inf), axis=-1)
    hits = np.isfinite(cells).sum(-1)
    middle = np.take_along_axis(cells, np.maximum(hits - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    if not hits.any():
        raise SystemExit(f"{path} holds no depth; the scene was rendered without its depth pass")
    while (missing := ~np.isfinite(middle) & (alpha > 0.0)).any():
        around = [np.roll(middle, by, axis) for axis in (0, 1) for by in (-1, 1)]
        middle = np.where(missing, np.min(around, axis=0), middle)
    return np.where(alpha > 0.0, middle, 0.0).astype(np.float32)


def render(frame: int, pivot, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """One frame: (H, W, 4) premultiplied RGBA and (H, W, 3) camera-space normals, zero outside."""
    pose(frame, pivot)
    parts = rendered(folder / f"raw.{frame:04d}.exr")

    def layer(name: str, channels: str) -> np.ndarray:
        return np.stack([next(v for k, v in parts.items() if k.endswith(f"{name}.{c}")) for c in channels], axis=-1)

    rgba, normal = layer("Combined", "RGBA"), layer(NORMAL_LAYER, "GBR")  # canonical x, y, z from Blender's axes
    rgba[rgba[..., 3] <= 0.0] = 0.0
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = np.where((length > 1e-3) & (rgba[..., 3:] > 0.0), normal / np.maximum(length, 1e-3), 0.0)
    return rgba, normal


def rounded(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Numbers with the last bits of their mantissa zero, which zip then need not store."""
    step = np.uint32(1 << (23 - bits))
    return ((np.ascontiguousarray(pixels, np.float32).view(np.uint32) + step // 2) & ~(step - np.uint32(1))).view(
        np.float32
    )


def write(path: Path, frame: int, rgba: np.ndarray, normals: np.ndarray, far: np.ndarray) -> None:
    """Write one cropped EXR with the layers R G B A and N.X N.Y N.Z, half, and depth.Z, float."""
    rows, columns = np.nonzero(rgba[..., 3].any(axis=1))[0], np.nonzero(rgba[..., 3].any(axis=0))[0]
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    # Noise below what an eye or a relight can tell is rounded away: 0.2 % of light, 0.2 degrees, 0.05 % of depth.
    layers = (rounded(rgba, MANTISSA_BITS), np.round(normals * 128.0) / 128.0, rounded(far, DEPTH_BITS)[..., None])
    pixels = np.concatenate(layers, axis=-1)[top:bottom, left:right]
    spec = oiio.ImageSpec(int(right - left), int(bottom - top), 8, "half")
    spec.x, spec.y = int(left), int(top)
    spec.full_width, spec.full_height = WIDTH, HEIGHT
    spec.channelnames = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    spec.channelformats = (*7 * ("half",), "float")
    spec.attribute("compression", "zip:9")
    spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    spec.attribute("colorInteropID", "lin_rec709_scene")
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (FPS, 1))
    tick = frame - FIRST
    code = 0x01000000 | (tick // FPS // 10) << 12 | (tick // FPS % 10) << 8 | (tick % FPS // 10) << 4 | tick % FPS % 10
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (code, 0))
    spec.attribute("Software", "examples/make_plate.py")
    image = oiio.ImageBuf(spec)
    image.set_pixels(image.roi, np.ascontiguousarray(pixels, np.float32))
    if not image.write(str(path)):
        raise SystemExit(f"{path} cannot be written: {image.geterror()}")


def write_camera(path: Path) -> None:
    """The camera as `relamp --camera` reads it: field of view in degrees, rows of camera-to-world."""
    rows = [1.0, 0, 0, 0, 0, 1, 0, CAMERA_HEIGHT, 0, 0, 1, CAMERA_DISTANCE, 0, 0, 0, 1]
    camera = {"fov": FIELD_OF_VIEW_DEG, "matrix": rows}
    path.write_text(json.dumps(camera, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--env", type=Path, default=HERE / "environments" / "source.exr", help="the map that lights it")
    parser.add_argument("--out", type=Path, default=HERE / "plate", help="folder for plate.####.exr")
    parser.add_argument("--frames", default=f"{FIRST}-{LAST}", help="one frame, or first-last")
    parser.add_argument("--samples", type=int, default=40)
    options = parser.parse_args()
    first, _, last = options.frames.partition("-")
    options.out.mkdir(parents=True, exist_ok=True)
    set_up(options.env, options.samples)
    pivot = bpy.data.objects.new("pivot", None)
    pivot.location = (0.0, 0.0, 0.0)
    bpy.context.scene.collection.objects.link(pivot)
    build(pivot)
    if options.out.resolve() == (HERE / "plate").resolve():
        write_camera(HERE / "camera.json")
    with tempfile.TemporaryDirectory() as folder:
        for frame in range(int(first), int(last or first) + 1):
            rgba, normals = render(frame, pivot, Path(folder))
            far = depth(Path(folder) / f"depth.{frame:04d}.exr", rgba[..., 3])
            write(options.out / f"plate.{frame:04d}.exr", frame, rgba, normals, far)


if __name__ == "__main__":
    main()
