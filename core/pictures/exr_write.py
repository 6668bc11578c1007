"""Writes EXR files: the relit colour replaces the plate's, and everything else of the file is unchanged.

The parts of the file are planned in `exr_plan`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..atomic import Overwrite, replacing
from ..errors import OutputError, UsageError, readable
from ..parameters import knob_of
from . import header
from .exr_plan import DTYPES, Channel, Options, PartPlan, plan_parts
from .frame import Frame

_LAYER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Written:
    """The result of writing one frame."""

    path: Path
    clamped: int
    """Pixels whose finite colour was beyond the range of half and was clamped to ±65504."""


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
    """Write a relit plate, completely or not at all.

    Windows, alpha, metadata, and all other layers and parts are the plate's, bit for bit. Colour that was read from a layer
    is written as plain R, G, B when the file has no others, because hosts show only those as the picture.

    Args:
        path: the output file; its folder is made if needed.
        frame: the plate that `rgb` was made from.
        rgb: (h, w, 3) over the plate's data window, premultiplied, in the plate's colour space; float32, or float16
            when it is already quantised.
        new_layers: by layer name: (h, w, 3) is written as R G B (X Y Z for `N` and `P`), (h, w) as `depth.Z` or `name.A`;
            float16 arrays as half, float32 as float.
        attributes: provenance, put on the first part and the part of the colour.
        compression: none, rle, piz, zip, zips, dwaa, dwab; with a level as in `dwaa:45`.
        data_type: `half` or `float` for colour and alpha; the plate's own when None.
        drop_layers: leave out everything of the plate but colour and alpha.
        multipart: write one part per layer.
        overwrite: whether an existing file may be replaced (`atomic.replacing`).

    Raises:
        UsageError: a name that exists already or is not writable, an unknown type or compression, writing over the plate, or
            over a file that may not be replaced.
        OutputError: the file cannot be written; no partial file remains.
        InputError: a part of the plate that was not read before is damaged.
    """
    path = Path(path)
    new_layers = new_layers or {}
    options = Options(compression, data_type, drop_layers, multipart)
    _check(path, frame, rgb, new_layers, options)
    plans, clamped = plan_parts(frame, rgb, new_layers, options)
    specs = [_spec(plan, frame, len(plans) > 1) for plan in plans]
    for index in {0, *(i for i, plan in enumerate(plans) if plan.like is frame.source.colour.spec)}:
        header.stamp(specs[index], attributes or {})
    arrays = [plan.ready if plan.ready is not None else _interleave(plan.channels) for plan in plans]
    with replacing(path, overwrite) as temporary:
        _save(path, temporary, specs, arrays)
    return Written(path, clamped)


def _check(
    path: Path,
    frame: Frame,
    rgb: np.ndarray,
    new_layers: Mapping[str, np.ndarray],
    options: Options,
) -> None:
    knob_of("compression").check("compression", options.compression)
    if options.data_type not in (None, "half", "float"):
        raise UsageError(f"data type must be half or float; got {options.data_type!r}")
    require_writable_name(path)
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


def require_writable_name(path: Path) -> None:
    """Raise `UsageError` for a path that OpenImageIO cannot write to because it is not UTF-8."""
    if str(path) != readable(str(path)):
        raise UsageError(
            f"{path} has letters that are not UTF-8 in it, which no picture is written under; name it otherwise"
        )


def _spec(plan: PartPlan, frame: Frame, many: bool) -> oiio.ImageSpec:
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


def _interleave(channels: tuple[Channel, ...]) -> np.ndarray:
    """The array (h, w, c) for the writer: of the channels' own type, or float32 where they differ."""
    kinds = {channel.kind for channel in channels}
    dtype = DTYPES[kinds.pop()] if len(kinds) == 1 else np.float32
    array = np.empty((*channels[0].values.shape, len(channels)), dtype)
    for index, channel in enumerate(channels):
        if channel.kind == "uint" and dtype == np.float32:
            # The writer interprets float as a fraction of 2^32; below 2^24 that is exact.
            np.divide(channel.values, np.float32(2**32), out=array[..., index], dtype=np.float32, casting="unsafe")
        else:
            array[..., index] = channel.values
    return array


def _save(path: Path, temporary: Path, specs: list[oiio.ImageSpec], arrays: list[np.ndarray]) -> None:
    # By format name, because the writer is otherwise chosen by extension, and the temporary file has another one.
    file = oiio.ImageOutput.create("exr")
    assert file is not None, "this build of OpenImageIO cannot write OpenEXR"
    try:
        opened = file.open(str(temporary), tuple(specs)) if len(specs) > 1 else file.open(str(temporary), specs[0])
        for index, (spec, array) in enumerate(zip(specs, arrays, strict=True)):
            if index:
                opened = file.open(str(temporary), spec, "AppendSubimage")
            if not opened or not file.write_image(array):
                raise OutputError(f"cannot write {path}: {_cause(file, path, arrays)}")
        if not file.close():
            raise OutputError(f"cannot write {path}: {_cause(file, path, arrays)}")
    finally:
        file.close()


def _cause(file: oiio.ImageOutput, path: Path, arrays: list[np.ndarray]) -> str:
    free = shutil.disk_usage(path.parent).free
    if free < sum(array.nbytes for array in arrays):  # the picture, uncompressed
        return f"the disk is full, or nearly: {free / 1e6:.1f} MB are free; make room, then render again with --skip-existing"
    return " ".join((file.geterror() or oiio.geterror()).split()) or "the disk may be full"
