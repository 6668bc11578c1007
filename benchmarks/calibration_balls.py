"""A grey and a chrome ball under a DomeLight, rendered in Mitsuba 3, which knows nothing of Relamp.

Run by an interpreter that has Mitsuba: calibration_balls.py LIGHTS.json, a list of {"map", "turn", "scale", "out"}: `turn` in
degrees about +Y, `out` an EXR with R G B A and the normals N.X N.Y N.Z, camera space. Seen from +Z without perspective, each
ball alone under its light.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import sys
from typing import Any

import mitsuba as mi
import numpy as np

SIZE, SAMPLES = 96, 128
CHANNELS = ["R", "G", "B", "A", "N.X", "N.Y", "N.Z"]
GREY = {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.5}}
CHROME = {"type": "conductor", "material": "none"}


def main(lights: str) -> None:
    """Render each light of the list."""
    mi.set_variant("scalar_rgb")
    with open(lights, encoding="utf-8") as file:
        wanted = json.load(file)
    for light in wanted:
        pixels = np.concatenate([ball(light, material) for material in (GREY, CHROME)], 1)
        bitmap = mi.Bitmap(pixels, mi.Bitmap.PixelFormat.MultiChannel, CHANNELS)
        bitmap.metadata()["colorInteropID"] = "lin_rec709_scene"
        bitmap.write(light["out"])


def ball(light: dict[str, Any], material: dict[str, Any]) -> np.ndarray:
    """One ball, (SIZE, SIZE, 7)."""
    path = {"type": "path", "max_depth": 2, "hide_emitters": True}
    turn = mi.ScalarTransform4f().rotate([0, 1, 0], light["turn"])
    scene = {
        "type": "scene",
        "integrator": {"type": "aov", "aovs": "n:sh_normal", "image": path},
        "sensor": sensor(),
        "dome": {"type": "envmap", "filename": light["map"], "scale": light["scale"], "to_world": turn},
        "ball": {"type": "sphere", "radius": 1.0, "bsdf": material},
    }
    return np.array(mi.render(mi.load_dict(scene), spp=SAMPLES), np.float32)


def sensor() -> dict[str, Any]:
    """The ball fills the picture nearly; a box filter, so that alpha and normals stay in their pixels."""
    where = mi.ScalarTransform4f().look_at(origin=[0, 0, 10], target=[0, 0, 0], up=[0, 1, 0])
    film = {"type": "hdrfilm", "width": SIZE, "height": SIZE, "rfilter": {"type": "box"}, "pixel_format": "rgba"}
    where = where @ mi.ScalarTransform4f().scale([1.08, 1.08, 1])
    return {"type": "orthographic", "to_world": where, "film": film}


if __name__ == "__main__":
    main(sys.argv[1])
