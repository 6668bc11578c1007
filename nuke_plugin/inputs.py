"""How each pipe reaches the worker: by the file of a Read, where that is the same picture, else by frames written for it.

A Read is the same picture when nothing stands between it and the node and it changes nothing: no time warp, no proxy, no
colour transform. All other inputs are written raw, in Nuke's working space. Main thread only.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import nuke

from ..core.errors import UsageError
from ..core.node.knobs import PIPES
from ..core.node.request import Source, as_hashes
from .gizmo import WRITES

_THROUGH = ("Dot",)
_TYPES = {name: ("exr", "hdr") if name == "env" else ("exr",) for name in PIPES}
# A pixel in these is a pixel in the working space, whatever that is.
_NO_TRANSFORM = ("linear", "scene_linear", "raw", "data")


@dataclass(frozen=True)
class Pipe:
    """One connected input: `source` where the worker can read its file, None where its pictures must be written first.

    `moves` says that there is a picture for each of its frames, `first` to `last`.
    """

    name: str
    source: Source | None
    first: int
    last: int
    moves: bool = True


def pipes(node: nuke.Node) -> dict[str, Pipe]:
    """The connected inputs of the node by label."""
    found = {}
    for index, name in enumerate(PIPES):
        upstream = node.input(index)
        if upstream is not None:
            found[name] = _pipe(name, _behind_dots(upstream), node)
    return found


def sources(found: dict[str, Pipe], folder: Path, views: tuple[str, ...]) -> dict[str, Source]:
    """Every input as the worker will find it: files as they are, the others as `hand_over` will write them."""
    return {name: pipe.source or _written(pipe, folder, views) for name, pipe in found.items()}


def hand_over(node: nuke.Node, given: dict[str, Source], frames: tuple[int, ...], views: tuple[str, ...]) -> None:
    """Write the pictures the worker cannot read from a file. Shows Nuke's own progress bar.

    Raises:
        RuntimeError: Nuke could not render an input, or the artist cancelled.
    """
    for name, source in given.items():
        if source.written:
            still = "#" not in source.path
            _write(node, WRITES[name], source, (frames[0],) if still else frames, views)


def views_of(found: dict[str, Pipe]) -> tuple[str, ...]:
    """The views a bake is made for: the script's, where it has several and the inputs differ by view; else none."""
    names = tuple(nuke.views())
    differ = any(pipe.source is None or re.search(r"%[vV]", pipe.source.path) for pipe in found.values())
    return names if len(names) > 1 and differ else ()


def colour_space() -> str:
    """The working space's name under OpenColorIO, '' where Nuke does its own colour and has no name for it."""
    root = nuke.root()
    if root["colorManagement"].value() != "OCIO":
        return ""
    return _without_role(str(root["workingSpaceLUT"].value()))


def colour_config() -> str:
    """The OpenColorIO config the script works with, '' where it is one of Nuke's own, which has no path for others."""
    root = nuke.root()
    if root["colorManagement"].value() != "OCIO" or root["OCIO_config"].value() != "custom":
        return os.environ.get("OCIO", "")
    return str(root["customOCIOConfigPath"].getEvaluatedValue() or "")  # type: ignore[attr-defined]


def script_folder() -> str:
    """Where relative paths start: the script's folder. Raises `UsageError` while it has none."""
    name = str(nuke.root()["name"].value())
    if not name:
        raise UsageError("this script was never saved, so there is no folder for bakes; save it, or set a bake folder")
    return os.path.dirname(os.path.abspath(name))


def _behind_dots(node: nuke.Node) -> nuke.Node:
    while node.Class() in _THROUGH:
        upstream = node.input(0)
        if upstream is None:
            break
        node = upstream
    return node


def _pipe(name: str, upstream: nuke.Node, node: nuke.Node) -> Pipe:
    picked = name == "matte" and node["matte_channel"].value() != "rgba.alpha"
    if not picked and _is_plain_read(upstream, _TYPES[name]):
        path = as_hashes(str(upstream["file"].getEvaluatedValue()))  # type: ignore[attr-defined]
        first, last = int(upstream["first"].value()), int(upstream["last"].value())
        return Pipe(name, Source(_absolute(path), first, last), first, last)
    reach = upstream.frameRange()
    moves = name != "env" or bool(node["env_moves"].value())
    return Pipe(name, None, int(reach.first()), int(reach.last()), moves)


def _is_plain_read(node: nuke.Node, types: tuple[str, ...]) -> bool:
    if node.Class() != "Read" or node["disable"].value():
        return False
    path = str(node["file"].getEvaluatedValue() or "")  # type: ignore[attr-defined]
    plain = path.lower().endswith(tuple(f".{kind}" for kind in types))
    untimed = node["frame_mode"].value() == "expression" and not str(node["frame"].value()).strip()
    unchanged = not node["premultiplied"].value() and not node["auto_alpha"].value()
    proxy = bool(nuke.root()["proxy"].value()) and bool(node["proxy"].value())
    return plain and untimed and unchanged and not proxy and _is_untransformed(node)


def _is_untransformed(node: nuke.Node) -> bool:
    if node["raw"].value():
        return True
    space = str(node["colorspace"].value())
    inner = _without_role(re.sub(r"^default \((.*)\)$", r"\1", space))
    return inner.lower() in _NO_TRANSFORM or (bool(colour_space()) and inner == colour_space())


def _without_role(name: str) -> str:
    """`scene_linear (ACEScg)` is how Nuke shows the role of a space; the space is what is in brackets."""
    match = re.fullmatch(r"\w+ \((.+)\)", name)
    return match[1] if match else name


def _written(pipe: Pipe, folder: Path, views: tuple[str, ...]) -> Source:
    name = f"{pipe.name}.%V" if views else pipe.name
    path = folder / (f"{name}.####.exr" if pipe.moves else f"{name}.exr")
    return Source(_absolute(str(path)), pipe.first, pipe.last, written=True)


def _write(node: nuke.Node, name: str, source: Source, frames: tuple[int, ...], views: tuple[str, ...]) -> None:
    assert isinstance(node, nuke.Group)
    write = node.node(name)
    if write is None:
        raise UsageError(f"the node's {name} is gone; make a new Relamp node and copy the knobs over")
    path = re.sub(r"#+", lambda match: f"%0{len(match[0])}d", source.path)
    write["file"].setValue(path.replace("\\", "/"))
    write["disable"].setValue(False)
    try:
        for first, last in _runs(frames):
            nuke.execute(write, first, last, 1, list(views) or nuke.views()[:1])
    finally:
        write["disable"].setValue(True)


def _runs(frames: tuple[int, ...]) -> list[tuple[int, int]]:
    """Ascending frames as first and last of each stretch without a gap."""
    runs: list[tuple[int, int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs


def _absolute(path: str) -> str:
    if os.path.isabs(path):
        return path
    return os.path.join(script_folder(), path)
