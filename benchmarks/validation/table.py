"""What relighting is worth on the validation set: baselines and backbones against the truth, a markdown table and JSON.

    python benchmarks/validation/table.py [--backbones ratio,relamp] [--json scores.json] [--sheet sheet.png]

Everything is PSNR in sRGB inside the matte, frame by frame, beside it the same once one exposure is fitted to
the truth in linear light (`core/evaluation`), which may cost a little PSNR where level was never the trouble. Baselines:

- *plate unchanged*;
- *mean gain*: the plate times the one true factor, the truth's mean luminance over the plate's: an oracle of the level alone;
- *Reinhard*: colour transfer (Reinhard et al. 2001) from the plate's subject to the view of the new light without the subject.

Every backbone renders with (a) plate and matte, (b) + normals, (c) + source environment, (d) both, (e) both and depth, all
`--env-level absolute`, through `relamp render` with the shot's camera.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE, evaluate
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.light.sheet import write_png
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb

INPUTS = {
    "a plate + matte": (),
    "b + normals": ("normals",),
    "c + source env": ("source",),
    "d + both": ("normals", "source"),
    "e + both + depth": ("normals", "source", "depth"),
}
KEPT = (
    "psnr",
    "psnr_aligned",
    "exposure",
    "ssim",
    "log_rmse",
    "flicker",
    "warp_ssim",
    "motion",
    "detail",
    "edge_tenengrad",
)

_BASELINES = ("plate", "mean", "Reinhard")  # first words of the methods no backbone rendered

# Reinhard et al. 2001, "Color Transfer between Images", equations 4 and 6.
_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_TO_LAB = np.diag(1 / np.sqrt((3, 6, 2))) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])


@dataclass(frozen=True)
class Row:
    """One method on one shot: its means over the frames, and where its frames lie."""

    method: str
    shot: str
    scores: dict[str, float]
    relit: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"), help="what render.py wrote")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--backbones", default="ratio", help="names, separated by commas")
    parser.add_argument("--render", default="", help="more options for every render, as in '--steps 4'")
    parser.add_argument("--keep", type=Path, help="folder for the relit frames; a temporary one without it")
    parser.add_argument("--json", type=Path, help="write every score here")
    parser.add_argument(
        "--sheet", type=Path, help="PNG: a row a shot with plate, truth and everything rendered, last frame"
    )
    given = parser.parse_args()
    folders = shot_folders(parser, given.data, given.shots)
    with tempfile.TemporaryDirectory() as temporary:
        out = given.keep or Path(temporary)
        rows = [
            row
            for f in folders
            for row in measure(f, out / f.name, given.backbones.split(","), shlex.split(given.render))
        ]
        if given.sheet:
            write_png(given.sheet, sheet(rows, folders), overwrite=True)
    print(as_markdown(rows))
    if given.json:
        given.json.write_text(
            json.dumps([{"method": r.method, "shot": r.shot, "scores": r.scores} for r in rows], indent=1) + "\n",
            encoding="utf-8",
        )


def shot_folders(parser: argparse.ArgumentParser, data: Path, names: str | None) -> list[Path]:
    """The shots in `data`, all of them or those named with commas between; ends the program where there are none."""
    found = [f for f in sorted(data.iterdir()) if (f / "shot.json").is_file()] if data.is_dir() else []
    if names:
        found = [data / name for name in names.split(",")]
    if not found:
        parser.error(f"{data} holds no shots; make them with benchmarks/validation/render.py")
    return found


def measure(folder: Path, out: Path, backbones: list[str], options: list[str]) -> Iterator[Row]:
    """Every method on one shot; relit frames go to `out`."""
    yield _row("plate unchanged", folder, pattern(folder, "plate"))
    for name, relight in (("mean gain (oracle)", mean_gain), ("Reinhard transfer", reinhard)):
        yield _row(name, folder, _apply(relight, folder, out / relight.__name__))
    for backbone in backbones:
        for inputs, extra in INPUTS.items():
            relit = str(out / backbone / inputs[0] / "relit.####.exr")
            if code := relamp(command(folder, relit, backbone, extra) + options):
                sys.exit(f"relamp render --backbone {backbone} failed with code {code} on {folder}")
            yield _row(f"{backbone} ({inputs[0]}) {inputs[2:]}", folder, relit)


def mean_gain(plate: np.ndarray, truth: np.ndarray, background: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The plate times the one factor that gives its subject the true mean luminance."""
    weights = np.array(AP1_LUMINANCE)
    return plate * ((truth[inside] @ weights).mean() / (plate[inside] @ weights).mean())


