# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Makes the still of `examples/person`: a person with short hair in a jumper, path-traced in Cycles, with passes of every kind.

    make views
    .venv-views/bin/python -m relamp.training.views.bodies --out data/bodies --count 56 --seed 1
    make stage && .venv-stage/bin/python -m pip install embreex==4.4.0.post1
    .venv-stage/bin/python examples/make_person.py data/bodies/bodies-00001.npz [FOLDER]

The body is one of the training data's, the materials are those of `make_plate`. The picture is lit by `source.exr` and by
nothing else. Linear Rec.709; the camera is level, looks down -Z and sees 25 degrees, as `camera.json` says. Depth is in metres.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import make_plate as stage
import numpy as np
import OpenImageIO as oiio
from mathutils.bvhtree import BVHTree

from relamp.core.light.environment import directions
from relamp.training.views.bodies import UNIT
from relamp.training.views.mesh import Mesh, unit
from relamp.training.views.paint import ramp, waves
from relamp.training.views.person import EYE_BACK, EYE_FRONT, Body, Frame, Garment, tube

WHICH = 53  # of the bodies
FACING_DEG = 14.0  # the face's heading from the camera, towards the camera's left
SIZE, SAMPLES = 576, 64  # px a side, and samples of each
FOV, HALF = 25.0, 0.215  # degrees of the view, and metres to each side of the subject's middle
BELOW_HEAD = 0.085  # metres from the skull's middle down to the picture's
SCALE = 10.0  # of make_plate's unit, which is 10 cm, to the metre
MAP_ROWS = 96
SKIN, LIPS, DYE = np.array((0.43, 0.245, 0.165)), np.array((0.37, 0.135, 0.115)), np.array((0.022, 0.013, 0.009))
STRANDS, POINTS = 30000, 8  # hairs, and points of each
EYE_COLOURS = ((0.0, (0.003, 0.003, 0.003)), (0.24, (0.003, 0.003, 0.003)), (0.27, (0.085, 0.042, 0.018)),
               (0.5, (0.05, 0.024, 0.011)), (0.56, (0.012, 0.008, 0.006)), (0.6, (0.56, 0.51, 0.48)))  # fmt: skip


def radiance() -> np.ndarray:
    """The light, (H, 2H, 3) float32: a warm key on the camera's left, a sky above, a cool rim from behind on the right."""
    lobes = (
        ((-0.75, 0.35, 0.55), 25.0, (27.0, 23.4, 19.0)),
        ((0.0, 1.0, 0.1), 1.2, (0.36, 0.40, 0.46)),
        ((0.0, -1.0, 0.2), 1.0, (0.13, 0.12, 0.105)),
        ((0.75, 0.4, -0.6), 25.0, (9.0, 10.2, 12.0)),
        ((0.9, 0.05, 0.5), 3.0, (0.24, 0.24, 0.24)),
    )
    toward = directions(MAP_ROWS, 2 * MAP_ROWS)
    return sum(  # pyright: ignore[reportReturnType]
        np.exp(sharp * (toward @ unit(np.array(axis)) - 1))[..., None] * np.array(colour, np.float32)
        for axis, sharp, colour in lobes
    ).astype(np.float32)  # pyright: ignore[reportAttributeAccessIssue]


class Sitter:
    """A body before the camera: the neutral body's coordinates `local` (V, 3), and `place`, which carries posed ones (V, 3)
    metres, Z up, into the scene."""

    def __init__(self, bodies: Path) -> None:
        with np.load(bodies) as file:
            self.body = Body(file["reference"], file["faces"], file["segment"])
            self.vertices = file["vertices"][WHICH].astype(np.float32) * UNIT + file["centre"][WHICH]
        self.frame = Frame.between(self.body.reference[self.body.skull], self.vertices[self.body.skull])
        ahead = self.frame.turn @ np.array((0.0, -1.0, 0.0))
        angle = -np.arctan2(ahead[0], -ahead[1]) - np.radians(FACING_DEG)
        cosine, sine = np.cos(angle), np.sin(angle)
        self.turn = np.array(((cosine, -sine, 0), (sine, cosine, 0), (0, 0, 1)))
        self.middle = self.turn @ (self.frame.points(self.body.centre) - (0, 0, BELOW_HEAD))
        self.away = HALF / np.tan(np.radians(FOV / 2))

    def place(self, points: np.ndarray) -> np.ndarray:
        """Posed points (..., 3), metres, in the canonical frame of `make_plate`, the camera at the origin."""
        x, y, z = np.moveaxis(points @ self.turn.T - self.middle, -1, 0)
        return (np.stack((x, z, -y - self.away), axis=-1) * SCALE).astype(np.float32)


