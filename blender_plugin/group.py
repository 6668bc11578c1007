# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""The Relamp group: its sockets, and inside it the plate, or the baked frames with mix and lamps computed live.

The arithmetic is that of `core.node`: beauty + sum of (dim * tint - 1) * lamp, then a mix of the plate and that. On frames
that are not baked, and before the first bake, the group returns the plate alone.
"""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.frames import format_frames
from ..core.node.bake import Baked
from ..core.node.knobs import LIVE_LAMPS

TREE = "CompositorNodeTree"
SOCKETS = {
    "plate": "Plate", "matte": "Matte", "env": "Environment", "bg": "Background", "normals": "Normals", "depth": "Depth",
}  # fmt: skip
"""The sockets by the input's label, which is the same in every host (`knobs.PIPES`)."""
MIX, OUT, SHADOW = "Mix", "Image", "Shadow"
_COLOUR, _FLOAT = "NodeSocketColor", "NodeSocketFloat"


@dataclass(frozen=True)
class Shown:
    """The facts about frames on disk: their pattern, which frames exist, the number of lamp layers, and the names of the rig's
    lights, which are the first lamps.
    """

    pattern: str
    frames: tuple[int, ...]
    lamps: int
    version: int = 0
    rig: tuple[str, ...] = ()

    @classmethod
    def of(cls, baked: Baked, version: int) -> Shown:
        """The facts about a finished bake."""
        return cls(baked.place.pattern, baked.frames, min(baked.lamps, LIVE_LAMPS), version, baked.rig[:LIVE_LAMPS])

    def to_json(self) -> str:
        """The facts as JSON, to be stored in the group."""
        return json.dumps(self.__dict__)

    @classmethod
    def from_json(cls, text: str) -> Shown | None:
        """The inverse of `to_json`; None where `text` is not valid."""
        try:
            kept = json.loads(text)
            frames, rig = tuple(map(int, kept["frames"])), tuple(map(str, kept.get("rig", ())))
            return cls(str(kept["pattern"]), frames, int(kept["lamps"]), int(kept["version"]), rig)
        except (ValueError, KeyError, TypeError):
            return None


def lamp_sockets(index: int) -> tuple[str, str]:
    """The names of a lamp's two sockets, `index` from 1."""
    return f"Lamp {index}", f"Lamp {index} Tint"


def new() -> bpy.types.NodeTree:
    """Make a Relamp group without a bake, which returns the plate unchanged."""
    tree = bpy.data.node_groups.new("Relamp", TREE)
    face = tree.interface
    for name in SOCKETS.values():
        face.new_socket(name=name, in_out="INPUT", socket_type=_FLOAT if name in ("Matte", "Depth") else _COLOUR)
    face.new_socket(name=OUT, in_out="OUTPUT", socket_type=_COLOUR)
    face.new_socket(name=SHADOW, in_out="OUTPUT", socket_type=_COLOUR).default_value = (1, 1, 1, 1)
    _factor(face.new_socket(name=MIX, in_out="INPUT", socket_type=_FLOAT), 1.0)
    lamps = face.new_panel("Lamps", default_closed=True)
    for index in range(1, LIVE_LAMPS + 1):
        dim, tint = lamp_sockets(index)
        _factor(face.new_socket(name=dim, in_out="INPUT", socket_type=_FLOAT, parent=lamps), 4.0)
        face.new_socket(name=tint, in_out="INPUT", socket_type=_COLOUR, parent=lamps).default_value = (1, 1, 1, 1)
    tree.relamp.show = "plate"
    build(tree)
    return tree


def build(tree: bpy.types.NodeTree) -> None:
    """Rebuild the nodes inside the group, from its settings and the facts about its bakes."""
    tree.nodes.clear()
    make = _Maker(tree)
    plate = make.entry.outputs[SOCKETS["plate"]]
    kept = {"baked": tree.relamp.baked, "preview": tree.relamp.previewed}.get(tree.relamp.show, "")
    shown = Shown.from_json(kept) if kept else None
    picture, shadow = (plate, None) if shown is None or not shown.frames else make.result(plate, shown)
    tree.links.new(picture, make.exit.inputs[OUT])
    if SHADOW in make.exit.inputs:  # a group of an older Relamp has no such socket
        make.exit.inputs[SHADOW].default_value = (1, 1, 1, 1)
        if shadow is not None:
            tree.links.new(shadow, make.exit.inputs[SHADOW])


