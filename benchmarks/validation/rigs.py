"""Renders the bust of `ground.py` in Mitsuba 3 under the lights of rigs, one at a time: the light that reaches matte surfaces.

    python benchmarks/validation/rigs.py --out data/rigs [--size 200] [--spp 128]

Needs what `render.py` needs, and nothing of Relamp. Writes `plate.exr` (alpha, camera-space normals and planar depth),
`camera.json`, and for each light `NAME.json`, a rig in the axes of the camera, and `NAME.exr`: the irradiance over that of a
surface at the subject's middle that faces the light. Only direct light counts.

`gloss` is a folder of three balls, a glossy one and two of metal, with `plate.exr` under an even light of 1 (and normals, depth,
albedo, roughness and metallic), `camera.json`, and for each light its rig and `NAME.exr`: what the light adds to the plate, at
the strength of the even light on a surface at the balls' middle that faces it.
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
    parser.add_argument("--scene", default="bust,gloss", help="what is rendered: bust, gloss, or both")
    given = parser.parse_args()
    if "gloss" in given.scene:
        balls(given.out / "gloss", given.size, given.spp)
    if "bust" not in given.scene:
        return
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


BALLS = (  # place, colour, roughness, metallic
    ((-0.42, 0.0, 0.0), (0.3, 0.05, 0.04), 0.22, 0.0),
    ((0.0, 0.0, 0.05), (0.9, 0.6, 0.3), 0.45, 1.0),
    ((0.42, 0.0, 0.0), (0.6, 0.62, 0.65), 0.25, 1.0),
)
RADIUS = 0.19
BALLS_SEEN = Camera((0.1, 0.25, 2.1), (0.0, 0.0, 0.0), 36.0)


def balls(folder: Path, width: int, spp: int) -> None:
    """Render the balls under an even light and under each light of a rig."""
    folder.mkdir(parents=True, exist_ok=True)
    camera, height = BALLS_SEEN, round(width / ASPECT)
    (folder / "camera.json").write_text(json.dumps(_camera_json(camera)))
    coats = [
        {
            "type": "principled",
            "base_color": {"type": "rgb", "value": list(colour)},
            "roughness": rough,
            "metallic": metal,
        }
        for _, colour, rough, metal in BALLS
    ]
    shapes = [_ball(place, coat) for (place, *_), coat in zip(BALLS, coats, strict=True)]

    def seen(things: list[Any], sky: Any, integrator: dict[str, Any], samples: int) -> np.ndarray:
        return np.asarray(mi.render(scene_of(things, sky, camera, width, height, integrator), spp=samples))

    direct = {"type": "direct", "hide_emitters": True}
    plate = seen(shapes, {"type": "constant"}, {"type": "aov", "aovs": "n:sh_normal", "beauty": direct}, spp)
    place = seen(shapes, {"type": "constant"}, {"type": "aov", "aovs": "p:position,far:depth,i:shape_index"}, 1)
    there = place[..., 3:4] > 0
    points = (place[..., :3] - np.array(camera.eye, np.float32)) @ camera.rotation.astype(np.float32)
    depth = np.where(there, -points[..., 2:], 0)
    normals = _to_camera(plate[..., 4:7], camera, width, height) * (plate[..., 3:4] > 0)
    which = np.argmin([np.linalg.norm(place[..., :3] - np.array(where), axis=-1) for where, *_ in BALLS], axis=0)
    surface = np.array([[*colour, rough, metal] for _, colour, rough, metal in BALLS])[which] * there
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    names += ("albedo.R", "albedo.G", "albedo.B", "roughness.Y", "metallic.Y")
    write_exr(folder / "plate.exr", np.concatenate([plate[..., :4], normals, depth, surface], -1), names, "float")
    write_exr(folder / "even.exr", np.ones((32, 64, 3), np.float32), "RGB", "float")
    middle = points[there[..., 0]].mean(0)
    middle = middle * float(np.median(depth[there]) / -middle[2])
    for name, light in lights(middle).items():
        if name.endswith(" 2"):
            continue
        emitter, reference = built(light, middle, camera)
        added = seen(shapes, emitter, direct, spp)[..., :3] * np.pi / reference
        write_exr(folder / f"{name}.exr", added, "RGB", "float")
        (folder / f"{name}.json").write_text(json.dumps({"schema": "relamp.rig/1", "lights": [light]}))
        print("gloss", name, flush=True)


def _ball(place: tuple[float, float, float], material: dict[str, Any]) -> Any:
    return mi.load_dict({"type": "sphere", "center": list(place), "radius": RADIUS, "bsdf": material})


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
    return mi.load_dict({"type": "rectangle", "to_world": scaled, "emitter": glow}), straight_ahead(wide, high, far)


def straight_ahead(wide: float, high: float, far: float) -> float:
    """The irradiance under a rectangle of radiance 1, on a surface before its middle that faces it, by integration."""
    x, y = (side / far * ((np.arange(512) + 0.5) / 512 - 0.5) for side in (wide, high))
    return float((1 / (1 + x[:, None] ** 2 + y[None] ** 2) ** 2).mean()) * wide * high / far**2


if __name__ == "__main__":
    main()
