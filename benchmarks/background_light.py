"""How much of the light a background tells: maps of procedural places against what is made of the part the camera sees.

    python benchmarks/background_light.py [--places 400] [--seed 1] [--out t.md]

For each place the map is seen by a camera of 36 degrees, an environment is made of that view alone, and what both give to what
faces the camera is compared: RMS of the log irradiance over facings and channels once one level is fitted, and that level.
The places are those training is lit by; the numbers set the constants of `core/light/from_background.py` and judge nothing else.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from report import Report

from relamp.core.light.backdrop import backdrop, camera_rays
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.light.from_background import from_background
from relamp.core.light.irradiance import irradiance
from relamp.training.environments import sample_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
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
