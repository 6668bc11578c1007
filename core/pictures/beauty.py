"""Finds the channels of a file that are the picture, among layers, parts and views that all have red, green and blue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import InputError
from . import layers
from .frame import Part

_Colour = tuple[Part, Sequence[str], str, tuple[int, int, int]]
"""A part, its channel names in the view, the layer among them, and the indices of its red, green and blue."""


def find_colour(parts: Sequence[Part], layer: str | None, path: Path) -> tuple[int, tuple[int, int, int], int | None]:
    """The part that holds the colour of a plate, and the indices of its red, green, blue and (or None) alpha there.

    Args:
        layer: the requested layer, part or view; None for the picture by its usual names.
        path: the file, for the message.

    Raises:
        InputError: nothing has that name, or several could be the picture.
    """
    part, names, name, rgb = _beauty(parts, path) if layer is None else _named_colour(parts, layer, path)
    if any(part.types[i] == "uint" for i in rgb):
        raise InputError(f"R, G, B of {path.name} hold whole numbers; a plate must be half or float")
    alpha = layers.alpha(names, name)
    return part.index, rgb, layers.alpha(names, "") if alpha is None else alpha


def _named_colour(parts: Sequence[Part], layer: str, path: Path) -> _Colour:
    """The colour of a layer, part or view by its name; the first that fits."""
    by_name = [(part, part.names, layer) for part in parts]
    by_name += [(part, part.spec.channelnames, "") for part in parts if part.name == layer]
    by_name += [(part, part.names, name) for part in parts for name in layers.matching(part.in_view, (layer,))]
    for found in _with_colour(by_name):
        return found
    raise InputError(f"{path.name} has no layer {layer!r} with R, G, B; it has channels {_listed(parts)}")


def _beauty(parts: Sequence[Part], path: Path) -> _Colour:
    """The colour of the picture: the plain R, G, B, else a layer or part named as a beauty, else the only light in the file."""
    named = [(part, part.in_view, name) for part in parts for name in layers.matching(part.in_view, layers.BEAUTY)]
    least = min((name.count(".") for _, _, name in named), default=0)
    of_parts = [(part, part.in_view, part.name) for part in parts if layers.is_light(part.name)]
    for kind in (
        [(part, part.in_view, "") for part in parts],
        [(part, names, name) for part, names, name in named if name.count(".") == least],
        [(part, names, name) for part, names, name in of_parts if layers.speaks_of_beauty(name)],
        of_parts,
    ):
        found = list(_with_colour(kind))
        if len(found) == 1:
            return found[0]
        if found:
            could = [part.name if name == part.name or not name else name for part, _, name, _ in found]
            raise InputError(
                f"{path.name}: {' and '.join(repr(name) for name in could)} could each be the picture; "
                f"say which with --layer, as in --layer {could[0]}"
            )
    raise InputError(f"{path.name} has channels {_listed(parts)} but no R, G, B; name a layer with --layer")


def _with_colour(candidates: Iterable[tuple[Part, Sequence[str], str]]) -> Iterator[_Colour]:
    for part, names, layer in candidates:
        if (rgb := layers.rgb(names, layer)) is not None:
            yield part, names, layer, rgb


def _listed(parts: Sequence[Part]) -> str:
    return ", ".join(name for part in parts for name in part.names)