# --- what is painted and grown on the body, in the neutral body's coordinates ---------------------------------------


def scalp(body: Body, p: np.ndarray) -> np.ndarray:
    """(N,) metres that points of the head lie inside of the hairline, negative outside."""
    around = np.abs(np.arctan2(p[:, 0], body.centre[1] - p[:, 1]))  # 0 is the face
    brow, temple, nape = body.eye[2] + 0.066, body.eye[2] - 0.006, body.eye[2] - 0.075
    line = brow + (temple - brow) * ramp(around, 0.85, 1.25) + (nape - temple) * ramp(around, 1.75, 2.2)
    line = line + 0.030 * np.exp(-(((around - 1.62) / 0.20) ** 2))  # around the ears
    ear = (np.abs(p[:, 0]) > 0.076) & (p[:, 2] < body.eye[2] + 0.034)
    return np.where(ear, -1.0, p[:, 2] - line)


def brow(body: Body, p: np.ndarray) -> np.ndarray:
    """(N,) how much points belong to the eyebrows, 0 to 1."""
    x = np.abs(p[:, 0])
    line = body.eye[2] + 0.0185 + 0.12 * (x - 0.02) - 1.5 * np.maximum(x - 0.036, 0.0) ** 1.3
    there = ramp(1 - np.abs(p[:, 2] - line) / 0.0040, 0.0, 0.6) * ramp(x, 0.012, 0.019) * (1 - ramp(x, 0.046, 0.056))
    return there * (p[:, 1] < body.eye[1] + 0.03)


def complexion(body: Body, p: np.ndarray) -> np.ndarray:
    """(N, 3) reflectance of skin: redder cheeks, nose and ears, lips, and dark below brows, lashes and hair."""
    mouth, nose, eye = body.mouth, body.nose, body.eye
    m = p * np.where(p[:, :1] < 0, (-1, 1, 1), 1)
    tone = np.broadcast_to(SKIN, p.shape) * (1 + 0.04 * waves(np.random.default_rng(3), p, 8, 60, 12))[:, None]

    def blend(colour: np.ndarray, share: np.ndarray) -> None:
        nonlocal tone
        tone = tone + share[:, None] * (colour - tone)

    def spot(centre: tuple | np.ndarray, size: tuple) -> np.ndarray:
        return np.exp(-(((m - np.asarray(centre)) / np.asarray(size)) ** 2).sum(-1))

    red = SKIN * (1.04, 0.80, 0.80)
    blend(red, 0.8 * spot((0.038, mouth[1] + 0.02, mouth[2] + 0.026), (0.020, 0.04, 0.018)))
    blend(red, 0.7 * spot(nose, (0.014, 0.02, 0.012)) + 0.7 * ramp(m[:, 0], 0.078, 0.088) * (p[:, 2] > mouth[2]))
    oval = (p[:, 0] / 0.0245) ** 2 + ((p[:, 2] - mouth[2] + 0.0062) / 0.0098) ** 2
    blend(LIPS, ramp(1 - oval, -0.1, 0.35) * (p[:, 1] < mouth[1] + 0.02))
    lash = np.abs(np.hypot((m[:, 0] - eye[0]) / 1.5, p[:, 2] - eye[2]) - 0.0102) / 0.0022
    blend(DYE, 0.75 * ramp(1 - lash, 0.0, 0.7) * (p[:, 2] > eye[2] - 0.002) * (p[:, 1] < eye[1] + 0.03))
    blend(DYE, 0.3 * brow(body, p))
    blend(DYE, 0.9 * ramp(scalp(body, p), -0.003, 0.022))
    return tone


