"""The header of an EXR: what is carried from a plate to what is made of it, and what `relamp info` tells of a file."""

from __future__ import annotations

from collections.abc import Mapping

import OpenImageIO as oiio

from ..errors import UsageError

Attribute = str | int | float | tuple[float, ...]
"""What our own attributes may be."""

# The writer sets these itself; relamp/ is the provenance of an earlier relight, superseded whole.
_OURS = ("openexr:", "oiio:", "relamp/")
_WRITERS = {"compression", "name", "colorInteropID", "textureformat"}


def carry(source: oiio.ImageSpec, target: oiio.ImageSpec, *, chromaticities: bool = True) -> None:
    """Copy windows and metadata of a part, each with its type.

    Types matter: `smpte:TimeCode` set from text is dropped by the EXR writer without an error. Left out are the writer's own
    fields, an earlier run's provenance and the colour tag; `chromaticities=False` leaves those out too.
    """
    for name in ("x", "y", "full_x", "full_y", "full_width", "full_height"):
        setattr(target, name, getattr(source, name))
    for attribute in source.extra_attribs:
        if attribute.name.startswith(_OURS) or attribute.name in _WRITERS:
            continue
        if attribute.name == "chromaticities" and not chromaticities:
            continue
        target.attribute(attribute.name, attribute.type, attribute.value)


def stamp(target: oiio.ImageSpec, attributes: Mapping[str, Attribute]) -> None:
    """Set our own attributes: text, whole numbers, numbers, or tuples of numbers.

    Raises:
        UsageError: a value of another type.
    """
    for name, value in attributes.items():
        if isinstance(value, tuple):
            target.attribute(name, oiio.TypeDesc(f"float[{len(value)}]"), tuple(float(number) for number in value))
        elif isinstance(value, str | int | float):
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
