"""The photographs as plates: scene-linear EXR with Rec.709 primaries, their mattes, and where they show skin.

The photographs come with scikit-image and are not kept here: astronaut (NASA, public domain), chelsea the cat (Stefan van der
Walt, CC0) and coffee (Rachel Michetti, CC0). The mattes were grown by GrabCut from a few drawn shapes and checked by eye.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
from skimage import data

from relamp.core.pictures.curves import decode_srgb
from relamp.core.pictures.interchange import CHROMATICITIES

SIDE = 720  # px of a plate's longer side: no working size is larger than the plate
HERE = Path(__file__).parent
ASTRONAUTS_FACE = ((224, 117), (32, 40))  # centre and radii, px of the photograph


@dataclass(frozen=True)
class Photograph:
    """A part of a photograph of scikit-image: `source` names it and its matte, `box` is (left, top, right, bottom) in its px."""

    name: str
    source: str
    box: tuple[int, int, int, int]
    face: tuple[tuple[int, int], tuple[int, int]] | None = None


PHOTOGRAPHS = (
    Photograph("astronaut", "astronaut", (0, 0, 512, 512), ASTRONAUTS_FACE),
    Photograph("bust", "astronaut", (20, 0, 440, 330), ASTRONAUTS_FACE),
    Photograph("head", "astronaut", (114, 0, 334, 220), ASTRONAUTS_FACE),
    Photograph("cat", "cat", (0, 0, 451, 300)),
    Photograph("coffee", "coffee", (0, 0, 600, 400)),
)
_PICTURES = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee}


@dataclass(frozen=True)
class Plate:
    """A photograph on disk and in memory.

    rgb: (h, w, 3) float32 scene-linear, as the file holds it; matte: (h, w) float32; skin: (h, w) bool, None where there is none.
    """

    name: str
    path: Path
    matte_path: Path
    rgb: np.ndarray
    matte: np.ndarray
    skin: np.ndarray | None


def make(photograph: Photograph, folder: Path, mirrored: bool = False) -> Plate:
    """Write a plate and its matte into `folder`, on demand with left and right exchanged."""
    left, top, right, bottom = photograph.box
    window = (slice(top, bottom), slice(left, right))
    code = _PICTURES[photograph.source]().astype(np.float32) / 255
    linear = decode_srgb(code)
    matte = read(HERE / f"{photograph.source}.png")[..., 0]
    skin = None if photograph.face is None else _ellipse(matte.shape, *photograph.face)
    layers = [_enlarged(layer[window]) for layer in (linear, matte, *([] if skin is None else [skin]))]
    if mirrored:
        layers = [np.ascontiguousarray(layer[:, ::-1]) for layer in layers]
    name = f"{photograph.name}{'_mirrored' if mirrored else ''}"
    path, matte_path = folder / f"{name}.exr", folder / f"{name}_matte.exr"
    write(path, np.maximum(layers[0], 0))
    write(matte_path, np.clip(layers[1], 0, 1)[..., None])
    return Plate(
        name, path, matte_path, read(path), read(matte_path)[..., 0], layers[2] > 0.5 if len(layers) > 2 else None
    )


def write(path: Path, pixels: np.ndarray, kind: str = "half") -> None:
    """Write (h, w, C) as an EXR that says its primaries are those of Rec.709."""
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    if channels == 1:
        spec.channelnames = ("A",)
    spec.attribute("chromaticities", oiio.TypeDesc("float[8]"), CHROMATICITIES["lin_rec709_scene"])
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(buffer.roi, np.ascontiguousarray(pixels, np.float32))
    if not buffer.write(str(path)):
        raise SystemExit(f"{path}: {buffer.geterror()}")


def read(path: Path) -> np.ndarray:
    """The first three channels, or the only one, of an EXR: (h, w, C) float32."""
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT))[..., :3]


def _ellipse(shape: tuple[int, ...], centre: tuple[int, int], radii: tuple[int, int]) -> np.ndarray:
    return cv2.ellipse(np.zeros(shape[:2], np.float32), centre, radii, 0, 0, 360, 1.0, -1)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    return cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_CUBIC)
