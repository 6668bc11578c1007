# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Gives the picture at each socket to the worker: as the file of an Image node, or written by the compositor."""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import OutputError, UsageError
from ..core.node.request import Source
from .group import SOCKETS

_NUMBER = re.compile(r"(\d+)(?=\.[A-Za-z]+$)")
# Linear spaces by Blender's names, with the names that are valid in every OpenColorIO config of Relamp.
SPACES = {
    "Linear Rec.709": "lin_rec709_scene",
    "ACEScg": "lin_ap1_scene",
    "ACES2065-1": "lin_ap0_scene",
    "Linear Rec.2020": "lin_rec2020_scene",
}


@dataclass(frozen=True)
class Pipe:
    """One connected socket: `source` where the worker can read its file, None where it must be written."""

    name: str
    socket: Any
    source: Source | None
    space: str = ""


def owner(scene: bpy.types.Scene, tree: bpy.types.NodeTree) -> Any:
    """The node of the scene's compositor that shows this group. Raises `UsageError` where there is none."""
    comp = scene.compositing_node_group
    for node in comp.nodes if comp else ():
        if node.bl_idname == "CompositorNodeGroup" and node.node_tree == tree:
            return node
    raise UsageError(f"{tree.name} stands in no compositor of the scene {scene.name}; add it there, not inside a group")


def pipes(scene: bpy.types.Scene, node: Any) -> dict[str, Pipe]:
    """The connected inputs by label."""
    found = {}
    for name, label in SOCKETS.items():
        socket = node.inputs[label]
        if socket.is_linked:
            upstream = _behind_reroutes(socket.links[0].from_socket)
            image = _image_of(upstream)
            found[name] = Pipe(name, upstream, _source(upstream.node, scene) if image else None, _space(image))
    if "env" in found and found["env"].source is None:
        raise UsageError(
            "the environment has to be an Image node that reads a lat-long map, or a file in the Light tab"
        )
    return found


def sources(found: dict[str, Pipe], folder: Path, frames: tuple[int, ...]) -> dict[str, Source]:
    """The source of every input for the worker: existing files, and for the others the files that `write` writes."""
    return {
        name: pipe.source or Source(str(folder / f"{name}.####.exr"), frames[0], frames[-1], written=True)
        for name, pipe in found.items()
    }


def write(scene: bpy.types.Scene, found: dict[str, Pipe], folder: Path, frames: tuple[int, ...]) -> None:
    """Write, frame by frame with the compositor, the pictures that have no file. Raises `OutputError`."""
    wanted = [pipe for pipe in found.values() if pipe.source is None]
    comp = scene.compositing_node_group
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [(pipe, _file_output(comp, pipe, folder)) for pipe in wanted]
    before = scene.frame_current
    try:
        for frame in frames:
            for pipe, node in nodes:
                node.file_name = f"{pipe.name}.{frame:04d}."
            scene.frame_set(frame)
            bpy.ops.render.render(scene=scene.name)
            for pipe, _ in nodes:
                _settle(folder, pipe.name, frame)
    finally:
        for _, node in nodes:
            comp.nodes.remove(node)
        scene.frame_set(before)


def _file_output(comp: Any, pipe: Pipe, folder: Path) -> Any:
    node = comp.nodes.new("CompositorNodeOutputFile")
    node.directory = str(folder)
    node.format.media_type = "IMAGE"
    node.format.file_format, node.format.color_depth, node.format.color_mode = "OPEN_EXR", "32", "RGBA"
    node.file_output_items.new("RGBA", "part")
    comp.links.new(pipe.socket, node.inputs["part"])
    return node


def _settle(folder: Path, name: str, frame: int) -> None:
    """Rename a file that Blender wrote: Blender adds the item's name, and in some versions the frame, to the given name."""
    made = sorted(folder.glob(f"{name}.{frame:04d}.part*.exr"))
    if not made:
        raise OutputError(
            f"Blender wrote nothing for {name} at frame {frame} into {folder}; is compositing switched on?"
        )
    os.replace(made[0], folder / f"{name}.{frame:04d}.exr")


def _behind_reroutes(socket: Any) -> Any:
    while socket.node.bl_idname == "NodeReroute" and socket.node.inputs[0].is_linked:
        socket = socket.node.inputs[0].links[0].from_socket
    return socket


def _image_of(socket: Any) -> Any:
    """The image whose main picture is at this socket; None for everything else."""
    node = socket.node
    if node.bl_idname != "CompositorNodeImage" or node.mute or node.image is None:
        return None
    return node.image if socket.name in ("Image", "Combined") else None


def _source(node: Any, scene: bpy.types.Scene) -> Source | None:
    """The file an Image node reads; None where its frame differs from the file with that frame number."""
    image = node.image
    path = bpy.path.abspath(image.filepath, library=image.library)
    if image.packed_file or not path.lower().endswith((".exr", ".hdr")) or image.colorspace_settings.name not in SPACES:
        return None
    if image.source == "FILE":
        return Source(path, scene.frame_start, scene.frame_end)
    number = _NUMBER.search(path)
    if image.source != "SEQUENCE" or number is None or node.frame_start != node.frame_offset + 1 or node.use_cyclic:
        return None
    pattern = path[: number.start()] + "#" * len(number[1]) + path[number.end() :]
    return Source(pattern, node.frame_start, node.frame_start + node.frame_duration - 1)


def _space(image: Any) -> str:
    return "" if image is None else SPACES.get(image.colorspace_settings.name, "")
