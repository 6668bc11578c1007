"""What the node's buttons do. A failure is a sentence at the click; it never leaves the node different from before."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nuke

from ..core.errors import RelampError, UsageError
from ..core.job import RelightJob
from ..core.node import rig as posing
from ..core.node import workers
from ..core.node.bake import Bake, Outcome
from ..core.node.request import PASSES_OF, Source, as_percent, look_key, make_job, make_passes_job, wanted_frames
from ..core.node.versions import Bakes, Place, check_may_bake
from . import attach, inputs, knobs, rig

_POLL = 0.1  # s between two checks for a cancel


@dataclass(eq=False)
class Running:
    """A bake in work, and where its frames go in the node."""

    node: nuke.Node
    bake: Bake
    which: str
    version: int
    look: str


_running: list[Running] = []


def press(button: str, node: nuke.Node) -> None:
    """Do what a button says. An error is shown to the artist as one sentence; without a window it is raised."""
    try:
        BUTTONS[button](node)
    except (RelampError, RuntimeError) as error:
        sentence = _in_words(error)
        attach.say(node, sentence)
        if not nuke.GUI:
            raise RuntimeError(sentence) from error
        nuke.message(f"Relamp: {sentence}")


def preview(node: nuke.Node) -> Running:
    """Relight the current frame and show it. Returns at once where there is a window."""
    return _begin(node, "preview", (int(nuke.frame()),))


def bake(node: nuke.Node) -> Running:
    """Relight the range and show it. Returns at once where there is a window, else when it is done."""
    return _begin(node, "baked", ())


def make_passes(node: nuke.Node) -> Running:
    """Make the passes of the range and use them. Returns at once where there is a window, else when it is done."""
    return _begin(node, "passes", ())


def cancel(node: nuke.Node) -> None:
    """Stop this node's bakes. Finished frames are kept, and the next bake goes on there."""
    mine = [running for running in _running if running.node == node]
    for running in mine:
        running.bake.cancel()
    attach.say(node, "stopping" if mine else "nothing is being baked")


def version_up(node: nuke.Node) -> None:
    """Let the next bake go to a version that is not there yet."""
    number = max(_bakes(node).next_version(), int(node["version"].value()) + 1)
    node["version"].setValue(number)
    attach.say(node, f"the next bake goes to v{number:03d}")


def rig_save(node: nuke.Node) -> None:
    """Write the lights of the node as a rig file that the artist names."""
    plate = inputs.pipes(node).get("plate")
    rig.save(node, _reach(plate.first, plate.last) if plate else (int(nuke.frame()),))


def to_panel(node: nuke.Node) -> None:
    """Show this node's job in the panel.

    Raises:
        UsageError: there is no panel.
    """
    from . import panel_host

    panel_host.show(job_of(node))


def job_of(node: nuke.Node) -> RelightJob:
    """What the node asks for, as a job of its own; raises `UsageError` when an input has no file.

    For front ends that read files themselves; a bake writes such inputs instead.
    """
    found = inputs.pipes(node)
    unreadable = [name for name, pipe in found.items() if pipe.source is None]
    if unreadable:
        raise UsageError(
            f"{', '.join(unreadable)} is not a plain Read, so the panel has no file to look at; bake, or connect a Read"
        )
    place = _place(node, "baked")
    given = inputs.sources(found, place.inputs, ())
    _write_rig(node, given.get("plate"))
    return _job(node, given, place, (), ())


def take_rig(node: nuke.Node) -> None:
    """Make the rig file that the node names lights of its own, in place of those it has, so that they can be changed there.

    A file that the node's lights are already changes nothing; one that the knobs cannot show stays a file.
    """
    plate = inputs.pipes(node).get("plate")
    files = _rig_files(node, Source("", plate.first, plate.last) if plate else None)
    named, own = str(node["rig"].value()), str(_bakes(node).rig(files["rig"])) if files else ""
    if named != own:
        rig.take(node)
    else:
        node["rig"].setValue("")
    if files.get("camera") and str(node["camera"].value()) == str(_bakes(node).rig(files["camera"])):
        node["camera"].setValue("")


