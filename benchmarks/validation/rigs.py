"""Renders the bust of `ground.py` in Mitsuba 3 under the lights of rigs, one at a time: the light that reaches matte surfaces.

    python benchmarks/validation/rigs.py --out data/rigs [--size 200] [--spp 128]

Needs what `render.py` needs, and nothing of Relamp. Writes `plate.exr` (alpha, camera-space normals and planar depth),
`camera.json`, and for each light `NAME.json`, a rig in the axes of the camera, and `NAME.exr`: the irradiance over that of a
surface at the subject's middle that faces the light. Only direct light counts.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import mitsuba as mi
import numpy as np
from ground import SCENES
from render import ASPECT, _camera_json, _to_camera, mesh_of, scene_of, write_exr

from shots import Camera

GREY = {"type": "twosided", "inner": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.5}}}
TOWARD = np.array([-0.6, 0.35, 0.72])  # from the subject's middle to the lights, in the axes of the camera
NEAR = (0.35, 0.8, 2.0)  # their distances from it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/rigs"))
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--spp", type=int, default=128)
    given = parser.parse_args()
    subject, camera = SCENES["bust"]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "camera.json").write_text(json.dumps(_camera_json(camera)))
    width, height = given.size, round(given.size / ASPECT)
    shapes = [mesh_of(mesh, GREY) for mesh in subject()]

    def seen(things: list[Any], sky: Any, integrator: dict[str, Any], samples: int) -> np.ndarray:
        return np.asarray(mi.render(scene_of(things, sky, camera, width, height, integrator), spp=samples))

    place = seen(shapes, {"type": "constant"}, {"type": "aov", "aovs": "p:position,far:depth"}, 1)
    facing = seen(shapes, {"type": "constant"}, {"type": "aov", "aovs": "n:sh_normal"}, 64)
    there = place[..., 3:] > 0
    points = (place[..., :3] - np.array(camera.eye, np.float32)) @ camera.rotation.astype(np.float32)  # camera axes
    normals = _to_camera(facing[..., :3], camera, width, height) * there
    # As `shape.placing` has it: the mean of the subject's points in the picture, at the median of its depth.
    depth = np.where(there, -points[..., 2:], 0)
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    write_exr(given.out / "plate.exr", np.concatenate([0.5 * there] * 3 + [there, normals, depth], -1), names, "float")
    middle = points[there[..., 0]].mean(0)
    middle = middle * float(np.median(depth[there]) / -middle[2])
    for name, light in lights(middle).items():
        emitter, reference = built(light, middle, camera)
        direct = {"type": "direct", "hide_emitters": True}
        found = seen(shapes, emitter, direct, given.spp)  # of one emitter alone, so that no sample is spent on another
        light_on = found[..., :3] * np.pi / 0.5 / reference * there
        write_exr(given.out / f"{name}.exr", light_on, "RGB", "float")
        (given.out / f"{name}.json").write_text(json.dumps({"schema": "relamp.rig/1", "lights": [light]}))
        print(name, flush=True)


def lights(middle: np.ndarray) -> dict[str, dict[str, Any]]:
    """Lights of a rig file by name, in the axes of the camera."""
    toward = TOWARD / np.linalg.norm(TOWARD)
    made: dict[str, dict[str, Any]] = {}
    for far in NEAR:
        position = [float(v) for v in middle + far * toward]
        aim = [float(-v) for v in toward]
        made[f"sphere {far:g}"] = {"kind": "sphere", "position": position, "size": 0.03}
        made[f"area {far:g}"] = {"kind": "area", "position": position, "aim": aim, "size": [0.4 * far, 0.6 * far]}
    made["large sphere 0.8"] = {**made["sphere 0.8"], "size": 0.15}
    made["spot 0.8"] = {
        "kind": "spot", "position": made["sphere 0.8"]["position"], "aim": [float(-v) for v in toward], "angle": 24,
        "softness": 0.01, "size": 0.01,
    }  # fmt: skip
    made["distant"] = {"kind": "distant", "direction": [float(v) for v in toward], "size": 1.0}
    return made


def built(light: dict[str, Any], middle: np.ndarray, camera: Camera) -> tuple[Any, float]:
    """Mitsuba's light, and its irradiance at the subject's middle on a surface that faces it."""

    def world(point: Any) -> np.ndarray:
        return camera.rotation @ np.asarray(point) + np.array(camera.eye)

    if light["kind"] == "distant":
        to = -(camera.rotation @ np.array(light["direction"]))
        return mi.load_dict({"type": "directional", "direction": to.tolist(), "irradiance": 1.0}), 1.0
    position = world(light["position"])
    far = float(np.linalg.norm(np.array(light["position"]) - middle))
    aimed = mi.ScalarTransform4f().look_at(position.tolist(), world(middle).tolist(), [0, 1, 0])
    glow = {"type": "area", "radiance": {"type": "rgb", "value": 1.0}}
    if light["kind"] == "sphere":
        radius = light["size"]
        sphere = {"type": "sphere", "center": position.tolist(), "radius": radius, "emitter": glow}
        return mi.load_dict(sphere), math.pi * radius**2 / far**2
    if light["kind"] == "spot":
        half = light["angle"] / 2
        spot = {"type": "spot", "to_world": aimed, "intensity": 1.0, "cutoff_angle": half, "beam_width": half * 0.99}
        return mi.load_dict(spot), 1 / far**2
    wide, high = light["size"]
    scaled = aimed @ mi.ScalarTransform4f().scale([wide / 2, high / 2, 1])
    return mi.load_dict({"type": "rectangle", "to_world": scaled, "emitter": glow}), wide * high / far**2


if __name__ == "__main__":
    main()