def sampled(rng: np.random.Generator, mesh: bpy.types.Mesh, local: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Points on a triangulated mesh, equally likely everywhere: canonical (N, 3), neutral (N, 3) and normals (N, 3)."""
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    corners = corners.reshape(-1, 3)
    vertices, normals = from_blender(mesh, "vertices", "co"), from_blender(mesh, "vertex_normals", "vector")
    a, b, c = (vertices[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=-1)
    chosen = corners[rng.choice(len(corners), count, p=area / area.sum())]
    weights = rng.dirichlet((1, 1, 1), count)[..., None]
    return tuple((values[chosen] * weights).sum(1).astype(np.float32) for values in (vertices, local, normals))


def from_blender(mesh: bpy.types.Mesh, what: str, name: str) -> np.ndarray:
    """A vector of each vertex, (V, 3) float32 in the canonical frame."""
    rows = np.empty(3 * len(mesh.vertices), np.float32)
    getattr(mesh, what).foreach_get(name, rows)
    z, x, y = rows.reshape(-1, 3).T  # `make_plate.to_blender`, undone
    return np.stack((x, y, z), axis=-1)


def combed(rng: np.random.Generator, roots: np.ndarray, local: np.ndarray, outward: np.ndarray, body: Body, tree: Any):
    """Hairs (N, POINTS, 3): short at the sides and the nape, longer above, combed from a parting to the side and back."""
    above = ramp(local[:, 2], body.eye[2] + 0.045, body.eye[2] + 0.085)[:, None]  # 0 at the sides, 1 on top
    length = (0.16 + 0.36 * above) * rng.uniform(0.7, 1.1, (len(roots), 1))
    parting = np.sign(local[:, :1] - 0.030)
    comb = above * np.concatenate((0.95 * parting, 0 * parting, -0.45 + 0 * parting), -1)  # to its side, and back
    comb = comb + (1 - above) * np.array((0.0, -0.9, -0.55)) + rng.normal(0, 0.10, roots.shape)
    clump = np.stack([waves(np.random.default_rng(k), local, 15, 60, 6) for k in range(3)], axis=-1)
    comb = unit(comb + 0.13 * clump)
    place, normal, curves = roots.astype(np.float32), outward, [roots]
    for index in range(1, POINTS):
        along = unit(comb - (comb * normal).sum(-1, keepdims=True) * normal)
        lift = (0.35 + 0.75 * above) * np.exp(-0.8 * (index - 1)) - 0.03
        place = place + unit(along + lift * normal) * length / (POINTS - 1)
        found = [tree.find_nearest(point) for point in place.tolist()]
        normal = unit(np.array([each[1] for each in found], np.float32))
        gap = ((place - np.array([each[0] for each in found])) * normal).sum(-1, keepdims=True)
        place = (place + np.maximum(0.012 + 0.008 * index - gap, 0) * normal).astype(np.float32)
        curves.append(place)
    return np.stack(curves, axis=1).astype(np.float32)


# --- the scene ------------------------------------------------------------------------------------------------------


def told(material: Any, colour: Any = None) -> Any:
    """The material, its colour and roughness sent to layers of their own; `colour` where it is no Principled material."""
    tree = material.node_tree
    principled = tree.nodes.get("Principled BSDF")
    linked = principled is not None and principled.inputs["Base Color"].links
    out = tree.nodes.new("ShaderNodeOutputAOV")
    out.aov_name = "albedo"
    if linked:
        tree.links.new(linked[0].from_socket, out.inputs["Color"])
    else:
        out.inputs["Color"].default_value = (
            *(principled.inputs["Base Color"].default_value[:3] if colour is None else colour),
            1,
        )
    rough = tree.nodes.new("ShaderNodeOutputAOV")
    rough.aov_name = "roughness"
    rough.inputs["Value"].default_value = 0.45 if principled is None else principled.inputs["Roughness"].default_value
    return material


def eye_material(body: Body) -> Any:
    """A wet eye, its iris about where the neutral eye looks to."""
    shader = stage.Shader("eye", Roughness=0.1, Coat_Weight=1.0, Coat_Roughness=0.02)
    split = shader.node(
        "ShaderNodeSeparateXYZ",
        {"Vector": shader.node("ShaderNodeAttribute", attribute_name="local").outputs["Vector"]},
    )
    side = shader.node("ShaderNodeMath", {0: split.outputs["X"]}, operation="ABSOLUTE").outputs[0]
    flat = shader.node("ShaderNodeCombineXYZ", {"X": side, "Z": split.outputs["Z"]}).outputs[0]
    away = shader.node("ShaderNodeVectorMath", {0: flat}, operation="DISTANCE")
    away.inputs[1].default_value = (float(body.eye[0]), 0.0, float(body.eye[2]) + 0.0006)
    share = shader.node("ShaderNodeMath", {0: away.outputs["Value"]}, operation="MULTIPLY")
    share.inputs[1].default_value = 1 / 0.0115
    shader.tree.links.new(shader.ramp(share.outputs[0], *EYE_COLOURS), shader.principled.inputs["Base Color"])
    return told(shader.finish())


def add(
    name: str, sitter: Sitter, faces: np.ndarray, vertices: np.ndarray, material: Any, levels: int, thick: float = 0.0
):
    """Some faces of the body as an object of its own, subdivided; gives the mesh and its neutral coordinates (V, 3)."""
    used, index = np.unique(faces, return_inverse=True)
    thing = stage.add_mesh(name, sitter.place(vertices[used]), index.reshape(-1, 3), material)
    mesh = thing.data
    local = mesh.attributes.new("local", "FLOAT_VECTOR", "POINT")
    local.data.foreach_set("vector", sitter.body.reference[used].astype(np.float32).ravel())
    if thick:
        cloth = thing.modifiers.new("thick", "SOLIDIFY")
        cloth.thickness, cloth.offset = thick, -1.0
    smooth = thing.modifiers.new("smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = levels
    whole = bpy.data.meshes.new_from_object(thing.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    thing.modifiers.clear()
    thing.data = whole
    rows = np.empty(3 * len(whole.vertices), np.float32)
    whole.attributes["local"].data.foreach_get("vector", rows)
    return whole, rows.reshape(-1, 3)


def clothed(sitter: Sitter, garment: Garment) -> np.ndarray:
    """The body's vertices (V, 3) moved out to where a jumper would be, with its folds."""
    mesh = Mesh.of(sitter.vertices, sitter.body.faces, 1)
    outward, corner = np.zeros(sitter.vertices.shape), mesh.corner_normals()
    for k in range(3):
        for axis in range(3):
            outward[:, axis] += np.bincount(mesh.faces[:, k], corner[:, k, axis], len(outward))
    inside = garment.covers(sitter.body.reference)
    folds = 0.0045 * waves(np.random.default_rng(5), sitter.vertices * (1, 1, 0.6), 3, 11, 8)
    return sitter.vertices + unit(outward) * (0.010 + folds * ramp(inside, 0.02, 0.08))[:, None]


def collar(sitter: Sitter, garment: Garment) -> tuple[np.ndarray, np.ndarray]:
    """A rolled collar around the neckline: canonical vertices and faces."""
    line = np.abs(garment.covers(sitter.body.reference)) < 0.010
    points = sitter.place(sitter.vertices[line & (np.abs(sitter.body.reference[:, 0]) < 0.12)])
    middle = points.mean(0)
    away = points - middle
    turns = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    near = np.cos(np.arctan2(away[:, 0], away[:, 2]) - turns[:, None])  # (72, N)
    weights = np.exp(12 * (near - 1))
    weights /= weights.sum(1, keepdims=True)
    radius, height = weights @ np.hypot(away[:, 0], away[:, 2]) + 0.09, weights @ away[:, 1]
    path = np.stack((radius * np.sin(turns), height, radius * np.cos(turns)), axis=-1) + middle
    ribs = 0.125 + 0.006 * np.cos(36 * turns)
    return tube(path, ribs, closed=True, around=24)


def build(sitter: Sitter) -> None:
    body, rng = sitter.body, np.random.default_rng(8)
    for name, kind in (("albedo", "COLOR"), ("roughness", "VALUE")):
        layer = bpy.context.view_layer.aovs.add()
        layer.name, layer.type = name, kind
    near = (body.reference[body.faces][:, :, 2] > body.neck - 0.42).all(1)
    eyes = np.isin(body.segment, (EYE_BACK, EYE_FRONT))
    skin, local = add("skin", sitter, body.faces[near & ~eyes], sitter.vertices, told(stage.skin_material()), 2)
    tone = skin.attributes.new("tone", "FLOAT_COLOR", "POINT")
    tone.data.foreach_set(
        "color", np.concatenate((complexion(body, local), np.ones((len(local), 1))), 1).astype(np.float32).ravel()
    )
    add("eyes", sitter, body.faces[eyes], sitter.vertices, eye_material(body), 2)

    wool = stage.Shader("wool", Roughness=0.85, Sheen_Weight=0.4, Sheen_Roughness=0.5)
    wool.colour_noise(4.0, (0.30, 0.275, 0.23), (0.36, 0.33, 0.28), detail=3.0, sharp=0.25)
    wool.bump(26.0, 0.35, 0.02)
    garment = Garment(body.neck + 0.004, 0.0, 0.47)
    inside = garment.covers(body.reference)[body.faces].min(1) > -0.002
    knit = told(wool.finish())
    add("jumper", sitter, body.faces[near & inside], clothed(sitter, garment), knit, 2, thick=0.05)
    stage.add_mesh("collar", *collar(sitter, garment), knit)

    hair = told(stage.hair_material(0.86, 0.45), DYE)
    tree = BVHTree.FromPolygons(
        from_blender(skin, "vertices", "co").tolist(), [tuple(p.vertices) for p in skin.polygons]
    )
    roots, where, outward = sampled(rng, skin, local, 12 * STRANDS)
    grows = scalp(body, where) + rng.normal(0, 0.0025, len(where)) > 0
    roots, where, outward = (values[grows][:STRANDS] for values in (roots, where, unit(outward)))
    stage.add_hair("hair", combed(rng, roots, where, outward, body, tree), outward, 0.0050, hair, None)
    roots, where, outward = sampled(rng, skin, local, 40 * STRANDS)
    grows = brow(body, where) > rng.uniform(0.25, 1.2, len(where))
    roots, where, outward = (values[grows][:560] for values in (roots, where, unit(outward)))
    lean = np.sign(where[:, :1]) * (1.0, 0, 0) + (0, 0.45, 0) + rng.normal(0, 0.15, where.shape)
    t = np.linspace(0, 1, 4)[None, :, None]
    stage.add_hair("brows", (roots[:, None] + t * (0.040 * lean[:, None] + 0.012 * outward[:, None])).astype(np.float32),
                   outward, 0.0022, hair, None)  # fmt: skip


def frame_up() -> None:
    """The camera of `camera.json`, and the picture's size."""
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.camera.location = (0, 0, 0)
    scene.camera.data.angle = np.radians(FOV)


def write(path: Path, channels: dict[str, np.ndarray], kind: str = "half") -> None:
    """Write channels (H, W) by name as an EXR in Linear Rec.709; depth is always float."""
    pixels = np.stack(list(channels.values()), -1).astype(np.float32)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), kind)
    spec.channelnames = tuple(channels)
    spec.channelformats = tuple("float" if name == "depth.Z" else kind for name in channels)
    spec.attribute("colorInteropID", "lin_rec709_scene")
    spec.attribute("compression", "zip:9")
    spec.attribute("Software", "examples/make_person.py")
    image = oiio.ImageBuf(spec)
    image.set_pixels(image.roi, np.ascontiguousarray(pixels))
    if not image.write(str(path)):
        raise SystemExit(f"{path} cannot be written: {image.geterror()}")


