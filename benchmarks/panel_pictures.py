"""Makes the pictures of the panel in README: python benchmarks/panel_pictures.py [--out docs]

Opens the example shot in a real panel with a real worker, offscreen where there is no display, does what an artist does, and
grabs the window. Some two minutes of two cores.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZE = (1280, 720)
LONGEST = 180.0  # s that anything may take


def main() -> int:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out: Path = parser.parse_args().out
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from relamp.ui import theme
    from relamp.ui.panel import Panel

    application = QApplication(sys.argv[:1])
    theme.apply(application)
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder) / "panel.ini"), QSettings.Format.IniFormat)
        panel = Panel(sys.executable, settings)
        panel.resize(*SIZE)
        panel.show()
        try:
            _work(panel, out)
        finally:
            panel.shutDown()
    return 0


def _work(panel, out: Path) -> None:
    """What an artist does, with a picture of each step."""
    seen: list[str] = []
    panel.session.pictureReady.connect(lambda stage, *_: seen.append(stage))
    _until(lambda: panel.words_line.chips)
    panel.start.example.click()
    _until(lambda: "relit" in seen and not panel.client.busy())
    panel.viewer.keepSnapshot()
    panel.words_line.append("golden hour from the left, cool sky")
    _until(lambda: not panel.client.busy())
    panel.viewer.snapshots.cell("A").compare.click()
    _until(lambda: not panel.client.busy())
    _grab(panel, out / "panel_compare.jpg")
    panel.viewer.snapshots.cell("A").compare.click()
    panel.words_line.setText("")
    panel.session.set("prompt", "")
    panel.lights.three.click()
    panel.showTab("Lights")
    panel.rig.set(0, stops=0.5, kelvin=3200.0)
    panel.rig.set(2, stops=2.0, kelvin=9000.0)
    panel.rig.select(0)
    _until(lambda: not panel.client.busy())
    _grab(panel, out / "panel_lights.jpg")
    panel.showTab("Passes")
    panel.viewer.showStage("normals")
    _until(lambda: "normals" in seen and not panel.client.busy())
    _grab(panel, out / "panel_passes.jpg")
    panel.showLibrary()
    _until(lambda: not panel.client.busy())
    _grab(panel.library, out / "panel_library.jpg")


def _until(condition: Callable[[], object]) -> None:
    """Let Qt work until a condition holds, and a moment longer."""
    from PySide6.QtCore import QCoreApplication

    end, settled = time.monotonic() + LONGEST, 0
    while settled < 20:
        QCoreApplication.processEvents()
        settled = settled + 1 if condition() else 0
        if time.monotonic() > end:
            raise SystemExit("the panel did not get there in time")
        time.sleep(0.01)


def _grab(widget, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(file), "JPG", 88):
        raise SystemExit(f"{file} cannot be written")
    print(file)


if __name__ == "__main__":
    sys.exit(main())
