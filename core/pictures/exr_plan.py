"""Plans the parts of an EXR to write: the channels of each part, their types and the compression.

The default is one part with layers, which every compositor can read. Only the colour may be compressed with loss: with DWA the
layers go into a part of their own. Whole numbers above 2^24 beside half or float channels go into a part of their own, too,
because the writer converts mixed types through float.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import OpenImageIO as oiio

from . import layers
from .bands import bands
from .frame import HALF_MAX, Frame, Part

DTYPES = {"half": np.float16, "float": np.float32, "uint": np.uint32}


@dataclass(frozen=True, eq=False)
class Channel:
    name: str
    kind: str
    values: np.ndarray
    """(h, w); of the type of `kind`, or (colour not yet quantised) float32."""


@dataclass(frozen=True)
class Options:
    compression: str
    data_type: str | None
    drop_layers: bool
    multipart: bool

    @property
    def lossless(self) -> str:
        """The compression of pixels that must not change."""
        return "zip" if self.compression.startswith("dwa") else self.compression


@dataclass(frozen=True, eq=False)
class PartPlan:
    """A part to be written."""

    name: str
    like: oiio.ImageSpec
    """The part that its windows and metadata come from."""
    channels: tuple[Channel, ...]
    compression: str
    interop_id: str | None
    ready: np.ndarray | None = field(default=None, repr=False)
    """All channels as one array, where they already are one in memory."""


def quantise(rgb: np.ndarray, data_type: str) -> tuple[np.ndarray, int]:
    """Round colour to the values that a file of a type will hold.

    Finite values beyond ±65504 would become infinite in half; they are clamped and their pixels counted. NaN and inf stay.

    Args:
        rgb: (h, w, c) float32 or float16.
        data_type: `half` or `float`.

    Returns:
        The rounded colour (float16 or float32), and the number of pixels clamped.
    """
    dtype = DTYPES[data_type]
    if rgb.dtype == dtype:
        return rgb, 0
    if data_type == "float":
        return rgb.astype(dtype), 0
    rounded, clamped = np.empty(rgb.shape, dtype), 0
    for rows in bands(rgb.shape[0]):  # rounded and checked while a band is in the processor's cache
        rounded[rows], count = _to_half(rgb[rows])
        clamped += count
    return rounded, clamped


def _to_half(colour: np.ndarray) -> tuple[np.ndarray, int]:
    with np.errstate(over="ignore", invalid="ignore"):
        half = colour.astype(np.float16)
    # 0x7bff and 0xfbff are ±65504; values can have been clamped only where the bits reach them.
    if half.view(np.int16).max(initial=0) < 0x7BFF and half.view(np.uint16).max(initial=0) < 0xFBFF:
        return half, 0
    beyond = np.isfinite(colour) & (np.abs(colour) > HALF_MAX)
    half[beyond] = np.copysign(HALF_MAX, colour[beyond])
    return half, int(beyond.any(axis=-1).sum())


def plan_parts(
    frame: Frame,
    rgb: np.ndarray,
    new_layers: Mapping[str, np.ndarray],
    options: Options,
) -> tuple[list[PartPlan], int]:
    source = frame.source
    # Colour read from a layer is written as plain R, G, B, unless another picture of the file has these names.
    renamed = options.drop_layers or not {"r", "g", "b"} <= {
        name.lower() for part in source.parts for name in part.names
    }
    colour, clamped = _colour_channels(frame, rgb, options.data_type, renamed)
    added = [channel for name, values in new_layers.items() for channel in _layer_channels(name, values)]
    plans: list[PartPlan] = []
    for part in source.parts:
        if part.index == source.part:
            beside = [] if options.drop_layers else _carried(part, colour.keys())
            plans += _colour_plans(frame, colour, beside, added, renamed, options)
        elif not options.drop_layers:
            tag = part.spec.getattribute("colorInteropID")
            carried = PartPlan(part.name, part.spec, tuple(_carried(part, ())), options.lossless, tag, _whole(part))
            plans += _without_large_ids(carried)
    return _with_unique_names(plans), clamped


def _colour_channels(
    frame: Frame, rgb: np.ndarray, data_type: str | None, renamed: bool
) -> tuple[dict[int, Channel], int]:
    """Colour and alpha as they will be written, by their index in the plate's part."""
    source, part = frame.source, frame.source.colour
    rounded, clamped = quantise(rgb, data_type or frame.data_type)
    channels = {}
    for component, index in enumerate(source.rgb):
        name = "RGB"[component] if renamed else part.spec.channelnames[index]
        channels[index] = Channel(name, data_type or frame.data_type, rounded[..., component])
    if source.alpha is not None:
        alpha = part.pixels.channel(source.alpha)
        kind = part.types[source.alpha] if data_type is None else data_type
        name = "A" if renamed else part.spec.channelnames[source.alpha]
        channels[source.alpha] = Channel(name, kind, alpha.astype(DTYPES[kind], copy=False))
    return channels, clamped


