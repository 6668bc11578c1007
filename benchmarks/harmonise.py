"""Composites against a renderer's truth: a subject shot under one light, put before a background plate that is all that is said
of the other.

    python benchmarks/validation/render.py --out data/harmonise --size 192 --frames 2     (with Mitsuba)
    python benchmarks/harmonise.py [--data data/harmonise] [--shots head,metal] [--mattes] [--out t.md] [--sheet s.png]

The first table is PSNR in sRGB inside the matte, and once one exposure is fitted: the plate as it was, Reinhard's transfer to
the background, the ratio relighter and Relamp's network with the background as the only light, and, for what the guess costs,
the ratio relighter with the true map. Every method reads the same plate and matte; `+ N` has the normals too.

With `--mattes`, what wrong mattes do to the edge of `--over`: the comp with exact, eroded, dilated, blurred and binary
mattes, beside the plain one that leaves the old background in the edge. Truth is the rendered picture; PSNR is in the band of
8 px on both sides of the exact matte's edge, sharpness there relative to the truth (1 is as sharp).
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from report import Report
from scipy.ndimage import distance_transform_edt

from relamp.core.cli import main as relamp
from relamp.core.evaluation.constancy import BAND, sharpness
from relamp.core.evaluation.evaluate import SPACE, evaluate
from relamp.core.evaluation.metrics import psnr
from relamp.core.light.sheet import write_png
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb

sys.path.insert(0, str(Path(__file__).parent / "validation"))
from table import pattern, read, reinhard, write

METHODS: dict[str, tuple[str, ...]] = {
    "ratio": ("ratio", "background"),
    "ratio + N": ("ratio", "background", "normals"),
    "relamp": ("relamp", "background"),
    "relamp + N": ("relamp", "background", "normals"),
    "ratio + N, true map": ("ratio", "map", "normals"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/harmonise"), help="what validation/render.py wrote")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--frames", default="1001", help="frames of each shot")
    parser.add_argument("--level", default="match", choices=("match", "background", "absolute"))
    parser.add_argument("--mattes", action="store_true", help="measure edges under wrong mattes instead")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    parser.add_argument("--sheet", type=Path, help="PNG: plate, background, truth and every comp, a row a shot")
    given = parser.parse_args()
    folders = [f for f in sorted(given.data.iterdir()) if (f / "shot.json").is_file()]
    folders = [f for f in folders if not given.shots or f.name in given.shots.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        run = edges if given.mattes else harmonise
        scores, pictures = {}, {}
        for folder in folders:
            scores[folder.name], pictures[folder.name] = run(folder, Path(temporary) / folder.name, given)
            print(folder.name, scores[folder.name], flush=True)
    Report(given.out)(as_markdown(scores))
    if given.sheet:
        write_png(given.sheet, sheet(pictures), overwrite=True)


Scores = dict[str, tuple[float, ...]]
Pictures = list[np.ndarray]


def harmonise(folder: Path, out: Path, given: argparse.Namespace) -> tuple[Scores, Pictures]:
    """Every method on one shot: PSNR and aligned PSNR."""
    frame = given.frames.split(",")[0].split("-")[0]
    plate, truth, background, matte = (
        read(folder / f"{n}.{frame}.exr") for n in ("plate", "truth", "background_b", "matte")
    )
    transferred = matte * reinhard(plate, truth, background, matte[..., 0] > 0.5) + (1 - matte) * background
    out.mkdir(parents=True)
    write(out / f"reinhard.{frame}.exr", transferred)
    relit = {"plate unchanged": pattern(folder, "plate"), "Reinhard transfer": str(out / f"reinhard.{frame}.exr")}
    shown = [plate, background, truth]
    for name, (backbone, *inputs) in METHODS.items():
        relit[name] = str(out / name.replace(" ", "_") / "comp.####.exr")
        comp(folder, relit[name], backbone, inputs, given.frames, given.level)
        shown.append(read(Path(relit[name].replace("####", frame))))
    scores = {}
    for name, pred in relit.items():
        found = evaluate(pred, pattern(folder, "truth"), matte=pattern(folder, "matte"), frames=(int(frame),)).shot
        scores[name] = (found["psnr"], found["psnr_aligned"])
    return scores, shown


def comp(
    folder: Path, out: str, backbone: str, inputs: list[str], frames: str, level: str, matte: str | None = None
) -> None:
    """Render the comp of a shot."""
    command = [
        "render",
        pattern(folder, "plate"),
        "--matte",
        matte or pattern(folder, "matte"),
        "--out",
        out,
        "-q",
        "--over",
    ]
    command += ["--background", pattern(folder, "background_b"), "--camera", str(folder / "camera.json"), "-F", frames]
    level = "match" if level == "background" and "map" in inputs else level  # a map has no background's level
    command += ["--backbone", backbone, "--env-level", level, "--overwrite"]
    if "normals" in inputs:
        command += ["--normals", pattern(folder, "normals")]
    if "map" in inputs:
        still = folder / "env_b.exr"
        command += ["--env", str(still) if still.exists() else pattern(folder, "env_b")]
    if "source" in inputs:
        command += ["--source-env", str(folder / "env_a.exr")]
    if code := relamp(command):
        sys.exit(f"relamp {' '.join(command)} failed with code {code}")


def edges(folder: Path, out: Path, given: argparse.Namespace) -> tuple[Scores, Pictures]:
    """PSNR of the band in dB, Laplacian variance and Tenengrad there over the truth's: each matte, with `--over` and plain."""
    frame = given.frames.split(",")[0].split("-")[0]
    colour = Colour()

    def linear(pixels: np.ndarray) -> np.ndarray:
        return colour.from_working(pixels.astype(np.float32), SPACE)

    truth, background, exact = (read(folder / f"{n}.{frame}.exr") for n in ("truth", "background_b", "matte"))
    inside = exact[..., 0] > 0.5
    band = np.logical_and(*(np.asarray(distance_transform_edt(side)) <= BAND for side in (inside, ~inside)))
    true = sharpness(linear(truth), inside)
    assert true is not None
    scores: Scores = {}
    shown = [truth]
    out.mkdir(parents=True)
    for name, matte in mattes(exact[..., 0]).items():
        file = out / f"{name}.{frame}.exr"
        write(file, matte[..., None].repeat(3, -1))
        made = str(out / name / "comp.####.exr")
        inputs = ["normals", "map", "source"]
        comp(folder, made, "ratio", inputs, frame, "absolute", f"{file}:R")
        clean = read(Path(made.replace("####", frame)))
        alone = str(out / name / "alone.####.exr")
        relit_alone(folder, alone, frame, f"{file}:R")
        plain = matte[..., None] * read(Path(alone.replace("####", frame))) + (1 - matte[..., None]) * background
        for kind, picture in (("over", clean), ("plain", plain)):
            found = sharpness(linear(picture), inside)
            assert found is not None
            scores[f"{name}, {kind}"] = (
                psnr(linear(picture), linear(truth), band),
                found.laplacian / true.laplacian,
                found.tenengrad / true.tenengrad,
            )
            shown.append(picture)
    return scores, shown


