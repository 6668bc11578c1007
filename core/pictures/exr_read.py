"""EXR in: plates whole, mattes and normals by name.

Refused with a sentence: anything but scene-linear OpenEXR as a plate, deep pixels, mip-mapped textures, files cut short,
colour that is not there. Every part that is used is read, because a file cut in half still opens, and its first part may
still read perfectly.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..errors import InputError, readable
from . import header as headers
from . import layers
from .beauty import find_colour
from .colour import Colour
from .frame import Frame, Part, Pixels, Source, Window, beside, place
from .library_error import said_by

_PathLike = str | os.PathLike[str]
_FRAME_NUMBER = re.compile(r"(?<=[._])-?\d+(?=\.[^.]+$)")
_LAYER_SUFFIX = re.compile(r"(?P<path>.*\.[A-Za-z]{2,4}):(?P<layer>[^/\\:]+)")


def read_frame(
    path: _PathLike,
    *,
    colour: Colour,
    colorspace: str | None = None,
    host_space: str | None = None,
    layer: str | None = None,
    view: str | None = None,
    carry: bool = True,
) -> Frame:
    """Read a plate.

    The colour is R, G, B without a layer, else `rgba`, `Combined`, `beauty`, `Ci`, `C` under whatever prefix, else the only
    part with R, G, B that are light, or the named layer.

    Args:
        path: an OpenEXR file, scan line or tiled, of one or many parts.
        colour: decides the colour space; nothing is converted here.
        colorspace: declared space, wins over the file's tags.
        host_space: working space of the host that asks, used when the file says nothing.
        layer: layer, part or view that holds the colour.
        view: of a file with several views, the one to look at; the first when None. Without effect on others.
        carry: read every part now, so that damage anywhere is found now. Without it other parts are read when asked for.

    Raises:
        InputError: missing, not OpenEXR, deep, mip-mapped, damaged, without the colour asked for, or with several that could be.
        UsageError: `colorspace` is no colour space.
    """
    path = Path(path)
    file, parts = _open_plate(path, view)
    index, rgb, alpha = find_colour(parts, layer, path)
    pixels = parts[index].pixels
    if carry:
        for part in parts:
            _ = part.pixels
        file.close()
    spec = parts[index].spec
    decision = colour.decide(spec, colorspace, host_space, what=_shot_name(path))
    tagged = colour.tagged(spec)
    tag = str(spec.getattribute("colorInteropID") or "unknown")
    return Frame(
        rgb=_take(pixels.array, rgb),
        alpha=None if alpha is None else pixels.channel(alpha).astype(np.float32),
        data_window=parts[index].data_window,
        display_window=parts[index].display_window,
        pixel_aspect=_pixel_aspect(spec),
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
            # A tag nobody contradicted is kept to the letter, also one this config does not know.
            interop_id=colour.interop_id(decision.space) if colorspace or tag == "unknown" else tag,
        ),
    )


@dataclass(frozen=True)
class Layer:
    """Channels picked from a file by name."""

    pixels: np.ndarray
    """(h, w, c) float32 over the data window, the numbers of the file: a matte is no colour, a normal is no colour."""
    names: tuple[str, ...]
    """Full names of the channels, as in the file."""
    data_window: Window
    display_window: Window
    path: Path

    def over(self, frame: Frame) -> np.ndarray:
        """(h, w, c) over the data window of a plate; zero where this file has no pixels.

        Raises:
            InputError: the display windows differ in size, so the pictures do not lie on each other.
        """
        ours, theirs = self.display_window, frame.display_window
        if ours.shape != theirs.shape:
            raise InputError(
                f"{self.path.name} is {ours.width}x{ours.height}, but the plate {frame.path.name} is "
                f"{theirs.width}x{theirs.height}; reformat it to the plate"
            )
        # The pictures lie on each other by their formats; where a format's own origin stands means nothing to another file.
        window = self.data_window
        moved = Window(window.x + theirs.x - ours.x, window.y + theirs.y - ours.y, window.width, window.height)
        return place(self.pixels, moved, frame.data_window)


def other_layers(path: _PathLike, layer: str | None = None, view: str | None = None) -> dict[str, tuple[str, ...]]:
    """`Frame.layers` of a plate whose colour is in `layer`, without reading pixels; raises as `read_frame` does."""
    path = Path(path)
    file, parts = _open_plate(path, view)
    file.close()
    index, rgb, alpha = find_colour(parts, layer, path)
    return layers.group(name for _, _, name in beside(parts, index, {*rgb, alpha}))


def colour_channels(path: _PathLike, layer: str | None = None, view: str | None = None) -> str:
    """Where a plate's colour is taken from, in words: `R, G, B`, or `C.R, C.G, C.B`; raises as `read_frame` does."""
    path = Path(path)
    file, parts = _open_plate(path, view)
    file.close()
    index, rgb, _ = find_colour(parts, layer, path)
    return ", ".join(parts[index].names[i] for i in rgb)


