"""Renders a grey ball in Mitsuba 3, which knows nothing of Relamp, lit by what a light rig says.

Run by an interpreter that has Mitsuba: usd_in_mitsuba.py LIGHTS.json OUT.exr. LIGHTS is {"domes": [{"file", "to_world",
"scale"}], "suns": [{"to", "irradiance"}]}, `to` where the light goes. Axes are USD's, which Mitsuba's envmap shares; the ball
is seen from +Z, without perspective.
"""

import json
import sys

import mitsuba as mi

SIZE, SAMPLES = 96, 1024


def main(lights: str, out: str) -> None:
    """Render and write RGB."""
    mi.set_variant("scalar_rgb")
    with open(lights, encoding="utf-8") as file:
        rig = json.load(file)
    scene = {"type": "scene", "integrator": {"type": "path", "max_depth": 2}, "sensor": sensor(), "ball": ball()}
    for index, dome in enumerate(rig["domes"]):
        turn = mi.ScalarTransform4f(dome["to_world"])
        scene[f"dome{index}"] = {"type": "envmap", "filename": dome["file"], "scale": dome["scale"], "to_world": turn}
    for index, sun in enumerate(rig["suns"]):
        light = {"type": "rgb", "value": sun["irradiance"]}
        scene[f"sun{index}"] = {"type": "directional", "direction": sun["to"], "irradiance": light}
    pixels = mi.render(mi.load_dict(scene), spp=SAMPLES)
    mi.Bitmap(pixels).convert(mi.Bitmap.PixelFormat.RGB, mi.Struct.Type.Float32, False).write(out)


def ball() -> dict:
    """White and matte: it reads what its normals receive."""
    return {"type": "sphere", "radius": 1.0, "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.5}}}


def sensor() -> dict:
    """The ball fills the picture; a box filter, so that no pixel looks at its neighbours."""
    where = mi.ScalarTransform4f().look_at(origin=[0, 0, 10], target=[0, 0, 0], up=[0, 1, 0])
    film = {"type": "hdrfilm", "width": SIZE, "height": SIZE, "rfilter": {"type": "box"}, "pixel_format": "rgb"}
    return {"type": "orthographic", "to_world": where, "film": film}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
