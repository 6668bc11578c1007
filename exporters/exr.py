"""Relit frames written again as one EXR a frame with chosen layers, in one part or many, without rendering.

It takes what `relamp render` wrote: fewer layers, a part for each layer, another codec. Numbers, types and windows stay as
they are; layers have the names that hosts know (R G B A without a layer, `ratio.R`, `N.X`, `depth.Z`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from ..core.atomic import require_free
from ..core.counted import counted
from ..core.errors import FramesFailedError, UsageError, readable
from ..core.frames import format_frames, parse_frames
from ..core.job import fingerprint
from ..core.parameters import knob_of
from ..core.pictures import exr, layers
from ..core.pictures.colour import Colour
from ..core.pictures.frame import Frame, Part, Pixels
from ..core.pictures.header import Attribute
from ..core.pictures.sequence import Sequence

_LAMP = re.compile(r"lamp\d+|rest")
_WITHOUT = "none"


@click.command("exr")
@click.argument("relit", metavar="RELIT")
@click.option("--out", required=True, metavar="PATH", help="Where the frames are written, as in shot_layers.####.exr.")
@click.option(
    "--layers", "names", metavar="NAMES", help="Layers to keep, or none; lamps means all lamp layers. [default: all]"
)
@click.option("--multipart/--single-part", default=False, help="Write each layer as a part of its own.")
@click.option(
    "--compression", default="zip", show_default=True, metavar="CODEC", help="EXR compression, as for relamp render."
)
@click.option("-F", "--frames", metavar="TEXT", help="Frames to write. Without it, every frame of RELIT.")
@click.option("--overwrite", is_flag=True, help="Replace frames that are already there.")
def command(
    relit: str, out: str, names: str | None, multipart: bool, compression: str, frames: str | None, overwrite: bool
) -> None:
    """Write the frames RELIT again with the chosen layers."""
    wanted = tuple(part.strip() for part in names.split(",") if part.strip()) if names else None
    source, target = Sequence.parse(relit), Sequence.parse(out)
    there = source.frames_on_disk()
    chosen = parse_frames(frames) if frames else there
    missing = sorted(set(chosen) - set(there))
    _check(source, target, chosen, overwrite, compression)
    colour = Colour()
    for frame in (frame for frame in chosen if frame in there):
        export(
            source.path(frame), target.path(frame), wanted, colour,
            multipart=multipart, compression=compression, overwrite=overwrite,
        )  # fmt: skip
    click.echo(f"{target}: {counted(len(chosen) - len(missing), 'frame')}")
    if missing:
        raise FramesFailedError(f"{source}: frames {format_frames(missing)} are not there; relamp status tells why")


def export(
    source: Path,
    target: Path,
    names: tuple[str, ...] | None,
    colour: Colour,
    *,
    multipart: bool = False,
    compression: str = "zip",
    overwrite: bool = False,
) -> None:
    """Write one frame again.

    Args:
        names: layers to keep beside the colour and its alpha, `lamps` for all of them; all when None.

    Raises:
        InputError: `source` is damaged, or is no plate.
        UsageError: a layer it does not have, or parts with windows of their own.
    """
    frame = exr.read_frame(source, colour=colour)
    kept = list(frame.layers) if names is None else _resolve(names, frame)
    exr.write_frame(
        target,
        _with_layers(frame, kept),
        frame.rgb,
        attributes=_provenance(source, kept),
        compression=compression,
        multipart=multipart,
        overwrite=overwrite,
    )


def _check(source: Sequence, target: Sequence, frames: Iterable[int], overwrite: bool, compression: str) -> None:
    knob_of("compression").check("compression", compression)
    frames = tuple(frames)
    if target.is_still and len(frames) > 1:
        raise UsageError(f"--out {target} is one file for {len(frames)} frames; put #### before its extension")
    require_free(map(target.path, frames), True, [*map(source.path, frames), *map(source.path, source.existing())])
    there = [frame for frame in frames if target.path(frame).exists()]
    if there and not overwrite:
        raise UsageError(f"{target}: frames {format_frames(there)} are already there; --overwrite writes over them")


def _resolve(names: tuple[str, ...], frame: Frame) -> list[str]:
    kept: list[str] = []
    for name in names:
        if name == _WITHOUT:
            continue
        found = [layer for layer in frame.layers if layer == name or (name == "lamps" and _LAMP.fullmatch(layer))]
        if not found:
            there = ", ".join(frame.layers) or "no layers"
            raise UsageError(f"{frame.path.name} has no layer {name}; it has {there}")
        kept += [layer for layer in found if layer not in kept]
    return kept


def _with_layers(frame: Frame, kept: list[str]) -> Frame:
    """The frame as if it had been read from a file of one part with these layers beside its colour."""
    colour = frame.source.colour
    alpha = () if frame.source.alpha is None else (frame.source.alpha,)
    beauty = [(colour, index) for index in (*frame.source.rgb, *alpha)]
    channels = [*beauty, *(pair for layer in kept for pair in _channels_of(frame, layer, beauty))]
    for part, _ in channels:
        if part.data_window != colour.data_window:
            raise UsageError(
                f"{frame.path.name}: part {part.name} has a data window of its own; leave its layers out with --layers"
            )
    merged = _merged(colour, channels, len(beauty))
    source = replace(
        frame.source, parts=(merged,), part=0, rgb=(0, 1, 2), alpha=3 if frame.source.alpha is not None else None
    )
    return replace(frame, source=source)


def _channels_of(frame: Frame, layer: str, beauty: list[tuple[Part, int]]) -> list[tuple[Part, int]]:
    return [
        (part, index)
        for part in frame.source.parts
        for index, name in enumerate(part.names)
        if (layers.split(name)[0] or name) == layer and (part, index) not in beauty
    ]


def _merged(colour: Part, channels: list[tuple[Part, int]], beauty: int) -> Part:
    """One part with these channels, of their own types; the first `beauty` of them as R, G, B and A."""
    names = [*"RGBA"[:beauty], *(readable(part.names[index]) for part, index in channels[beauty:])]
    types = tuple(part.types[index] for part, index in channels)
    spec = colour.spec.copy()
    spec.nchannels, spec.channelnames = len(names), tuple(names)
    spec.erase_attribute("name")

    def load() -> Pixels:
        values = [part.pixels.channel(index) for part, index in channels]
        kinds = set(types)
        if len(kinds) == 1:
            return Pixels(np.stack(values, -1), {})
        ids = {i: value for i, (value, kind) in enumerate(zip(values, types, strict=True)) if kind == "uint"}
        return Pixels(np.stack([value.astype(np.float32) for value in values], -1), ids)

    return Part(0, spec, tuple(names), types, (True,) * len(names), load)


def _provenance(source: Path, kept: list[str]) -> dict[str, Attribute]:
    """How the frame was made, as its own header says; its fingerprint becomes one of these layers only."""
    found = {name: value for name, value in exr.header(source).items() if name.startswith("relamp/")}
    made = {name: value for name, value in found.items() if isinstance(value, str | int | float | tuple)}
    if "relamp/job" in made:
        made["relamp/job"] = fingerprint({"of": made["relamp/job"], "layers": sorted(kept)})
    return made
