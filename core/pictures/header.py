"""The header of an EXR: copies metadata from a plate to its outputs, and reads attributes for `relamp info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import OpenImageIO as oiio

from ..errors import UsageError, readable

Attribute = str | int | float | tuple[float, ...]
"""The types of Relamp's own attributes."""

# The writer sets these itself; relamp/ is the provenance of an earlier relight, which is replaced completely.
_OURS = ("openexr:", "oiio:", "relamp/")
_WRITERS = {"compression", "textureformat"}


def carried(source: oiio.ImageSpec, *, chromaticities: bool = True) -> oiio.ImageSpec:
    """A header with the windows and metadata of a part, without its tiles.

    It is copied inside OpenImageIO: through Python, matrices and vectors of doubles would be lost, and so would text
    that is not UTF-8, which some cameras write. The writer's own fields and an earlier run's provenance are left out;
    `chromaticities=False` leaves those out too.
    """
    spec = source.copy()
    dropped = _WRITERS if chromaticities else _WRITERS | {"chromaticities"}
    for name in [attribute.name for attribute in source.extra_attribs]:
        if name.startswith(_OURS) or name in dropped:
            spec.erase_attribute(name)
    spec.tile_width = spec.tile_height = spec.tile_depth = 0
    return spec


def set_text(target: oiio.ImageSpec, name: str, value: str | None) -> None:
    """Set an attribute, or remove it for None; an attribute that already has the value is not changed."""
    if target.getattribute(name) == value:
        return
    target.erase_attribute(name)
    if value:
        target.attribute(name, readable(value))


def with_channels(spec: oiio.ImageSpec, names: Sequence[str]) -> oiio.ImageSpec:
    """The header with other channels; a name that is not UTF-8 must be that of a channel it has."""
    if all(name == readable(name) for name in names):
        spec.nchannels, spec.channelnames = len(names), tuple(names)
        return spec
    # Python can read such a name but cannot set it, so the library reorders the channels of one pixel.
    pixel = spec.copy()
    pixel.width = pixel.height = pixel.depth = 1
    own = list(spec.channelnames)
    order = tuple(0 if name == readable(name) else own.index(name) for name in names)
    new = tuple(name if name == readable(name) else "" for name in names)
    moved = oiio.ImageBufAlgo.channels(oiio.ImageBuf(pixel), order, newchannelnames=new, shuffle_channel_names=True)
    made = moved.spec().copy()
    made.width, made.height, made.depth = spec.width, spec.height, spec.depth
    return made


def stamp(target: oiio.ImageSpec, attributes: Mapping[str, Attribute]) -> None:
    """Set Relamp's own attributes: text, whole numbers, numbers, or tuples of numbers.

    Raises:
        UsageError: a value of another type.
    """
    for name, value in attributes.items():
        if isinstance(value, tuple):
            target.attribute(name, oiio.TypeDesc(f"float[{len(value)}]"), tuple(float(number) for number in value))
        elif isinstance(value, str):
            target.attribute(name, readable(value))
        elif isinstance(value, int | float):
            target.attribute(name, int(value) if isinstance(value, bool) else value)
        else:
            raise UsageError(f"attribute {name} must be text or numbers; got {type(value).__name__}")


def attributes(spec: oiio.ImageSpec) -> dict[str, object]:
    """Every attribute of a part by name."""
    return {attribute.name: attribute.value for attribute in spec.extra_attribs}


def timecode(spec: oiio.ImageSpec) -> str | None:
    """SMPTE ST 12 timecode as text, `01:02:03:04`, or None. Each byte of the first word is binary-coded decimal."""
    value = spec.getattribute("smpte:TimeCode")
    if isinstance(value, str):
        return value
    if not isinstance(value, tuple) or not isinstance(value[0], int):
        return None
    word = int(value[0])
    hours, minutes, seconds, frames = word >> 24 & 0x3F, word >> 16 & 0x7F, word >> 8 & 0x7F, word & 0x3F
    return ":".join(f"{field >> 4}{field & 15}" for field in (hours, minutes, seconds, frames))


def frame_rate(spec: oiio.ImageSpec) -> str | None:
    """Frames per second as written, `24000/1001`, or None where the attribute is missing or of another kind."""
    value = spec.getattribute("framesPerSecond")
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[0]}/{value[1]}"
    return f"{value:g}" if isinstance(value, int | float) else None