def _layer_channels(name: str, values: np.ndarray) -> list[Channel]:
    kind = "half" if values.dtype == np.float16 else "float"
    if values.ndim == 2:
        return [Channel(f"{name}.{'Z' if name.lower() in layers.DEPTH else 'A'}", kind, values)]
    components = "XYZ" if name in ("N", "P") else "RGB"
    return [Channel(f"{name}.{component}", kind, values[..., i]) for i, component in enumerate(components)]


def _carried(part: Part, without: Container[int]) -> list[Channel]:
    """A part's channels as they are in the file, except those with an index in `without`."""
    return [
        Channel(name, part.types[index], part.pixels.channel(index))
        for index, name in enumerate(part.spec.channelnames)
        if index not in without
    ]


def _whole(part: Part) -> np.ndarray | None:
    return None if part.pixels.ids else part.pixels.array


def _colour_plans(
    frame: Frame,
    colour: dict[int, Channel],
    beside: list[Channel],
    added: list[Channel],
    renamed: bool,
    options: Options,
) -> list[PartPlan]:
    """The part of the colour, and the parts of the layers where they need parts of their own."""
    part = frame.source.colour
    name = part.name or "rgba"
    picture = PartPlan(name, part.spec, tuple(colour.values()), options.compression, frame.source.interop_id)
    if options.multipart:
        grouped = layers.group(channel.name for channel in (*beside, *added))
        by_name = {channel.name: channel for channel in (*beside, *added)}
        split = [
            replace(picture, name=name, channels=tuple(by_name[m] for m in members), compression=options.lossless)
            for name, members in grouped.items()
        ]
    elif options.compression != options.lossless and (beside or added):
        split = [replace(picture, name="layers", channels=(*beside, *added), compression=options.lossless)]
    else:
        in_file_order = sorted([*colour.items(), *_indexed(part, beside)], key=lambda pair: pair[0])
        picture = replace(picture, channels=(*(channel for _, channel in in_file_order), *added))
        split = []
    return [plan for whole in (picture, *split) for plan in _without_large_ids(whole)]


def _indexed(part: Part, channels: list[Channel]) -> list[tuple[int, Channel]]:
    return [(part.spec.channelnames.index(channel.name), channel) for channel in channels]


def _without_large_ids(plan: PartPlan) -> list[PartPlan]:
    """Move whole numbers that float32 cannot hold from a part of mixed types to a part of their own."""
    if len({channel.kind for channel in plan.channels}) < 2:
        return [plan]
    large = [c for c in plan.channels if c.kind == "uint" and c.values.max(initial=0) >= 1 << 24]
    if not large:
        return [plan]
    rest = tuple(channel for channel in plan.channels if channel not in large)
    return [replace(plan, channels=rest, ready=None), replace(plan, name="ids", channels=tuple(large), ready=None)]


def _with_unique_names(plans: list[PartPlan]) -> list[PartPlan]:
    taken: set[str] = set()
    unique = []
    for plan in plans:
        name, number = plan.name or "part", 1
        while name in taken:
            number += 1
            name = f"{plan.name or 'part'}{number}"
        taken.add(name)
        unique.append(replace(plan, name=name))
    return unique