def main(bodies: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    light = radiance()
    write(folder / "source.exr", {c: light[..., i] for i, c in enumerate("RGB")})
    stage.set_up(folder / "source.exr", SAMPLES)
    frame_up()
    build(Sitter(bodies))
    with tempfile.TemporaryDirectory() as raw:
        parts = stage.rendered(Path(raw) / "plate.exr")
        alpha = next(v for k, v in parts.items() if k.endswith("Combined.A"))
        far = stage.depth(Path(raw) / "depth.exr", alpha) / SCALE

    def layer(name: str, channels: str) -> np.ndarray:  # (H, W, C), zero where nothing stands
        found = np.stack([next(v for k, v in parts.items() if k.endswith(f"{name}.{c}")) for c in channels], axis=-1)
        return np.where(alpha[..., None] > 0, found, 0)

    colour = stage.rounded(layer("Combined", "RGBA"), stage.MANTISSA_BITS)
    write(folder / "plate.exr", {c: colour[..., i] for i, c in enumerate("RGBA")})
    normals = unit(layer(stage.NORMAL_LAYER, "GBR"))  # canonical x, y, z from Blender's axes
    albedo = layer("albedo", "RGB") / np.maximum(alpha, 1e-3)[..., None]
    rough = layer("roughness", "X")[..., 0] / np.maximum(alpha, 1e-3)
    passes = {f"N.{c}": np.round(normals[..., i] * 128) / 128 for i, c in enumerate("XYZ")}
    passes["depth.Z"] = stage.rounded(far, stage.DEPTH_BITS)
    passes |= {f"albedo.{c}": np.round(albedo[..., i] * 256) / 256 for i, c in enumerate("RGB")}
    passes |= {"roughness.A": np.round(rough * 64) / 64, "metallic.A": np.zeros_like(alpha)}
    write(folder / "passes.exr", passes)
    camera = {"fov": FOV, "matrix": np.eye(4).ravel().tolist()}
    (folder / "camera.json").write_text(json.dumps(camera) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "person")
