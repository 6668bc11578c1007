"""Environments out: a latitude-longitude map as an EXR that any renderer takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import OutputError, UsageError
from ..pictures import header


def write_map(
    path: Path,
    pixels: np.ndarray,
    interop_id: str | None,
    attributes: Mapping[str, header.Attribute] | None = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a map, float32 (suns go beyond half), whole or not at all.

    Args:
        path: an `.exr`.
        pixels: (H, 2H, 3) radiance.
        interop_id: the `colorInteropID` of their colour space, None when it has none.
        attributes: more for the header, as `relamp/prompt`.
        overwrite: whether a file that is there may be replaced (`atomic.replacing`).

    Raises:
        UsageError: `path` is no `.exr`, or is there and may not be replaced.
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
