"""Renders what the validation shots are made of: albedo, roughness and metallic of every pixel, as any renderer's AOVs.

    python benchmarks/validation/materials.py --data data/validation [--shots metal,still_life] [--spp 32]

Needs what `render.py` needs. Every surface glows in its own albedo, or its own roughness and metallic, and nothing is lit, so
pixels at edges hold means as AOVs do. Written beside the plate: `materials.####.exr` with `albedo.R/G/B`, `roughness.Y`
and `metallic.Y`, ACEScg, zero where nothing stands.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import mitsuba as mi
import numpy as np
from render import FIRST, mesh_of, scene_of, write_exr
from shapes import Mesh

from shots import PAINT, SHOTS, Material, Part

LARGEST_ROUGHNESS = 1.0
CHANNELS = ("albedo.R", "albedo.G", "albedo.B", "roughness.Y", "metallic.Y")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", default=",".join(SHOTS), help="names, separated by commas")
    parser.add_argument("--spp", type=int, default=32)
    given = parser.parse_args()
    for name in given.shots.split(","):
        folder = given.data / name
        facts = json.loads((folder / "shot.json").read_text())
        first, last = facts["frames"]
        for frame in range(last - first + 1):
            out = folder / f"materials.{FIRST + frame}.exr"
            if not out.exists():
                write_exr(out, render(name, frame, *facts["size"], given.spp), CHANNELS)


def render(name: str, frame: int, width: int, height: int, spp: int) -> np.ndarray:
    """Albedo, roughness and metallic of one frame, (H, W, 5)."""
    shot = SHOTS[name]
    camera, parts = shot.camera(frame), shot.parts(frame)
    albedo = _glow([_glowing(part, _albedo(part)) for part in parts], camera, width, height, spp)
    rest = _glow([_glowing(part, _rest(part[1])) for part in parts], camera, width, height, spp)
    return np.concatenate([albedo, rest[..., :2]], -1)


def surface(material: Material) -> tuple[float, float]:
    """Roughness and metallic of a material."""
    bsdf = material.get("inner", material)
    if bsdf["type"] != "principled":
        return LARGEST_ROUGHNESS, 0.0
    return float(bsdf["roughness"]), float(bsdf.get("metallic", 0.0))


def _glow(shapes: list[Any], camera: Any, width: int, height: int, spp: int) -> np.ndarray:
    dark = {"type": "constant", "radiance": 0.0}
    scene = scene_of(shapes, dark, camera, width, height, {"type": "path", "max_depth": 1})
    return np.asarray(mi.render(scene, spp=spp, seed=7))[..., :3]


def _albedo(part: Part) -> Any:
    thing, material = part
    if isinstance(thing, Mesh) and thing.colours is not None:
        return PAINT
    return {"type": "rgb", "value": material.get("base_color", {"value": [0.5] * 3})["value"]}


def _rest(material: Material) -> Any:
    return {"type": "rgb", "value": [*surface(material), 0.0]}


def _glowing(part: Part, radiance: Any) -> Any:
    """A mesh that glows and mirrors nothing; strands are left out, no light can be put on them."""
    thing, _ = part
    if not isinstance(thing, Mesh):
        return mi.load_dict({"type": "sphere", "radius": 1e-4, "center": [0, -1e3, 0]})
    black = {"type": "twosided", "inner": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}}}
    return mesh_of(thing, black, radiance)


if __name__ == "__main__":
    main()
