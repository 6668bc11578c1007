# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Balls of hair under one sun at a time, path-traced in Cycles: how hair takes light by its direction.

    python -m venv bpy-venv && bpy-venv/bin/pip install bpy==5.0.1          (Python 3.11)
    bpy-venv/bin/python benchmarks/hair_balls.py --out data/hair_light      (about a quarter of an hour on one core)

A ball of radius 1, dark as a scalp, carries as many layers of strands as a head does: a head has about 100,000 hairs of
0.07 mm on 600 cm2; here they are five times as thick and five times fewer. It is seen by an orthographic camera along -Z
(X right, Y up, Z to the viewer). Each colour and style is rendered under a uniform sky of radiance 1 and under suns of
perpendicular irradiance 1, and stored as one .npz: `sky` (H, W, 4) premultiplied RGBA, `suns` (N, H, W, 3) premultiplied,
`toward` (N, 3) unit directions to the suns, `half_width` of the picture in units of the ball.
"""

from __future__ import annotations

# bpy has a Python of its own; nothing else in the repository is installed there.
# pyright: reportMissingImports=false
import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

STRANDS, RADIUS = 40_000, 0.00175
HALF_WIDTH = 1.45
SUN_DIAMETER_DEG = 5.0
ANGLES_DEG = (0, 30, 60, 80, 100, 120, 140, 160, 180)  # between the directions to the sun and to the camera
AZIMUTHS_DEG = (0, 90, 225)  # of the sun around the view, from the right counter-clockwise
# Melanin and its redness in the Principled Hair BSDF (Chiang et al. 2016): 1 is black, 0 white.
COLOURS = {"grey": (0.1, 0.0), "blond": (0.16, 0.6), "brown": (0.5, 0.6), "black": (1.0, 0.5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/hair_light"))
    parser.add_argument("--size", type=int, default=80, help="px")
    parser.add_argument("--samples", type=int, default=4, help="paths a pixel for each light")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(sys.argv[1:])
    given.out.mkdir(parents=True, exist_ok=True)
    for style, grow in STYLES.items():
        strands = grow(np.random.default_rng(0))
        for colour in COLOURS:
            build(strands, colour)
            configure(given.size, given.samples, given.threads)
            sky, suns, toward = measure()
            path = given.out / f"{style}-{colour}.npz"
            np.savez_compressed(path, sky=sky, suns=suns, toward=toward, half_width=HALF_WIDTH)
            print(style, colour, flush=True)


# ----------------------------------------------------------------------------------------------- strands (N, K, 3)


def roots(rng: np.random.Generator) -> np.ndarray:
    """Points spread evenly over the unit sphere, (STRANDS, 3)."""
    points = rng.normal(size=(STRANDS, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def field(rng: np.random.Generator, frequency: float) -> Callable[[np.ndarray], np.ndarray]:
    """A smooth random vector field, (..., 3) to (..., 3), of about unit length: a sum of waves."""
    waves = rng.normal(0, frequency, (12, 3))
    phases, amounts = rng.uniform(0, 2 * np.pi, 12), rng.normal(0, np.sqrt(2 / 12), (12, 3))
    return lambda p: np.sin(p @ waves.T + phases) @ amounts


def combed(
    rng: np.random.Generator, length: float, thickness: float, comb: Callable[[np.ndarray], np.ndarray], rise: float
) -> np.ndarray:
    """Strands that leave the scalp upright, bend over within `rise` and follow `comb` at a height of their own."""
    points, height = roots(rng), thickness * rng.uniform(0.05, 1, STRANDS) ** 0.7
    lengths, stray = length * rng.uniform(0.6, 1, STRANDS), rng.normal(0, 0.15, (STRANDS, 3))
    strands, steps = [points], 24
    for k in range(1, steps + 1):
        normal = points / np.linalg.norm(points, axis=1, keepdims=True)
        along = comb(points) + stray
        along -= (along * normal).sum(axis=1, keepdims=True) * normal
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        walked = normal + along * (lengths / steps)[:, None]
        walked /= np.linalg.norm(walked, axis=1, keepdims=True)
        points = walked * (1 + height * (1 - np.exp(-lengths * k / steps / rise)))[:, None]
        strands.append(points)
    return np.stack(strands, axis=1)


def short(rng: np.random.Generator) -> np.ndarray:
    """3 cm, lying in locks of all directions."""
    return combed(rng, 0.3, 0.12, field(rng, 2.5), 0.15)


def long(rng: np.random.Generator) -> np.ndarray:
    """9 cm, combed from the crown down."""
    locks = field(rng, 4.0)
    return combed(rng, 0.9, 0.12, lambda p: np.array([0.0, -1.0, 0.0]) + 0.25 * locks(p), 0.1)


def curly(rng: np.random.Generator) -> np.ndarray:
    """12 cm, in curls of about 1 cm that stand off the head."""
    straight = combed(rng, 0.5, 0.3, field(rng, 2.0), 0.3)
    turns, phases = field(rng, 3.0), rng.uniform(0, 0.6, (STRANDS, 1))
    root = straight[:, 0]
    clump = turns(root)  # neighbours curl together
    angle = np.linspace(0, 5 * np.pi, straight.shape[1]) + 2 * np.pi * clump[:, :1] + phases
    across = np.cross(root, clump)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    width = 0.05 * np.linspace(0, 1, straight.shape[1]) ** 0.5
    curl = np.cos(angle)[..., None] * across[:, None] + np.sin(angle)[..., None] * np.cross(root, across)[:, None]
    return straight + width[:, None] * curl


STYLES = {"short": short, "long": long, "curly": curly}


# ------------------------------------------------------------------------------------------------------- rendering


def to_blender(points: np.ndarray) -> np.ndarray:
    """From X right, Y up, Z to the viewer to Blender's X right, Z up, -Y to the viewer."""
    return np.stack((points[..., 0], -points[..., 2], points[..., 1]), axis=-1).astype(np.float32)


