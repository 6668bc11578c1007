"""Light-A-Video's claim on Relamp's own network: does light shared over the clip take the flicker out?

    python benchmarks/light_a_video_ablation.py [--data data/validation] [--shots cloth,head] [--frames 1001-1004]
        [--working-size 160] [--plot flow.png] [--json scores.json]

Rows, each by `relamp render` with the shipped weights on the shots that `benchmarks/validation/render.py` made (plate and
matte, the shot's camera, absolute level): frame by frame; + light attention (γ 0.5 in the denoiser's self-attention on the
way up); + light fusion (the same inside the temporal prior's denoising); + temporal layers and + deflicker head, when there
are weights of them. PSNR and flicker in stops (all of it, and the picture's as a whole) against the truth, per shot and mean.

The plot is the papers' flow intensity: mean length of the optical flow between neighbours of the relit frames, beside the
plate's. The flow is classical (OpenCV's DIS, preset medium), where the papers follow RAFT; numbers are not comparable.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from validation.table import shot_folders

from relamp.core.cli import main as relamp
from relamp.core.errors import InputError
from relamp.core.evaluation.evaluate import SPACE, evaluate
from relamp.core.evaluation.motion import FLOW, flow
from relamp.core.evaluation.report import panel
from relamp.core.frames import parse_frames
from relamp.core.light_sheet import write_png
from relamp.core.parameters import RelightParameters
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from relamp.core.relighter.backbones import load
from relamp.core.temporal import load_head

_STEADY = ("--no-deflicker",)
_OWN = ("--backbone", "light-a-video", "--image-relighter", "relamp", "--video-model", "smooth", *_STEADY)
ROWS = {
    "frame by frame": ("--backbone", "relamp", "--no-temporal", *_STEADY),
    "+ light attention": (*_OWN, "--clip-mode", "alone"),
    "+ light fusion": _OWN,
    "+ temporal layers": ("--backbone", "relamp", "--temporal", *_STEADY),
    "+ deflicker head": ("--backbone", "relamp", "--temporal", "--deflicker"),
}
KEPT = ("psnr", "flicker", "flicker_global", "motion")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--frames", help="as in 1001-1004; all of them without it")
    parser.add_argument("--working-size", default="160")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folders = shot_folders(parser, given.data, given.shots)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    curves: dict[str, list[tuple[int, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, options in available(ROWS).items():
            for folder in folders:
                relit = str(Path(temporary) / name / folder.name / "relit.####.exr")
                render(folder, relit, options, given)
                scores.setdefault(name, {})[folder.name] = measure(folder, relit, given.frames)
                if given.plot and folder == folders[0]:
                    curves[name] = intensity(relit, given.frames)
    print(as_markdown(scores))
    if given.plot:
        write_png(given.plot, plot(intensity(pattern(folders[0], "plate"), given.frames), curves))
        print(f"flow intensity of {folders[0].name} ({FLOW}): {given.plot}")
    if given.json:
        given.json.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def available(rows: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The rows there are weights for."""
    kept = dict(rows)
    network = load(RelightParameters(backbone="relamp", device="cpu")).network
    if network is None or network.span == "frame":
        del kept["+ temporal layers"]
        print("no temporal layers in the shipped weights: the row is left out", file=sys.stderr)
    try:
        load_head("cpu")
    except InputError as error:
        del kept["+ deflicker head"]
        print(f"no deflicker head: the row is left out ({error})", file=sys.stderr)
    return kept


def render(folder: Path, relit: str, options: tuple[str, ...], given: argparse.Namespace) -> None:
    """One row on one shot."""
    still = (folder / "env_b.exr").exists()
    command = ["render", pattern(folder, "plate"), "--matte", pattern(folder, "matte"), "--out", relit, "-q"]
    command += ["--env", str(folder / "env_b.exr") if still else pattern(folder, "env_b")]
    command += ["--camera", str(folder / "camera.json"), "--env-level", "absolute"]
    command += ["--working-size", given.working_size, *(("--frames", given.frames) if given.frames else ()), *options]
    if code := relamp(command):
        sys.exit(f"relamp {' '.join(command)} failed with code {code}")


def measure(folder: Path, relit: str, frames: str | None) -> dict[str, float]:
    """The shot's scores."""
    found = evaluate(
        relit,
        pattern(folder, "truth"),
        plate=pattern(folder, "plate"),
        matte=pattern(folder, "matte"),
        frames=parse_frames(frames) if frames else None,
    ).shot
    return {name: found[name] for name in KEPT if name in found}


def intensity(sequence: str, frames: str | None) -> list[tuple[int, float]]:
    """Mean length of the flow from the frame before, px, by frame."""
    folder, name = Path(sequence).parent, Path(sequence).name.split(".")[0]
    numbers = sorted(int(p.name.split(".")[1]) for p in folder.glob(f"{name}.*.exr"))
    numbers = [n for n in numbers if not frames or n in parse_frames(frames)]
    colour = Colour()
    pictures = [linear(folder / f"{name}.{n:04d}.exr", colour) for n in numbers]
    lengths = [float(np.linalg.norm(flow(a, b), axis=-1).mean()) for a, b in pairwise(pictures)]
    return list(zip(numbers[1:], lengths, strict=True))


def plot(plate: list[tuple[int, float]], rows: dict[str, list[tuple[int, float]]]) -> np.ndarray:
    """A panel a row of the table: the plate's curve, that of frame by frame, and its own."""
    first, *others = rows
    span = plate[0][0], plate[-1][0]
    panels = [panel({"plate": plate, first: rows[first], name: rows[name]}, span, "px") for name in others]
    return np.concatenate(panels)


def linear(path: Path, colour: Colour) -> np.ndarray:
    """A frame in the space the measures are of."""
    return colour.from_working(exr.read_frame(path, colour=colour).rgb, SPACE)


def as_markdown(scores: dict[str, dict[str, dict[str, float]]]) -> str:
    """Rows down, measures across, the mean over the shots; then flicker shot by shot."""
    shots = list(next(iter(scores.values())))
    lines = ["| | " + " | ".join(KEPT) + " | " + " | ".join(f"flicker, {shot}" for shot in shots) + " |"]
    lines.append("| --- |" + " ---: |" * (len(KEPT) + len(shots)))
    for name, by_shot in scores.items():
        means = [np.mean([s[k] for s in by_shot.values() if k in s] or [np.nan]) for k in KEPT]
        each = [by_shot[shot].get("flicker", float("nan")) for shot in shots]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4g}" for v in (*means, *each)) + " |")
    return "\n".join(lines)


def pattern(folder: Path, name: str) -> str:
    return str(folder / f"{name}.####.exr")


if __name__ == "__main__":
    main()
