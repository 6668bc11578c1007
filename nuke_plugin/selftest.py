"""The test to run on a machine with a Nuke licence; `relamp nuke selftest` writes what it needs. Prints one line for each check.

It checks what no replacement of Nuke can show: that the text of the node pastes, that its inner nodes take their inputs and
compute their expressions as expected, that a script is read back unchanged, and which way lat-long maps face.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import nuke

from ..core.node.knobs import PIPES
from . import create
from .selftest_lines import REOPENED, STEPS

TOLERANCE = 2e-3  # of a pixel's value, and 2e-3 beside it: EXR holds floats here, Nuke works in floats
BY_HAND = (
    "By hand, in a Nuke with a window:",
    "  1. Toolbar > Relamp: the node is there, its tabs are in order, labels on the pipes read "
    + ", ".join(PIPES)
    + ".",
    "  2. Bake range: a bar runs, Nuke stays alive, Cancel in the bar stops it and the node stays on the plate.",
    "  3. Bake again: it goes on; drag lamp 1 and mix: the Viewer follows without a bake.",
    "  4. Windows > Custom > Relamp: the panel docks, closes and opens again; 'From selected node' shows the plate.",
    "  5. Rig tab: add a candle, press Axis for each, move the Axis, bake a new version: the light follows.",
    "  6. Inputs tab, Make passes: a bar runs, and passes names the file; a Read of it shows N, depth and albedo.",
    "  7. Save, quit, remove the plugin (relamp nuke uninstall), open the script: the same picture, no error.",
)
FACES = {
    "red": "the middle of a lat-long is ahead of the camera in Nuke's SphericalTransform; for maps it made, set map's middle "
    "to 'ahead of the camera'",
    "white": "the middle of a lat-long is behind the camera, as Relamp takes it; leave map's middle as it is",
    "green": "the left quarter of a lat-long is ahead of the camera; turn such maps by env rotate",
    "blue": "the right quarter of a lat-long is ahead of the camera; turn such maps by env rotate",
}


def run(folder: str) -> int:
    """Run every check and print one line for each; 0 when all passed."""
    home = Path(folder)
    checks = json.loads((home / "checks.json").read_text(encoding="utf-8"))
    failed = 0
    for name, passed, words in _results(home, checks):
        print(f"{'PASS' if passed else 'FAIL'} {name}{'' if passed else ': ' + words}")
        failed += not passed
    print(f"ORIENTATION {_orientation(home)}")
    print("\n".join(BY_HAND))
    return 1 if failed else 0


def _results(home: Path, checks: list[dict[str, Any]]) -> Any:
    nuke.frame(1001)
    node = create.create()
    yield STEPS[0], node.Class() == "Group" and node["relamp_node"].value() > 0, f"it is a {node.Class()}"
    assert isinstance(node, nuke.Group)
    numbers = {inner.name(): int(inner["number"].value()) for inner in node.nodes() if inner.Class() == "Input"}
    yield STEPS[1], numbers == {pipe: i for i, pipe in enumerate(PIPES)}, f"they are {numbers}"
    node.setInput(0, _read(home / "plate.%04d.exr", 1001, 1002))
    node.setInput(2, _read(home / "env.exr", 1, 1))
    node["source_env"].setValue((home / "source_env.exr").as_posix())
    node["grain"].setValue("off")
    with tempfile.TemporaryDirectory() as bakes:
        node["bake_dir"].setValue(Path(bakes).as_posix())
        try:
            node["bake"].execute()  # type: ignore[attr-defined]
        except RuntimeError as error:
            yield STEPS[2], False, str(error)
            return
        yield STEPS[2], node["show"].value() == "baked", str(node["status"].value())
        for check in checks:
            for name, value in check["knobs"].items():
                node[name].setValue(value)
            yield check["name"], *_compared(node, check["samples"])
        yield REOPENED, *_reopened(node, checks[-1]["samples"], os.path.join(bakes, "selftest.nk"))


def _compared(node: nuke.Node, samples: list[Any]) -> tuple[bool, str]:
    for x, y, wanted in samples:
        found = [float(node.sample(channel, x + 0.5, y + 0.5)) for channel in ("red", "green", "blue")]  # type: ignore[call-arg]
        if any(abs(a - b) > TOLERANCE * (1 + abs(b)) for a, b in zip(found, wanted)):  # noqa: B905 (Nuke 15's Python is older)
            return False, f"at {x}, {y} it is {found}, expected {wanted}"
    return True, ""


def _reopened(node: nuke.Node, samples: list[Any], path: str) -> tuple[bool, str]:
    name = node.name()
    nuke.scriptSaveAs(path)
    nuke.scriptClear()
    nuke.scriptOpen(path)
    nuke.frame(1001)
    again = nuke.toNode(name)
    return _compared(again, samples) if again is not None else (False, f"there is no {name} in it")


def _orientation(home: Path) -> str:
    """Where Nuke looks in a lat-long whose quarters are red, green, blue and white."""
    try:
        turn = nuke.createNode("SphericalTransform2")
        turn.setInput(0, _read(home / "latlong.exr", 1, 1))
        turn["projTypeInput"].setValue("Latlong")
        turn["projTypeOutput"].setValue("Rectilinear")
        x, y = turn.width() / 2, turn.height() / 2
        seen = [float(turn.sample(channel, x, y)) for channel in ("red", "green", "blue")]  # type: ignore[call-arg]
    except (RuntimeError, NameError, ValueError) as error:
        return f"could not be measured: {error}"
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    found = names.get(tuple(round(value) for value in seen))  # type: ignore[arg-type]
    return FACES[found] if found else f"could not be measured: the middle of the view is {seen}"


def _read(path: Path, first: int, last: int) -> nuke.Node:
    node = nuke.createNode("Read")
    for name, value in (("file", path.as_posix()), ("first", first), ("last", last), ("raw", True)):
        node[name].setValue(value)
    return node
