"""The sheet of `relamp env`: lines about an environment and its lamps, and a picture of the map and of two balls in its light."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import OutputError, UsageError
from ..pictures.colour import Colour
from .balls import grey_and_chrome
from .environment import direction_to_uv, directions, level, lookup, resize
from .irradiance import irradiance_table
from .kelvin import in_words
from .lamps import Lamp, Lamps, split

MAP_ROWS = 512
BALL = 384  # px
MARGIN = 24
TEXT_ROWS = 34
BACKGROUND = 38  # 8-bit, a dark neutral grey
SHOWN_LEVEL = 0.4  # scene-linear value at which the level of the light is shown
MARKS = ((0.5, "+Z behind camera"), (0.25, "+X right of camera"), (0.75, "-X left of camera"), (0.0, "-Z ahead"))


def light_sheet(
    name: str,
    pixels: np.ndarray,
    sha256: str,
    lamps: int,
    colour: Colour,
    png: str | None = None,
    overwrite: bool = False,
) -> str:
    """Describe a map, one fact per line; draw it into `png` if that is given.

    Args:
        name: the name of the map.
        pixels: (H, 2H, 3) working-space radiance.
        sha256: digest, in hex, of the map's source.
        lamps: the largest number of lamps it is split into.
        overwrite: whether an existing picture at `png` may be replaced.

    Raises `OutputError` for a picture that cannot be written, `UsageError` for an existing one that may not be replaced.
    """
    found = split(pixels, lamps, colour.luminance_weights)
    if png:
        write_png(Path(png), draw(pixels, found, colour), overwrite)
    luminance = pixels @ colour.luminance_weights
    k = level(pixels, colour.luminance_weights)
    lines = [
        f"{name}: {pixels.shape[1]} x {pixels.shape[0]}, sha256 {sha256[:12]}",
        f"level {k:.4g} (luminance of the mean radiance), brightest {math.log2(luminance.max() / k):.1f} stops above that",
        f"lamps {len(found.lamps)} of {lamps} asked for, the rest holds {1 - sum(lamp.share for lamp in found.lamps):.0%}",
    ]
    return "\n".join(lines + [_lamp_line(number, lamp, colour) for number, lamp in enumerate(found.lamps, 1)])


def write_png(path: Path, picture: np.ndarray, overwrite: Overwrite = False) -> None:
    """Write a display-encoded (H, W, 3) uint8 picture as PNG; raises the errors of `atomic.replacing`."""
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


def draw(pixels: np.ndarray, lamps: Lamps, colour: Colour) -> np.ndarray:
    """Draw the sheet of `relamp env --png`.

    Args:
        pixels: (H, W, 3) float32 radiance in the working space, latitude-longitude.
        lamps: the lamps of that map, as `lamps.split` gives; they are outlined and listed.
        colour: for the display transform.

    Returns:
        (1012, 1072, 3) uint8, encoded by the config's default display and view. Map and balls are shown at one exposure,
        written on the sheet. The balls are seen by the default camera, which looks down -Z.
    """
    stops = _exposure(level(pixels, colour.luminance_weights))
    grey, chrome = _balls(pixels)
    gain = np.float32(2**stops)
    seen = _at_map_size(pixels)
    size = (MAP_ROWS + BALL + 2 * MARGIN + 2 * TEXT_ROWS, 2 * MAP_ROWS + 2 * MARGIN)
    sheet = np.full((*size, 3), BACKGROUND, np.uint8)
    top = MARGIN + TEXT_ROWS
    _write(sheet, f"Environment, {pixels.shape[1]} x {pixels.shape[0]}, shown at {stops:+.1f} stops", MARGIN, top - 12)
    _paste(sheet, _encode(seen * gain, colour), top, MARGIN)
    picture = sheet[top : top + MAP_ROWS, MARGIN : MARGIN + 2 * MAP_ROWS]
    _mark_directions(picture)
    for number, lamp in enumerate(lamps.lamps, start=1):
        _mark_lamp(picture, lamp, lamps.labels == number, str(number))
    row = top + MAP_ROWS + TEXT_ROWS
    for column, (ball, name) in enumerate(((grey, "Grey ball, 18 %"), (chrome, "Chrome ball"))):
        left = MARGIN + column * (BALL + MARGIN)
        _write(sheet, name, left, row - 8)
        _paste(sheet, _over_background(_encode(ball[..., :3] * gain, colour), ball[..., 3]), row, left)
    _list_lamps(sheet, lamps, MARGIN + 2 * (BALL + MARGIN), row)
    return sheet


def _lamp_line(number: int, lamp: Lamp, colour: Colour) -> str:
    x, y, z = lamp.direction
    azimuth, elevation = np.degrees(np.arctan2(x, -z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
    side = "right" if azimuth > 0 else "left"
    where = f"{abs(azimuth):.0f} deg {side} of the view, {elevation:+.0f} deg up"
    shade = in_words(colour.from_working(lamp.colour[None, None].astype(np.float32), "lin_rec709_scene")[0, 0])
    return f"lamp {number}: {where}, radius {lamp.angular_radius:.2g} deg, {lamp.share:.0%} of the light, {shade}"


def _exposure(measured: float) -> float:
    """Stops, in steps of a half, that bring the level of the light to `SHOWN_LEVEL`."""
    return round(2 * math.log2(SHOWN_LEVEL / measured)) / 2 if measured > 0 else 0.0


def _at_map_size(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[0] > MAP_ROWS:
        return resize(pixels, MAP_ROWS)
    return lookup(pixels, directions(MAP_ROWS, 2 * MAP_ROWS))


def _balls(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matt grey and a mirror ball, (BALL, BALL, 4) scene-linear with coverage in the last channel."""
    table = irradiance_table(pixels) / np.float32(np.pi)
    both = grey_and_chrome(table, _at_map_size(pixels), np.eye(3), BALL)  # (BALL, 2 BALL, 4)
    return both[:, :BALL], both[:, BALL:]