def views(path: _PathLike) -> tuple[str, ...]:
    """The views a file holds, by their parts or by its `multiView`, in order; empty without any. Raises `InputError`."""
    file, parts = _open_parts(Path(path))
    file.close()
    return _views([part.spec for part in parts])


def _shot_name(path: Path) -> str:
    """The name all frames of a shot share, as in `plate.####.exr`: what is true of a shot is said once and not once a frame."""
    return _FRAME_NUMBER.sub(lambda number: "#" * len(number[0]), path.name)


def split_layer(text: str) -> tuple[str, str | None]:
    """Take `matte.####.exr:id.A` apart into the path and the layer or channel; without one, the layer is None.

    >>> split_layer("C:/shots/matte.####.exr:id.A")
    ('C:/shots/matte.####.exr', 'id.A')
    >>> split_layer("C:/shots/matte.exr")
    ('C:/shots/matte.exr', None)
    """
    match = _LAYER_SUFFIX.fullmatch(text)
    return (match["path"], match["layer"]) if match else (text, None)


def read_layer(path: _PathLike, layer: str, view: str | None = None) -> Layer:
    """Read a layer (`N`), a part, or one channel (`id.A`) of an EXR, in the order X Y Z, R G B A, U V.

    `view` as in `read_frame`.

    Raises:
        InputError: unreadable, or no such layer; the sentence lists those there are.
    """
    path = Path(path)
    _, parts = _open_parts(path, view)
    for part in parts:
        if layer in part.names:
            return _pick(path, part, [part.names.index(layer)])
    for part in parts:
        members = [name for name in part.names if layers.split(name)[0].lower() == layer.lower()]
        if members:
            return _pick(path, part, [part.names.index(name) for name in layers.in_order(members)])
    for part in parts:
        if part.name == layer:
            return _pick(path, part, [part.names.index(name) for name in layers.in_order(part.names)])
    raise InputError(f"{path.name} has no layer or channel {layer!r}; it has {', '.join(_all_names(parts))}")


def read_matte(path: _PathLike, layer: str | None = None, view: str | None = None) -> Layer:
    """Read a matte: one channel, 0 to 1 by convention but not clamped; `Layer.pixels` is (h, w, 1). `view` as in `read_frame`.

    Without a layer: `A`, else the alpha of a layer called matte or mask, else the only channel, else red when red, green and
    blue are alike. Here any format OpenImageIO reads will do, whole numbers scaled to 0..1.

    Raises:
        InputError: unreadable, no such channel, or no telling which channel is the matte.
    """
    path = Path(path)
    if layer is not None:
        found = read_layer(path, layer, view)
        index = layers.alpha(found.names, layer) if len(found.names) > 1 else 0
        if index is None:
            raise InputError(
                f"layer {layer!r} of {path.name} has {', '.join(found.names)}; name one channel for the matte"
            )
        return Layer(found.pixels[..., [index]], (found.names[index],), found.data_window, found.display_window, path)
    _, parts = _open_parts(path, view)
    for part in parts:
        for name in ("", *layers.matching(part.in_view, ("matte", "mask"))):
            if (index := layers.alpha(part.in_view, name)) is not None:
                return _pick(path, part, [index])
    shown = [(part, index) for part in parts for index, name in enumerate(part.in_view) if name]
    if len(shown) == 1:
        part, index = shown[0]
        return _pick(path, part, [index])
    grey = next(((part, rgb) for part in parts if (rgb := layers.rgb(part.in_view, "")) is not None), None)
    if grey is not None:
        found = _pick(path, *grey)
        if np.array_equal(found.pixels[..., 0], found.pixels[..., 1]) and np.array_equal(
            found.pixels[..., 0], found.pixels[..., 2]
        ):
            return Layer(found.pixels[..., :1], found.names[:1], found.data_window, found.display_window, path)
    raise InputError(
        f"{path.name} has channels {', '.join(_all_names(parts))} and no alpha; "
        f"name the matte's channel, as in {path.name}:{_all_names(parts)[0]}"
    )