def look_of(node: nuke.Node) -> str:
    """A short key of the node's settings and inputs: equal keys need no new bake."""
    found = inputs.pipes(node)
    # Pictures that would be written have no path yet; of what decides them, the matte's channel is the node's own.
    graph = f"/{node['matte_channel'].value()}"
    given = {name: pipe.source or Source(f"{graph}/{name}", pipe.first, pipe.last) for name, pipe in found.items()}
    return look_key(_job(node, given, Place(Path("/"), "look"), (), ()))


def _begin(node: nuke.Node, which: str, frames: tuple[int, ...]) -> Running:
    if any(running.node == node for running in _running):
        raise UsageError(f"{node.name()} is being baked; press Cancel first")
    found = inputs.pipes(node)
    if which == "passes":
        found = {name: pipe for name, pipe in found.items() if name in PASSES_OF}
    views = inputs.views_of(found)
    place = _place(node, which, views)
    given = inputs.sources(found, place.inputs, views)
    make = _passes_job if which == "passes" else _job
    job = make(node, given, place, frames, views)
    written = any(source.written for source in given.values())
    version = int(node["version"].value())
    if which == "passes":
        place, frames = _bakes(node).passes(job), wanted_frames(_values(node, given), given["plate"])
        given = inputs.sources(found, place.inputs, views)
        job = make(node, given, place, frames, views)
    elif which == "baked":
        check_may_bake(place, version, job, bool(node["bake_over"].value()), written)
        frames = wanted_frames(_values(node, given), given["plate"])
    else:
        # One frame's pictures must not be measured together with those of another preview.
        place = _bakes(node).preview(job)
        given = inputs.sources(found, place.inputs / str(frames[0]), views)
        job = _job(node, given, place, frames, views)
        _bakes(node).drop_old_previews(place)
    if written:
        _full_size(node)
        attach.say(node, "writing the inputs")
        inputs.hand_over(node, given, frames, views)
    if which != "passes":
        _write_rig(node, given.get("plate"))
    client = workers.client(str(node["python"].value()), inputs.colour_config())
    method = "passes" if which == "passes" else "render"
    running = Running(node, Bake(client, job, place, method), which, version, look_of(node) if which == "baked" else "")
    running.bake.start()
    _running.append(running)
    attach.say(node, running.bake.words)
    if nuke.GUI:
        threading.Thread(target=_watch, args=(running,), name=f"relamp {which}", daemon=True).start()
    else:
        _wait(running)
    return running


def _watch(running: Running) -> None:
    """Follow a bake in a thread of its own; everything that touches the node is sent to the main thread."""
    task: Any = nuke.ProgressTask(f"Relamp {running.which}")
    bake = running.bake
    while not bake.wait(_POLL):
        task.setProgress(int(100 * bake.fraction))
        task.setMessage(bake.words)
        if task.isCancelled():
            bake.cancel()
    del task  # Nuke removes the bar with the last reference to it
    nuke.executeInMainThread(_finish, args=(running,))


def _wait(running: Running) -> None:
    """Without a window the main thread is the one that runs the script, so it waits and does the rest itself."""
    said = ""
    while not running.bake.wait(_POLL):
        if running.bake.words != said:
            said = running.bake.words
            nuke.tprint(f"Relamp: {said}")
    outcome = _finish(running)
    if outcome.baked is None and not outcome.passes:
        raise RuntimeError(outcome.sentence)


def _finish(running: Running) -> Outcome:
    """Attach the frames of a bake, in the main thread. A node that was deleted meanwhile is left alone."""
    _running.remove(running)
    outcome = running.bake.outcome
    assert outcome is not None
    node = running.node
    try:
        node.name()
    except ValueError:  # Nuke's error for a deleted node
        return outcome
    try:
        words = None
        if outcome.passes:
            node["passes"].setValue(as_percent(outcome.passes).replace("\\", "/"))
        if outcome.baked is not None:
            attach.attach(node, outcome.baked, running.which, running.version, running.look)
            words = attach.brief(outcome.baked, running.which, running.version)
        attach.say(node, outcome.sentence, words)
    except (RelampError, ValueError, NameError) as error:
        nuke.tprint(traceback.format_exc())
        attach.say(node, _in_words(error))
    return outcome


