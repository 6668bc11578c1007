"""Makes the still of `examples/person`: a person of the training data's makers, lit by a map, with passes of every kind.

    make views
    .venv-views/bin/python -m relamp.training.views.bodies --out data/bodies --count 8 --seed 1
    python examples/make_person.py data/bodies/bodies-00001.npz [FOLDER]

The plate is ray-cast (`relamp.training.views`), so its passes and its light are exact. Linear ACEScg; the camera is level, looks
down -Z and sees 25 degrees, as `examples/person/camera.json` says. The map holds the very lights that shaded the plate.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import torch

from relamp.core.light.environment import directions
from relamp.core.pictures.resample import resize
from relamp.training.views.bodies import UNIT
from relamp.training.views.cast import Scene
from relamp.training.views.light import Draw, Light, Views, shade
from relamp.training.views.person import Body, make_person
from relamp.training.views.view import Camera, View, look

PERSON, BODY = 45, 5  # seeds: what the person wears, and which of the bodies it is
SIZE, FINE = 480, 2  # px a side of the plate, and how many times finer it is cast
SETS = 6  # random sets of directions that are averaged, so that light is smooth
FOV, HALF = 25.0, 0.21  # degrees of the view, and metres to each side of the subject's middle
EXPOSURE = 1.4
MAP_ROWS = 96


def lights() -> Light:
    """A warm key on the camera's left, a sky above, a cool rim from behind on the right: spherical Gaussians in camera space."""
    made = (
        ((-0.75, 0.35, 0.55), 25.0, (12.0, 10.0, 7.7)),
        ((0.0, 1.0, 0.1), 1.2, (0.13, 0.16, 0.20)),
        ((0.0, -1.0, 0.2), 1.0, (0.06, 0.053, 0.043)),
        ((0.75, 0.4, -0.6), 25.0, (4.5, 5.5, 7.0)),
        ((0.9, 0.05, 0.5), 3.0, (0.08, 0.08, 0.08)),
    )
    axis, sharpness, colour = (torch.tensor([each[i] for each in made])[None] for i in range(3))
    axis = axis / axis.norm(dim=-1, keepdim=True)
    return Light(axis, sharpness, colour, torch.zeros(1, 3, 3))


def radiance(light: Light) -> np.ndarray:
    """The same lights as a latitude-longitude map, (H, 2H, 3) float32."""
    toward = directions(MAP_ROWS, 2 * MAP_ROWS) @ light.axis[0].numpy().T  # (H, 2H, L)
    return (np.exp(light.sharpness[0].numpy() * (toward - 1)) @ light.colour[0].numpy()).astype(np.float32)


def person(bodies: Path, seed: int = PERSON, which: int = BODY) -> tuple[Any, Camera]:
    """A person and a camera before it."""
    with np.load(bodies) as file:
        body = Body(file["reference"], file["faces"], file["segment"])
        vertices = file["vertices"][which].astype(np.float32) * UNIT + file["centre"][which]
    made = make_person(np.random.default_rng(seed), body, vertices)
    at = made.head - np.array([0, 0, 0.07])
    return made, Camera.looking(at, 0.25, 0.0, 0.0, HALF, float(np.deg2rad(FOV)))


def views(made: Any, camera: Camera, size: int, sets: int) -> list[View]:
    """The person seen once for each set of directions; everything else in the views is the same."""
    scene = Scene(made.mesh)
    found = [
        look(np.random.default_rng(k), made.mesh, made.paints, camera, size, ground=False, scene=scene)
        for k in range(sets)
    ]
    return [view for view in found if view is not None]


def lit(view: View, light: Light) -> np.ndarray:
    """A view in a light, (S, S, 3) linear, premultiplied."""
    stored = {f.name: torch.from_numpy(getattr(view, f.name))[None] for f in fields(view)}
    draw = Draw(torch.Generator().manual_seed(1), torch.device("cpu"))  # the same scattering and gloss for every set
    picture, _ = shade(Views.of(stored), light, draw)
    return (picture[0].permute(1, 2, 0).numpy() * view.matte[..., None] / 255).astype(np.float32)


def passes(view: View, camera: Camera) -> dict[str, np.ndarray]:
    """The passes of a view, (S, S) or (S, S, 3) float32, zero where nothing stands."""
    there = view.matte > 0
    middle = float(view.pixel[0]) * len(view.matte) / (2 * camera.tangent)  # metres to the subject
    depth = np.where(there, middle * np.exp(-2 * camera.tangent * view.relief.astype(np.float32)), 0)
    plain = {
        "albedo": (view.colour / 255.0) ** 2,
        "roughness": view.roughness / 255.0,
        "metallic": view.metallic / 255.0,
    }
    return {"N": view.normals / 127.0, "depth": depth, **plain}


def smaller(pixels: np.ndarray) -> np.ndarray:
    """A fine picture at the plate's size, averaged over what it covers."""
    return resize(np.ascontiguousarray(pixels, np.float32), (SIZE, SIZE))


def write(path: Path, channels: dict[str, np.ndarray], kind: str = "half", **attributes: Any) -> None:
    """Write channels (h, w) by name as an EXR in ACEScg."""
    pixels = np.stack(list(channels.values()), -1).astype(np.float32)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), kind)
    spec.channelnames = tuple(channels)
    spec.attribute("colorInteropID", "lin_ap1_scene")
    spec.attribute("compression", "zip")
    for name, value in attributes.items():
        spec.attribute(name, value)
    image = oiio.ImageBuf(spec)
    image.set_pixels(image.roi, pixels)
    if not image.write(str(path)):
        raise SystemExit(f"{path} cannot be written: {image.geterror()}")


def by_name(name: str, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """The channels of a layer as the passes of Relamp are called."""
    if pixels.ndim == 2:
        return {f"{name}.{'Z' if name == 'depth' else 'A'}": pixels}
    return {f"{name}.{c}": pixels[..., i] for i, c in enumerate("XYZ" if name == "N" else "RGB")}


def main(bodies: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    light = lights()
    light = replace(light, colour=light.colour * EXPOSURE)
    made, camera = person(bodies)
    seen = views(made, camera, SIZE * FINE, SETS)
    picture = smaller(np.mean([lit(view, light) for view in seen], axis=0))
    matte = smaller(seen[0].matte / 255.0)
    write(folder / "plate.exr", {**{c: picture[..., i] for i, c in enumerate("RGB")}, "A": matte})
    channels: dict[str, np.ndarray] = {}
    for name, fine in passes(seen[0], camera).items():
        covered = seen[0].matte / 255.0
        weight = covered if fine.ndim == 2 else covered[..., None]
        mean = smaller(fine * weight) / np.maximum(matte if fine.ndim == 2 else matte[..., None], 1e-3)
        if name == "N":
            mean = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-6)
        channels |= by_name(name, np.where(matte > 0 if fine.ndim == 2 else (matte > 0)[..., None], mean, 0))
    write(folder / "passes.exr", channels)
    write(folder / "source.exr", {c: radiance(light)[..., i] for i, c in enumerate("RGB")}, envmap="latlong")
    (folder / "camera.json").write_text(json.dumps({"fov": FOV, "matrix": np.eye(4).ravel().tolist()}) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "person")
