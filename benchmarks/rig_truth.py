"""The lights of a rig beside a path tracer's: a table for docs/rig.md.

    python benchmarks/validation/rigs.py --out data/rigs          # with an interpreter that has Mitsuba
    python benchmarks/rig_truth.py --data data/rigs [--picture rigs.png]

For each light: the median of Relamp's light over the truth where the surface is lit, the share of those points within 10 %, and
the overlap (intersection over union) of where the subject hides more than half of the light from itself. Lit is what is not in
shadow and gets at least a twentieth of the most light. Outlines are left out, by 2 pixels.

Then what balls of three materials mirror of each light, rendered with `relamp render --rig`: in the highlight, where the truth is
more than a quarter of its most, the sum of Relamp's added light over the truth's, and the mean absolute difference over the mean.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from channels import channels

from relamp.core.cli import main as relamp
from relamp.core.gain.traced import Depth, Fine, Shape
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.camera import load_camera
from relamp.core.light.rig_file import load
from relamp.core.pictures.curves import encode_srgb
from relamp.core.shape.placing import View, placed

EDGE = 2  # px of the outline that are left out
LEAST = 0.05  # share of the most light, below which a point is not lit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/rigs"))
    parser.add_argument(
        "--picture", type=Path, help="the path tracer's light on the left, Relamp's on the right, a row a light"
    )
    given = parser.parse_args()
    shape, view, inner = subject(given.data)
    print("| light | Relamp over the truth | within 10 % | overlap of shadows |\n| --- | ---: | ---: | ---: |")
    rows = []
    for file in sorted(given.data.glob("*.json")):
        if file.stem == "camera":
            continue
        truth = channels(given.data / f"{file.stem}.exr", "G")[..., 0]
        lit, open_ = (received(shape, view, file, shadows) for shadows in (1.0, 0.0))
        hidden, dark = (picture < 0.5 * open_ for picture in (truth, lit))
        counts = inner & (open_ > LEAST * open_[inner].max())
        lighted = (
            counts & (lit > 0.95 * open_) & ~cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
        )
        ratio = lit[lighted] / np.maximum(truth[lighted], 1e-6)
        overlap = (hidden & dark & counts).sum() / max(((hidden | dark) & counts).sum(), 1)
        within = (np.abs(ratio - 1) < 0.1).mean()
        print(f"| {file.stem} | {np.median(ratio):.3f} | {100 * within:.0f} % | {overlap:.2f} |", flush=True)
        rows.append(np.concatenate([truth, lit], axis=1) / (2 * np.median(truth[lighted])))
    if (given.data / "gloss").is_dir():
        rows = highlights(given.data / "gloss")
    if given.picture:
        picture = np.round(encode_srgb(np.clip(np.concatenate(rows), 0, 1)) * 255).astype(np.uint8)
        cv2.imwrite(str(given.picture), picture)


def subject(folder: Path) -> tuple[Shape, View, np.ndarray]:
    """The subject's shape, its view, and where it is without its outline, (h, w) bool."""
    plate = channels(folder / "plate.exr", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    matte, normals, depth = plate[..., 0], np.ascontiguousarray(plate[..., 1:4]), plate[..., 4]
    height, width = matte.shape
    camera = load_camera(folder / "camera.json").at(1)
    rays = camera_rays(width, height, camera.fov)
    normals[matte == 0] = (0, 0, 1)
    heights, fit = Depth(depth, "z").heights(rays, normals, matte, matte > 0)
    fine = Fine(normals, matte, fit.heights(depth, rays, matte))
    window = (0, 0, width, height)
    distance = float(np.median(depth[matte > 0]))
    view = View.of((height, width), window, window, camera.fov, np.eye(3), np.zeros(3), distance)
    inner = cv2.erode((matte > 0).astype(np.uint8), np.ones((2 * EDGE + 1,) * 2, np.uint8)) > 0
    return Shape.of(normals, matte, heights, np.zeros_like(matte), rays, fine), view, inner


def received(shape: Shape, view: View, rig: Path, shadows: float) -> np.ndarray:
    """The light of a rig's only light on the subject, (h, w), over that of its middle facing it."""
    (light,) = load(rig).at_frame(1)
    put = placed(light, np.ones(3), view, shape.height, shape.normals, shape.matte)
    arrival = shape.placed(put, shadows, shape.size)
    return arrival.received(shape.normals, slice(0, shape.size[0]))[..., 1] * (shape.matte > 0)


def highlights(folder: Path) -> list[np.ndarray]:
    """Print the table of the balls' highlights; return a picture a light, Relamp's on the right of the path tracer's."""
    plate = channels(folder / "plate.exr", "R", "G", "B", "A", "roughness.Y", "metallic.Y")
    whole = cv2.erode((plate[..., 3] > 0.99).astype(np.uint8), np.ones((2 * EDGE + 1,) * 2, np.uint8)) > 0
    kinds = sorted({(float(m), float(r)) for r, m in plate[whole][:, 4:].round(3)})
    names = [f"{'metal' if metal else 'gloss'}, roughness {rough:g}" for metal, rough in kinds]
    print(f"\n| light | {' | | '.join(names)} | |\n| --- |{' ---: | ---: |' * len(kinds)}")
    rows = []
    for file in sorted(folder.glob("*.json")):
        if file.stem == "camera":
            continue
        truth, ours = channels(folder / f"{file.stem}.exr", "R", "G", "B"), added(folder, file) - plate[..., :3]
        cells = []
        for metal, rough in kinds:
            ball = whole & (np.abs(plate[..., 4] - rough) < 1e-3) & (np.abs(plate[..., 5] - metal) < 1e-3)
            bright = ball & (truth.mean(-1) >= np.quantile(truth[ball].mean(-1), 0.999) / 4)
            if truth[bright].max() < LEAST * truth[whole].max():
                cells.append("not lit | ")
                continue
            mean = truth[bright].mean()
            cells.append(f"{ours[bright].mean() / mean:.2f} | {100 * np.abs(ours - truth)[bright].mean() / mean:.0f} %")
        print(f"| {file.stem} | {' | '.join(cells)} |", flush=True)
        rows.append(np.concatenate([truth, ours], axis=1).mean(-1))
    return rows


def added(folder: Path, rig: Path) -> np.ndarray:
    """The balls with a light of a rig as `relamp render` adds it, (H, W, 3)."""
    plate, even = str(folder / "plate.exr"), str(folder / "even.exr")
    with tempfile.TemporaryDirectory() as out:
        relit = Path(out) / "relit.exr"
        command = ["render", plate, "--rig", str(rig), "--source-env", even, "--camera", str(folder / "camera.json")]
        passes = ["--passes", plate, "--backbone", "ratio", "--grain", "off"]
        if relamp([*command, *passes, "--out", str(relit), "-d", "float", "-q"]) != 0:
            raise SystemExit(f"{rig.stem}: relamp render failed")
        return channels(relit, "R", "G", "B")


if __name__ == "__main__":
    main()
