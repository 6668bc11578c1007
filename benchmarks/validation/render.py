"""Renders the validation set with Mitsuba 3: every shot under the light it was filmed in and under the one it is to get.

    python benchmarks/validation/render.py --out data/validation [--shots head,metal] [--size 256] [--spp 32] [--frames 4]

Needs `mitsuba`, `pyoidn` (Open Image Denoise), `numpy` and `OpenImageIO`, and nothing of Relamp. What exists is kept, so it
can be stopped and started again.

A shot is a folder: `plate` and `truth` (opaque, the map is seen behind), `matte`, `normals` (camera space, X right, Y up, Z to
the viewer), `depth` (planar, in the scene's units, 0 where nothing stands; no pixel is a mixture) and `background_b` (what the
camera sees without the subject) as `####.exr` from frame 1001, the maps `env_a` and `env_b` (a sequence where the light turns),
`camera.json`, and `shot.json` with the noise that is left. Numbers are ACEScg. Where a plate is white-balanced to its light, so
is `env_a`.
"""

# pyright: reportMissingImports=false
# Mitsuba lives in an environment of its own.

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import maps
import mitsuba as mi
import numpy as np
import OpenImageIO as oiio
import pyoidn
from shapes import Mesh

from shots import SHOTS, Camera, Hair, Light, Part, Shot

mi.set_variant("scalar_rgb")

FIRST = 1001
ASPECT = 4 / 3
PASSES = 4  # the samples are split into as many pictures, to find fireflies and to measure what noise is left
DEPTH = 5  # of a path
FIREFLY = 4.0  # times the other passes' mean
LOOKS = 9  # samples of a pixel's depth, of which it is the median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", default=",".join(SHOTS), help="names, separated by commas")
    parser.add_argument("--size", type=int, default=256, help="width in pixels; the height is three quarters of it")
    parser.add_argument("--spp", type=int, default=32, help="samples a pixel")
    parser.add_argument("--frames", type=int, default=4)
    given = parser.parse_args()
    names = given.shots.split(",")
    if unknown := [name for name in names if name not in SHOTS]:
        parser.error(f"there is no shot {', '.join(unknown)}; there are {', '.join(SHOTS)}")
    for name in names:
        suffix = "" if given.size < 1024 else f"_{given.size}"
        render_shot(SHOTS[name], given.out / (name + suffix), given.size, given.spp, given.frames)


