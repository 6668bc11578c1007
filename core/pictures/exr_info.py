"""The content of an image file: views, channels, windows and attributes, from headers; `info` and `verify` also read pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..counted import counted
from ..errors import InputError, readable
from . import header as headers
from . import layers
from .beauty import find_colour
from .colour import Colour
from .encoded import FORMATS, decide_encoding
from .exr_parts import PathLike, all_names, open_file, open_parts, open_plate, pixel_aspect, views_of
from .frame import Part, Window, beside
from .orientation import upright_spec
from .sequence import shot_name


def other_layers(path: PathLike, layer: str | None = None, view: str | None = None) -> dict[str, tuple[str, ...]]:
    """`Frame.layers` of a plate whose colour is in `layer`, without reading pixels; raises as `read_frame` does."""
    path = Path(path)
    file, parts = open_plate(path, view)
    file.close()
    index, rgb, alpha = find_colour(parts, layer, path)
    return layers.group(name for _, _, name in beside(parts, index, {*rgb, alpha}))


def colour_channels(path: PathLike, layer: str | None = None, view: str | None = None) -> str:
    """The channels that a plate's colour is read from, as text: `R, G, B`, or `C.R, C.G, C.B`; raises as `read_frame` does."""
    path = Path(path)
    file, parts = open_plate(path, view)
    file.close()
    index, rgb, _ = find_colour(parts, layer, path)
    return ", ".join(parts[index].names[i] for i in rgb)


def views(path: PathLike) -> tuple[str, ...]:
    """The views a file holds, by their parts or by its `multiView`, in order; empty without any. Raises `InputError`."""
    file, parts = open_parts(Path(path))
    file.close()
    return views_of([part.spec for part in parts])


def header(path: PathLike) -> dict[str, object]:
    """Attributes of the first part, without reading pixels; used for resuming.

    Raises:
        InputError: missing or unreadable.
    """
    file = open_file(Path(path))
    try:
        return headers.attributes(file.spec())
    finally:
        file.close()


def channel_names(path: PathLike) -> list[str]:
    """The full channel names of every part, `R` or `lamp1.R`, without reading pixels. Raises `InputError`."""
    file, parts = open_parts(Path(path))
    file.close()
    return all_names(parts)


def display_window(path: PathLike) -> Window:
    """The format of a file's first part, without reading pixels.

    Raises:
        InputError: missing or unreadable.
    """
    file = open_file(Path(path))
    try:
        spec = upright_spec(file.spec(), file.format_name())
        return Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    finally:
        file.close()


def stored_as(path: PathLike) -> str:
    """How a plate that is not EXR is stored, as in `PNG, 8 bits`; empty for EXR. Raises `InputError`."""
    file, parts = open_parts(Path(path))
    kind = file.format_name()
    file.close()
    if kind not in FORMATS:
        return ""
    spec = parts[0].spec
    bits = int(spec.getattribute("oiio:BitsPerSample") or 8 * spec.format.size())
    return f"{kind if kind == 'movie' else kind.upper()}, {bits} bits"


def verify(path: PathLike) -> None:
    """Read every pixel of every part.

    Raises:
        InputError: a part is damaged.
    """
    for part in open_parts(Path(path))[1]:
        _ = part.pixels


def info(path: PathLike, colour: Colour | None = None, *, pixels: bool = False) -> str:
    """Describe a file in lines of text: parts, channels and types, windows, colour, timecode, Relamp's own attributes.

    Args:
        path: an image.
        colour: to name the colour space; left out when None.
        pixels: whether to read pixels, too, and count the non-finite ones.

    Raises:
        InputError: unreadable.
    """
    path = Path(path)
    file, parts = open_parts(path)
    count = len(parts)
    lines = [f"{path.name}: {file.format_name()}, {counted(count, 'part')}"]
    for part in parts:
        lines += _describe(part, pixels)
    lines += [_depth(part, index, pixels) for part in parts if (index := layers.depth(part.in_view)) is not None]
    spec = parts[0].spec
    if colour is not None:
        kind = file.format_name()
        lines.append(f"colour space: {_colour_space(spec, kind, path, colour)}")
    if timecode := headers.timecode(spec):
        lines.append(f"timecode: {timecode}")
    if rate := headers.frame_rate(spec):
        lines.append(f"frames per second: {rate}")
    lines += [f"{k}: {v}" for k, v in headers.attributes(spec).items() if k.startswith("relamp/")]
    return readable("\n".join(lines))


def _colour_space(spec: Any, kind: str, path: Path, colour: Colour) -> str:
    try:
        encoded = decide_encoding(spec, kind, path, colour) if kind in FORMATS else None
    except InputError as undecided:
        return f"not known: {undecided}"
    decision = encoded or colour.decide(spec, file_format=kind, what=shot_name(path))
    return f"{decision.space} ({decision.reason})"


def _depth(part: Part, index: int, pixels: bool) -> str:
    """The channel that counts as depth and, with `pixels`, its range, which shows the kind of depth."""
    line = f"depth: {part.names[index]}"
    if not pixels:
        return line
    values = part.pixels.channel(index)
    there = values[np.isfinite(values) & (values != 0)]
    return f"{line}, {there.min():.4g} to {there.max():.4g} without 0 and infinity" if there.size else f"{line}, empty"


def _describe(part: Part, pixels: bool) -> list[str]:
    name = f" {part.name!r}" if part.name else ""
    compression = part.spec.getattribute("compression") or "no compression"
    tiles = f", tiles {part.spec.tile_width}x{part.spec.tile_height}" if part.spec.tile_width else ""
    lines = [
        f"part {part.index + 1}{name}: data window {part.data_window} in display window {part.display_window}, "
        f"pixel aspect {pixel_aspect(part.spec):g}, {compression}{tiles}"
    ]
    for layer, members in layers.group(part.names).items():
        kinds = [part.types[part.names.index(member)] for member in members]
        components = " ".join(layers.split(member)[1] for member in members)
        title = components if layer == components else f"{layer}: {components}"
        lines.append(f"  {title} ({', '.join(dict.fromkeys(kinds))})")
    if pixels and any(kind != "uint" for kind in part.types):
        array = part.pixels.array
        lines.append(f"  pixels with NaN {np.isnan(array).any(-1).sum()}, with inf {np.isinf(array).any(-1).sum()}")
    return lines
