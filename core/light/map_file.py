"""Environments in and out: latitude-longitude maps as `.exr` and `.hdr` files.

Loaded maps are (H, W, 3) float32 radiance in the working space, zero or more, unclamped. Cube maps, mirror balls and
display-encoded pictures are refused. Maps are written as EXR files that any renderer can read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import InputError, OutputError, UsageError
from ..pictures import header, layers
from ..pictures.exr_parts import open_input
from ..pictures.frame import HALF_MAX
from ..pictures.library_error import said_by
from ..pictures.radiance import read_header
from .environment import mean_radiance

if TYPE_CHECKING:
    from ..pictures.colour import Colour

SUN_MAX = 1e6
"""Upper limit of a sun in a map: 1.6e9 cd/m2 outside the atmosphere over the 2000 of a blue sky, a radiance of about 1."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Environment:
    """Light from all around.

    `pixels` is (H, W, 3) float32 radiance in the working space, latitude-longitude in the frame of this module; `path`
    is the file it came from, or None; `sha256` is the digest of that file (of the pixels where there is no file).
    """

    pixels: np.ndarray
    path: Path | None
    sha256: str


def load_environment(path: str | os.PathLike[str], *, colorspace: str | None = None, colour: Colour) -> Environment:
    """Load one latitude-longitude `.exr` or `.hdr` as radiance in the working space.

    A data window smaller than the display window is padded with black, overscan is cut. Pixels that cannot be light
    (NaN, infinity, negative) are cleaned and counted in one warning: NaN and negative become 0, infinity the largest
    finite value of the map. Infinity in a half file is a sun beyond the range of half. It becomes half's largest number, and a
    separate warning states how much of the sun may be missing.

    Args:
        path: one file, not a sequence pattern.
        colorspace: the map's colour space; None reads it from the file (`Colour.decide`).
        colour: the shot's colour management.

    Raises:
        InputError: the file is missing, unreadable, not `.exr` or `.hdr`, has no colour channels, is not twice as wide
            as it is high, is a cube map, or is black.
    """
    path = Path(path)
    if path.suffix.lower() not in (".exr", ".hdr"):
        raise InputError(f"{path} is not a high dynamic range file; an environment is a scene-linear .exr or .hdr")
    raw, spec, file_format = _read(path)
    _check_latlong(path, raw.shape, spec)
    decision = colour.decide(
        spec, colorspace, file_format=file_format, what="the environment", option="--env-colorspace"
    )
    if all(str(spec.channelformat(index)) == "half" for index in _colour_channels(list(spec.channelnames))):
        raw = _with_clipped_suns(path, raw)
    pixels = colour.to_working(raw, decision.space)
    pixels = _clean(path, np.ascontiguousarray(pixels[..., :3], np.float32))
    if not pixels.any():
        raise InputError(f"{path} is black: an environment without any light cannot light a plate; check the file")
    return Environment(pixels, path, hashlib.sha256(path.read_bytes()).hexdigest())


def write_map(
    path: Path,
    pixels: np.ndarray,
    interop_id: str | None,
    attributes: Mapping[str, header.Attribute] | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a map as float32 (suns exceed the range of half), completely or not at all.

    Args:
        path: an `.exr`.
        pixels: (H, 2H, 3) radiance.
        interop_id: the `colorInteropID` of their colour space, None when it has none.
        attributes: further header attributes, such as `relamp/prompt`.
        overwrite: whether an existing file may be replaced (`atomic.replacing`).

    Raises:
        UsageError: `path` is no `.exr`, or exists and may not be replaced.
        OutputError: it cannot be written.
    """
    if path.suffix.lower() != ".exr":
        raise UsageError(f"--out {path} must end in .exr: an environment is a scene-linear EXR")
    height, width, _ = pixels.shape
    spec = oiio.ImageSpec(width, height, 3, "float")
    header.stamp(spec, {"compression": "zip", "textureformat": "LatLong Environment", **(attributes or {})})
    if interop_id:
        spec.attribute("colorInteropID", interop_id)
    with replacing(path, overwrite) as temporary:
        file: Any = oiio.ImageOutput.create("exr")
        done = file.open(str(temporary), spec) and file.write_image(np.ascontiguousarray(pixels, np.float32))
        if not (done and file.close()):
            raise OutputError(f"cannot write {path}: {file.geterror()}")


def _read(path: Path) -> tuple[np.ndarray, oiio.ImageSpec, str]:
    """The colour of the first part that has colour, in its display window, (H, W, 3) float32; its header; the format."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; --env takes a latitude-longitude .exr or .hdr")
    radiance = read_header(path)
    source: Any = open_input(path)
    if source is None:
        raise InputError(f"{path} cannot be opened as a picture: {said_by(oiio)}")
    try:
        data, spec = _read_open(path, source)
    finally:
        source.close()
    if radiance is not None:
        data = radiance.light(data)
        if radiance.primaries:
            spec.attribute("chromaticities", oiio.TypeDesc("float[8]"), radiance.primaries)
    return data, spec, source.format_name()


