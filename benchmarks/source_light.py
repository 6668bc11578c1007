"""How far off the estimated light of a plate is: the direction of its key in degrees, and its key to fill in stops.

    python benchmarks/validation/render.py --out data/validation --size 192 --frames 2     (with Mitsuba)
    python benchmarks/source_light.py [--data data/validation] [--shots head,metal] [--out t.md] [--png balls.png]

For each validation shot `relamp env --from PLATE --matte M` is run with its normals and without (then the shape is the network's
own). The key is where a surface would receive most, the fill what faces away from it receives; true ones come from the map
the plate was rendered under. The picture shows a grey ball under the true light, the estimate, and the estimate with normals.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import Report

from relamp.core.cli.env_maker import make
from relamp.core.light.balls import ball_normals
from relamp.core.light.camera import load_camera
from relamp.core.light.environment import resize
from relamp.core.light.irradiance import Light, irradiance
from relamp.core.light.map_file import load_environment
from relamp.core.light.octahedral import octahedral_directions, sample_table
from relamp.core.light.sheet import write_png
from relamp.core.pictures.colour import Colour

GREY = 0.35  # reflectance of the balls


@dataclass(frozen=True)
class Key:
    """Of a light: unit direction of its key, key over fill in stops, and what a surface facing the key receives, (3,)."""

    direction: np.ndarray
    ratio: float
    colour: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"), help="what validation/render.py wrote")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    parser.add_argument("--png", type=Path, help="draw the balls, a row a shot")
    given = parser.parse_args()
    folders = [f for f in sorted(given.data.iterdir()) if (f / "shot.json").is_file()]
    folders = [f for f in folders if not given.shots or f.name in given.shots.split(",")]
    colour, say = Colour(), Report(given.out)
    say(
        "| | key off, deg | key:fill off, stops | key off + N | key:fill off + N |\n| --- | ---: | ---: | ---: | ---: |"
    )
    rows, drawn = [], []
    for folder in folders:
        light = load_environment(folder / "env_a.exr", colour=colour).pixels
        true = key(light, colour.luminance_weights)
        turn = load_camera(str(folder / "camera.json")).at(1001).rotation
        balls = [ball(light, turn, colour)]
        row: list[float] = []
        for normals in (None, str(folder / "normals.####.exr")):
            plate, matte = str(folder / "plate.####.exr"), str(folder / "matte.####.exr")
            made = make(None, None, None, plate, matte=matte, normals=normals, camera=str(folder / "camera.json"))
            found = key(made.environment.pixels, colour.luminance_weights)
            balls.append(ball(made.environment.pixels, turn, colour))
            cosine = float(np.clip(found.direction @ true.direction, -1, 1))
            row += [float(np.degrees(np.arccos(cosine))), abs(found.ratio - true.ratio)]
        rows.append(row)
        drawn.append(np.concatenate(balls, axis=1))
        say(f"| {folder.name} | {row[0]:.0f} | {row[1]:.2f} | {row[2]:.0f} | {row[3]:.2f} |")
    mean = np.mean(rows, axis=0)
    say(f"| mean | {mean[0]:.0f} | {mean[1]:.2f} | {mean[2]:.0f} | {mean[3]:.2f} |")
    if given.png:
        write_png(given.png, np.concatenate(drawn), overwrite=True)


def ball(pixels: np.ndarray, camera: np.ndarray, colour: Colour, size: int = 96) -> np.ndarray:
    """A grey ball before the camera in a light brought to unit level, (size, size, 3) uint8."""
    light = Light.of(pixels, colour.luminance_weights)
    normals, coverage = ball_normals(size)
    shown = sample_table(light.turned(camera), normals) * np.float32(GREY) * coverage[..., None]
    return np.round(np.clip(colour.display(shown), 0, 1) * 255).astype(np.uint8)


def key(pixels: np.ndarray, weights: np.ndarray) -> Key:
    """The key of a map (H, 2H, 3)."""
    facing = octahedral_directions(48).reshape(-1, 3)
    small = resize(pixels, 64) if pixels.shape[0] > 64 else pixels
    light = irradiance(small, facing)
    received = light @ weights
    toward = facing[received.argmax()]
    ratio = float(np.log2(received.max() / received[(facing @ toward).argmin()]))
    return Key(toward, ratio, light[received.argmax()])


if __name__ == "__main__":
    main()