def _encode(pixels: np.ndarray, colour: Colour) -> np.ndarray:
    return np.round(np.clip(colour.display(np.ascontiguousarray(pixels, np.float32)), 0, 1) * 255).astype(np.uint8)


def _over_background(encoded: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    mixed = encoded * coverage[..., None] + BACKGROUND * (1 - coverage[..., None])
    return np.round(mixed).astype(np.uint8)


def _paste(sheet: np.ndarray, picture: np.ndarray, top: int, left: int) -> None:
    sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture


def _write(picture: np.ndarray, text: str, x: int, y: int, size: float = 0.6) -> None:
    """Draw light letters with a dark edge, which are readable on bright and dark pictures."""
    # The same weight for both, because OpenCV 5 spaces bold letters wider.
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        cv2.putText(picture, text, (x + dx, y + dy), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, (245, 245, 245), 1, cv2.LINE_AA)


def _mark_directions(picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    for u, name in MARKS:
        x = round(u * width)
        cv2.line(picture, (x, height - 10), (x, height - 1), (245, 245, 245), 2)
        offset = 6 if u == 0 else -70
        _write(picture, name, x + offset, height - 16, 0.5)


def _mark_lamp(picture: np.ndarray, lamp: Lamp, mask: np.ndarray, name: str) -> None:
    """Draw a line around a lamp, a little outside it, and its number."""
    height, width = picture.shape[:2]
    near = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    near = cv2.dilate(near, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    outline, _hierarchy = cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for shade, thickness in ((0, 4), (245, 2)):
        cv2.drawContours(picture, outline, -1, (shade,) * 3, thickness, cv2.LINE_AA)
    x, y = direction_to_uv(lamp.direction) * (width, height)
    columns = np.flatnonzero(near[round(min(y, height - 1))])
    beside = columns[columns >= x].max(initial=round(x)) if len(columns) else round(x)
    _write(picture, name, min(int(beside) + 8, width - 24), max(round(y - 6), 20), 0.8)


def _list_lamps(sheet: np.ndarray, lamps: Lamps, left: int, top: int) -> None:
    shown = lamps.lamps[:12]
    _write(sheet, f"Lamps: {len(lamps.lamps)}" if shown else "No compact lamps", left, top - 8)
    for number, lamp in enumerate(shown, start=1):
        up = math.degrees(math.asin(max(-1.0, min(1.0, float(lamp.direction[1])))))
        text = f"{number}: {100 * lamp.share:.0f} %, {up:+.0f} deg up, r {lamp.angular_radius:.1f}"
        _write(sheet, text, left, top + 30 * number - 6, 0.45)
