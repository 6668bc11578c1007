"""What Relamp's own relighter does with its options, on the validation set: a markdown table an experiment.

    python benchmarks/relighter.py ensemble return conflict sizes speed [--data data/validation] [--sheet out.png]

- *ensemble*: brightness-scaled inputs, N = 1, 3, 5, 7 (the Illumination-Invariant Ensemble of RelightVid): PSNR, edges, seconds.
- *return*: A to B and back to A with both maps given: how much of the plate comes back.
- *conflict*: a map, a background that shows another light, and a source map that is wrong: whom the answer follows.
- *sizes*: PSNR at working sizes, the same shots.
- *speed*: seconds a frame at 256 and 512 px, and the peak of memory.

Every render is `relamp render --backbone relamp` with both normals and source map, at absolute level. The set is made by
`benchmarks/validation/render.py`.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from validation.table import command, pattern, read, shot_folders, write

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE, evaluate
from relamp.core.light.sheet import write_png
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb

BOTH = ("normals", "source")
SIZES = (96, 128, 160, 256, 384, 512)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="+", choices=tuple(EXPERIMENTS))
    parser.add_argument("--data", type=Path, default=Path("data/validation"), help="what render.py wrote")
    parser.add_argument("--shots", help="names, separated by commas; all of them without it")
    parser.add_argument("--sheet", type=Path, help="PNG of the conflicting conditions, a row a shot")
    given = parser.parse_args()
    folders = shot_folders(parser, given.data, given.shots)
    with tempfile.TemporaryDirectory() as out:
        for name in given.experiments:
            print(f"\n### {name}\n", flush=True)
            EXPERIMENTS[name](folders, Path(out) / name, given.sheet)


def options(folders: list[Path], out: Path, choices: dict[str, list[str]]) -> None:
    """One row for each choice of options, means over the shots."""
    print("| | PSNR | level fitted | detail | edges | flicker | s a frame |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, extra in choices.items():
        scores, seconds, frames = [], 0.0, 0
        for folder in folders:
            relit = str(out / name / folder.name / "relit.####.exr")
            begun = time.monotonic()
            run(command(folder, relit, "relamp", BOTH) + extra)
            seconds += time.monotonic() - begun
            frames += len(list(folder.glob("plate.*.exr")))
            scores.append(score(relit, folder))
        mean = {k: np.mean([s[k] for s in scores if k in s]) for k in scores[0]}
        cells = " | ".join(
            f"{mean.get(k, float('nan')):.{d}f}"
            for k, d in (("psnr", 2), ("psnr_aligned", 2), ("detail", 4), ("edge_tenengrad", 3), ("flicker", 5))
        )
        print(f"| {name} | {cells} | {seconds / frames:.2f} |", flush=True)


def ensemble(folders: list[Path], out: Path, _: Path | None) -> None:
    options(folders, out, {f"N = {n}": ["--ensemble", str(n)] for n in (1, 3, 5, 7)})


def sizes(folders: list[Path], out: Path, _: Path | None) -> None:
    options(folders, out, {f"{n} px": ["--working-size", str(n)] for n in SIZES})


def there_and_back(folders: list[Path], out: Path, _: Path | None) -> None:
    """Relight to B, then what came out back to A."""
    print("| shot | plate against its relight | plate against what came back | level fitted |")
    print("| --- | ---: | ---: | ---: |")
    for folder in folders:
        if not (folder / "env_b.exr").exists():
            continue  # a light that turns is no single source map
        there, back = (str(out / folder.name / name / "relit.####.exr") for name in ("there", "back"))
        run(command(folder, there, "relamp", BOTH))
        again = command(folder, back, "relamp", BOTH)
        again[1] = there
        swapped = {str(folder / "env_b.exr"): "env_a.exr", str(folder / "env_a.exr"): "env_b.exr"}
        run([str(folder / swapped[a]) if a in swapped else a for a in again])
        matte = pattern(folder, "matte")
        away, home = (evaluate(p, pattern(folder, "plate"), matte=matte).shot for p in (there, back))
        print(f"| {folder.name} | {away['psnr']:.2f} | {home['psnr']:.2f} | {home['psnr_aligned']:.2f} |", flush=True)


def conflict(folders: list[Path], out: Path, sheet: Path | None) -> None:
    """The map of B beside a background under A, and beside a source map that is turned away."""
    print("| shot | map alone | + background of the map | + background of the old light | source map turned 180 |")
    print("| --- | ---: | ---: | ---: | ---: |")
    rows = []
    for folder in folders:
        if not (folder / "env_b.exr").exists():
            continue
        extra = {
            "alone": [],
            "agrees": ["--background", pattern(folder, "background_b")],
            "disagrees": ["--background", pattern(folder, "plate")],
            "source": ["--source-env", str(turned(folder / "env_a.exr", out / folder.name))],
        }
        shown = [read(first(pattern(folder, name))) for name in ("plate", "truth")]
        found = []
        for name, more in extra.items():
            relit = str(out / folder.name / name / "relit.####.exr")
            run(command(folder, relit, "relamp", BOTH) + more)
            found.append(score(relit, folder)["psnr"])
            shown.append(read(first(relit)))
        rows.append(shown)
        print(f"| {folder.name} | " + " | ".join(f"{f:.2f}" for f in found) + " |", flush=True)
    if sheet:
        write_png(sheet, side_by_side(rows), overwrite=True)


def speed(folders: list[Path], out: Path, _: Path | None) -> None:
    """Whole renders of two lengths, so that starting up cancels, at both sizes."""
    folder = folders[0]
    frames = sorted(folder.glob("plate.*.exr"))
    print("| size | s a frame, reading and writing included | peak GB |\n| --- | ---: | ---: |")
    for size in (256, 512):
        took = []
        for use in (frames[:1], frames):
            relit = str(out / f"{size}-{len(use)}" / "relit.####.exr")
            chosen = ",".join(f.name.split(".")[1] for f in use)
            begun = time.monotonic()
            run([*command(folder, relit, "relamp", BOTH), "--working-size", str(size), "--frames", chosen])
            took.append(time.monotonic() - begun)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"| {size} | {(took[1] - took[0]) / (len(frames) - 1):.2f} | {peak:.2f} |", flush=True)


def run(arguments: list[str]) -> None:
    if code := relamp(arguments):
        sys.exit(f"relamp {' '.join(arguments)} ended with code {code}")


def score(relit: str, folder: Path) -> dict[str, float]:
    return evaluate(
        relit, pattern(folder, "truth"), plate=pattern(folder, "plate"), matte=pattern(folder, "matte")
    ).shot


def turned(path: Path, folder: Path) -> Path:
    """The map half a turn about the vertical."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = read(path)
    out = folder / "turned.exr"
    write(out, np.roll(pixels, pixels.shape[1] // 2, axis=1))
    return out


def first(frames: str) -> Path:
    name = Path(frames)
    return sorted(name.parent.glob(name.name.replace("####", "*")))[0]


def side_by_side(rows: list[list[np.ndarray]], height: int = 160) -> np.ndarray:
    """(H, W, 3) uint8, a row a shot."""
    lines = []
    for row in rows:
        small = [cv2.resize(p, (height * p.shape[1] // p.shape[0], height), interpolation=cv2.INTER_AREA) for p in row]
        shown = [encode_srgb(Colour().from_working(p[..., :3].astype(np.float32), SPACE)) for p in small]
        lines.append(np.concatenate(shown, axis=1))
    return np.round(255 * np.concatenate(lines)).astype(np.uint8)


EXPERIMENTS: dict[str, Callable[[list[Path], Path, Path | None], None]] = {
    "ensemble": ensemble,
    "return": there_and_back,
    "conflict": conflict,
    "sizes": sizes,
    "speed": speed,
}


if __name__ == "__main__":
    main()
