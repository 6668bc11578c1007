"""The parts of an image file, opened but not yet read: channels, types, windows and views.

Deep pixels, mip-mapped textures and files without a picture are refused, and for a plate the formats that are neither OpenEXR
nor in `encoded.FORMATS`. All pixels of a part are read when they are first needed; a truncated file is found then.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..errors import InputError, readable
from . import layers
from .encoded import FORMATS
from .frame import Part, Pixels
from .library_error import said_by
from .movie import MovieFrame, movie_frame
from .orientation import upright, upright_spec

PathLike = str | os.PathLike[str]
Reader = oiio.ImageInput | MovieFrame


def open_plate(path: Path, view: str | None = None) -> tuple[Reader, tuple[Part, ...]]:
    file = open_file(path)
    if file.format_name() not in ("openexr", *FORMATS):
        raise InputError(
            f"{path.name} is {file.format_name().upper()}; a plate must be EXR, DPX, TIFF, PNG, JPEG or a movie: convert it to "
            "EXR"
        )
    return file, _parts(file, path, view)


def open_file(path: Path) -> Reader:
    if (movie := movie_frame(path)) is not None:
        return MovieFrame(*movie)
    if not path.is_file():
        raise InputError(f"{path} {'is a folder, not a picture' if path.is_dir() else 'does not exist'}")
    file = open_input(path)
    if file is None:
        cause = _cause(said_by(oiio))
        if "not an OpenEXR file" in cause:  # OpenEXR's message contains the first bytes in hexadecimal
            cause = "it is not an OpenEXR file, whatever its name says"
        raise InputError(f"{path} cannot be read as a picture; write the file again or give another one ({cause})")
    return file


def open_input(path: Path) -> oiio.ImageInput | None:
    """The library's reader of a file, None where it cannot read it; also for a name that is not UTF-8."""
    straight = oiio.ImageSpec()  # alpha is multiplied in after the curve is taken out (`encoded`), not before
    straight.attribute("oiio:UnassociatedAlpha", 1)
    if readable(str(path)) == str(path):
        return oiio.ImageInput.open(str(path), straight)
    with tempfile.TemporaryDirectory(prefix="relamp-") as folder:
        link = Path(folder, f"picture{readable(path.suffix)}")
        link.symlink_to(path.absolute())
        return oiio.ImageInput.open(str(link), straight)


def open_parts(path: Path, view: str | None = None) -> tuple[Reader, tuple[Part, ...]]:
    file = open_file(path)
    return file, _parts(file, path, view)


def _parts(file: Reader, path: Path, view: str | None) -> tuple[Part, ...]:
    specs: list[oiio.ImageSpec] = []
    while file.seek_subimage(len(specs), 0):
        spec = upright_spec(file.spec(), file.format_name())
        if spec.deep:
            raise InputError(f"{path.name} holds deep pixels; flatten it first (Nuke: DeepToImage)")
        if int(spec.getattribute("oiio:miplevels") or 1) > 1 or file.seek_subimage(len(specs), 1):
            raise InputError(f"{path.name} is a mip-mapped texture; give the picture it was made from")
        specs.append(spec)
    if not specs:
        raise InputError(f"{path.name} holds no picture: {_cause(said_by(file))}")
    said_by(file)  # clear the error of seeking past the last part, which is how parts are counted
    known = views_of(specs)
    shown = view if view in known else (known or ("",))[0]
    return tuple(_part(file, path, index, specs, shown) for index in range(len(specs)))


def _part(file: Reader, path: Path, index: int, specs: Sequence[oiio.ImageSpec], shown: str) -> Part:
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


def views_of(specs: Sequence[oiio.ImageSpec]) -> tuple[str, ...]:
    """The views of a file in the order of their parts, or of its first part's `multiView`."""
    by_part = (str(spec.getattribute("view") or "") for spec in specs)
    return tuple(dict.fromkeys(view for view in by_part if view)) or _held_views(specs[0])


def _held_views(spec: oiio.ImageSpec) -> tuple[str, ...]:
    """The views among the channels of one part, the view of the channels without a view name first."""
    held = spec.getattribute("multiView")
    if not held or spec.getattribute("view"):
        return ()
    if isinstance(held, str):
        return (held,)
    # Other programs may write a number under this name; it then lists no views.
    return tuple(held) if isinstance(held, tuple | list) else ()


def _types(spec: oiio.ImageSpec) -> tuple[str, ...]:
    kinds = spec.channelformats  # empty when all channels share one type
    return tuple(str(kind) for kind in kinds) if kinds else (str(spec.format),) * spec.nchannels


def _pixels(file: Reader, path: Path, index: int, spec: oiio.ImageSpec, types: tuple[str, ...]) -> Pixels:
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

    array = upright(read(0, spec.nchannels, kind), file.spec(), file.format_name())
    mixed = [i for i, its in enumerate(types) if its == "uint" and exr and kind == "float"]
    return Pixels(array, {i: read(i, i + 1, "uint")[..., 0] for i in mixed})


def _cause(message: str) -> str:
    return " ".join(message.split()).rstrip(".") or "no reason given"


def pixel_aspect(spec: oiio.ImageSpec) -> float:
    return float(spec.getattribute("PixelAspectRatio") or 1.0)


def all_names(parts: Sequence[Part]) -> list[str]:
    return [name for part in parts for name in part.names]
