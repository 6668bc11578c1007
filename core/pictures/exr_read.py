"""Reads EXR files: whole plates, and mattes, normals and depth by name.

Plates of other formats are read by `encoded`. Refused with an error message: deep pixels, mip-mapped textures, truncated files
and missing colour. Every part that is used is read completely, because a truncated file still opens, and its first part may
be intact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import layers
from .beauty import find_colour
from .colour import Colour
from .encoded import encoded_frame
from .exr_parts import PathLike, all_names, open_parts, open_plate, pixel_aspect
from .frame import Frame, Part, Source, Window, place
from .sequence import shot_name


def read_frame(
    path: PathLike,
    *,
    colour: Colour,
    colorspace: str | None = None,
    host_space: str | None = None,
    layer: str | None = None,
    view: str | None = None,
    carry: bool = True,
) -> Frame:
    """Read a plate.

    The colour is R, G, B without a layer, else `rgba`, `Combined`, `beauty`, `Ci`, `C` under any prefix, else the only
    part with R, G, B that are light. With `layer`, it is that layer.

    Args:
        path: an OpenEXR file, scan line or tiled, of one or many parts; or one of `encoded.FORMATS`.
        colour: decides the colour space. Only the latter are converted, to the working space.
        colorspace: declared space, takes precedence over the file's tags.
        host_space: working space of the host application, used when the file has no tag.
        layer: layer, part or view that holds the colour.
        view: of a file with several views, the one to read; the first when None. Without effect on others.
        carry: read every part now, so that damage in any part is found now. Otherwise other parts are read when needed.

    Raises:
        InputError: missing, not OpenEXR, deep, mip-mapped, damaged, without the colour asked for, or with several that could be.
        UsageError: `colorspace` is no colour space.
    """
    path = Path(path)
    file, parts = open_plate(path, view)
    index, rgb, alpha = find_colour(parts, layer, path)
    pixels = parts[index].pixels
    if file.format_name() != "openexr":
        return encoded_frame(path, parts[index], rgb, alpha, file.format_name(), colour, colorspace)
    if carry:
        for part in parts:
            _ = part.pixels
        file.close()
    spec = parts[index].spec
    decision = colour.decide(spec, colorspace, host_space, what=shot_name(path))
    tagged = colour.tagged(spec)
    tag = str(spec.getattribute("colorInteropID") or "unknown")
    return Frame(
        rgb=_take(pixels.array, rgb),
        alpha=None if alpha is None else pixels.channel(alpha).astype(np.float32),
        data_window=parts[index].data_window,
        display_window=parts[index].display_window,
        pixel_aspect=pixel_aspect(spec),
        colorspace=decision.space,
        colorspace_reason=decision.reason,
        data_type="half" if all(parts[index].types[i] == "half" for i in rgb) else "float",
        source=Source(
            path=path,
            parts=parts,
            part=index,
            rgb=rgb,
            alpha=alpha,
            keep_chromaticities=tagged is None or colour.equivalent(tagged.space, decision.space),
            # A tag that was not overridden is kept unchanged, even if this config does not know it.
            interop_id=colour.interop_id(decision.space) if colorspace or tag == "unknown" else tag,
        ),
    )


@dataclass(frozen=True)
class Layer:
    """Channels picked from a file by name."""

    pixels: np.ndarray
    """(h, w, c) float32 over the data window, the unchanged values of the file, because mattes and normals are no colours."""
    names: tuple[str, ...]
    """Full names of the channels, as in the file."""
    data_window: Window
    display_window: Window
    path: Path

    def take(self, indices: Sequence[int]) -> Layer:
        """Some of the channels, by their indices."""
        names = tuple(self.names[i] for i in indices)
        return replace(self, pixels=self.pixels[..., list(indices)], names=names)

    def over(self, frame: Frame) -> np.ndarray:
        """(h, w, c) over the data window of a plate; zero where this file has no pixels.

        Raises:
            InputError: the display windows differ in size, so the pictures do not match.
        """
        ours, theirs = self.display_window, frame.display_window
        if ours.shape != theirs.shape:
            raise InputError(
                f"{self.path.name} is {ours.width}x{ours.height}, but the plate {frame.path.name} is "
                f"{theirs.width}x{theirs.height}; reformat it to the plate"
            )
        # The pictures are aligned by their display windows; the origins of display windows are not comparable between files.
        window = self.data_window
        moved = Window(window.x + theirs.x - ours.x, window.y + theirs.y - ours.y, window.width, window.height)
        return place(self.pixels, moved, frame.data_window)


def read_layer(path: PathLike, layer: str, view: str | None = None) -> Layer:
    """Read a layer (`N`), a part, or one channel (`id.A`) of an EXR, in the order X Y Z, R G B A, U V.

    `view` as in `read_frame`.

    Raises:
        InputError: unreadable, or no such layer; the message lists the existing layers.
    """
    path = Path(path)
    _, parts = open_parts(path, view)
    for part in parts:
        if layer in part.names:
            return pick(path, part, [part.names.index(layer)])
    for part in parts:
        members = [name for name in part.names if layers.split(name)[0].lower() == layer.lower()]
        if members:
            return pick(path, part, [part.names.index(name) for name in layers.in_order(members)])
    for part in parts:
        if part.name == layer:
            return pick(path, part, [part.names.index(name) for name in layers.in_order(part.names)])
    raise InputError(f"{path.name} has no layer or channel {layer!r}; it has {', '.join(all_names(parts))}")


def read_matte(path: PathLike, layer: str | None = None, view: str | None = None) -> Layer:
    """Read a matte: one channel, 0 to 1 by convention but not clamped; `Layer.pixels` is (h, w, 1). `view` as in `read_frame`.

    Without a layer: `A`, else the alpha of a layer called matte or mask, else the only channel, else red when red, green and
    blue are alike. Any format that OpenImageIO reads is accepted; whole numbers are scaled to 0..1.

    Raises:
        InputError: unreadable, no such channel, or more than one channel may be the matte.
    """
    path = Path(path)
    if layer is not None:
        found = read_layer(path, layer, view)
        index = layers.alpha(found.names, layer) if len(found.names) > 1 else 0
        if index is None:
            raise InputError(
                f"layer {layer!r} of {path.name} has {', '.join(found.names)}; name one channel for the matte"
            )
        return found.take([index])
    _, parts = open_parts(path, view)
    for part in parts:
        for name in ("", *layers.matching(part.in_view, ("matte", "mask"))):
            if (index := layers.alpha(part.in_view, name)) is not None:
                return pick(path, part, [index])
    if (found := only_channel(path, parts)) is not None:
        return found
    raise InputError(
        f"{path.name} has channels {', '.join(all_names(parts))} and no alpha; "
        f"name the matte's channel, as in {path.name}:{all_names(parts)[0]}"
    )


def read_normals(path: PathLike, layer: str | None = None, view: str | None = None) -> Layer:
    """Read normals; `Layer.pixels` is (h, w, 3), X Y Z as stored, neither turned nor normalised. `view` as in `read_frame`.

    Without a layer: a layer of any accepted name (`N`, `Normal`, `normals`, `nrm`, under any prefix), else plain X, Y, Z or
    R, G, B, as renderers write a separate pass.

    Raises:
        InputError: unreadable, not EXR (8-bit normal maps are encoded), or without three suitable channels.
    """
    path = Path(path)
    file, parts = open_parts(path, view)
    if file.format_name() != "openexr":
        raise InputError(f"{path.name} is {file.format_name().upper()}; normals must be float or half EXR, -1 to 1")
    if layer is not None:
        found = read_layer(path, layer, view)
        picked = layers.vector(found.names, layers.split(found.names[0])[0])
        if picked is None:
            raise InputError(f"layer {layer!r} of {path.name} has {', '.join(found.names)}; normals need X, Y and Z")
        return found.take(picked)
    for part in parts:
        if (named := named_vector(part.in_view, layers.NORMALS)) is not None:
            return pick(path, part, named)
    for part in parts:
        if (plain := layers.vector(part.in_view, "")) is not None:
            return pick(path, part, plain)
    raise InputError(
        f"{path.name} has channels {', '.join(all_names(parts))} but no N.X, N.Y, N.Z; name a layer, as in {path.name}:Normal"
    )


def read_depth(path: PathLike, layer: str | None = None, view: str | None = None) -> Layer:
    """Read depth; `Layer.pixels` is (h, w, 1), as stored. `view` as in `read_frame`.

    Without a layer: `Z` or a layer of any accepted name (`depth`, `zdepth`, `Pz`, under any prefix), else the only channel, else
    red when red, green and blue are alike.

    Raises:
        InputError: unreadable, not EXR (whole numbers are too coarse for shadows), no such channel, or more than one may be it.
    """
    path = Path(path)
    file, parts = open_parts(path, view)
    if file.format_name() != "openexr":
        raise InputError(
            f"{path.name} is {file.format_name().upper()}; depth must be float or half EXR: convert it, and say what it holds "
            "with --depth-kind"
        )
    if layer is not None:
        found = read_layer(path, layer, view)
        index = 0 if len(found.names) == 1 else layers.depth(found.names)
        if index is None:
            raise InputError(
                f"layer {layer!r} of {path.name} has {', '.join(found.names)}; name one channel for the depth"
            )
        return found.take([index])
    for part in parts:
        if (named := layers.depth(part.in_view)) is not None:
            return pick(path, part, [named])
    if (found := only_channel(path, parts)) is not None:
        return found
    raise InputError(
        f"{path.name} has channels {', '.join(all_names(parts))} but no Z or depth.Z; "
        f"name the depth's channel, as in {path.name}:{all_names(parts)[0]}"
    )


def find_normals(frame: Frame) -> Layer | None:
    """The plate's own normals over its data window, (h, w, 3), or None when it has none.

    Raises:
        InputError: their part is damaged.
    """
    for part in frame.source.parts:
        if (indices := named_vector(part.in_view, layers.NORMALS)) is not None:
            return _of_frame(frame, part, indices)
    return None


def find_depth(frame: Frame) -> Layer | None:
    """The plate's own depth over its data window, (h, w, 1), or None when it has none.

    Raises:
        InputError: its part is damaged.
    """
    for part in frame.source.parts:
        if (index := layers.depth(part.in_view)) is not None:
            return _of_frame(frame, part, [index])
    return None


def only_channel(path: Path, parts: Sequence[Part]) -> Layer | None:
    """The only channel of a file, or red of a grey file; None where there are several different channels."""
    shown = [(part, index) for part in parts for index, name in enumerate(part.in_view) if name]
    if len(shown) == 1:
        part, index = shown[0]
        return pick(path, part, [index])
    for part in parts:
        if (rgb := layers.rgb(part.in_view, "")) is not None:
            found = pick(path, part, rgb)
            red = np.broadcast_to(found.pixels[..., :1], found.pixels.shape)
            return found.take([0]) if np.array_equal(red, found.pixels) else None
    return None


def named_vector(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, int, int] | None:
    """Indices of X, Y, Z (or R, G, B) of the best layer with one of the names `wanted`, or None."""
    for layer in layers.matching(names, wanted):
        if (indices := layers.vector(names, layer)) is not None:
            return indices
    return None


def pick(path: Path, part: Part, indices: Sequence[int]) -> Layer:
    """Channels of a part by their indices."""
    read = part.pixels
    if len(indices) == 3 and not read.ids:
        pixels = _take(read.array, (indices[0], indices[1], indices[2]))
    else:
        pixels = np.stack([read.channel(i).astype(np.float32) for i in indices], axis=-1)
    names = tuple(part.names[i] for i in indices)
    return Layer(pixels, names, part.data_window, part.display_window, path)


def _of_frame(frame: Frame, part: Part, indices: Sequence[int]) -> Layer:
    found = pick(frame.path, part, indices)
    pixels = place(found.pixels, found.data_window, frame.data_window)
    return Layer(pixels, found.names, frame.data_window, frame.display_window, frame.path)


def _take(array: np.ndarray, indices: tuple[int, int, int]) -> np.ndarray:
    first = indices[0]
    if indices == (first, first + 1, first + 2):
        return np.ascontiguousarray(array[..., first : first + 3], np.float32)
    return np.ascontiguousarray(array[..., list(indices)], np.float32)
