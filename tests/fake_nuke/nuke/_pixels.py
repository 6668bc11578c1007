"""Pixels of the fake's nodes: exactly the classes the Relamp node is made of, as arrays. A picture is channels by Nuke's name."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from ._expressions import evaluate
from ._nodes import Group, Node
from ._state import state

Picture = dict[str, np.ndarray]
_SHORT = {"r": "rgba.red", "g": "rgba.green", "b": "rgba.blue", "a": "rgba.alpha"}
_LONG = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_TARGETS = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")


def render(node: Node | None, frame: int, view: str = "main") -> Picture:
    """The picture of a node; raises `RuntimeError` with Nuke's kind of sentence where it has none."""
    if node is None:
        return {}
    if node.number("disable", frame):
        return render(node.ins[0], frame, view) if node.ins else {}
    made = globals().get(f"_{node.kind.lower()}")
    if made is None:
        raise NotImplementedError(f"the fake has no pixels for {node.kind}")
    return made(node, frame, view)


def execute(node: Node, start: int, end: int, incr: int, views: list[str]) -> None:
    """Render a Write."""
    if node.kind != "Write" or node.number("disable"):
        raise RuntimeError(f"{node.fullName()} is no Write that can be executed")
    if node.text("file_type") != "exr" or not node.number("raw"):
        raise NotImplementedError("the fake writes raw EXR only")
    for frame in range(start, end + 1, incr):
        for view in views:
            path = Path(_path(node.text("file"), frame, view))
            if not path.parent.is_dir() and not node.number("create_directories"):
                raise RuntimeError(f"{path.parent} does not exist")
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_exr(path, _wanted(render(node.ins[0], frame, view), node.text("channels")), node.text("datatype"))


def _wanted(picture: Picture, channels: str) -> Picture:
    names = {"rgb": _TARGETS[:3], "rgba": _TARGETS, "alpha": _TARGETS[3:], "all": tuple(picture)}[channels]
    found = {name: picture[name] for name in names if name in picture}
    if not found:
        raise RuntimeError("no channels to write")
    return found


def _write_exr(path: Path, picture: Picture, datatype: str) -> None:
    names = [_LETTERS.get(name, name) for name in picture]
    pixels = np.stack(list(picture.values()), -1).astype(np.float32)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "half" if "half" in datatype else "float")
    spec.channelnames = tuple(names)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(pixels), out.geterror()
    assert out.close()


_LETTERS = {"rgba.red": "R", "rgba.green": "G", "rgba.blue": "B", "rgba.alpha": "A"}


def _path(text: str, frame: int, view: str) -> str:
    filled = text.replace("%V", view).replace("%v", view[:1])
    filled = re.sub(r"#+", lambda match: f"%0{len(match[0])}d", filled)
    return filled % frame if "%0" in filled or "%d" in filled else filled


def _read(node: Node, frame: int, view: str) -> Picture:
    if not node.number("raw"):
        raise NotImplementedError("the fake knows no colour: set raw")
    if not node.text("file"):
        raise RuntimeError(f"{node.fullName()}: no file")
    first, last = int(node.number("first")), int(node.number("last"))
    if not first <= frame <= last:
        edge = node.text("before" if frame < first else "after")
        if edge == "black":
            return {}
        if edge != "hold":
            raise NotImplementedError(f"the fake does not {edge}")
        frame = min(max(frame, first), last)
    path = Path(_path(node.text("file"), frame, view))
    if not path.is_file():
        if node.text("on_error") == "error":
            raise RuntimeError(f"{node.fullName()}: {path}: no such file")
        return {}
    written = path.stat()
    return dict(_file(str(path), written.st_ino, written.st_mtime_ns))


@lru_cache(32)
def _file(path: str, *_written: int) -> Picture:
    """The picture of a file, read again when it was written anew."""
    file = oiio.ImageInput.open(path)
    assert file is not None, oiio.geterror()
    picture: Picture = {}
    index = 0
    while file.seek_subimage(index, 0):
        spec = file.spec()
        pixels = np.asarray(file.read_image(index, 0, 0, spec.nchannels, "float"))
        pixels = pixels.reshape(spec.height, spec.width, spec.nchannels)
        pixels.flags.writeable = False
        for i, name in enumerate(spec.channelnames):
            picture[_named(name)] = pixels[..., i]
        index += 1
    file.close()
    return picture


