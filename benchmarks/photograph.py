"""One real photograph, slowly panned, under four skies: a sheet to look at, since no score exists.

    python benchmarks/photograph.py --out renders/photograph [--backbone relamp] [--frames 5]

The photograph is scikit-image's astronaut (NASA, public domain), its matte a rough one: a few points, grown by GrabCut.
Columns of `sheet.png`: the plate, then the environments of the example; rows: first, middle and last frame.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
from skimage import data

from relamp.core.cli import main as relamp
from relamp.core.light.sheet import write_png
from relamp.core.pictures.curves import decode_srgb, encode_srgb

SIZE = (400, 400)
ENVIRONMENTS = Path(__file__).parents[1] / "examples" / "environments"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backbone", default="relamp")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--env", type=Path, nargs="*", help="other environments than the example's")
    given = parser.parse_args()
    photograph = data.astronaut()
    film(photograph, rough_matte(photograph), given.out, given.frames)
    columns = [frames_of(given.out / "plate.####.exr")]
    for env in given.env or sorted(ENVIRONMENTS.glob("*.exr"))[:4]:
        relit = given.out / env.stem / "relit.####.exr"
        arguments = ["render", str(given.out / "plate.####.exr"), "--matte", str(given.out / "matte.####.exr")]
        arguments += ["--env", str(env), "--out", str(relit), "--backbone", given.backbone, "--overwrite", "-q"]
        arguments += ["--colorspace", "Linear Rec.709 (sRGB)"]
        if code := relamp(arguments):
            sys.exit(f"relamp {' '.join(arguments)} ended with code {code}")
        columns.append(frames_of(relit))
    chosen = sorted({0, given.frames // 2, given.frames - 1})
    write_png(
        given.out / "sheet.png",
        np.concatenate([np.concatenate([c[k] for c in columns], 1) for k in chosen]),
        overwrite=True,
    )
    print(given.out / "sheet.png")


def rough_matte(photograph: np.ndarray) -> np.ndarray:
    """(H, W) float32 0 or 1, as a quick roto would be: drawn with a few points, grown to the edges by GrabCut."""
    mask = np.full(photograph.shape[:2], cv2.GC_BGD, np.uint8)
    body = np.array([(60, 511), (85, 330), (170, 250), (290, 250), (400, 320), (440, 511)])
    for width, label in ((70, cv2.GC_PR_FGD), (1, cv2.GC_FGD)):
        cv2.ellipse(mask, (223, 105), (52 + width // 2, 72 + width // 2), 0, 0, 360, label, -1)
        cv2.polylines(mask, [body], False, label, width)
        cv2.fillPoly(mask, [body], label)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(photograph[..., ::-1].copy(), mask, (0, 0, 1, 1), *models, 6, cv2.GC_INIT_WITH_MASK)
    inside = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)).astype(np.float32)


def film(photograph: np.ndarray, matte: np.ndarray, out: Path, frames: int) -> None:
    """A slow pan over the photograph as scene-linear EXR, Rec.709 primaries."""
    out.mkdir(parents=True, exist_ok=True)
    code = photograph.astype(np.float32) / 255
    linear = decode_srgb(code)
    room = photograph.shape[1] - SIZE[0]
    for k in range(frames):
        x, y = round(room * k / max(frames - 1, 1)), 0
        window = (slice(y, y + SIZE[1]), slice(x, x + SIZE[0]))
        write(out / f"plate.{1001 + k}.exr", linear[window])
        write(out / f"matte.{1001 + k}.exr", matte[window][..., None])


def write(path: Path, pixels: np.ndarray) -> None:
    buffer = oiio.ImageBuf(oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "half"))
    buffer.set_pixels(buffer.roi, np.ascontiguousarray(pixels))
    if not buffer.write(str(path)):
        sys.exit(f"{path}: {buffer.geterror()}")


def frames_of(pattern: Path) -> list[np.ndarray]:
    """Frames of a sequence for the eye, (H, W, 3) uint8 sRGB, highlights rolled off."""
    shown = []
    for path in sorted(pattern.parent.glob(pattern.name.replace("####", "*"))):
        linear = np.maximum(np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))[..., :3], 0)
        shown.append(np.round(255 * encode_srgb(linear)).astype(np.uint8))
    return shown


if __name__ == "__main__":
    main()
