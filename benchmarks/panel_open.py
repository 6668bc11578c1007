"""How long the panel takes to open, and to show a relit plate: python benchmarks/panel_open.py

Ten times in a fresh process, offscreen where there is no display; median and worst in milliseconds. Usable is when the window
is drawn and takes input; relit is when the example plate, given on the command line, stands in a new light: its worker starts
beside the window.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ONCE = """
import json, sys, time
begun = float(sys.argv[1])
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from relamp.ui.panel import Panel
taken, settings = {}, QSettings(sys.argv[2], QSettings.Format.IniFormat)
application = QApplication([])
application.setStyle("Fusion")
panel = Panel(sys.executable, settings)
panel.open(sys.argv[3])
panel.inputs["env"].setPath(sys.argv[4])
panel.show()
application.processEvents()
def tell(name):
    taken.setdefault(name, 1000 * (time.time() - begun))
    if name == "relit":
        print(json.dumps(taken))
        panel.close()
        application.quit()
tell("usable")
panel.session.pictureReady.connect(lambda stage, image, facts: tell(stage))
application.exec()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    taken = [_once() for _ in range(options.times)]
    for name in ("usable", "relit"):
        values = [one[name] for one in taken]
        print(f"{name:10}{statistics.median(values):8.0f} ms, worst {max(values):.0f}")


def _once() -> dict[str, float]:
    environment = dict(os.environ)
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        files = (EXAMPLES / "plate" / "plate.1001.exr", EXAMPLES / "environments" / "low_sun.exr")
        command = [sys.executable, "-c", ONCE, str(time.time()), str(Path(folder, "panel.ini")), *map(str, files)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
