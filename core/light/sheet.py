"""What `relamp env` says and draws of an environment: its level, its lamps, the balls it lights. Floor 1."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import OutputError, UsageError
from ..pictures.colour import Colour
from .environment import level
from .lamps import Lamp, split
from .probes import draw


def light_sheet(
    name: str,
    pixels: np.ndarray,
    sha256: str,
    lamps: int,
    colour: Colour,
    png: str | None = None,
    overwrite: bool = False,
) -> str:
    """Describe a map, a fact a line; draw it into `png` when that is given.

    Args:
        name: what the map is called.
        pixels: (H, 2H, 3) working-space radiance.
        sha256: digest, in hex, of what it was made from.
        lamps: into how many it is split, at most.
        overwrite: whether a picture that lies at `png` may be replaced.

    Raises `OutputError` for a picture that cannot be written, `UsageError` for one that is there.
    """
    found = split(pixels, lamps, colour.luminance_weights)
    if png:
        write_png(Path(png), draw(pixels, found, colour), overwrite)
    luminance = pixels @ colour.luminance_weights
    k = level(pixels, colour.luminance_weights)
    lines = [
        f"{name}: {pixels.shape[1]} x {pixels.shape[0]}, sha256 {sha256[:12]}",
        f"level {k:.4g} (luminance of the mean radiance), brightest {luminance.max():.4g}, {luminance.max() / k:.3g} times that",
        f"lamps {len(found.lamps)} of {lamps} asked for, the rest holds {1 - sum(lamp.share for lamp in found.lamps):.0%}",
    ]
    return "\n".join(lines + [_lamp_line(number, lamp) for number, lamp in enumerate(found.lamps, 1)])


def write_png(path: Path, picture: np.ndarray, overwrite: Overwrite = False) -> None:
    """Write a display-encoded (H, W, 3) uint8 picture for eyes, as `atomic.replacing` does, which says what it raises."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: a picture for looking at is written as .png")
    height, width, channels = picture.shape
    with replacing(path, overwrite) as temporary:
        file: Any = oiio.ImageOutput.create("png")
        spec = oiio.ImageSpec(width, height, channels, "uint8")
        spec.attribute("oiio:ColorSpace", "srgb_rec709_scene")
        if not (
            file.open(os.fspath(temporary), spec) and file.write_image(np.ascontiguousarray(picture)) and file.close()
        ):
            raise OutputError(f"{path}: cannot write this picture ({file.geterror()})")


def _lamp_line(number: int, lamp: Lamp) -> str:
    x, y, z = lamp.direction
    azimuth, elevation = np.degrees(np.arctan2(x, -z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
    side = "right" if azimuth > 0 else "left"
    where = f"{abs(azimuth):.0f} deg {side} of the view, {elevation:+.0f} deg up"
    tint = " ".join(f"{value:.2f}" for value in lamp.colour)
    return f"lamp {number}: {where}, radius {lamp.angular_radius:.2g} deg, {lamp.share:.0%} of the light, tint {tint}"
