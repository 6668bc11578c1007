"""What is left of a light that truly changes: fade, lightning, turning sun, switched lamp; and who takes it, if anybody does.

    python benchmarks/changing_light.py [--data data/validation/head] [--truth data/flicker/head_turning] [--out t.md]

Renders the shot under each light with normals, with the deflicker head and without, and with the ratio relighter. Changes are
those from frame to frame of the log mean luminance inside the matte. *change*: their sum without signs, stops, without the head.
*kept*: that with the head over that without; 1 is all. *slope*: of the changes with the head on those without, least squares,
which noise does not lower. *ratio*: change of the ratio relighter over that of the network. The picture has a row a light, with
the head.

With `--truth`, a shot whose light turns in the truth, too (`benchmarks/validation/render_flicker.py`): slope of the changes on
the truth's, from the first frame on and so without the noise of single frames, by backbone, inputs and head.
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

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.frames import parse_frames
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.light.sheet import write_png
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb

sys.path.insert(0, str(Path(__file__).parent / "validation"))
from table import pattern, read

LAMPS = ("softbox from the left", "warm softbox from the right")
INPUTS = {"normals": ("normals",), "normals, source": ("normals", "source")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("data/validation/head"), help="a shot of validation/render.py"
    )
    parser.add_argument("--frames", default="1001-1004")
    parser.add_argument("--truth", type=Path, help="a shot whose light turns in the truth")
    parser.add_argument("--truth-frames", default="1001-1012")
    parser.add_argument("--out", type=Path, help="write the tables here, too")
    parser.add_argument("--png", type=Path)
    given = parser.parse_args()
    frames, say = parse_frames(given.frames), Report(given.out)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say("| light | change, stops | kept | slope | ratio |\n| --- | ---: | ---: | ---: | ---: |")
        for name, options in lights(frames, folder).items():
            options = (*options, "--normals", pattern(given.data, "normals"), "-F", given.frames)
            ways = {
                "on": ("relamp", "--deflicker"),
                "off": ("relamp", "--no-deflicker"),
                "ratio": ("ratio", "--no-deflicker"),
            }
            shots = {
                way: render(given.data, folder / f"{name} {way}", ("--backbone", *how, *options))
                for way, how in ways.items()
            }
            steps = {way: np.diff(log_means(given.data, shot, frames)) for way, shot in shots.items()}
            total = {way: np.abs(change).sum() for way, change in steps.items()}
            numbers = (total["on"] / total["off"], slope(steps["on"], steps["off"]), total["ratio"] / total["off"])
            say(f"| {name} | {total['off']:.2f} | {' | '.join(f'{n:.3f}' for n in numbers)} |")
            rows.append(np.concatenate([small(picture) for picture in shots["on"]], axis=1))
        if given.truth:
            say("")
            against_truth(given.truth, given.truth_frames, folder, say)
    if given.png:
        write_png(given.png, np.concatenate(rows), overwrite=True)


def against_truth(data: Path, named: str, folder: Path, say: Report) -> None:
    """The table of a shot whose light turns in the truth."""
    frames = parse_frames(named)
    true = log_means(data, [read(data / f"truth.{frame}.exr")[..., :3] for frame in frames], frames)
    true -= true[0]
    say(
        f"| {data.name}, {named}, truth changes by {np.ptp(true):.2f} stops | slope | with the head |\n| --- | ---: | ---: |"
    )
    for backbone in ("ratio", "relamp"):
        for name, inputs in INPUTS.items():
            options = ("--env", pattern(data, "env_b"), "--env-level", "absolute", "--backbone", backbone, "-F", named)
            options += ("--normals", pattern(data, "normals"))
            options += ("--source-env", str(data / "env_a.exr")) if "source" in inputs else ()
            found = []
            for head in ("--no-deflicker", "--deflicker"):
                shot = render(data, folder / f"{backbone} {name} {head}", (*options, head))
                means = log_means(data, shot, frames)
                found.append(slope(means - means[0], true))
            say(f"| {backbone}, {name} | {found[0]:.3f} | {found[1]:.3f} |")


def slope(values: np.ndarray, over: np.ndarray) -> float:
    """Least squares through the origin."""
    return float(values @ over / (over @ over))


def lights(frames: tuple[int, ...], folder: Path) -> dict[str, tuple[str, ...]]:
    """Options of each light."""
    first, last = frames[0], frames[-1]
    flash = ";".join(f"{frame}={stops}" for frame, stops in zip(frames, (0, 3, -0.5, 2) * len(frames), strict=False))
    for index, frame in enumerate(frames):
        out = str(folder / f"lamp.{frame}.exr")
        if relamp(["env", "--prompt", LAMPS[index * 2 // len(frames)], "--out", out]):
            sys.exit("no lamp was made")
    return {
        "fade": ("--prompt", LAMPS[0], "--env-exposure", f"{first}=0;{last}=-3"),
        "lightning": ("--prompt", "cool spotlight from the right, high contrast", "--env-exposure", flash),
        "turning sun": (
            "--prompt",
            "low warm sun from the left, cool sky",
            "--env-rotate",
            f"{first}=0,0,0;{last}=0,180,0",
        ),
        "switched lamp": ("--env", str(folder / "lamp.####.exr")),
    }


def render(data: Path, out: Path, options: tuple[str, ...]) -> list[np.ndarray]:
    """The relit frames of a shot."""
    command = [
        "render",
        pattern(data, "plate"),
        "--matte",
        pattern(data, "matte"),
        "--camera",
        str(data / "camera.json"),
    ]
    if code := relamp([*command, "--out", str(out / "relit.####.exr"), "-q", *options]):
        sys.exit(f"relamp render failed with code {code}")
    return [read(path)[..., :3] for path in sorted(out.glob("relit.*.exr"))]


def log_means(data: Path, shot: list[np.ndarray], frames: tuple[int, ...]) -> np.ndarray:
    """log2 of the mean luminance inside the matte, frame by frame."""
    inside = [read(data / f"matte.{frame}.exr")[..., 0] > 0.5 for frame in frames]
    return np.array([np.log2((p[m] @ np.array(AP1_LUMINANCE)).mean()) for p, m in zip(shot, inside, strict=True)])


def small(picture: np.ndarray, height: int = 120) -> np.ndarray:
    """For eyes, (height, w, 3) uint8."""
    linear = Colour().from_working(picture.astype(np.float32), SPACE)
    shown = cv2.resize(linear, (height * linear.shape[1] // linear.shape[0], height), interpolation=cv2.INTER_AREA)
    return np.round(255 * encode_srgb(shown)).astype(np.uint8)


if __name__ == "__main__":
    main()