def build(strands: np.ndarray, colour: str) -> None:
    """An empty scene, then the scalp, the strands, the camera, a black world and a sun named `sun`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_uv_sphere_add(segments=96, ring_count=48, radius=1.0)
    bpy.context.object.data.materials.append(
        material("ShaderNodeBsdfDiffuse", {}, Color=(0.08, 0.05, 0.04, 1.0), Roughness=0.0)
    )
    count, points = strands.shape[:2]
    curves = bpy.data.hair_curves.new("strands")
    curves.add_curves([points] * count)
    curves.points.foreach_set("position", to_blender(strands).ravel())
    curves.points.foreach_set("radius", np.tile(RADIUS * np.linspace(1, 0.5, points), count).astype(np.float32))
    melanin, redness = COLOURS[colour]
    curves.materials.append(
        material(
            "ShaderNodeBsdfHairPrincipled",
            {"model": "CHIANG", "parametrization": "MELANIN"},
            Melanin=melanin,
            **{"Melanin Redness": redness, "Random Color": 0.2, "Roughness": 0.3, "Radial Roughness": 0.3},
        )
    )
    scene.collection.objects.link(bpy.data.objects.new("strands", curves))
    camera = bpy.data.cameras.new("camera")
    camera.type, camera.ortho_scale = "ORTHO", 2 * HALF_WIDTH
    scene.camera = bpy.data.objects.new("camera", camera)
    scene.camera.location, scene.camera.rotation_euler = (0, -10, 0), (np.pi / 2, 0, 0)
    light = bpy.data.lights.new("sun", "SUN")
    light.angle = np.radians(SUN_DIAMETER_DEG)
    sun = bpy.data.objects.new("sun", light)
    for thing in (scene.camera, sun):
        scene.collection.objects.link(thing)
    scene.world = bpy.data.worlds.new("world")


def material(kind: str, properties: dict[str, str], **inputs: object) -> bpy.types.Material:
    """A material of one shader node; inputs by the name of the socket."""
    made = bpy.data.materials.new(kind)
    nodes = made.node_tree.nodes
    nodes.clear()
    node, output = nodes.new(kind), nodes.new("ShaderNodeOutputMaterial")
    for name, value in properties.items():
        setattr(node, name, value)
    for name, value in inputs.items():
        node.inputs[name].default_value = value
    made.node_tree.links.new(node.outputs[0], output.inputs["Surface"])
    return made


def configure(size: int, samples: int, threads: int) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, 0
    cycles.use_denoising = cycles.use_adaptive_sampling = False  # bins average more than a denoiser would
    # Light passes through many pale fibres before it comes back.
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = cycles.transmission_bounces = 40
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0.0
    scene.render.film_transparent = scene.render.use_persistent_data = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    settings = scene.render.image_settings
    settings.media_type, settings.file_format = "IMAGE", "OPEN_EXR"
    settings.color_mode, settings.color_depth = "RGBA", "32"


def measure() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`sky`, `suns` and `toward` of the scene that stands in Blender, as the module says."""
    background = bpy.context.scene.world.node_tree.nodes["Background"]
    sun = bpy.data.objects["sun"]
    background.inputs["Color"].default_value = (1, 1, 1, 1)
    background.inputs["Strength"].default_value, sun.data.energy = 1.0, 0.0
    sky = picture()
    background.inputs["Strength"].default_value, sun.data.energy = 0.0, 1.0
    toward = directions()
    suns = []
    for direction in toward:
        sun.rotation_euler = Vector(to_blender(direction)).to_track_quat("Z", "Y").to_euler()
        suns.append(picture()[..., :3])
    return sky, np.stack(suns), toward


def directions() -> np.ndarray:
    """Unit directions to the suns, (N, 3); those at 0 and 180 degrees once."""
    found = []
    for angle in np.radians(ANGLES_DEG):
        for azimuth in np.radians(AZIMUTHS_DEG):
            found.append((np.sin(angle) * np.cos(azimuth), np.sin(angle) * np.sin(azimuth), np.cos(angle)))
            if abs(np.sin(angle)) < 1e-6:
                break
    return np.array(found)


def picture() -> np.ndarray:
    """The scene as it is now, (H, W, 4) float32 premultiplied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.exr"
        bpy.context.scene.render.filepath = str(path)
        with quiet():
            bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(str(path))
        image.alpha_mode, image.colorspace_settings.is_data = "PREMUL", True
        width, height = image.size
        pixels = np.empty(4 * width * height, np.float32)
        image.pixels.foreach_get(pixels)  # reads the file, so it comes before the folder goes
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]  # Blender's rows begin at the bottom


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what Blender prints on the standard output to nowhere."""
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    main()