def _named(name: str) -> str:
    layer, _, channel = name.rpartition(".")
    if not layer:
        return f"rgba.{_LONG[name]}"
    return f"{layer}.{_LONG.get(channel, channel)}"


def _input(node: Node, frame: int, view: str) -> Picture:
    group = node._parent
    assert group is not None
    index = int(node.number("number"))
    return render(group.ins[index] if index < len(group.ins) else None, frame, view)


def _group(node: Group, frame: int, view: str) -> Picture:
    outputs = [inner for inner in node.inside if inner.kind == "Output"]
    return render(outputs[0], frame, view)


def _output(node: Node, frame: int, view: str) -> Picture:
    return render(node.ins[0], frame, view)


_dot = _noop = _output


def _switch(node: Node, frame: int, view: str) -> Picture:
    which = int(np.clip(node.number("which", frame), 0, max(len(node.ins) - 1, 0)))
    return render(node.ins[which], frame, view)


def _grade(node: Node, frame: int, view: str) -> Picture:
    picture = render(node.ins[0], frame, view)
    return {n: p * np.float32(node.number("multiply", frame)) if n in _TARGETS[:3] else p for n, p in picture.items()}


def _copy(node: Node, frame: int, view: str) -> Picture:
    under, over = render(node.ins[0], frame, view), render(node.ins[1], frame, view)
    out = dict(under)
    if not under and not over:  # nothing is connected
        return out
    for i in range(4):
        source, target = node.text(f"from{i}"), node.text(f"to{i}")
        if source != "none" and target != "none":
            _check(node, target)
            out[target] = _channel(node, over, source, under)
    return out


def _expression(node: Node, frame: int, view: str) -> Picture:
    picture = render(node.ins[0], frame, view)

    def channel(name: str) -> Any:
        full = _SHORT.get(name, name)
        layer = full.partition(".")[0]
        if full in _TARGETS or layer in state.layers:
            return _channel(node, picture, full, picture)
        return None

    return _expressed(node, frame, picture, channel)


def _mergeexpression(node: Node, frame: int, view: str) -> Picture:
    under, over = render(node.ins[0], frame, view), render(node.ins[1], frame, view)

    def channel(name: str) -> Any:
        if name[:1] in ("A", "B") and name[1:] in _SHORT:
            return _channel(node, over if name[0] == "A" else under, _SHORT[name[1:]], under or over)
        return None

    return _expressed(node, frame, under, channel)


def _expressed(node: Node, frame: int, picture: Picture, channel: Any) -> Picture:
    temporary: dict[str, Any] = {}

    def look(name: str) -> Any:
        if name in temporary:
            return temporary[name]
        found = channel(name)
        return node.look_up(name, frame) if found is None else found

    out = dict(picture)
    with np.errstate(all="ignore"):
        for i in range(4):
            if node.text(f"temp_name{i}"):
                temporary[node.text(f"temp_name{i}")] = evaluate(node.text(f"temp_expr{i}"), look)
        for i, target in enumerate(_TARGETS):
            if node.text(f"expr{i}"):
                value = evaluate(node.text(f"expr{i}"), look)
                shape = next(iter(picture.values())).shape
                out[target] = np.broadcast_to(np.asarray(value, np.float32), shape)
    return out


def _channel(node: Node, picture: Picture, name: str, like: Picture) -> np.ndarray:
    """A channel, black where the picture does not have it; unknown to Nuke is an error."""
    _check(node, name)
    if name in picture:
        return picture[name].astype(np.float64)
    shape = next(iter((picture or like).values())).shape
    return np.zeros(shape)


def _check(node: Node, name: str) -> None:
    layer, _, channel = name.partition(".")
    if layer not in state.layers or channel not in state.layers[layer]:
        raise RuntimeError(f"{node.fullName()}: no channel {name}")