def reinhard(plate: np.ndarray, truth: np.ndarray, background: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The subject with the mean and spread of the new background in log l-alpha-beta."""
    subject, model = _lab(plate), _lab(background).reshape(-1, 3)
    mean, spread = subject[inside].mean(axis=0), subject[inside].std(axis=0)
    moved = (subject - mean) * (model.std(axis=0) / np.maximum(spread, 1e-6)) + model.mean(axis=0)
    return 10 ** (moved @ np.linalg.inv(_TO_LAB).T) @ np.linalg.inv(_TO_LMS).T


def as_markdown(rows: list[Row]) -> str:
    """Methods down, shots across: PSNR and, in brackets, aligned PSNR, dB."""
    shots, methods = (list(dict.fromkeys(getattr(row, name) for row in rows)) for name in ("shot", "method"))
    found = {(row.method, row.shot): row.scores for row in rows}
    lines = ["PSNR, sRGB inside the matte, dB (in brackets: once one exposure is fitted in linear light)", ""]
    lines += [f"| | {' | '.join(shots)} | mean |", f"| --- |{' ---: |' * (len(shots) + 1)}"]
    for method in methods:
        scores = [found[method, shot] for shot in shots]
        cells = [f"{s['psnr']:.1f} ({s['psnr_aligned']:.1f})" for s in scores]
        mean = [np.mean([s[name] for s in scores]) for name in ("psnr", "psnr_aligned")]
        lines.append(f"| {method} | {' | '.join(cells)} | **{mean[0]:.2f}** ({mean[1]:.2f}) |")
    return "\n".join(lines)


def sheet(rows: list[Row], folders: list[Path], height: int = 192) -> np.ndarray:
    """Last frames side by side for eyes: plate, truth, then what `relamp render` made; a row a shot, (H, W, 3) uint8."""
    lines = []
    for folder in folders:
        last = max(path.name.split(".")[1] for path in folder.glob("truth.*.exr"))
        relit = [row.relit for row in rows if row.shot == folder.name and row.method.split()[0] not in _BASELINES]
        shown = [
            read(Path(p.replace("####", last))) for p in (pattern(folder, "plate"), pattern(folder, "truth"), *relit)
        ]
        small = [
            cv2.resize(p, (height * p.shape[1] // p.shape[0], height), interpolation=cv2.INTER_AREA) for p in shown
        ]
        lines.append(
            np.concatenate([encode_srgb(Colour().from_working(p.astype(np.float32), SPACE)) for p in small], axis=1)
        )
    return np.round(255 * np.concatenate(lines)).astype(np.uint8)


def _row(method: str, folder: Path, pred: str) -> Row:
    found = evaluate(
        pred, pattern(folder, "truth"), plate=pattern(folder, "plate"), matte=pattern(folder, "matte")
    ).shot
    return Row(method, folder.name, {name: found[name] for name in KEPT if name in found}, pred)


def command(folder: Path, relit: str, backbone: str, extra: tuple[str, ...]) -> list[str]:
    turning = not (folder / "env_b.exr").exists()
    command = ["render", pattern(folder, "plate"), "--matte", pattern(folder, "matte")]
    command += ["--env", pattern(folder, "env_b") if turning else str(folder / "env_b.exr")]
    command += ["--camera", str(folder / "camera.json"), "--backbone", backbone, "--env-level", "absolute"]
    command += ["--out", relit, "--overwrite", "-q"]
    if "normals" in extra:
        command += ["--normals", pattern(folder, "normals")]
    if "depth" in extra:
        command += ["--depth", pattern(folder, "depth")]
    if "source" in extra:
        command += ["--source-env", str(folder / "env_a.exr")]
    return command


def _apply(relight: Callable[..., np.ndarray], folder: Path, out: Path) -> str:
    """Run a baseline over a shot's frames; the pattern of what it wrote."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("plate.*.exr")):
        frame = path.name.split(".")[1]
        plate, truth, background, matte = (
            read(folder / f"{name}.{frame}.exr") for name in ("plate", "truth", "background_b", "matte")
        )
        relit = relight(plate, truth, background, matte[..., 0] > 0.5)
        write(out / f"relit.{frame}.exr", matte * relit + (1 - matte) * plate)
    return str(out / "relit.####.exr")


def _lab(rgb: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(rgb @ _TO_LMS.T, 1e-4)) @ _TO_LAB.T


def pattern(folder: Path, name: str) -> str:
    return str(folder / f"{name}.####.exr")


def read(path: Path) -> np.ndarray:
    buffer = oiio.ImageBuf(str(path))
    pixels = buffer.get_pixels(oiio.FLOAT)
    if buffer.has_error:
        sys.exit(f"{path}: {buffer.geterror()}")
    return np.asarray(pixels, np.float64)


def write(path: Path, pixels: np.ndarray) -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "float")
    spec.attribute("colorInteropID", "lin_ap1_scene")
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(buffer.roi, pixels.astype(np.float32))
    if not buffer.write(str(path)):
        sys.exit(f"{path}: {buffer.geterror()}")


if __name__ == "__main__":
    main()