def _read_open(path: Path, source: Any) -> tuple[np.ndarray, oiio.ImageSpec]:
    specs: list[oiio.ImageSpec] = []
    while source.seek_subimage(len(specs), 0):
        specs.append(source.spec().copy())
    part, spec = _part_with_light(path, specs)
    if spec.deep:
        raise InputError(f"{path} is deep; an environment is a flat latitude-longitude picture: flatten it first")
    data = source.read_image(part, 0, 0, spec.nchannels, "float")
    if data is None:
        raise InputError(f"{path} is damaged: {said_by(source)}; copy or render it again")
    data = np.asarray(data, np.float32).reshape(spec.height, spec.width, spec.nchannels)
    return _in_display_window(data[..., _colour_channels(list(spec.channelnames))], spec), spec


def _part_with_light(path: Path, specs: list[oiio.ImageSpec]) -> tuple[int, oiio.ImageSpec]:
    """The part of a file that is the map: the one of a beauty's name, else the only one with colour that is light."""
    lit = [(index, spec) for index, spec in enumerate(specs) if _colour_channels(list(spec.channelnames))]
    if not lit:
        names = ", ".join(name for spec in specs for name in spec.channelnames)
        raise InputError(f"{path} has channels {names} but no R, G, B; an environment needs its colour there")
    named = [(str(spec.getattribute("name") or ""), index, spec) for index, spec in lit]
    light = [found for found in named if layers.is_light(found[0])] or named
    beauty = [found for found in light if found[0].lower().rpartition(".")[2] in layers.BEAUTY]
    could = beauty if len(beauty) == 1 else light
    if len(could) > 1:
        parts = " and ".join(repr(name) for name, _, _ in could)
        raise InputError(
            f"{path}: its parts {parts} could each be the environment; save the one you mean as a file of its own"
        )
    return could[0][1:]


def _colour_channels(names: list[str]) -> list[int]:
    lower = [name.lower() for name in names]
    if all(c in lower for c in "rgb"):
        return [lower.index(c) for c in "rgb"]
    return [lower.index("y")] * 3 if lower == ["y"] or lower == ["y", "a"] else []


def _in_display_window(data: np.ndarray, spec: oiio.ImageSpec) -> np.ndarray:
    """Place the data window in the display window; pixels outside it are black."""
    x, y = spec.x - spec.full_x, spec.y - spec.full_y
    if (x, y, spec.width, spec.height) == (0, 0, spec.full_width, spec.full_height):
        return np.ascontiguousarray(data)
    out = np.zeros((spec.full_height, spec.full_width, 3), np.float32)
    top, left = max(y, 0), max(x, 0)
    inside = data[top - y : spec.full_height - y, left - x : spec.full_width - x]
    out[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return out


def _check_latlong(path: Path, shape: tuple[int, ...], spec: oiio.ImageSpec) -> None:
    height, width = shape[:2]
    kinds = " ".join(str(spec.getattribute(name) or "") for name in ("textureformat", "envmap", "openexr:envmap"))
    if "cube" in kinds.lower():
        raise InputError(f"{path} is marked as a cube map; convert it to latlong with Nuke's SphericalTransform")
    if width != 2 * height:
        raise InputError(
            f"{path} is {width} x {height}; a latitude-longitude environment is twice as wide as it is high: convert"
            " crosses, cube maps and mirror balls with Nuke's SphericalTransform"
        )


def within_half(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a half file, with infinite ones replaced by half's largest number."""
    return np.where(np.isposinf(pixels), np.float32(HALF_MAX), pixels)


def _with_clipped_suns(path: Path, pixels: np.ndarray) -> np.ndarray:
    clipped = np.asarray(np.isposinf(pixels).any(axis=-1))  # (H, W) bool
    if not clipped.any():
        return pixels
    found = within_half(pixels)
    share = mean_radiance(np.where(clipped[..., None], found, 0)).sum() / mean_radiance(np.nan_to_num(found)).sum()
    log.warning(
        "%s: the sun was clipped: %d pixels are beyond half's %g and count as that, %.0f %% of the map's light; a sun reaches "
        "%g, so theirs may be up to %.1f stops short: save the map as float EXR or .hdr",
        path, clipped.sum(), HALF_MAX, 100 * share, SUN_MAX, np.log2(SUN_MAX / HALF_MAX),
    )  # fmt: skip
    return found


def _clean(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Replace pixels that cannot be light, and log how many there were."""
    nan, infinite, negative = np.isnan(pixels), np.isposinf(pixels), pixels < 0
    bad = nan | infinite | negative
    if not bad.any():
        return pixels
    counts = tuple(int(kind.any(axis=-1).sum()) for kind in (nan, infinite, negative))
    log.warning("%s: cleaned %d NaN, %d infinite and %d negative pixels", path, *counts)
    pixels = np.where(bad, np.float32(0), pixels)
    pixels[infinite] = pixels.max()
    return pixels
