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
import os
from pathlib import Path
from typing import Any

import mitsuba as mi
import numpy as np
import OpenImageIO as oiio
from render import FIRST, _scene
from shapes import Mesh

from shots import PAINT, SHOTS, Material, Part

LARGEST_ROUGHNESS = 1.0


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
                write(out, render(name, frame, *facts["size"], given.spp))


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
    scene = _scene(shapes, dark, camera, width, height, {"type": "path", "max_depth": 1})
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
    properties = mi.Properties()
    properties["mesh_bsdf"] = mi.load_dict(
        {"type": "twosided", "inner": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}}}
    )
    properties["mesh_emitter"] = mi.load_dict({"type": "area", "radiance": radiance})
    built = mi.Mesh("mesh", len(thing.vertices), len(thing.faces), has_vertex_normals=True, props=properties)
    if thing.colours is not None:
        built.add_attribute("vertex_color", 3, np.ravel(thing.colours).astype(np.float32))
    values = mi.traverse(built)
    values["vertex_positions"] = np.ravel(thing.vertices).astype(np.float32)
    values["vertex_normals"] = np.ravel(thing.normals()).astype(np.float32)
    values["faces"] = np.ravel(thing.faces).astype(np.uint32)
    values.update()
    return built


def write(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 5), whole or not at all."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, "half")
    spec.channelnames = ("albedo.R", "albedo.G", "albedo.B", "roughness.Y", "metallic.Y")
    spec.attribute("colorInteropID", "lin_ap1_scene")
    temporary = path.with_name(f".{path.name}.tmp")
    out: Any = oiio.ImageOutput.create("exr")
    if not (
        out.open(str(temporary), spec) and out.write_image(np.ascontiguousarray(pixels, np.float32)) and out.close()
    ):
        raise OSError(f"{path}: {out.geterror()}")
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