def relit_alone(folder: Path, out: str, frame: str, matte: str) -> None:
    """Render the relit plate without a comp."""
    command = ["render", pattern(folder, "plate"), "--matte", matte, "--out", out, "-q", "-F", frame, "--overwrite"]
    command += ["--normals", pattern(folder, "normals"), "--source-env", str(folder / "env_a.exr")]
    still = folder / "env_b.exr"
    command += [
        "--env",
        str(still) if still.exists() else pattern(folder, "env_b"),
        "--camera",
        str(folder / "camera.json"),
    ]
    if code := relamp([*command, "--env-level", "absolute"]):
        sys.exit(f"relamp {' '.join(command)} failed with code {code}")


def mattes(exact: np.ndarray, px: int = 1) -> dict[str, np.ndarray]:
    """Mattes as people make them, (H, W) each, wrong by so many pixels."""
    kernel = np.ones((2 * px + 1, 2 * px + 1), np.uint8)
    exact = exact.astype(np.float32)
    return {
        "exact": exact,
        "eroded": cv2.erode(exact, kernel),
        "dilated": cv2.dilate(exact, kernel),
        "blurred": cv2.GaussianBlur(exact, (0, 0), 1.5 * px),
        "binary": (exact > 0.5).astype(np.float32),
    }


def as_markdown(scores: dict[str, Scores]) -> str:
    """Methods down, shots across."""
    shots = list(scores)
    lines = [f"| | {' | '.join(shots)} | mean |", f"| --- |{' ---: |' * (len(shots) + 1)}"]
    for method in scores[shots[0]]:
        values = np.array([scores[shot][method] for shot in shots])
        cells = [" / ".join(f"{v:.2f}" for v in row) for row in (*values, values.mean(axis=0))]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sheet(pictures: dict[str, Pictures], height: int = 120) -> np.ndarray:
    """A row a shot, (H, W, 3) uint8."""
    colour = Colour()
    rows = []
    for row in pictures.values():
        small = [
            cv2.resize(p[..., :3], (height * p.shape[1] // p.shape[0], height), interpolation=cv2.INTER_AREA)
            for p in row
        ]
        rows.append(
            np.concatenate([encode_srgb(colour.from_working(p.astype(np.float32), SPACE)) for p in small], axis=1)
        )
    return np.round(255 * np.concatenate(rows)).astype(np.uint8)


if __name__ == "__main__":
    main()
