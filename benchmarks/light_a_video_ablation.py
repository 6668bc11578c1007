"""Light-A-Video's claim on Relamp's own network: does fusing light over the clip take the flicker out?

    python benchmarks/light_a_video_ablation.py [--data data/validation] [--shots cloth,head] [--frames 1001-1004]
        [--working-size 160] [--out benchmarks/light_a_video_ablation] [--json scores.json]

Rows, each by `relamp render` with the shipped weights on the shots that `benchmarks/validation/render.py` made (plate and
matte, the shot's camera, absolute level): frame by frame; + light fusion (its answers inside the temporal prior's denoising);
then, frame by frame again, + deflicker head. PSNR and flicker in stops (all of it, and the picture's as a whole) against the
truth, the mean over the shots, then flicker shot by shot. Light attention takes no part: Relamp's own relighter has none.

`--out NAME` writes the table to NAME.md and the papers' flow intensity to NAME.png: a panel a shot, the mean length of the
optical flow between neighbours of the relit frames, beside the plate's and the truth's. The flow is classical (OpenCV's DIS,
preset medium), where the papers follow RAFT; numbers are not comparable.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from report import Report
from validation.table import shot_folders

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE, evaluate
from relamp.core.evaluation.motion import FLOW, flow
from relamp.core.evaluation.report import panel
from relamp.core.frames import parse_frames
from relamp.core.light.sheet import write_png
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour

_STEADY = ("--no-deflicker",)
_OWN = ("--backbone", "light-a-video", "--image-relighter", "relamp", "--video-model", "smooth", *_STEADY)
ROWS = {
    "frame by frame": ("--backbone", "relamp", *_STEADY),
    "+ light fusion": _OWN,
    "+ deflicker head": ("--backbone", "relamp", "--deflicker"),
}
KEPT = ("psnr", "flicker", "flicker_global", "motion")
GIVEN = ("plate", "truth")
Scores = dict[str, dict[str, dict[str, float]]]
"""By row, shot and measure."""
Curves = dict[str, list[tuple[int, float]]]
"""Values by frame, by the row's name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--frames", help="as in 1001-1004; all of them without it")
    parser.add_argument("--working-size", help="px; as renders have it without it")
    parser.add_argument("--out", type=Path, metavar="NAME", help="write NAME.md and NAME.png")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folders = shot_folders(parser, given.data, given.shots)
    report = Report(given.out and given.out.with_suffix(".md"))
    begun = time.perf_counter()
    scores: Scores = {}
    curves = {folder.name: {n: intensity(pattern(folder, n), given.frames) for n in GIVEN} for folder in folders}
    with tempfile.TemporaryDirectory() as temporary:
        for name, options in ROWS.items():
            for folder in folders:
                relit = str(Path(temporary) / name / folder.name / "relit.####.exr")
                render(folder, relit, given, *options)
                scores.setdefault(name, {})[folder.name] = measure(folder, relit, given.frames)
                curves[folder.name][name] = intensity(relit, given.frames)
            print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    report(as_markdown(scores))
    if given.out:
        picture = given.out.with_suffix(".png")
        write_png(picture, np.concatenate([titled(shot, found) for shot, found in curves.items()]), overwrite=True)
        report(f"\n![Flow intensity, a panel a shot: {', '.join(curves)}]({picture.name})\n")
        report(f"Flow intensity, px, a panel a shot ({FLOW}); rows of the table on the plate and the truth.")
    if given.json:
        given.json.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def render(folder: Path, relit: str, given: argparse.Namespace, *options: str) -> None:
    """Relight a shot, or end the program."""
    still = (folder / "env_b.exr").exists()
    command = ["render", pattern(folder, "plate"), "--matte", pattern(folder, "matte"), "--out", relit, "-q"]
    command += ["--env", str(folder / "env_b.exr") if still else pattern(folder, "env_b")]
    command += ["--camera", str(folder / "camera.json"), "--env-level", "absolute", *options]
    chosen = {"--working-size": given.working_size, "--frames": given.frames}
    command += [word for option, value in chosen.items() if value for word in (option, value)]
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


def titled(shot: str, curves: Curves) -> np.ndarray:
    """A shot's panel under its name."""
    frames = [frame for frame, _ in curves[GIVEN[0]]]
    drawn = panel(curves, (frames[0], frames[-1]), "px", (0, 8))
    title = np.full((22, drawn.shape[1], 3), 250, np.uint8)
    cv2.putText(title, shot, (8, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
    return np.concatenate([title, drawn])


def linear(path: Path, colour: Colour) -> np.ndarray:
    """A frame in the space the measures are of."""
    return colour.from_working(exr.read_frame(path, colour=colour).rgb, SPACE)


def as_markdown(scores: Scores) -> str:
    """Rows down, measures across, the mean over the shots; then flicker shot by shot."""
    shots = list(next(iter(scores.values())))
    lines = ["| | " + " | ".join(KEPT) + " | " + " | ".join(f"flicker, {shot}" for shot in shots) + " |"]
    lines.append("| --- |" + " ---: |" * (len(KEPT) + len(shots)))
    for name in ROWS:
        by_shot = scores[name]
        means = [np.mean([s[k] for s in by_shot.values() if k in s] or [np.nan]) for k in KEPT]
        each = [by_shot[shot].get("flicker", float("nan")) for shot in shots]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4g}" for v in (*means, *each)) + " |")
    return "\n".join(lines)


def pattern(folder: Path, name: str) -> str:
    return str(folder / f"{name}.####.exr")


if __name__ == "__main__":
    main()
