"""What is left of a light that truly changes once the deflicker head has looked: fade, lightning, turning sun, switched lamp.

    python benchmarks/changing_light.py --data data/validation/head [--backbone relamp] [--frames 1001-1006] [--png strip.png]

Renders the shot under each light with the head and without. `kept` is how much of the change from frame to frame (of the log mean
luminance inside the matte, summed without its sign) is there with the head against without it: 1 is all. The picture has a row a
light, with the head.
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

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.evaluation.metrics import encode
from relamp.core.frames import parse_frames
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.light_sheet import write_png
from relamp.core.pictures.colour import Colour

sys.path.insert(0, str(Path(__file__).parent / "validation"))
from table import pattern, read

LAMPS = ("softbox from the left", "warm softbox from the right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("data/validation/head"), help="a shot of validation/render.py"
    )
    parser.add_argument("--backbone", default="relamp")
    parser.add_argument("--frames", default="1001-1004")
    parser.add_argument("--png", type=Path)
    given = parser.parse_args()
    frames = parse_frames(given.frames)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, options in lights(frames, folder).items():
            off, on = (
                render(given.data, folder / f"{name} {head}", options, given, head)
                for head in ("--no-deflicker", "--deflicker")
            )
            inside = [read(given.data / f"matte.{frame}.exr")[..., 0] > 0.5 for frame in frames]
            steps = [np.abs(np.diff(log_means(shot, inside))).sum() for shot in (on, off)]
            print(f"{name}: changes by {steps[1]:.2f} stops in all, kept {steps[0] / steps[1]:.4f}", flush=True)
            rows.append(np.concatenate([small(picture) for picture in on], axis=1))
    if given.png:
        write_png(given.png, np.concatenate(rows))


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


def render(data: Path, out: Path, options: tuple[str, ...], given: argparse.Namespace, head: str) -> list[np.ndarray]:
    """The relit frames of a shot."""
    relit = str(out / "relit.####.exr")
    command = [
        "render",
        pattern(data, "plate"),
        "--matte",
        pattern(data, "matte"),
        "--normals",
        pattern(data, "normals"),
    ]
    command += [
        "--camera",
        str(data / "camera.json"),
        "--backbone",
        given.backbone,
        "-F",
        given.frames,
        "--out",
        relit,
        "-q",
    ]
    if code := relamp([*command, *options, head]):
        sys.exit(f"relamp render failed with code {code}")
    return [read(out / f"relit.{frame}.exr")[..., :3] for frame in parse_frames(given.frames)]


def log_means(shot: list[np.ndarray], inside: list[np.ndarray]) -> np.ndarray:
    """log2 of the mean luminance inside, frame by frame."""
    return np.array([np.log2((p[m] @ np.array(AP1_LUMINANCE)).mean()) for p, m in zip(shot, inside, strict=True)])


def small(picture: np.ndarray, height: int = 120) -> np.ndarray:
    """For eyes, (height, w, 3) uint8."""
    linear = Colour().from_working(picture.astype(np.float32), SPACE)
    shown = cv2.resize(linear, (height * linear.shape[1] // linear.shape[0], height), interpolation=cv2.INTER_AREA)
    return np.round(255 * encode(shown)).astype(np.uint8)


if __name__ == "__main__":
    main()
