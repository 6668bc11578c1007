"""Finds passes of any renderer by their names, in files that hold one or several.

Each function returns None where the file holds no such pass, and raises `InputError` where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from . import layers
from .exr_parts import open_parts
from .exr_read import Layer, named_vector, only_channel, pick, read_layer
from .frame import Part


def pass_normals(path: Path, view: str | None = None) -> Layer | None:
    """The normals of a file of passes by an accepted name, (h, w, 3), or None. Raises `InputError` as `read_layer`."""
    _, parts = open_parts(path, view)
    for part in parts:
        if (named := named_vector(part.in_view, layers.NORMALS)) is not None:
            return pick(path, part, named)
    return None


def pass_depth(path: Path, view: str | None = None) -> Layer | None:
    """The depth of a file of passes by an accepted name, (h, w, 1), or None. Raises `InputError` as `read_layer`."""
    _, parts = open_parts(path, view)
    for part in parts:
        if (index := layers.depth(part.in_view)) is not None:
            return pick(path, part, [index])
    return None


def pass_colour(path: Path, wanted: Sequence[str], layer: str | None = None, view: str | None = None) -> Layer | None:
    """Red, green and blue of the first layer of a file with one of the names `wanted`, or of `layer`, (h, w, 3).

    None where no layer has one of the names. Raises `InputError`: unreadable, or `layer` is missing or no colour.
    """
    if layer is not None:
        found = read_layer(path, layer, view)
        if len(found.names) < 3:
            raise InputError(f"layer {layer!r} of {path.name} has {', '.join(found.names)}; a colour needs R, G and B")
        return found.take([0, 1, 2])
    _, parts = open_parts(path, view)
    for part in parts:
        if (named := named_vector(part.in_view, wanted)) is not None:
            return pick(path, part, named)
    return None


def pass_plane(path: Path, wanted: Sequence[str], layer: str | None = None, view: str | None = None) -> Layer | None:
    """One value per pixel: the first channel of the first layer of a file with one of the names, or of `layer`, (h, w, 1).

    None where no layer has one of the names. Raises `InputError` as `read_layer`.
    """
    if layer is not None:
        return read_layer(path, layer, view).take([0])
    names = {name.lower() for name in wanted}
    _, parts = open_parts(path, view)
    for part in parts:
        alone = [i for i, name in enumerate(part.in_view) if name.lower() in names]  # a channel without a layer
        for candidate in layers.matching(part.in_view, wanted):
            members = layers.in_order([name for name in part.in_view if layers.split(name)[0] == candidate])
            alone.append(part.in_view.index(members[0]))
        if alone:
            return pick(path, part, alone[:1])
    return None


def only_colour(path: Path, view: str | None = None) -> Layer | None:
    """Plain R, G, B of a file that is one pass, (h, w, 3); None where it has none. Raises `InputError` as `read_layer`."""
    _, parts = open_parts(path, view)
    return _plain_colour(path, parts)


def only_plane(path: Path, view: str | None = None) -> Layer | None:
    """The only channel of a file that is one pass, or red, (h, w, 1), or None. Raises as `read_layer`."""
    _, parts = open_parts(path, view)
    if (found := only_channel(path, parts)) is not None:
        return found
    colour = _plain_colour(path, parts)
    return None if colour is None else colour.take([0])


def _plain_colour(path: Path, parts: Sequence[Part]) -> Layer | None:
    for part in parts:
        if (plain := layers.rgb(part.in_view, "")) is not None:
            return pick(path, part, plain)
    return None
