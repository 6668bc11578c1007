# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Preview and bake: sends the group's settings and inputs to the worker, and attaches the baked frames to the group."""

# pyright: reportMissingImports=false
# bpy is Blender's own.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UsageError
from ..core.node import rig as posing
from ..core.node import workers
from ..core.node.bake import Bake, Outcome
from ..core.node.request import PASSES_OF, make_job, make_passes_job
from ..core.node.versions import Bakes, check_may_bake
from . import group, inputs, properties, rig


@dataclass(eq=False)
class Running:
    """A running bake. The tree is kept by name, because Blender may move its data in memory during the bake."""

    tree: str
    bake: Bake
    which: str
    version: int


running: dict[str, Running] = {}
"""Running bakes, by the name of their tree."""


def begin(scene: bpy.types.Scene, tree: bpy.types.NodeTree, which: str) -> Running:
    """Start a preview of the current frame (`preview`), a bake of the range (`baked`) or its passes (`passes`).

    Raises:
        RelampError: the message says what to connect or to change.
    """
    if tree.name in running:
        raise UsageError(f"{tree.name} is being baked; press Cancel first")
    found = inputs.pipes(scene, inputs.owner(scene, tree))
    if "plate" not in found:
        raise UsageError("nothing is connected to Plate; connect a scene-linear plate")
    frames = (scene.frame_current,) if which == "preview" else tuple(range(scene.frame_start, scene.frame_end + 1))
    settings = _settings(tree, found, frames)
    bakes = bakes_of(tree)
    if which != "passes":
        settings |= _rig(scene, tree, frames, settings)
    place = bakes.version(tree.relamp.version)
    if which == "passes":
        found = {name: pipe for name, pipe in found.items() if name in PASSES_OF}
    make = make_passes_job if which == "passes" else make_job
    given = inputs.sources(found, place.inputs, frames)
    job = make(settings, given, place.pattern, folder=bpy.path.abspath("//"), frames=frames)
    written = any(source.written for source in given.values())
    if which == "preview":
        place = bakes.preview(job)
        given = inputs.sources(found, place.inputs / str(frames[0]), frames)
        job = make_job(settings, given, place.pattern, folder=bpy.path.abspath("//"), frames=frames)
        bakes.drop_old_previews(place)
    elif which == "passes":
        place = bakes.passes(job)
        given = inputs.sources(found, place.inputs, frames)
        job = make_passes_job(settings, given, place.pattern, folder=bpy.path.abspath("//"), frames=frames)
    else:
        check_may_bake(place, tree.relamp.version, job, tree.relamp.bake_over, written)
    if written:
        say(tree, "writing the inputs")
        inputs.write(scene, found, Path(next(s.path for s in given.values() if s.written)).parent, frames)
    method = "passes" if which == "passes" else "render"
    begun = Running(tree.name, Bake(workers.client(tree.relamp.python), job, place, method), which, tree.relamp.version)
    begun.bake.start()
    running[tree.name] = begun
    say(tree, begun.bake.words)
    return begun


def finish(begun: Running) -> Outcome:
    """Attach the result of a finished bake. Does nothing if the group was deleted meanwhile."""
    running.pop(begun.tree, None)
    outcome = begun.bake.outcome
    assert outcome is not None
    tree = bpy.data.node_groups.get(begun.tree)
    if tree is None:
        return outcome
    if outcome.baked is not None:
        shown = group.Shown.of(outcome.baked, begun.version)
        setattr(tree.relamp, "baked" if begun.which == "baked" else "previewed", shown.to_json())
        _forget_images(shown)
        tree.relamp.show = begun.which  # builds the group
    if outcome.passes:
        tree.relamp.passes = outcome.passes
    say(tree, outcome.sentence)
    return outcome


def cancel(tree: bpy.types.NodeTree) -> bool:
    """Request this group's bake to stop; returns whether there was one."""
    mine = running.get(tree.name)
    if mine is not None:
        mine.bake.cancel()
    say(tree, "stopping" if mine else "nothing is being baked")
    return mine is not None


def version_up(tree: bpy.types.NodeTree) -> None:
    """Set the version of the next bake to one that does not exist yet."""
    tree.relamp.version = max(bakes_of(tree).next_version(), tree.relamp.version + 1)
    say(tree, f"the next bake goes to v{tree.relamp.version:03d}")


def bakes_of(tree: bpy.types.NodeTree) -> Bakes:
    """The folder of this group's bakes. Raises `UsageError` for a .blend that was never saved."""
    typed = tree.relamp.bake_dir
    if not bpy.data.filepath and not (typed and Path(typed).is_absolute()):
        raise UsageError("save the .blend first, or choose a bake folder: bakes go beside it")
    return Bakes(Path(bpy.path.abspath(typed) if typed else bpy.path.abspath("//relamp")), tree.name)


def say(tree: bpy.types.NodeTree, sentence: str) -> None:
    """Show a message in the group's panel."""
    tree.relamp.status = sentence


def _settings(tree: bpy.types.NodeTree, found: dict[str, inputs.Pipe], frames: tuple[int, ...]) -> dict[str, Any]:
    settings = properties.values(tree, frames)
    for name, space in (("plate", "colorspace"), ("env", "env_colorspace")):
        if name in found and not settings[space]:
            settings[space] = found[name].space
    return settings


def _rig(
    scene: bpy.types.Scene, tree: bpy.types.NodeTree, frames: tuple[int, ...], settings: dict[str, Any]
) -> dict[str, Any]:
    """The files of the rig that the scene's lights are, and of its camera where no other is given; written beside the bakes.

    Raises:
        UsageError: there is a rig file, too, or the lights cannot be used.
    """
    text = rig.text_of(scene, tree.relamp, frames)
    if not text:
        return {}
    if settings["rig"]:
        raise UsageError(
            "the node has a collection of lights and a rig file too: empty the file in the Light tab, or the collection"
        )
    files = {"rig": text}
    if tree.relamp.rig_space == rig.CAMERA and not settings["camera"]:
        files["camera"] = rig.camera_text(scene, frames)
    for written in files.values():
        posing.write(bakes_of(tree).rig(written), written)
    return {name: str(bakes_of(tree).rig(written)) for name, written in files.items()}


def _forget_images(shown: group.Shown) -> None:
    """Remove loaded images, because Blender would keep showing earlier frames of the same name."""
    first = group.at(shown.pattern, shown.frames[0])
    for image in list(bpy.data.images):
        if bpy.path.abspath(image.filepath) == first:
            bpy.data.images.remove(image)
