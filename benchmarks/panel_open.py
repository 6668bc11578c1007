"""How long the panel takes to open, and to show a relit HD plate: python benchmarks/panel_open.py [--out FILE]

Ten times in a fresh process, offscreen where there is no display; median and worst in milliseconds. Usable is when the window
is drawn and takes input; relit is when an HD plate, given on the command line, stands in a new light: its worker starts
beside the window. The processor time is that of the panel and its worker.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from preview_latency import HEIGHT, WIDTH, hd_shot
from report import Report

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
    parser.add_argument("--out", type=Path, help="write the page here, too")
    options = parser.parse_args()
    say = Report(options.out)
    say(f"A plate of {WIDTH} x {HEIGHT}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.\n")
    with tempfile.TemporaryDirectory() as folder:
        shot = hd_shot(Path(folder), 1)
        taken = [_once(Path(folder), shot) for _ in range(options.times)]
    say("| what | median, ms | worst, ms |\n| --- | ---: | ---: |")
    for name in ("usable", "relit", "processor"):
        values = [one[name] for one in taken]
        say(f"| {name} | {statistics.median(values):.0f} | {max(values):.0f} |")


def _once(folder: Path, shot: dict[str, str]) -> dict[str, float]:
    environment = dict(os.environ)
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    files = (shot["plate"].replace("####", "0001"), shot["env"])
    command = [sys.executable, "-c", ONCE, str(time.time()), str(folder / "panel.ini"), *files]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout.splitlines()[-1]), "processor": 1000 * processor}


if __name__ == "__main__":
    main()
