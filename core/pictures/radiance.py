"""The header of a Radiance picture (`.hdr`), which gives the meaning of its pixels.

OpenImageIO unpacks the pixels; it does not divide out the exposures or colour corrections they were multiplied by, takes the
last exposure of several for all of them, leaves the primaries out, and confuses two of the eight orders of scan lines.
Source: "The RADIANCE Picture File Format" in Ward & Shakespeare, "Rendering with Radiance" (1998). XYZE pixels and the
run-length coding from before 1991 are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

_RESOLUTION = re.compile(rb"([+-])([XY]) +(\d+) +([+-])([XY]) +(\d+)\n")
_LONGEST = 1 << 16  # bytes; a longer header is not valid


@dataclass(frozen=True)
class RadianceHeader:
    """The facts about a Radiance picture's pixels."""

    axes: tuple[str, str]
    """Signed axes, usually `-Y` and `+X`: the direction of successive scan lines, and of pixels in a scan line. Y is up."""
    correction: np.ndarray
    """(3,) float64, the factors on the light: all `EXPOSURE` times all `COLORCORR`."""
    primaries: tuple[float, ...] | None
    """CIE xy of red, green, blue and white, None where they are not stated."""

    def light(self, scanlines: np.ndarray) -> np.ndarray:
        """Radiance, row 0 up and column 0 left, (H, W, 3) float32, from the values of the file in its order of scan lines."""
        major, minor = self.axes
        scanlines = scanlines[_forward(major), _forward(minor)]
        upright = scanlines if major[1] == "Y" else scanlines.transpose(1, 0, 2)
        return np.ascontiguousarray(upright / self.correction, np.float32)


def read_header(path: Path) -> RadianceHeader | None:
    """Read the header of a Radiance picture; None where the file is no Radiance picture, whatever its name.

    Raises:
        InputError: the header is damaged, or the pixels are of an unsupported kind.
    """
    with path.open("rb") as file:
        head, _, rest = file.read(_LONGEST).partition(b"\n\n")
        if not head.startswith(b"#?"):
            return None
        size = _RESOLUTION.match(rest)
        if size is None or {size[2], size[5]} != {b"X", b"Y"}:
            raise InputError(
                f"{path} is damaged: its Radiance header does not say how big it is; copy or save it again"
            )
        file.seek(len(head) + 2 + size.end())
        pixels = file.read()
    variables = [
        (name.strip().upper().decode("ascii", "replace"), value.strip().decode("ascii", "replace"))
        for name, is_one, value in (line.partition(b"=") for line in head.split(b"\n")[1:])
        if is_one and not name.startswith(b"#")
    ]
    _refuse_unreadable(path, variables, pixels, int(size[3]), int(size[6]))
    correction = np.ones(3)
    primaries = None
    for name, value in variables:
        if name == "EXPOSURE":
            correction *= _numbers(path, name, value, 1, positive=True)
        elif name == "COLORCORR":
            correction *= _numbers(path, name, value, 3, positive=True)
        elif name == "PRIMARIES":
            primaries = _numbers(path, name, value, 8, positive=False)
    axes = (size[1] + size[2]).decode(), (size[4] + size[5]).decode()
    return RadianceHeader(axes, correction, primaries)


def _forward(axis: str) -> slice:
    """The slice along an axis after which rows run down and columns to the right."""
    return slice(None) if axis in ("-Y", "+X") else slice(None, None, -1)


def _numbers(path: Path, name: str, text: str, count: int, *, positive: bool) -> tuple[float, ...]:
    """`count` numbers, all above zero if `positive`; only primaries may be zero or negative."""
    try:
        values = tuple(float(word) for word in text.split())
    except ValueError:
        values = ()
    if len(values) != count or not np.isfinite(values).all() or (positive and min(values) <= 0):
        above = " above 0" if positive else ""
        raise InputError(f"{path}: {name}={text} in its header must be {count} numbers{above}; write the map again")
    return values


def _refuse_unreadable(
    path: Path, variables: list[tuple[str, str]], pixels: bytes, scanlines: int, length: int
) -> None:
    kind = next((value for name, value in reversed(variables) if name == "FORMAT"), "32-bit_rle_rgbe")
    if kind == "32-bit_rle_xyze":
        raise InputError(
            f"{path} holds XYZ and not RGB (XYZE); convert it with Radiance's ra_xyze -r, or save it as EXR"
        )
    if kind != "32-bit_rle_rgbe":
        raise InputError(f"{path} holds pixels of the format {kind}; save it as RGBE or EXR")
    if len(pixels) >= 4 and pixels[:2] == b"\2\2" and int.from_bytes(pixels[2:4], "big") == length:
        return
    # A colour's largest mantissa is 128 or more, so 1, 1, 1 is no colour; it is a repeat count for the colour before it.
    quads = np.frombuffer(pixels[: len(pixels) // 4 * 4], np.uint8).reshape(-1, 4)
    if len(quads) < scanlines * length and (quads[:, :3] == 1).all(axis=-1).any():
        raise InputError(f"{path} is run-length coded as Radiance did before 1991; save it again, as RGBE or EXR")
