"""The strict fake of Nuke for tests: on the path, empty, with the plugin's node ready to be pasted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nuke
from nuke import _pixels
from nuke._state import State, state
from relamp.core.node import workers as host_workers
from relamp.nuke_plugin import actions, create, gizmo, layers
from shots import QUICK, Shot
from wait import wait_until

WRITTEN = ("rgba.red", "rgba.green", "rgba.blue")


def start(folder: Path, patch: pytest.MonkeyPatch) -> State:
    """A Nuke with nothing in its script, which was saved in `folder`."""
    (folder / "comp").mkdir(parents=True)
    pasted = folder / "Relamp.nk"
    pasted.write_text(gizmo.paste_file())
    patch.setattr(create, "PASTED", pasted)
    patch.setattr(nuke, "GUI", True)
    patch.setenv("RELAMP_PYTHON", sys.executable)
    patch.delenv("OCIO", raising=False)
    state.reset()
    nuke.scriptClear()
    state.frame = 1001
    nuke.scriptSaveAs(str(folder / "comp" / "shot.nk"))
    layers.register()
    return state


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A Nuke of a test's own; what it bakes is stopped at the end."""
    yield start(tmp_path / "nuke", monkeypatch)
    for running in actions._running[:]:
        running.bake.cancel()
        settle(running)


@pytest.fixture(scope="module", autouse=True)
def workers() -> Iterator[None]:
    """The worker of a module's tests; it stays warm between them, as in Nuke."""
    yield
    host_workers.close()


def read(path: str, first: int, last: int, **knobs: Any) -> Any:
    """A Read of raw pictures."""
    node = nuke.createNode("Read")
    for name, value in {"file": path, "first": first, "last": last, "raw": True, **knobs}.items():
        node[name].setValue(value)
    return node


def relamp(shot: Shot, frames: int = 4) -> Any:
    """A Relamp node on a shot's plate and its second environment, the first being the plate's light."""
    plate = read(shot.plate, 1001, 1000 + frames)
    env = read(shot.env_b, 1, 1)
    plate["selected"].setValue(True)
    node = create.create()
    plate["selected"].setValue(False)
    node.setInput(2, env)
    node["source_env"].setValue(shot.env_a)
    for name, value in QUICK.items():
        node[name].setValue(value)
    return node


def settle(running: actions.Running, timeout: float = 120) -> None:
    """Let a bake end and the main thread do what it was asked."""

    def ended() -> bool:
        state.pump()
        return running not in actions._running

    wait_until(ended, running.bake.words, timeout)


def press(node: Any, button: str) -> actions.Running | None:
    """Press a button of the node; the bake it began, if it did."""
    before = list(actions._running)
    node[button].execute()
    return next((running for running in actions._running if running not in before), None)


def baked(node: Any, button: str = "bake") -> None:
    """Press a button that bakes, and wait for it."""
    running = press(node, button)
    assert running is not None, state.messages
    settle(running)


def rgb(node: Any, frame: int) -> np.ndarray:
    """What comes out of a node, (H, W, 3)."""
    picture = _pixels.render(node, frame)
    return np.stack([picture[name] for name in WRITTEN], -1)
