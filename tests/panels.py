"""A real panel with a real worker, driven as an artist drives it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QImage

import qt
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.ui.panel import Panel
from shots import QUICK, Shot


def make_panel(folder: Path, python: str = sys.executable) -> Panel:
    """A panel whose settings are kept in `folder`."""
    made = Panel(python, QSettings(str(folder / "panel.ini"), QSettings.Format.IniFormat))
    made.resize(1400, 800)
    made.show()
    return made


def end(panel: Panel) -> None:
    """Close it whatever it is doing."""
    panel._may_stop = lambda: True
    panel.close()
    panel.deleteLater()


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory):
    """One panel and one worker for most tests, as for a day's work."""
    made = make_panel(tmp_path_factory.mktemp("panel"))
    yield made
    end(made)


@pytest.fixture
def panel(long_lived):
    """The panel with nothing open."""
    long_lived.session.take(RelightJob(RelightParameters()))
    qt.until(lambda: not long_lived.client.busy(), "the worker to be idle")
    return long_lived


class Watch:
    """The latest picture of each stage, the facts it came with, and how many came."""

    def __init__(self, panel: Panel) -> None:
        self.pictures: dict[str, QImage] = {}
        self.frames: list[int] = []
        self.count = 0
        panel.session.pictureReady.connect(self._take)

    def _take(self, stage: str, image: QImage, facts: dict[str, object]) -> None:
        self.pictures[stage], self.count = image, self.count + 1
        self.frames.append(int(str(facts["frame"])))


def sides(image: QImage) -> tuple[float, float]:
    """Mean lightness of the left and the right half."""
    small = image.scaled(16, 16, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    rows = [[small.pixelColor(x, y).lightnessF() for x in range(16)] for y in range(16)]
    return sum(sum(row[:8]) for row in rows) / 128, sum(sum(row[8:]) for row in rows) / 128


def load(panel: Panel, shot: Shot) -> Watch:
    """Open a shot as an artist does, and wait for it to be relit."""
    watch = Watch(panel)
    panel.open(str(shot.plate_frame(1002)))
    for name, value in QUICK.items():
        panel.session.set(name, value)
    panel.inputs["source_env"].setPath(shot.env_a)
    panel.inputs["env"].setPath(shot.env_b)
    qt.until(lambda: "relit" in watch.pictures and not panel.client.busy(), "a relit picture")
    return watch
