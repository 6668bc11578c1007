"""Renders a figure and a bust on a ground in Mitsuba 3, and what the ground gets of each light with them and without.

    python benchmarks/validation/ground.py --out data/ground [--size 400] [--spp 256]

Needs what `render.py` needs, and nothing of Relamp. A scene is a folder: `plate.exr` (the subject under an even sky, with alpha,
camera-space normals and planar depth), `camera.json`, and for each light `NAME.env.exr`, its map, and `NAME.truth.exr`: in R, G
and B the light on the ground with the subject over that without it, in A where the ground is seen. Only direct light counts. The
ground is at y = 0. `background.exr` is the empty ground under the first light.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import mitsuba as mi
import numpy as np
import shapes
from people import pole
from render import ASPECT, _camera_json, _to_camera, mesh_of, scene_of, write_exr
from shapes import Mesh

from shots import Camera, matte

ROWS = 128  # of a map
AMBIENT = 0.25
SUN = 5.0  # times the even sky's light on a surface that faces it
# Toward the suns, in the world; the camera looks along -Z.
SUNS = {
    "sun left": (-0.8, 0.75, 0.1), "sun right": (0.75, 0.6, -0.1), "sun front left": (-0.5, 0.7, 0.75),
    "sun front": (0.12, 0.65, 0.8), "sun behind": (0.35, 0.6, -0.8),
}  # fmt: skip
WINDOW = ((-0.85, 0.45, 0.3), 16.0, 12.0)  # toward it, half its width in degrees, and its radiance over the sky's


def figure() -> list[Mesh]:
    """A person 1.75 high that stands on y = 0, facing +Z, one arm away from the body."""
    skin, cloth, legs = (0.55, 0.36, 0.27), (0.2, 0.28, 0.4), (0.12, 0.11, 0.1)
    head = shapes.head()
    head = replace(head, vertices=head.vertices * 0.118).moved((0, 1.585, 0.02))
    chest = shapes.lathe([(0.01, 1.5), (0.12, 1.46), (0.2, 1.4), (0.19, 1.2), (0.15, 1.05), (0.18, 0.88), (0.02, 0.86)])
    chest = replace(chest, vertices=chest.vertices * (1, 1, 0.62)).painted(cloth)
    parts = [head, chest]
    for side in (-1, 1):
        parts.append(pole((side * 0.095, 0.9, 0), (side * 0.13, 0.06, 0), 0.075).painted(legs))
        foot = shapes.ball(1.0, 40)
        parts.append(
            replace(foot, vertices=foot.vertices * (0.05, 0.045, 0.13)).moved((side * 0.135, 0.045, 0.05)).painted(legs)
        )
    parts.append(pole((-0.19, 1.4, 0), (-0.29, 1.1, 0.03), 0.05).painted(cloth))
    parts.append(pole((-0.29, 1.1, 0.03), (-0.27, 0.82, 0.1), 0.042).painted(skin))
    parts.append(pole((0.19, 1.4, 0), (0.42, 1.2, 0.0), 0.05).painted(cloth))
    parts.append(pole((0.42, 1.2, 0.0), (0.6, 1.42, 0.08), 0.042).painted(skin))
    return parts


def bust() -> list[Mesh]:
    """Head and shoulders, 0.5 high, that stand on y = 0, facing +Z."""
    size, up = 0.13, 0.345
    head, shirt = shapes.head(), shapes.shirt()
    return [replace(m, vertices=m.vertices * size).moved((0, up, 0)) for m in (head, shirt)]


SCENES = {
    "figure": (figure, Camera((0.25, 1.45, 4.6), (0.0, 0.72, 0.0), 42.0)),
    "bust": (bust, Camera((0.1, 0.62, 1.7), (0.0, 0.17, 0.0), 42.0)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/ground"))
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--spp", type=int, default=256)
    parser.add_argument("--scenes", default=",".join(SCENES))
    given = parser.parse_args()
    for name in given.scenes.split(","):
        subject, camera = SCENES[name]
        render(given.out / name, [mesh_of(m, matte()) for m in subject()], camera, given.size, given.spp)


def render(folder: Path, subject: list[object], camera: Camera, width: int, spp: int) -> None:
    """Render what is missing of a scene."""
    folder.mkdir(parents=True, exist_ok=True)
    height = round(width / ASPECT)
    floor = mesh_of(plane(), matte())
    (folder / "camera.json").write_text(json.dumps(_camera_json(camera)))

    def seen(things: list[object], sky: object, integrator: dict[str, object], samples: int) -> np.ndarray:
        return np.asarray(mi.render(scene_of(things, sky, camera, width, height, integrator), spp=samples))

    if not (folder / "plate.exr").exists():
        path = {"type": "path", "max_depth": 4, "hide_emitters": True}
        found = seen(
            subject, {"type": "constant"}, {"type": "aov", "aovs": "n:sh_normal,p:position", "beauty": path}, spp
        )
        normals = _to_camera(found[..., 4:7], camera, width, height) * (found[..., 3:4] > 0)
        # One sample a pixel, so that no depth is a mixture of two.
        place = seen(subject, {"type": "constant"}, {"type": "aov", "aovs": "p:position,far:depth"}, 1)
        ahead = (place[..., :3] - np.array(camera.eye, np.float32)) @ -camera.rotation[:, 2].astype(np.float32)
        depth = np.where(place[..., 3] > 0, ahead, 0)[..., None]
        names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
        write_exr(folder / "plate.exr", np.concatenate([found[..., :4], normals, depth], -1), names, "float")
    direct = {"type": "direct", "hide_emitters": True}
    for name, pixels in lights().items():
        write_exr(folder / f"{name}.env.exr", pixels, "RGB", "float")
        if (folder / f"{name}.truth.exr").exists():
            continue
        sky = {"type": "envmap", "bitmap": mi.Bitmap(pixels)}
        empty, full = seen([floor], sky, direct, spp), seen([floor, *subject], sky, direct, spp)
        if name == next(iter(lights())):
            write_exr(folder / "background.exr", empty[..., :3] + (1 - empty[..., 3:]) * AMBIENT, "RGB", "float")
        figure_alpha = seen(subject, {"type": "constant"}, direct, 16)[..., 3:]
        ground = empty[..., 3:] * (figure_alpha == 0)
        ratio = np.where(ground > 0.99, full[..., :3] / np.maximum(empty[..., :3], 1e-6), 1)
        write_exr(folder / f"{name}.truth.exr", np.concatenate([ratio, ground > 0.99], -1), "RGBA", "float")
        print(folder.name, name, flush=True)


def plane(size: float = 40.0) -> Mesh:
    """A level ground at y = 0."""
    line = np.linspace(-size, size, 3)
    x, z = np.meshgrid(line, line)
    return shapes.sheet(np.stack([x, 0 * x, z], -1)).painted(0.3)


def lights() -> dict[str, np.ndarray]:
    """The maps (ROWS, 2 ROWS, 3) by name."""
    v, u = ((np.arange(n) + 0.5) / n for n in (ROWS, 2 * ROWS))
    theta, phi = np.pi * v[:, None], 2 * np.pi * (0.5 - u[None])
    toward = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi, np.sin(theta) * np.cos(phi)], -1)
    area = (np.sin(theta) * (np.pi / ROWS) ** 2 + 0 * phi)[..., None]
    made = {}
    for name, sun in SUNS.items():
        pixels = np.full((ROWS, 2 * ROWS, 3), AMBIENT)
        at = np.unravel_index((toward @ (np.array(sun) / np.linalg.norm(sun))).argmax(), toward.shape[:2])
        pixels[at] += SUN * AMBIENT * np.pi / area[at] * np.array((1.0, 0.9, 0.75))
        made[name] = pixels.astype(np.float32)
    to, half, strength = WINDOW
    there = toward @ (np.array(to) / np.linalg.norm(to)) > np.cos(np.radians(half))
    made["window"] = (AMBIENT * (1 + strength * there[..., None] + np.zeros(3))).astype(np.float32)
    return made


if __name__ == "__main__":
    main()
