"""How steady the shape is that the network sees on moving plates, and how right: every frame alone, and averaged over neighbours.

    python benchmarks/seen_shape.py data/flicker/head data/flicker/cloth [--grain 0.02] [--radius 1,2,3] [--table seen_shape.md]

Shots are folders of `validation/render.py`, best of `validation/render_flicker.py`: a plate at 24 frames a second moves far less
than the validation shots. Grain of a film plate is put on, `--grain` of middle grey. Flicker is the mean difference from frame to
frame along the motion of the plate: of normals in degrees, of relief in thousandths of the longer side, of albedo without its
texture in stops; that of the true normals is what the subject's own motion and texture make of it. Errors are those of the
normals, in degrees.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from report import Report
from validation.table import read

from relamp.core.gain.proxy import exposure_anchor
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.pictures.curves import encode_log
from relamp.core.process import pin_opencv
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.shape.seen import SeenShape
from relamp.core.temporal.align import Aligner
from relamp.core.temporal.flow import warp
from relamp.core.temporal.steady_shape import SeenFrame, smooth, steadied

INSIDE = 0.9  # of the matte, where it is measured
FOLLOWED = 0.7  # how surely a pixel is the same point in the next frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shots", type=Path, nargs="+")
    parser.add_argument("--grain", type=float, default=0.02)
    parser.add_argument("--radius", default="1,2,3")
    parser.add_argument("--table", type=Path, help="write the table here, too")
    given = parser.parse_args()
    pin_opencv()
    network = Relamp()
    say = Report(given.table)
    say("| shot | frames on each side | normals flicker | relief | albedo | error |")
    say("| --- | ---: | ---: | ---: | ---: | ---: |")
    for folder in given.shots:
        frames, truth = seen(network, folder, given.grain)
        aligner = Aligner()
        still = [
            SeenShape(n, np.zeros_like(f.matte), np.zeros_like(n), np.zeros_like(f.matte), np.zeros_like(n))
            for f, n in zip(frames, truth, strict=True)
        ]
        say(f"| {folder.name} | the truth | {flicker(frames, still, aligner)[0]:.2f} | | | |")
        for radius in (0, *map(int, given.radius.split(","))):
            shapes = [steady(frames, i, radius, aligner) for i in range(len(frames))]
            normals, relief, albedo = flicker(frames, shapes, aligner)
            wrong = np.mean(
                [off(s.normals, n)[f.matte > INSIDE].mean() for f, s, n in zip(frames, shapes, truth, strict=True)]
            )
            say(f"| {folder.name} | {radius} | {normals:.2f} | {relief:.2f} | {albedo:.3f} | {wrong:.2f} |")


def seen(network: Relamp, folder: Path, grain: float) -> tuple[list[SeenFrame], list[np.ndarray]]:
    """What the network sees of each frame of a shot under grain, and the true normals (h, w, 3)."""
    files = sorted(folder.glob("plate.*.exr"))
    plates = [read(file)[..., :3].astype(np.float32) for file in files]
    mattes = [_beside(file, "matte")[..., 0].astype(np.float32) for file in files]
    pixels = np.concatenate([p[m > 0.5] for p, m in zip(plates, mattes, strict=True)])
    anchor = exposure_anchor(pixels, np.ones(len(pixels)), np.array(AP1_LUMINANCE))
    random = np.random.default_rng(0)
    found, truth = [], []
    for file, plate, matte in zip(files, plates, mattes, strict=True):
        light = plate * anchor
        light = light + grain * 0.18**0.5 * np.sqrt(np.maximum(light, 0)) * random.normal(size=light.shape)
        code = encode_log(np.maximum(light, 0).astype(np.float32))
        found.append(SeenFrame(code, matte, network.see(code, matte)))
        normals = _beside(file, "normals")[..., :3].astype(np.float32)
        truth.append(normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6))
    return found, truth


def _beside(plate: Path, name: str) -> np.ndarray:
    return read(plate.with_name(plate.name.replace("plate", name)))


def steady(frames: list[SeenFrame], middle: int, radius: int, aligner: Aligner) -> SeenShape:
    """The shape of one frame over those beside it."""
    window = [frames[i] if 0 <= i < len(frames) else None for i in range(middle - radius, middle + radius + 1)]
    return steadied(window, aligner.tracks(window))


def flicker(frames: list[SeenFrame], shapes: list[SeenShape], aligner: Aligner) -> tuple[float, float, float]:
    """Mean differences from frame to frame along the motion: degrees, thousandths of the longer side, stops."""
    found = []
    for i, (frame, here, there) in enumerate(zip(frames, shapes, shapes[1:], strict=False)):
        link = aligner.link(frame.code, frames[i + 1].code)
        moved = warp(np.dstack([there.normals, there.relief, there.log_albedo, frames[i + 1].matte]), link.back)
        same = (frame.matte > INSIDE) & (moved[..., 7] > INSIDE) & (link.sure > FOLLOWED)
        relief = (moved[..., 3] - here.relief)[same]
        albedo = smooth(moved[..., 4:7] - here.log_albedo, same.astype(np.float32)).mean(-1)[same]
        spread = [np.abs(relief - np.median(relief)).mean() * 1e3, np.abs(albedo).mean() / np.log(2)]
        found.append((off(moved[..., :3], here.normals)[same].mean(), *spread))
    normals, relief, albedo = np.mean(found, axis=0)
    return float(normals), float(relief), float(albedo)


def off(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between vectors (..., 3), of which `b` are unit, in degrees."""
    length = np.maximum(np.linalg.norm(a, axis=-1), 1e-6)
    return np.degrees(np.arccos(np.clip((a * b).sum(-1) / length, -1, 1)))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
