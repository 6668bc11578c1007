"""What is left along the subject's edge when a plate with a soft or slightly wrong matte is relit.

    python benchmarks/edges.py [--picture edges.png]

Frame 1012 of the example plate, a head with strands of hair, is laid over a dark, a bright and a green background and relit by
`ratio`, with its normals and with mattes that are exact, blurred, too wide or too narrow, three stops up and three stops down.
The truth is the same frame relit with its own alpha before it is laid over. Errors are means of |relit - true| over the band of
the edge, relative to the mean of the truth there: before (mixed pixels take the gain) and after (the subject's own light does).
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from relamp.core.cli import main as relamp
from relamp.core.gain.subject import Subject
from relamp.core.light.sheet import write_png
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.frame import place

FRAME = 1012
EXAMPLES = Path(__file__).parents[1] / "examples"
BACKGROUNDS = {"dark": (0.01, 0.01, 0.012), "bright": (3.0, 3.0, 3.2), "green": (0.05, 0.5, 0.08)}
STOPS = (3, -3)
BOX = np.ones((3, 3), np.uint8)
SEEN = np.s_[0:220, 170:430]  # head and shoulders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--picture", type=Path, help="PNG: a row a background, exact matte, stops up: truth, before, after"
    )
    given = parser.parse_args()
    picture, alpha, normals = subject()
    band = cv2.dilate(((alpha > 0.01) & (alpha < 0.99)).astype(np.uint8), BOX) > 0
    print("| background | matte | stops | before | after |\n| --- | --- | ---: | ---: | ---: |")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place_ = Path(folder)
        for stops in STOPS:
            rgba = np.concatenate([picture, alpha[..., None]], -1)
            alone = relit(place_, rgba, normals, None, stops)
            for name, behind in BACKGROUNDS.items():
                ground = np.float32(behind) * (1 + 0.3 * np.sin(np.arange(alpha.shape[1]) / 9)[None, :, None]).astype(
                    np.float32
                )
                true = alone + (1 - alpha[..., None]) * ground
                plate = picture + (1 - alpha[..., None]) * ground
                for kind, matte in mattes(alpha).items():
                    after = relit(place_, plate, normals, matte, stops)
                    with mixed():
                        before = relit(place_, plate, normals, matte, stops)
                    errors = [np.abs(p - true)[band].mean() / true[band].mean() for p in (before, after)]
                    print(f"| {name} | {kind} | {stops:+d} | {errors[0]:.3f} | {errors[1]:.3f} |", flush=True)
                    if kind == "exact" and stops > 0:
                        rows.append(np.concatenate([p[SEEN] / 2**stops for p in (true, before, after)], axis=1))
    if given.picture:
        shown = encode_srgb(np.concatenate(rows).astype(np.float32) * 2)
        write_png(given.picture, np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8), overwrite=True)


def subject() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The example's frame over its whole format: premultiplied light (H, W, 3), alpha (H, W), and normals (H, W, 3)."""
    colour = Colour()
    path = EXAMPLES / "plate" / f"plate.{FRAME}.exr"
    frame = exr.read_frame(path, colour=colour)
    buffer = oiio.ImageBuf(str(path))
    names = list(buffer.spec().channelnames)
    normals = np.asarray(buffer.get_pixels(oiio.FLOAT))[..., [names.index(f"N.{c}") for c in "XYZ"]]
    assert frame.alpha is not None
    whole = np.concatenate([colour.to_working(frame.rgb, frame.colorspace), frame.alpha[..., None], normals], -1)
    opened = place(whole, frame.data_window, frame.display_window)
    return opened[..., :3], opened[..., 3], opened[..., 4:]


def mattes(alpha: np.ndarray) -> dict[str, np.ndarray]:
    """Mattes as artists and networks give them, (H, W) each."""
    return {
        "exact": alpha,
        "blurred": cv2.GaussianBlur(alpha, (0, 0), 1.5),
        "1 px too wide": cv2.dilate(alpha, BOX),
        "1 px too narrow": cv2.erode(alpha, BOX),
    }


def relit(folder: Path, plate: np.ndarray, normals: np.ndarray, matte: np.ndarray | None, stops: int) -> np.ndarray:
    """What `relamp render` makes of a plate (H, W, 3), or (H, W, 4) with alpha, (H, W, 3)."""
    path, out = folder / f"plate.{FRAME}.exr", folder / f"out.{FRAME}.exr"
    write(path, np.concatenate([plate, normals], -1), (*"RGBA"[: plate.shape[-1]], "N.X", "N.Y", "N.Z"))
    asked = [
        "render",
        str(path).replace(str(FRAME), "####"),
        "--out",
        str(out).replace(str(FRAME), "####"),
        "--overwrite",
        "-q",
    ]
    maps = EXAMPLES / "environments"
    asked += ["--env", str(maps / "low_sun.exr"), "--source-env", str(maps / "source.exr"), "--env-level", "match"]
    asked += ["--env-exposure", str(stops), "--backbone", "ratio", "--grain", "off"]
    if matte is not None:
        write(folder / f"matte.{FRAME}.exr", matte[..., None], ("A",))
        asked += ["--matte", str(folder / "matte.####.exr")]
    assert relamp(asked) == 0
    return np.asarray(oiio.ImageBuf(str(out)).get_pixels(oiio.FLOAT))[..., :3]


def write(path: Path, pixels: np.ndarray, channels: tuple[str, ...]) -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), "float")
    spec.channelnames = channels
    spec.attribute("colorInteropID", "lin_ap1_scene")
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(buffer.roi, np.ascontiguousarray(pixels, np.float32))
    assert buffer.write(str(path)), buffer.geterror()


@contextmanager
def mixed() -> Iterator[None]:
    """The law as if mixed pixels were the subject's own."""
    kept = Subject.own
    Subject.own = property(lambda self: self.plate)  # type: ignore[assignment]
    yield
    Subject.own = kept  # type: ignore[assignment]


if __name__ == "__main__":
    main()