def read_normals(path: _PathLike, layer: str | None = None, view: str | None = None) -> Layer:
    """Read normals; `Layer.pixels` is (h, w, 3), X Y Z as stored, neither turned nor normalised. `view` as in `read_frame`.

    Without a layer: a layer of any accepted name (`N`, `Normal`, `normals`, `nrm`, under any prefix), else plain X, Y, Z or
    R, G, B, as renderers write a pass of its own.

    Raises:
        InputError: unreadable, not EXR (8-bit normal maps are encoded), or no three channels to take.
    """
    path = Path(path)
    file, parts = _open_parts(path, view)
    if file.format_name() != "openexr":
        raise InputError(f"{path.name} is {file.format_name().upper()}; normals must be float or half EXR, -1 to 1")
    if layer is not None:
        found = read_layer(path, layer, view)
        picked = layers.vector(found.names, layers.split(found.names[0])[0])
        if picked is None:
            raise InputError(f"layer {layer!r} of {path.name} has {', '.join(found.names)}; normals need X, Y and Z")
        names = tuple(found.names[i] for i in picked)
        return Layer(found.pixels[..., list(picked)], names, found.data_window, found.display_window, path)
    for part in parts:
        if (named := _named_vector(part.in_view, layers.NORMALS)) is not None:
            return _pick(path, part, named)
    for part in parts:
        if (plain := layers.vector(part.in_view, "")) is not None:
            return _pick(path, part, plain)
    raise InputError(
        f"{path.name} has channels {', '.join(_all_names(parts))} but no N.X, N.Y, N.Z; name a layer, as in {path.name}:Normal"
    )


def find_normals(frame: Frame) -> Layer | None:
    """The plate's own normals over its data window, (h, w, 3), or None when it has none.

    Raises:
        InputError: their part is damaged.
    """
    for part in frame.source.parts:
        if (indices := _named_vector(part.in_view, layers.NORMALS)) is not None:
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


def header(path: _PathLike) -> dict[str, object]:
    """Attributes of the first part, without reading pixels: what resuming looks at.

    Raises:
        InputError: missing or unreadable.
    """
    file = _open(Path(path))
    try:
        return headers.attributes(file.spec())
    finally:
        file.close()


def channel_names(path: _PathLike) -> list[str]:
    """The full channel names of every part, `R` or `lamp1.R`, without reading pixels. Raises `InputError`."""
    file, parts = _open_parts(Path(path))
    file.close()
    return _all_names(parts)


def display_window(path: _PathLike) -> Window:
    """The format of a file's first part, without reading pixels.

    Raises:
        InputError: missing or unreadable.
    """
    file = _open(Path(path))
    try:
        spec = file.spec()
        return Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    finally:
        file.close()


def verify(path: _PathLike) -> None:
    """Read every pixel of every part.

    Raises:
        InputError: a part is damaged.
    """
    for part in _open_parts(Path(path))[1]:
        _ = part.pixels


