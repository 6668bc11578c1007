"""Names of layers and channels that mean colour, normals and depth, in the spellings of hosts and renderers.

A full channel name is `layer.component`; colour at its plain name (`R`) has no layer. Only names are used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .makers import MAKERS

NORMALS = ("N", "normal", "normals", "nrm", "Nn")
ALBEDO = tuple(dict.fromkeys(name for row in MAKERS for name in row.albedo))
ROUGHNESS = tuple(dict.fromkeys(name for row in MAKERS for name in row.roughness))
GLOSSINESS = tuple(dict.fromkeys(name for row in MAKERS for name in row.glossiness))
METALLIC = tuple(dict.fromkeys(name for row in MAKERS for name in row.metallic))
DEPTH = ("depth", "zdepth", "vrayzdepth", "z", "pz")
BEAUTY = ("rgba", "rgb", "combined", "beauty", "ci", "c", "main", "default", "composite")
# Layers of three channels that are no light, whatever the channels' letters.
_NO_LIGHT = {
    *(name.lower() for name in NORMALS),
    *DEPTH,
    "p",
    "position",
    "pworld",
    "pref",
    "uv",
    "st",
    "vector",
    "motion",
}

_LAYER_SUFFIX = re.compile(r"(?P<path>.*\.[A-Za-z]{2,4}):(?P<layer>[^/\\:]+)")
_COMPONENTS = (("x", "y", "z", "w"), ("r", "g", "b", "a"), ("red", "green", "blue", "alpha"), ("u", "v"))
_RGB = (("r", "g", "b"), ("red", "green", "blue"))
_VECTOR = (("x", "y", "z"), *_RGB)
_ALPHA = ("a", "alpha")
# A part with such a name is not a layer; its channels R, G, B are the picture itself.
_NEUTRAL = {"rgba", "rgb", "main", "default", "beauty", "combined"}
_SPOKEN = {*BEAUTY} - {"c"}  # one letter among other words has no meaning
_WORDS = re.compile(r"[._\s-]+")
_ANONYMOUS = re.compile(r"(part|subimage|image|view)?[ _.-]*\d*")


def split(name: str) -> tuple[str, str]:
    """Layer and component of a full channel name: `ViewLayer.Normal.X` is (`ViewLayer.Normal`, `X`), `R` is (``, `R`)."""
    layer, _, component = name.rpartition(".")
    return layer, component


def full_names(channels: Sequence[str], part: str, *, alone: bool, view: str, shown: str) -> tuple[str, ...]:
    """Full names of one part's channels.

    The part's name is the layer of those channels that have none, unless it is the file's only part, or is named for the
    whole picture or its view. Blender writes the layer into both names; then the channel's own is kept.

    Args:
        channels: names as in the file.
        part: the part's name, which may be empty.
        alone: whether it is the file's only part.
        view: of a multi-view file, the part's view, else empty.
        shown: the view that is read; channels of another view get that view's name as prefix.
    """
    words = set(_WORDS.split(part.lower()))
    neutral = alone or part == view or words <= _NEUTRAL | {view.lower()} or _ANONYMOUS.fullmatch(part.lower())
    names = tuple(name if neutral or "." in name else f"{part}.{name}" for name in channels)
    return tuple(f"{view}.{name}" for name in names) if view and view != shown else names


def view_of(name: str, views: Sequence[str]) -> str:
    """The view of a channel of a part that holds several: the word before its last, else the first of `views` (OpenEXR)."""
    word = split(name)[0].rpartition(".")[2]
    return word if word in views[1:] else views[0]


def in_view(name: str, views: Sequence[str], shown: str) -> str:
    """A channel of such a part by its full name: plain where its view is `shown` (`diffuse.right.R` is `diffuse.R`)."""
    view = view_of(name, views)
    layer, component = split(name)
    if view != views[0]:
        layer = layer.rpartition(".")[0]
    plain = f"{layer}.{component}" if layer else component
    return plain if view == shown else f"{view}.{plain}"


def is_light(layer: str) -> bool:
    """Whether three channels of this name may be a picture: not normals, positions, depths or motion."""
    return layer.lower().rpartition(".")[2] not in _NO_LIGHT


def speaks_of_beauty(layer: str) -> bool:
    """Whether a beauty name is among the words of a layer: `beauty_denoised`."""
    return bool(set(_WORDS.split(layer.lower())) & _SPOKEN)


def group(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Channels by layer, in order of first appearance; a channel without a layer is listed under its own name."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        layer, component = split(name)
        grouped.setdefault(layer or component, []).append(name)
    return {layer: tuple(members) for layer, members in grouped.items()}


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Channels of one layer as X Y Z W, R G B A or U V; others follow in their own order."""

    def rank(name: str) -> int:
        component = split(name)[1].lower()
        return min((c.index(component) for c in _COMPONENTS if component in c), default=len(_COMPONENTS[0]))

    return tuple(sorted(names, key=rank))


def rgb(names: Sequence[str], layer: str) -> tuple[int, int, int] | None:
    """Indices of red, green and blue of a layer (`` is the plain R, G, B), or None when one is missing."""
    return _components(names, layer, _RGB)


def vector(names: Sequence[str], layer: str) -> tuple[int, int, int] | None:
    """Indices of X, Y, Z (or R, G, B) of a layer, or None when one is missing."""
    return _components(names, layer, _VECTOR)


def alpha(names: Sequence[str], layer: str) -> int | None:
    """Index of a layer's alpha, or None."""
    for index, name in enumerate(names):
        its_layer, component = split(name)
        if component.lower() in _ALPHA and its_layer.lower() == layer.lower():
            return index
    return None


def matching(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Layers whose last word is one of `wanted`, best first: a shorter path and an earlier word win."""
    order = {word.lower(): rank for rank, word in enumerate(wanted)}
    found = {layer: order[last] for layer in _layers(names) if (last := layer.lower().rpartition(".")[2]) in order}
    return sorted(found, key=lambda layer: (layer.count("."), found[layer]))


def depth(names: Sequence[str]) -> int | None:
    """Index of the depth: `Z`, `Pz` or `depth` without a layer; `depth.Z`, `depth.V`, `zdepth.*` (its first channel)."""
    plain = {name.lower(): index for index, name in reversed(list(enumerate(names)))}
    for word in ("z", *DEPTH):
        if word in plain:
            return plain[word]
    for layer in matching(names, DEPTH):
        members = [name for name in names if split(name)[0] == layer]
        return names.index(in_order(members)[0])
    return None


def _layers(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(layer for name in names if (layer := split(name)[0])))


def _components(names: Sequence[str], layer: str, forms: Iterable[Sequence[str]]) -> tuple[int, int, int] | None:
    members = {split(name)[1].lower(): i for i, name in enumerate(names) if split(name)[0].lower() == layer.lower()}
    for x, y, z in forms:
        if {x, y, z} <= members.keys():
            return members[x], members[y], members[z]
    return None


def split_layer(text: str) -> tuple[str, str | None]:
    """Split `matte.####.exr:id.A` into the path and the layer or channel; without one, the layer is None.

    >>> split_layer("C:/shots/matte.####.exr:id.A")
    ('C:/shots/matte.####.exr', 'id.A')
    >>> split_layer("C:/shots/matte.exr")
    ('C:/shots/matte.exr', None)
    """
    match = _LAYER_SUFFIX.fullmatch(text)
    return (match["path"], match["layer"]) if match else (text, None)