def render_shot(shot: Shot, folder: Path, width: int, spp: int, frames: int) -> None:
    """Render what is missing of a shot."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = {}
    for frame in range(frames):
        if not _path(folder, "depth", frame).exists():
            write_exr(_path(folder, "depth", frame), _depth(shot, frame, width), "Z", "float")
        finished = _path(folder, "truth", frame)  # the last one of a frame to be written
        if not finished.exists():
            begun = time.perf_counter()
            noise[FIRST + frame] = _render_frame(shot, folder, frame, width, spp)
            print(
                f"{shot.name} {FIRST + frame}: {time.perf_counter() - begun:.1f} s, {noise[FIRST + frame]}", flush=True
            )
    cameras = {str(FIRST + frame): _camera_json(shot.camera(frame)) for frame in range(frames)}
    _write_json(folder / "camera.json", {"frames": cameras})
    _describe(shot, folder, width, spp, frames, noise)


def _render_frame(shot: Shot, folder: Path, frame: int, width: int, spp: int) -> dict[str, float]:
    camera = shot.camera(frame)
    height = round(width / ASPECT)
    shapes = [_shape(part) for part in shot.parts(frame)]
    noise = {}
    for light, picture, env in ((shot.plate, "plate", "env_a"), (shot.truth, "truth", "env_b")):
        pixels = maps.make(light.place, light.level, light.turn_at(frame))
        pixels = maps.balanced(pixels) if light.balanced else pixels
        env_path = _path(folder, env, frame) if light.turn_a_frame else folder / f"{env}.exr"
        if not env_path.exists():
            write_exr(env_path, pixels, "RGB", "float")
        sky = _sky(pixels)
        beauty, normals, left = _render(shapes, sky, camera, width, height, spp, seed=1000 * frame)
        behind = np.asarray(
            mi.render(scene_of([], sky, camera, width, height, {"type": "direct"}), spp=32, seed=frame)
        )[..., :3]
        alpha = np.clip(beauty[..., 3:], 0, 1)
        noise[picture] = round(left, 1)
        if picture == "plate":
            write_exr(_path(folder, "matte", frame), alpha, "A")
            write_exr(_path(folder, "normals", frame), _to_camera(normals, camera, width, height) * (alpha > 0), "XYZ")
        else:
            write_exr(_path(folder, "background_b", frame), behind, "RGB")
        write_exr(_path(folder, picture, frame), beauty[..., :3] + (1 - alpha) * behind, "RGB")
    return noise


def _render(
    shapes: list[Any], sky: dict[str, Any], camera: Camera, width: int, height: int, spp: int, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Beauty (H, W, 4) premultiplied, world normals (H, W, 3), and the PSNR in dB of the noise left in the beauty.

    The two halves of the passes are denoised apart and averaged, so that their difference tells the noise.
    """
    path = {"type": "path", "max_depth": DEPTH, "hide_emitters": True}
    integrator = {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal", "beauty": path}
    scene = scene_of(shapes, sky, camera, width, height, integrator)
    passes = np.stack([np.asarray(mi.render(scene, spp=max(spp // PASSES, 1), seed=seed + i)) for i in range(PASSES)])
    alpha, albedo, normals = (
        passes[..., channels].mean(axis=0) for channels in (slice(3, 4), slice(4, 7), slice(7, 10))
    )
    tame = _without_fireflies(passes[..., :3])
    halves = [_denoised(half.mean(axis=0), albedo, normals) for half in (tame[::2], tame[1::2])]
    shown = [np.clip(half, 0, 1) ** (1 / 2.2) for half in halves]
    error = ((shown[0] - shown[1]) / 2)[alpha[..., 0] > 0.5]
    return np.concatenate([sum(halves) / 2, alpha], -1), normals, float(-10 * np.log10(np.square(error).mean()))


def _depth(shot: Shot, frame: int, width: int) -> np.ndarray:
    """Planar depth (H, W, 1), the median of a few samples a pixel; 0 where most of them hit nothing."""
    camera, height = shot.camera(frame), round(width / ASPECT)
    scene = scene_of(
        [_shape(part) for part in shot.parts(frame)], {"type": "constant"}, camera, width, height,
        {"type": "aov", "aovs": "place:position,far:depth"},
    )  # fmt: skip
    looks = np.stack([np.asarray(mi.render(scene, spp=1, seed=i)) for i in range(LOOKS)])  # (LOOKS, H, W, 4)
    ahead = (looks[..., :3] - np.array(camera.eye, np.float32)) @ -camera.rotation[:, 2].astype(np.float32)
    depth = np.median(np.where(looks[..., 3] > 0, ahead, 0), axis=0)
    return np.maximum(depth, 0)[..., None]


def _denoised(colour: np.ndarray, albedo: np.ndarray, normals: np.ndarray) -> np.ndarray:
    guides = {"albedo": np.ascontiguousarray(albedo.clip(0, 1)), "normal": np.ascontiguousarray(normals)}
    return np.maximum(pyoidn.denoise(np.ascontiguousarray(colour), hdr=True, **guides), 0)


def _without_fireflies(passes: np.ndarray) -> np.ndarray:
    """The passes (N, H, W, 3), the brightest of them replaced where it stands far above the mean of the others."""
    luminance = passes @ maps.AP1_LUMINANCE
    brightest = luminance.argmax(axis=0)[None, ..., None]
    others = (passes.sum(axis=0) - np.take_along_axis(passes, brightest, axis=0)[0]) / (len(passes) - 1)
    firefly = luminance.max(axis=0) > FIREFLY * (others @ maps.AP1_LUMINANCE) + 0.2
    chosen = (np.arange(len(passes))[:, None, None] == brightest[..., 0]) & firefly
    return np.where(chosen[..., None], others, passes).astype(np.float32)


def scene_of(shapes: list[Any], sky: Any, camera: Camera, width: int, height: int, integrator: dict[str, Any]) -> Any:
    """Mitsuba's scene of `shapes` under the emitter `sky`, seen by `camera` at width x height px."""
    sensor = {
        "type": "perspective",
        "fov": camera.fov,
        "to_world": mi.ScalarTransform4f().look_at(list(camera.eye), list(camera.target), [0, 1, 0]),
        "film": {
            "type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgba", "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent"},
    }  # fmt: skip
    numbered = {f"shape{number}": shape for number, shape in enumerate(shapes)}
    return mi.load_dict({"type": "scene", "integrator": integrator, "sensor": sensor, "sky": sky, **numbered})


def _sky(pixels: np.ndarray) -> dict[str, Any]:
    return {"type": "envmap", "bitmap": mi.Bitmap(pixels)}


def _shape(part: Part) -> Any:
    thing, material = part
    if isinstance(thing, Hair):
        return _curves(thing, material)
    return mesh_of(thing, material)


def mesh_of(mesh: Mesh, material: dict[str, Any], radiance: Any = None) -> Any:
    """Mitsuba's mesh of a material, which also glows where a `radiance` is given."""
    properties = mi.Properties()
    properties["mesh_bsdf"] = mi.load_dict(material)
    if radiance is not None:
        properties["mesh_emitter"] = mi.load_dict({"type": "area", "radiance": radiance})
    built = mi.Mesh("mesh", len(mesh.vertices), len(mesh.faces), has_vertex_normals=True, props=properties)
    if mesh.colours is not None:
        built.add_attribute("vertex_color", 3, np.ravel(mesh.colours).astype(np.float32))
    values = mi.traverse(built)
    values["vertex_positions"] = np.ravel(mesh.vertices).astype(np.float32)
    values["vertex_normals"] = np.ravel(mesh.normals()).astype(np.float32)
    values["faces"] = np.ravel(mesh.faces).astype(np.uint32)
    values.update()
    return built


def _curves(hair: Hair, material: dict[str, Any]) -> Any:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        for strand in hair.strands:
            file.writelines(f"{x:.5f} {y:.5f} {z:.5f} {hair.radius:.5f}\n" for x, y, z in strand)
            file.write("\n")
    try:
        return mi.load_dict({"type": "bsplinecurve", "filename": file.name, "bsdf": material})
    finally:
        os.unlink(file.name)


def _to_camera(normals: np.ndarray, camera: Camera, width: int, height: int) -> np.ndarray:
    """World normals in camera space, of unit length, those of the far side of a cloth turned to the viewer."""
    turned = normals @ camera.rotation
    turned /= np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-6)
    half = np.tan(np.radians(camera.fov) / 2)
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * half
    y = (1 - (np.arange(height) + 0.5) / height * 2) * half * height / width
    to_viewer = np.stack([*np.meshgrid(-x, -y), np.ones((height, width))], -1)
    away = (turned * to_viewer).sum(axis=-1, keepdims=True) < -0.3
    return np.where(away, -turned, turned)


def _camera_json(camera: Camera) -> dict[str, Any]:
    matrix = np.eye(4)
    matrix[:3, :3] = camera.rotation
    matrix[:3, 3] = camera.eye
    return {"fov": camera.fov, "matrix": [round(float(v), 9) for v in matrix.ravel()]}


def _describe(shot: Shot, folder: Path, width: int, spp: int, frames: int, noise: dict[int, dict[str, float]]) -> None:
    file = folder / "shot.json"
    known = json.loads(file.read_text())["noise_db"] if file.exists() else {}
    facts = {
        "shows": shot.shows,
        "plate": _light_json(shot.plate),
        "truth": _light_json(shot.truth),
        "frames": [FIRST, FIRST + frames - 1],
        "size": [width, round(width / ASPECT)],
        "spp": spp,
        "renderer": f"Mitsuba {mi.__version__} {mi.variant()}, path depth {DEPTH}",
        "noise_db": known | {str(frame): values for frame, values in noise.items()},
    }
    _write_json(file, facts)


def _light_json(light: Light) -> dict[str, Any]:
    return {
        "place": light.place,
        "level": light.level,
        "turn": light.turn,
        "turn_a_frame": light.turn_a_frame,
        "balanced": light.balanced,
    }


def _path(folder: Path, name: str, frame: int) -> Path:
    return folder / f"{name}.{FIRST + frame}.exr"


def _write_json(path: Path, facts: Any) -> None:
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def write_exr(path: Path, pixels: np.ndarray, channels: Sequence[str], kind: str = "half") -> None:
    """Write (H, W, C) with these channel names, whole or not at all; files with a red are marked as ACEScg."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, kind)
    spec.channelnames = tuple(channels)
    spec.attribute("compression", "zip")
    if any(name.endswith("R") for name in channels):
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
