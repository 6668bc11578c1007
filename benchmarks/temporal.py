"""What temporal layers are worth on the validation shots: flicker and smoothness of motion, with and without them.

    python benchmarks/temporal.py [--data data/validation] [--shots head,cloth] [--inputs "d + both"] [--deflicker]

A row each: spatial layers alone (`--no-temporal`), with temporal layers, and the truth's own numbers where it has any; means
over the shots. Renders are `relamp render --backbone relamp --env-level absolute`, without the deflicker head unless asked
for; the measures are those of `relamp evaluate`. The set is made by `benchmarks/validation/render.py`.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from validation.table import INPUTS, command, pattern, shot_folders

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import MEASURES, Evaluation, evaluate
from relamp.core.relighter.own.backbone import Relamp

SHOWN = ("psnr", "flicker", "flicker_global", "warp_error", "warp_ssim", "motion")
LAYERS = {"spatial": ["--no-temporal"], "+ temporal": ["--temporal"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"), help="what render.py wrote")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--inputs", choices=tuple(INPUTS), help="what the network is given; (a) and (d) without it")
    parser.add_argument("--deflicker", action="store_true", help="with the deflicker head too")
    given = parser.parse_args()
    folders = shot_folders(parser, given.data, given.shots)
    if Relamp().span == "frame":
        sys.exit(
            "no temporal layers lie beside the weights; train some with relamp.training.train_temporal and ship them"
        )
    titles = {m.name: f"{m.title}{', ' + m.unit if m.unit else ''}" for m in MEASURES}
    print(f"{len(folders)} shots: {', '.join(f.name for f in folders)}\n")
    print(f"| | {' | '.join(titles[name] for name in SHOWN)} | s a frame |\n| --- |{' ---: |' * (len(SHOWN) + 1)}")
    with tempfile.TemporaryDirectory() as out:
        for inputs in (given.inputs,) if given.inputs else (next(iter(INPUTS)), list(INPUTS)[-1]):
            truth: list[Evaluation] = []
            for layers, options in LAYERS.items():
                options = options + (["--deflicker"] if given.deflicker else ["--no-deflicker"])
                begun = time.monotonic()
                relit = [render(folder, Path(out) / layers / inputs[0], INPUTS[inputs], options) for folder in folders]
                seconds = time.monotonic() - begun
                scores = [score(pictures, folder) for pictures, folder in zip(relit, folders, strict=True)]
                each = seconds / sum(len(s.frames) for s in scores)
                print(f"| {inputs}, {layers} | {cells([s.shot for s in scores])} | {each:.2f} |", flush=True)
                truth = scores
            print(f"| {inputs}, the truth | {cells([s.shot_truth for s in truth])} | |", flush=True)


def render(folder: Path, out: Path, extra: tuple[str, ...], options: list[str]) -> str:
    """Render a shot; the pattern of what was written."""
    relit = str(out / folder.name / "relit.####.exr")
    if code := relamp(command(folder, relit, "relamp", extra) + options):
        sys.exit(f"relamp render failed with code {code} on {folder}")
    return relit


def score(relit: str, folder: Path) -> Evaluation:
    """A rendered shot against the truth."""
    return evaluate(relit, pattern(folder, "truth"), plate=pattern(folder, "plate"), matte=pattern(folder, "matte"))


def cells(scores: list[dict[str, float]]) -> str:
    """Means over the shots of what is shown, as cells of a row; empty where nothing was measured."""
    digits = {m.name: m.digits for m in MEASURES}
    found = {name: [s[name] for s in scores if name in s] for name in SHOWN}
    return " | ".join(f"{np.mean(v):.{digits[name]}f}" if (v := found[name]) else "" for name in SHOWN)


if __name__ == "__main__":
    main()