class _Maker:
    """Makes the nodes inside a group."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self.entry, self.exit = self.node("NodeGroupInput", -600), self.node("NodeGroupOutput", 600)

    def node(self, kind: str, x: int, y: int = 0) -> Any:
        made = self.tree.nodes.new(kind)
        made.location = (x, y)
        return made

    def result(self, plate: Any, shown: Shown) -> tuple[Any, Any]:
        """The baked frames, lamps and mix live, and the shadow on the ground where there is one.

        On frames that were not baked it is the plate, and a shadow of 1, which darkens nothing. Returns the two sockets.
        """
        picture = self.frames(shown)
        names = {socket.name: socket for socket in picture.outputs}
        beauty = names.get("Combined") or names["Image"]
        total = beauty
        for index in range(1, shown.lamps + 1):
            if f"lamp{index}" in names:
                total = self.dimmed(total, names[f"lamp{index}"], index)
        mixed = self.node("ShaderNodeMix", 200)
        mixed.data_type, mixed.factor_mode, mixed.clamp_factor = "VECTOR", "UNIFORM", True
        vectors = [socket for socket in mixed.inputs if socket.type == "VECTOR" and socket.name in ("A", "B")]
        self.link(self.entry.outputs[MIX], mixed.inputs[0])
        self.link(plate, vectors[0])
        self.link(total, vectors[1])
        made = next(socket for socket in mixed.outputs if socket.type == "VECTOR")
        parted, joined = self.node("CompositorNodeSeparateColor", 200, -260), self.node("CompositorNodeSetAlpha", 380)
        joined.inputs["Type"].default_value = "Replace Alpha"
        self.link(plate, parted.inputs[0])
        self.link(made, joined.inputs["Image"])
        self.link(parted.outputs["Alpha"], joined.inputs["Alpha"])
        there = self.where_baked(joined.outputs[0], shown, 160)
        self.link(plate, there.inputs["Off"])
        if "shadow" not in names:
            return there.outputs[0], None
        shadow = self.where_baked(names["shadow"], shown, -160)
        shadow.inputs["Off"].default_value = (1, 1, 1, 1)
        return there.outputs[0], shadow.outputs[0]

    def where_baked(self, picture: Any, shown: Shown, y: int) -> Any:
        """A switch that is on where frames were baked, and gives `picture` then."""
        switch = self.node("CompositorNodeSwitch", 480, y)
        driver = switch.inputs["Switch"].driver_add("default_value").driver
        driver.type, driver.expression = "SCRIPTED", within(shown.frames)
        self.link(picture, switch.inputs["On"])
        return switch

    def frames(self, shown: Shown) -> Any:
        """The Image node that reads the baked frames."""
        first, last = shown.frames[0], shown.frames[-1]
        image = bpy.data.images.load(at(shown.pattern, first))
        image.source = "SEQUENCE"
        node = self.node("CompositorNodeImage", -600, 320)
        node.image = image
        node.frame_start, node.frame_offset = first, first - 1
        node.frame_duration, node.use_auto_refresh = last - first + 1, True
        return node

    def dimmed(self, total: Any, lamp: Any, index: int) -> Any:
        """`total` plus (dim * tint - 1) times a lamp, because `total` already contains the lamp once."""
        dim, tint = (self.entry.outputs[name] for name in lamp_sockets(index))
        scaled = self.vector("SCALE", index)
        self.link(tint, scaled.inputs[0])
        self.link(dim, scaled.inputs["Scale"])
        less = self.vector("SUBTRACT", index)
        self.link(scaled.outputs[0], less.inputs[0])
        less.inputs[1].default_value = (1.0, 1.0, 1.0)
        added = self.vector("MULTIPLY_ADD", index)
        self.link(less.outputs[0], added.inputs[0])
        self.link(lamp, added.inputs[1])
        self.link(total, added.inputs[2])
        return added.outputs[0]

    def vector(self, operation: str, index: int) -> Any:
        made = self.node("ShaderNodeVectorMath", -380 + 20 * index, 320 - 60 * index)
        made.operation = operation
        return made

    def link(self, source: Any, target: Any) -> None:
        self.tree.links.new(source, target)


def at(pattern: str, frame: int) -> str:
    """The file of one frame of a pattern with `####`."""
    return pattern.replace("####", f"{frame:04d}")


def within(frames: tuple[int, ...]) -> str:
    """A driver's expression that is true on `frames`; Blender evaluates it without running Python."""
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    if len(runs) > _MOST_RUNS:
        # The length of an expression is limited; frames on twos are shown held, as in a sequence on twos.
        runs = [[runs[0][0], runs[-1][1]]]
    return " or ".join(f"(frame >= {first} and frame <= {last})" for first, last in runs)


def words(shown: Shown) -> str:
    """A short description of the bake."""
    return f"v{shown.version:03d} {format_frames(shown.frames)}"


_MOST_RUNS = 6


def _factor(socket: Any, most: float) -> None:
    socket.subtype, socket.min_value, socket.max_value, socket.default_value = "FACTOR", 0.0, most, 1.0
