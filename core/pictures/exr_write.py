"""EXR out: the relit colour in the place of the plate's, everything else of the file as it was.

One part with layers by default, as every compositor reads it. What must not change is never compressed with loss: with
DWA the colour alone is compressed so, and the layers go into a part of their own. Whole numbers above 2^24 beside half or
float channels go into a part of their own too, since the writer converts mixed types through float.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import OutputError, UsageError, readable
from ..parameters import knob_of
from . import header, layers
from .frame import HALF_MAX, Frame, Part

_LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DTYPES = {"half": np.float16, "float": np.float32, "uint": np.uint32}
_BAND = 64  # rows converted at a time, so that they are still in the cache when they are looked at


@dataclass(frozen=True)
class Written:
    """What became of one frame."""

    path: Path
    clamped: int
    """Pixels whose finite colour lay beyond the range of half and was brought to ±65504."""


@dataclass(frozen=True, eq=False)
class _Channel:
    name: str
    kind: str
    values: np.ndarray
    """(h, w); of the type of `kind`, or (colour not yet quantised) float32."""


@dataclass(frozen=True)
class _Options:
    compression: str
    data_type: str | None
    drop_layers: bool
    multipart: bool

    @property
    def lossless(self) -> str:
        """Compression of what must not change."""
        return "zip" if self.compression.startswith("dwa") else self.compression


@dataclass(frozen=True, eq=False)
class _Plan:
    """A part to be written."""

    name: str
    like: oiio.ImageSpec
    """Whose windows and metadata it gets."""
    channels: tuple[_Channel, ...]
    compression: str
    interop_id: str | None
    ready: np.ndarray | None = field(default=None, repr=False)
    """All channels as one array when they stand in memory that way already."""


def write_frame(
    path: str | os.PathLike[str],
    frame: Frame,
    rgb: np.ndarray,
    *,
    new_layers: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, header.Attribute] | None = None,
    compression: str = "zip",
    data_type: str | None = None,
    drop_layers: bool = False,
    multipart: bool = False,
    overwrite: Overwrite = False,
) -> Written:
    """Write a relit plate, whole or not at all.

    Windows, alpha, metadata, and all other layers and parts are the plate's, bit for bit. Colour that was read from a layer
    is written as plain R, G, B when the file has no others, because hosts show only those as the picture.

    Args:
        path: where to; the folder is made.
        frame: the plate `rgb` was made from.
        rgb: (h, w, 3) over the plate's data window, premultiplied, in the plate's colour space; float32, or float16
            when it was quantised already.
        new_layers: by layer name: (h, w, 3) is written as R G B (X Y Z for `N` and `P`), (h, w) as `depth.Z` or `name.A`;
            float16 arrays as half, float32 as float.
        attributes: provenance, put on the first part and the part of the colour.
        compression: none, rle, piz, zip, zips, dwaa, dwab; with a level as in `dwaa:45`.
        data_type: `half` or `float` for colour and alpha; the plate's own when None.
        drop_layers: leave out everything of the plate but colour and alpha.
        multipart: one part a layer.
        overwrite: whether a file that is there may be replaced (`atomic.replacing`).

    Raises:
        UsageError: a name that is taken or not writable, an unknown type or compression, writing over the plate, or over a
            file that may not be replaced.
        OutputError: the file cannot be written; nothing is left behind.
        InputError: a part of the plate that was not read before turns out damaged.
    """
    path = Path(path)
    new_layers = new_layers or {}
    options = _Options(compression, data_type, drop_layers, multipart)
    _check(path, frame, rgb, new_layers, options)
    plans, clamped = _plan(frame, rgb, new_layers, options)
    specs = [_spec(plan, frame, len(plans) > 1) for plan in plans]
    for index in {0, *(i for i, plan in enumerate(plans) if plan.like is frame.source.colour.spec)}:
        header.stamp(specs[index], attributes or {})
    arrays = [plan.ready if plan.ready is not None else _interleave(plan.channels) for plan in plans]
    with replacing(path, overwrite) as temporary:
        _save(path, temporary, specs, arrays)
    return Written(path, clamped)


def quantise(rgb: np.ndarray, data_type: str) -> tuple[np.ndarray, int]:
    """Round colour to the type of a file, as the file will hold it.

    Finite values beyond ±65504 would become infinite in half; they are clamped and their pixels counted. NaN and inf stay.

    Args:
        rgb: (h, w, c) float32 or float16.
        data_type: `half` or `float`.

    Returns:
        The rounded colour (float16 or float32), and the number of pixels clamped.
    """
    dtype = _DTYPES[data_type]
    if rgb.dtype == dtype:
        return rgb, 0
    if data_type == "float":
        return rgb.astype(dtype), 0
    rounded, clamped = np.empty(rgb.shape, dtype), 0
    for top in range(0, rgb.shape[0], _BAND):
        band = slice(top, top + _BAND)
        rounded[band], count = _to_half(rgb[band])
        clamped += count
    return rounded, clamped


def _to_half(colour: np.ndarray) -> tuple[np.ndarray, int]:
    with np.errstate(over="ignore", invalid="ignore"):
        half = colour.astype(np.float16)
    # 0x7bff and 0xfbff are ±65504: only where the bits reach them can something have been lost.
    if half.view(np.int16).max(initial=0) < 0x7BFF and half.view(np.uint16).max(initial=0) < 0xFBFF:
        return half, 0
    beyond = np.isfinite(colour) & (np.abs(colour) > HALF_MAX)
    half[beyond] = np.copysign(HALF_MAX, colour[beyond])
    return half, int(beyond.any(axis=-1).sum())


def _check(
    path: Path,
    frame: Frame,
    rgb: np.ndarray,
    new_layers: Mapping[str, np.ndarray],
    options: _Options,
) -> None:
    knob_of("compression").check("compression", options.compression)
    if options.data_type not in (None, "half", "float"):
        raise UsageError(f"data type must be half or float; got {options.data_type!r}")
    if str(path) != readable(str(path)):
        raise UsageError(
            f"{path} has letters that are not UTF-8 in it, which no picture is written under; name it otherwise"
        )
    if path.suffix.lower() != ".exr":
        raise UsageError(f"{path} must end in .exr; Relamp writes scene-linear EXR")
    if path.exists() and frame.path.exists() and path.samefile(frame.path):
        raise UsageError(f"{path} is the plate itself; write to another name or folder")
    if rgb.shape != (*frame.data_window.shape, 3):
        raise UsageError(f"colour of {frame.path.name} must be {(*frame.data_window.shape, 3)}; got {rgb.shape}")
    taken = set() if options.drop_layers else {name.lower() for name in frame.layers}
    for name, values in new_layers.items():
        if not _LAYER_NAME.fullmatch(name):
            raise UsageError(f"layer name {name!r} must be letters, digits and underscores, a letter first")
        if name.lower() in taken:
            raise UsageError(
                f"{frame.path.name} already has a layer {name!r}; pass --drop-layers to leave the plate's layers out, "
                f"or do not ask for that layer"
            )
        if values.shape[:2] != frame.data_window.shape or values.shape[2:] not in ((), (3,)):
            raise UsageError(f"layer {name} must be {frame.data_window.shape} with 1 or 3 channels; got {values.shape}")


# Planning the parts


def _plan(
    frame: Frame,
    rgb: np.ndarray,
    new_layers: Mapping[str, np.ndarray],
    options: _Options,
) -> tuple[list[_Plan], int]:
    source = frame.source
    # Colour read from a layer goes by its plain name, unless that is taken by another picture of the file.
    renamed = options.drop_layers or not {"r", "g", "b"} <= {
        name.lower() for part in source.parts for name in part.names
    }
    colour, clamped = _colour_channels(frame, rgb, options.data_type, renamed)
    added = [channel for name, values in new_layers.items() for channel in _layer_channels(name, values)]
    plans: list[_Plan] = []
    for part in source.parts:
        if part.index == source.part:
            beside = [] if options.drop_layers else _carried(part, colour.keys())
            plans += _colour_plans(frame, colour, beside, added, renamed, options)
        elif not options.drop_layers:
            tag = part.spec.getattribute("colorInteropID")
            carried = _Plan(part.name, part.spec, tuple(_carried(part, ())), options.lossless, tag, _whole(part))
            plans += _without_large_ids(carried)
    return _with_unique_names(plans), clamped


def _colour_channels(
    frame: Frame, rgb: np.ndarray, data_type: str | None, renamed: bool
) -> tuple[dict[int, _Channel], int]:
    """Colour and alpha as they will be written, by their index in the plate's part."""
    source, part = frame.source, frame.source.colour
    rounded, clamped = quantise(rgb, data_type or frame.data_type)
    channels = {}
    for component, index in enumerate(source.rgb):
        name = "RGB"[component] if renamed else part.spec.channelnames[index]
        channels[index] = _Channel(name, data_type or frame.data_type, rounded[..., component])
    if source.alpha is not None:
        alpha = part.pixels.channel(source.alpha)
        kind = part.types[source.alpha] if data_type is None else data_type
        name = "A" if renamed else part.spec.channelnames[source.alpha]
        channels[source.alpha] = _Channel(name, kind, alpha.astype(_DTYPES[kind], copy=False))
    return channels, clamped


