"""How much of the light a background tells: maps of procedural places against what is made of the part the camera sees.

    python benchmarks/background_light.py [--places 400] [--seed 1] [--data data/validation] [--out t.md]

For each place the map is seen by a camera of 36 degrees, an environment is made of that view alone, and what both give to what
faces the camera is compared: RMS of the log irradiance over facings and channels once one level is fitted, and that level.
The places are those training is lit by; the numbers set the constants of `core/light/from_background.py` and judge nothing else.

With `--data`, shots of `benchmarks/validation/render.py`: what their new backgrounds tell of the light on their subjects.
*shape*: RMS over the subject of log2 of luminance received, its mean fitted; *tint*: RMS of its mean red and blue over green, in
stops; for taking the light as even, as brighter above alone, and as the map. *level*: by how many stops the subject's light truly
changes, and the backgrounds' maps would have it, the old one made of the plate outside the matte.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from report import Report
from validation.table import read

from relamp.core.light.backdrop import backdrop, camera_rays
from relamp.core.light.camera import load_camera
from relamp.core.light.environment import AP1_LUMINANCE, directions, resize
from relamp.core.light.from_background import UPWARD, from_background
from relamp.core.light.irradiance import irradiance
from relamp.core.light.map_file import load_environment
from relamp.core.pictures.colour import Colour
from relamp.training.environments import sample_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="rendered shots to look at, too")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    rays, facing = camera_rays(48, 36, 36.0), toward_camera()
    true, found = [], {name: [] for name in ("white", "mean colour", "map", "map, view clipped")}
    for _ in range(given.places):
        pixels = sample_environment(rng, 64).astype(np.float32)
        view = backdrop(pixels, rays)
        luminance = view @ np.array(AP1_LUMINANCE, np.float32)
        clipped = np.minimum(view, 5 * np.median(luminance))  # a camera exposed for the middle
        true.append(irradiance(pixels, facing) / np.pi)
        found["white"].append(np.full((len(facing), 3), luminance.mean()))
        found["mean colour"].append(np.broadcast_to(view.mean(axis=(0, 1)), (len(facing), 3)))
        found["map"].append(irradiance(from_background(view, rays, 32), facing) / np.pi)
        found["map, view clipped"].append(irradiance(from_background(clipped, rays, 32), facing) / np.pi)
    say = Report(given.out)
    say("| the light is taken as | RMS log error, level fitted | level off, stops | its spread, stops |")
    say("| --- | ---: | ---: | ---: |")
    for name, lights in found.items():
        say(f"| {name} | " + " | ".join(f"{value:.2f}" for value in errors(np.array(lights), np.array(true))) + " |")

    if given.data:
        say("")
        rendered(given.data, say)


def rendered(data: Path, say: Report) -> None:
    """The table of rendered shots."""
    say("| shot | shape: even | above | map | tint: even | map | level: true | maps |\n| --- |" + " ---: |" * 7)
    rows = []
    for folder in sorted(f for f in data.iterdir() if (f / "shot.json").is_file()):
        rows.append(told(folder, 1001))
        say(f"| {folder.name} | " + " | ".join(f"{value:.2f}" for value in rows[-1]) + " |")
    means = np.sqrt(np.square(rows).mean(axis=0))[:5]
    say("| RMS | " + " | ".join(f"{value:.2f}" for value in means) + " | | |")


def told(folder: Path, frame: int) -> list[float]:
    """The cells of a shot."""
    weights = np.array(AP1_LUMINANCE)
    plate, behind, matte, normals = (
        read(folder / f"{name}.{frame}.exr").astype(np.float32)
        for name in ("plate", "background_b", "matte", "normals")
    )
    camera = load_camera(str(folder / "camera.json")).at(frame)
    rays = camera_rays(96, round(96 * matte.shape[0] / matte.shape[1]), camera.fov) @ camera.rotation.T.astype(
        np.float32
    )
    inside, outside = matte[..., 0] > 0.9, matte[..., 0] < 0.02
    facing = (normals[inside] @ camera.rotation.T.astype(np.float32))[::9]
    facing /= np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-6)
    still = folder / "env_b.exr"
    truth = load_environment(still if still.exists() else folder / f"env_b.{frame}.exr", colour=Colour()).pixels
    before = load_environment(folder / "env_a.exr", colour=Colour()).pixels
    above = np.exp(UPWARD * directions(64, 128)[..., 1:2]) * np.ones(3, np.float32)
    old = np.where(outside[..., None], plate, plate[outside].mean(axis=0))
    lights = (truth, before, above, from_background(behind, rays), from_background(old, rays))
    received = [irradiance(resize(p, 64) if p.shape[0] > 64 else p, facing) for p in lights]
    true, source, upward, made, was = (np.log2(light @ weights) for light in received)
    colours = [
        np.log2(light).mean(axis=0)[[0, 2]] - np.log2(light).mean(axis=0)[1] for light in (received[0], received[3])
    ]
    tints = [float(np.sqrt(np.square(error).mean())) for error in (colours[0], colours[0] - colours[1])]
    shapes = [float(error.std()) for error in (true, true - upward, true - made)]
    return [*shapes, *tints, float(true.mean() - source.mean()), float(made.mean() - was.mean())]


def toward_camera() -> np.ndarray:
    """Normals that face the camera, (K, 3)."""
    grid = np.stack(np.meshgrid(*[np.linspace(-0.9, 0.9, 9)] * 2), -1).reshape(-1, 2)
    grid = grid[(grid**2).sum(axis=1) < 0.85]
    return np.concatenate([grid, np.sqrt(1 - (grid**2).sum(axis=1, keepdims=True))], axis=1).astype(np.float32)


def errors(found: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    """RMS of the log over (N, K, 3) with the level of each place fitted, mean level in stops, its standard deviation."""
    weights = np.array(AP1_LUMINANCE)
    true = np.maximum(true, 1e-4 * true.mean(axis=(1, 2), keepdims=True))
    level = np.log((found @ weights) / (true @ weights)).mean(axis=1)
    rest = np.log(np.maximum(found, 1e-6) / true) - level[:, None, None]
    return float(np.sqrt((rest**2).mean())), float(level.mean() / np.log(2)), float(level.std() / np.log(2))


if __name__ == "__main__":
    main()
