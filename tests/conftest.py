import hashlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from relamp.core import process

process.set_up()  # before anything imports numpy, as the command does
if (
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):  # as in a shell's background; commands that tests interrupt inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np  # noqa: E402
from cachetools import LRUCache, cached  # noqa: E402

from relamp.core.shape.seen import SeenShape  # noqa: E402
from relamp.core.shot.shapes import Shapes  # noqa: E402
from shots import Shot  # noqa: E402

_ASK = Shapes._ask


# The files that take longest, by processor time, which `make test` hands out first, so that no process ends with a long one.
LONGEST = (
    "backbone_published", "shot", "wheel", "panel_start", "panel_rendering", "farm", "panel_looking", "nuke_install",
    "worker", "nuke_node", "openjd", "panel_window", "steady_shape", "relamp_backbone", "blender_node", "panel", "inference",
    "cli", "relightvid", "panel_passes", "edges", "shadows", "docs", "trace", "relight", "shape_own", "ground", "node",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the tests of a file keep their order."""
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(report: Any) -> Iterator[None]:
    """Reports travel between processes as UTF-8; bytes that are not, which some tests are about, are shown by their numbers."""
    return _as_utf8((yield))


def _as_utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_utf8(key): _as_utf8(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_as_utf8(item) for item in value)
    return value


@pytest.fixture(autouse=True, scope="session")
def _one_look_a_picture() -> Iterator[None]:
    """Estimate the shape in frames of the same pixels once: most tests relight the same ball, and that is most of their time.

    A test whose claim is that the network itself gives the same bits again takes the fixture `seen_anew`.
    """

    def key(shapes: Shapes, code: np.ndarray, matte: np.ndarray) -> tuple[object, ...]:
        plan = shapes._plan
        pixels = (hashlib.sha256(np.ascontiguousarray(plane)).digest() for plane in (code, matte))
        return plan.backbone.name, plan.backbone.weights, plan.parameters.device, code.shape, *pixels

    @cached(LRUCache(256), key, Lock())
    def seen(shapes: Shapes, code: np.ndarray, matte: np.ndarray) -> SeenShape:
        return _ASK(shapes, code, matte)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "_ask", lambda *asked: seen(*asked).each(np.copy))
        yield


@pytest.fixture
def seen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shape of every frame is estimated by the network, as in a process that begins."""
    monkeypatch.setattr(Shapes, "_ask", _ASK)


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A command that ran in this process sends the log elsewhere; the next test finds it as it was."""
    yield
    logger = logging.getLogger("relamp")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """A small real shot."""
    return Shot(tmp_path)
