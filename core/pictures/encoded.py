"""Plates in the formats that cameras and comps write besides EXR: DPX, Cineon, TIFF, PNG, JPEG and the frames of movies.

Their numbers are codes of a curve, and the output is scene-linear EXR. So they are decoded to the config's working space when
they are read, and the frame counts as a file in that space from then on. The curve is the one that is declared, else the one
that the file states, else the usual one of its format, which is said. A log file that does not name its camera is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..errors import InputError
from .colour import Colour, Decision
from .frame import Frame, Part, Pixels, Source, Window
from .sequence import shot_name

FORMATS = ("dpx", "cineon", "tiff", "png", "jpeg", "movie")  # names of OpenImageIO's readers, and `movie`
HALF_BITS = 10  # bits of a code up to which half holds the decoded value
_LOG = ("KodakLog", "Cineon")
_EXAMPLES = "'ARRI LogC3 (EI800)', ADX10 or srgb_rec709_scene"
_CARRIED = ("smpte:TimeCode", "framesPerSecond", "PixelAspectRatio")


def decide_encoding(
    spec: oiio.ImageSpec, file_format: str, path: Path, colour: Colour, declared: str | None = None
) -> Decision:
    """The colour space of a picture that is not EXR, and the reason; an assumption is logged once for a shot.

    Raises:
        InputError: the file is a log scan or a movie of which neither the file nor `declared` says the camera.
        UsageError: `declared` is no colour space.
    """
    if declared:
        return Decision(colour.resolve(declared), "declared")
    what = shot_name(path) if file_format != "movie" else path.parent.name
    stated = str(spec.getattribute("oiio:ColorSpace") or "")
    if spec.format.basetype in (oiio.HALF, oiio.FLOAT, oiio.DOUBLE) and not stated:
        return colour.decide(spec, what=what)
    if file_format == "tiff" and not stated:
        stated = "srgb_rec709_scene"
    if not stated or stated in _LOG:
        raise InputError(
            f"{what} does not say which camera's curve its numbers are of; type --colorspace and its name, such as {_EXAMPLES}"
        )
    if str(spec.getattribute("dpx:Transfer") or "").startswith("ITU-R 709"):
        stated = "ocio:itu709_rec709_scene"  # the reader takes it for sRGB
    space = colour.resolve(stated)
    said = file_format in ("dpx", "cineon") or bool(spec.getattribute("relamp:stated"))
    reason = (
        "stated in the file" if said else f"usual for {file_format.upper() if file_format != 'movie' else 'movies'}"
    )
    colour.warn_once(
        f"{what} is taken as {space} ({reason}) and made linear; type --colorspace if it is something else",
        remark=True,
    )
    return Decision(space, reason)


def encoded_frame(
    path: Path,
    part: Part,
    rgb: tuple[int, int, int],
    alpha: int | None,
    file_format: str,
    colour: Colour,
    declared: str | None = None,
) -> Frame:
    """A plate that is not EXR as a scene-linear frame in the working space.

    Args:
        part: the part of the file, its pixels (h, w, c) float32 codes, 0 to 1 for whole numbers.
        rgb, alpha: indices of its channels.
        declared: the colour space that was declared.

    Returns:
        A premultiplied frame whose file counts as one with the channels R, G, B and, with alpha, A, of half where the codes
        have at most ten bits.

    Raises:
        InputError: see `decide_encoding`, or the pixels are damaged.
    """
    decision = decide_encoding(part.spec, file_format, path, colour, declared)
    codes = part.pixels.array
    opacity = None if alpha is None else codes[..., alpha]
    light = _linear(codes[..., list(rgb)], opacity, part.spec, colour, decision.space)  # (h, w, 3) premultiplied
    bits = int(part.spec.getattribute("oiio:BitsPerSample") or 8 * part.spec.format.size())
    kind = "half" if bits <= HALF_BITS else "float"
    stored = light if opacity is None else np.concatenate([light, opacity[..., None]], -1)
    stored = stored.astype(np.float16 if kind == "half" else np.float32)
    linear = _scene_linear_part(part, stored, kind)
    return Frame(
        rgb=stored[..., :3].astype(np.float32),
        alpha=None if opacity is None else stored[..., 3].astype(np.float32),
        data_window=linear.data_window,
        display_window=linear.display_window,
        pixel_aspect=float(part.spec.getattribute("PixelAspectRatio") or 1.0),
        colorspace=colour.working_space,
        colorspace_reason=f"{decision.space}, {decision.reason}, made linear",
        data_type=kind,
        source=Source(
            path=path,
            parts=(linear,),
            part=0,
            rgb=(0, 1, 2),
            alpha=None if opacity is None else 3,
            keep_chromaticities=False,
            interop_id=colour.interop_id(colour.working_space),
        ),
    )


def _linear(
    codes: np.ndarray, opacity: np.ndarray | None, spec: oiio.ImageSpec, colour: Colour, space: str
) -> np.ndarray:
    """Codes (h, w, 3) as premultiplied light in the working space; a curve holds for the colour without its alpha."""
    if opacity is None:
        return colour.to_working(codes, space)
    if not spec.getattribute("oiio:UnassociatedAlpha"):
        codes = codes / np.where(opacity > 0, opacity, 1)[..., None]
    return colour.to_working(codes.astype(np.float32), space) * opacity[..., None]


def _scene_linear_part(part: Part, stored: np.ndarray, kind: str) -> Part:
    """The part as an EXR would hold it, with the time code and the frame rate of the file."""
    window: Window = part.display_window
    height, width, count = stored.shape
    spec = oiio.ImageSpec(width, height, count, kind)
    spec.channelnames = ("R", "G", "B", "A")[:count]
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = window.x, window.y, window.width, window.height
    spec.x, spec.y = part.spec.x, part.spec.y
    for attribute in part.spec.extra_attribs:
        if attribute.name in _CARRIED:
            spec.attribute(attribute.name, attribute.type, attribute.value)
    names = tuple(spec.channelnames)
    return Part(0, spec, names, (kind,) * count, (True,) * count, lambda: Pixels(stored, {}))