def _layer_channels(name: str, values: np.ndarray) -> list[_Channel]:
    kind = "half" if values.dtype == np.float16 else "float"
    if values.ndim == 2:
        return [_Channel(f"{name}.{'Z' if name.lower() in layers.DEPTH else 'A'}", kind, values)]
    components = "XYZ" if name in ("N", "P") else "RGB"
    return [_Channel(f"{name}.{component}", kind, values[..., i]) for i, component in enumerate(components)]


def _carried(part: Part, without: Container[int]) -> list[_Channel]:
    """A part's channels as they are in the file, but for those by index in `without`."""
    return [
        _Channel(name, part.types[index], part.pixels.channel(index))
        for index, name in enumerate(part.spec.channelnames)
        if index not in without
    ]


def _whole(part: Part) -> np.ndarray | None:
    return None if part.pixels.ids else part.pixels.array


def _colour_plans(
    frame: Frame,
    colour: dict[int, _Channel],
    beside: list[_Channel],
    added: list[_Channel],
    renamed: bool,
    options: _Options,
) -> list[_Plan]:
    """The part of the colour, and the parts of the layers where they may not stay with it."""
    part = frame.source.colour
    name = part.name or "rgba"
    picture = _Plan(name, part.spec, tuple(colour.values()), options.compression, frame.source.interop_id)
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