def _job(
    node: nuke.Node, given: dict[str, Source], place: Place, frames: tuple[int, ...], views: tuple[str, ...]
) -> RelightJob:
    values = _in_space(_values(node, given))
    if "env" in given and not str(values["env_colorspace"]).strip():
        values["env_colorspace"] = inputs.colour_space()
    return make_job(values, given, place.pattern, folder=_typed_from(), frames=frames, views=views)


def _passes_job(
    node: nuke.Node, given: dict[str, Source], place: Place, frames: tuple[int, ...], views: tuple[str, ...]
) -> RelightJob:
    if views:
        raise UsageError("passes are made of one view at a time: put a OneView node before the plate")
    values = _in_space(_values(node, given))
    return make_passes_job(values, given, place.pattern, folder=_typed_from(), frames=frames)


def _in_space(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the colour space and the config of the script where the knobs leave them open."""
    return {
        **values,
        "colorspace": str(values["colorspace"]).strip() or inputs.colour_space(),
        "config": values["config"] or inputs.colour_config(),
    }


def _typed_from() -> str:
    """The folder that relative paths in knobs start at."""
    return inputs.script_folder() if nuke.root()["name"].value() else ""


def _values(node: nuke.Node, given: dict[str, Source]) -> dict[str, Any]:
    plate = given.get("plate")
    first, last = (plate.first, plate.last) if plate else (int(nuke.frame()), int(nuke.frame()))
    values, files = knobs.values(node, first, last), _rig_files(node, plate)
    if files and str(values["rig"]).strip():
        raise UsageError(
            "the node has lights of its own and a rig file too: empty the file in the Light tab, or set the lights to none"
        )
    return {**values, **{name: str(_bakes(node).rig(text)) for name, text in files.items()}}


def _write_rig(node: nuke.Node, plate: Source | None) -> None:
    for text in _rig_files(node, plate).values():
        posing.write(_bakes(node).rig(text), text)


def _rig_files(node: nuke.Node, plate: Source | None) -> dict[str, str]:
    """The text of a rig file of the node's lights over the frames of the plate, and of a camera file where none is named and
    the lights have a camera node; by the knob that names such a file. Empty where the node has no lights.
    """
    frames = _reach(plate.first, plate.last) if plate else (int(nuke.frame()),)
    text = rig.text_of(node, frames)
    camera = rig.camera_text(node, frames) if text and not str(node["camera"].value()).strip() else ""
    return ({"rig": text} if text else {}) | ({"camera": camera} if camera else {})


def _reach(first: int, last: int) -> range:
    return range(first, last + 1)


def _place(node: nuke.Node, which: str, views: tuple[str, ...] = ()) -> Place:
    return _bakes(node).version(int(node["version"].value()), views)


def _bakes(node: nuke.Node) -> Bakes:
    folder = node["bake_dir"]
    assert isinstance(folder, nuke.File_Knob)
    typed = str(folder.getEvaluatedValue() or "")
    root = Path(typed) if typed and Path(typed).is_absolute() else Path(inputs.script_folder(), typed or "relamp")
    return Bakes(root, node.name())


def _full_size(node: nuke.Node) -> None:
    """Pictures for the worker are of full size, so proxy mode is left, with the artist's leave."""
    proxy = nuke.root()["proxy"]
    if not proxy.value():
        return
    if nuke.GUI and not nuke.ask("Relamp bakes at full size and has to write its inputs. Leave proxy mode?"):
        raise UsageError("the script is in proxy mode, and a bake is of full size; leave proxy mode first")
    proxy.setValue(False)


def _in_words(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else type(error).__name__
    return "cancelled while the inputs were written" if first.lower() in ("cancelled", "canceled") else first


BUTTONS: dict[str, Callable[[nuke.Node], Any]] = {
    "preview": preview,
    "bake": bake,
    "cancel": cancel,
    "version_up": version_up,
    "make_passes": make_passes,
    "rig_add": rig.add,
    "rig_axes": rig.make_axes,
    "rig_load": rig.load,
    "rig_save": rig_save,
    "to_panel": to_panel,
}