def info(path: _PathLike, colour: Colour | None = None, *, pixels: bool = False) -> str:
    """Tell what a file holds, in lines: parts, channels and types, windows, colour, timecode, Relamp's own attributes.

    Args:
        path: an image.
        colour: to name the colour space; left out when None.
        pixels: read them too, and count what is not finite.

    Raises:
        InputError: unreadable.
    """
    path = Path(path)
    file, parts = _open_parts(path)
    count = len(parts)
    lines = [f"{path.name}: {file.format_name()}, {count} part{'s' if count > 1 else ''}"]
    for part in parts:
        lines += _describe(part, pixels)
    spec = parts[0].spec
    if colour is not None:
        decision = colour.decide(spec, file_format=file.format_name(), what=_shot_name(path))
        lines.append(f"colour space: {decision.space} ({decision.reason})")
    if timecode := headers.timecode(spec):
        lines.append(f"timecode: {timecode}")
    if rate := headers.frame_rate(spec):
        lines.append(f"frames per second: {rate}")
    lines += [f"{k}: {v}" for k, v in headers.attributes(spec).items() if k.startswith("relamp/")]
    return readable("\n".join(lines))


def _describe(part: Part, pixels: bool) -> list[str]:
    name = f" {part.name!r}" if part.name else ""
    compression = part.spec.getattribute("compression") or "no compression"
    tiles = f", tiles {part.spec.tile_width}x{part.spec.tile_height}" if part.spec.tile_width else ""
    lines = [
        f"part {part.index + 1}{name}: data window {part.data_window} in display window {part.display_window}, "
        f"pixel aspect {_pixel_aspect(part.spec):g}, {compression}{tiles}"
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


# Opening and reading


def _open_plate(path: Path, view: str | None = None) -> tuple[oiio.ImageInput, tuple[Part, ...]]:
    file = _open(path)
    if file.format_name() != "openexr":
        raise InputError(
            f"{path.name} is {file.format_name().upper()}, display-encoded as a rule; a plate must be scene-linear EXR"
        )
    return file, _parts(file, path, view)


def _open(path: Path) -> oiio.ImageInput:
    if not path.is_file():
        raise InputError(f"{path} {'is a folder, not a picture' if path.is_dir() else 'does not exist'}")
    file = open_input(path)
    if file is None:
        cause = _cause(said_by(oiio))
        if "not an OpenEXR file" in cause:  # OpenEXR tells it with its first bytes in hexadecimal
            cause = "it is not an OpenEXR file, whatever its name says"
        raise InputError(f"{path} cannot be read as a picture: {cause}")
    return file


def open_input(path: Path) -> oiio.ImageInput | None:
    """The library's reader of a file, None where it cannot read it; also for a name that is not UTF-8, which it does not take."""
    if readable(str(path)) == str(path):
        return oiio.ImageInput.open(str(path))
    with tempfile.TemporaryDirectory(prefix="relamp-") as folder:
        link = Path(folder, f"picture{readable(path.suffix)}")
        link.symlink_to(path.absolute())
        return oiio.ImageInput.open(str(link))


def _open_parts(path: Path, view: str | None = None) -> tuple[oiio.ImageInput, tuple[Part, ...]]:
    file = _open(path)
    return file, _parts(file, path, view)


def _parts(file: oiio.ImageInput, path: Path, view: str | None) -> tuple[Part, ...]:
    specs: list[oiio.ImageSpec] = []
    while file.seek_subimage(len(specs), 0):
        spec = file.spec().copy()
        if spec.deep:
            raise InputError(f"{path.name} holds deep pixels; flatten it first (Nuke: DeepToImage)")
        if int(spec.getattribute("oiio:miplevels") or 1) > 1 or file.seek_subimage(len(specs), 1):
            raise InputError(f"{path.name} is a mip-mapped texture; give the picture it was made from")
        specs.append(spec)
    if not specs:
        raise InputError(f"{path.name} holds no picture: {_cause(said_by(file))}")
    said_by(file)  # seeking past the last part is how one counts them, not an error
    known = _views(specs)
    shown = view if view in known else (known or ("",))[0]
    return tuple(_part(file, path, index, specs, shown) for index in range(len(specs)))


def _part(file: oiio.ImageInput, path: Path, index: int, specs: Sequence[oiio.ImageSpec], shown: str) -> Part:
    spec, types = specs[index], _types(specs[index])
    view, held = str(spec.getattribute("view") or ""), _held_views(spec)
    if held:
        names = tuple(layers.in_view(name, held, shown) for name in spec.channelnames)
        views = [layers.view_of(name, held) for name in spec.channelnames]
    else:
        part = str(spec.getattribute("name") or "")
        names = layers.full_names(spec.channelnames, part, alone=len(specs) == 1, view=view, shown=shown)
        views = [view] * len(names)
    return Part(
        index=index,
        spec=spec,
        names=names,
        types=types,
        shown=tuple(its in ("", shown) for its in views),
        _load=partial(_pixels, file, path, index, spec, types),
    )


def _views(specs: Sequence[oiio.ImageSpec]) -> tuple[str, ...]:
    """The views of a file in the order of their parts, or of its first part's `multiView`."""
    by_part = (str(spec.getattribute("view") or "") for spec in specs)
    return tuple(dict.fromkeys(view for view in by_part if view)) or _held_views(specs[0])


def _held_views(spec: oiio.ImageSpec) -> tuple[str, ...]:
    """The views among the channels of one part, the one without a name of its own first."""
    held = spec.getattribute("multiView")
    if not held or spec.getattribute("view"):
        return ()
    return (held,) if isinstance(held, str) else tuple(held)


def _types(spec: oiio.ImageSpec) -> tuple[str, ...]:
    kinds = spec.channelformats  # empty when all channels share one type
    return tuple(str(kind) for kind in kinds) if kinds else (str(spec.format),) * spec.nchannels


def _pixels(file: oiio.ImageInput, path: Path, index: int, spec: oiio.ImageSpec, types: tuple[str, ...]) -> Pixels:
    exr = file.format_name() == "openexr"
    # One read a part, in its own type: half stays half, so that nothing is converted that is only carried over.
    kind = types[0] if exr and len(set(types)) == 1 else "float"

    def read(first: int, last: int, kind: str) -> np.ndarray:
        values = file.read_image(index, 0, first, last, kind)
        if values is None:
            raise InputError(
                f"{path} is cut short or damaged in part {index + 1}: {_cause(said_by(file))}; copy or render it again"
            )
        return values

    array = read(0, spec.nchannels, kind)
    mixed = [i for i, its in enumerate(types) if its == "uint" and exr and kind == "float"]
    return Pixels(array, {i: read(i, i + 1, "uint")[..., 0] for i in mixed})


def _cause(message: str) -> str:
    return " ".join(message.split()).rstrip(".") or "no reason given"


# Choosing


def _named_vector(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, int, int] | None:
    for layer in layers.matching(names, wanted):
        if (indices := layers.vector(names, layer)) is not None:
            return indices
    return None


def _pick(path: Path, part: Part, indices: Sequence[int]) -> Layer:
    read = part.pixels
    if len(indices) == 3 and not read.ids:
        pixels = _take(read.array, (indices[0], indices[1], indices[2]))
    else:
        pixels = np.stack([read.channel(i).astype(np.float32) for i in indices], axis=-1)
    names = tuple(part.names[i] for i in indices)
    return Layer(pixels, names, part.data_window, part.display_window, path)


def _of_frame(frame: Frame, part: Part, indices: Sequence[int]) -> Layer:
    found = _pick(frame.path, part, indices)
    pixels = place(found.pixels, found.data_window, frame.data_window)
    return Layer(pixels, found.names, frame.data_window, frame.display_window, frame.path)


def _take(array: np.ndarray, indices: tuple[int, int, int]) -> np.ndarray:
    first = indices[0]
    if indices == (first, first + 1, first + 2):
        return np.ascontiguousarray(array[..., first : first + 3], np.float32)
    return np.ascontiguousarray(array[..., list(indices)], np.float32)


def _pixel_aspect(spec: oiio.ImageSpec) -> float:
    return float(spec.getattribute("PixelAspectRatio") or 1.0)


def _all_names(parts: Sequence[Part]) -> list[str]:
    return [name for part in parts for name in part.names]