def _indexed(part: Part, channels: list[_Channel]) -> list[tuple[int, _Channel]]:
    return [(part.spec.channelnames.index(channel.name), channel) for channel in channels]


def _without_large_ids(plan: _Plan) -> list[_Plan]:
    """Take whole numbers that float32 cannot hold out of a part of mixed types."""
    if len({channel.kind for channel in plan.channels}) < 2:
        return [plan]
    large = [c for c in plan.channels if c.kind == "uint" and c.values.max(initial=0) >= 1 << 24]
    if not large:
        return [plan]
    rest = tuple(channel for channel in plan.channels if channel not in large)
    return [replace(plan, channels=rest, ready=None), replace(plan, name="ids", channels=tuple(large), ready=None)]


def _with_unique_names(plans: list[_Plan]) -> list[_Plan]:
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


# Writing


def _spec(plan: _Plan, frame: Frame, many: bool) -> oiio.ImageSpec:
    kinds = [channel.kind for channel in plan.channels]
    mixed = len(set(kinds)) > 1
    spec = header.carried(plan.like, chromaticities=frame.source.keep_chromaticities)
    spec = header.with_channels(spec, [channel.name for channel in plan.channels])
    spec.height, spec.width = plan.channels[0].values.shape
    spec.set_format(oiio.TypeDesc("float" if mixed else kinds[0]))
    spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in kinds) if mixed else ()
    spec.attribute("compression", plan.compression)
    header.set_text(spec, "colorInteropID", plan.interop_id)
    header.set_text(spec, "name", plan.name if many or plan.like.getattribute("name") else None)
    return spec


def _interleave(channels: tuple[_Channel, ...]) -> np.ndarray:
    """(h, w, c) as the writer takes it: of the channels' own type, or float32 where they differ."""
    kinds = {channel.kind for channel in channels}
    dtype = _DTYPES[kinds.pop()] if len(kinds) == 1 else np.float32
    array = np.empty((*channels[0].values.shape, len(channels)), dtype)
    for index, channel in enumerate(channels):
        if channel.kind == "uint" and dtype == np.float32:
            # The writer takes float for a fraction of 2^32; below 2^24 that is exact.
            np.divide(channel.values, np.float32(2**32), out=array[..., index], dtype=np.float32, casting="unsafe")
        else:
            array[..., index] = channel.values
    return array


def _save(path: Path, temporary: Path, specs: list[oiio.ImageSpec], arrays: list[np.ndarray]) -> None:
    # By format name: the writer is chosen by extension otherwise, and this file must not have that of a frame yet.
    file = oiio.ImageOutput.create("exr")
    assert file is not None, "this build of OpenImageIO cannot write OpenEXR"
    try:
        opened = file.open(str(temporary), tuple(specs)) if len(specs) > 1 else file.open(str(temporary), specs[0])
        for index, (spec, array) in enumerate(zip(specs, arrays, strict=True)):
            if index:
                opened = file.open(str(temporary), spec, "AppendSubimage")
            if not opened or not file.write_image(array):
                raise OutputError(f"cannot write {path}: {_cause(file)}")
        if not file.close():
            raise OutputError(f"cannot write {path}: {_cause(file)}")
    finally:
        file.close()


def _cause(file: oiio.ImageOutput) -> str:
    return " ".join((file.geterror() or oiio.geterror()).split()) or "the disk may be full"
