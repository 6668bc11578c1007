"""The lights of the job's rig as the panel edits them.

A rig is a file, so that a render, a farm and another program read the same lights. Every change writes a new file in a folder
of the panel's own, named by what it holds, and the job points to it: undo brings the old file back, and a render that waits keeps
the lights it was queued with. Saving the job puts the rig beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from ..core import plain_json, rig_library
from ..core.atomic import replacing
from ..core.errors import RelampError
from .session import Session

SCHEMA = "relamp.rig/1"
TOGETHER = 25  # ms: changes of one drag that are written as one file
KEPT_DAYS = 30  # for which files of rigs that nobody saved are kept
Light = dict[str, Any]
"""A light as a rig file holds it (docs/rig.md)."""


class RigEditor(QObject):
    """The lights, which of them is selected, and their changes."""

    changed = Signal()
    """Other lights, other values, or another selection."""
    refused = Signal(str)
    """A rig that cannot be used: a sentence."""

    def __init__(self, session: Session, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._folder = session, folder
        self._lights: list[Light] = []
        self._space, self._selected, self._step = "camera", -1, ""
        self.facts: list[dict[str, Any]] = []
        self._written: str | None = None
        self._distance: float | None = None
        self._rotation, self._position = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0, 0.0, 0.0]
        self._timer = QTimer(self, singleShot=True, interval=TOGETHER)
        self._timer.timeout.connect(self.flush)
        session.parameterChanged.connect(self._parameter_changed)
        _forget_old(folder)

    def setDistance(self, distance: float | None) -> None:
        """How far the subject is, in the depth's unit; None where no depth says so."""
        self._distance = distance

    def setCamera(self, rotation: list[list[float]], position: list[float]) -> None:
        """The camera of the picture: three rows from its axes to the world's, and its place in the world."""
        if (rotation, position) != (self._rotation, self._position):
            self._rotation, self._position = rotation, position
            if self._space == "world":
                self.changed.emit()

    def seen(self, value: Sequence[float], point: bool) -> tuple[float, float, float]:
        """A direction, or a `point`, of the rig in the axes of the camera."""
        if self._space != "world":
            return (value[0], value[1], value[2])
        away = [v - p for v, p in zip(value, self._position, strict=True)] if point else value
        rows = self._rotation
        x, y, z = (sum(rows[row][column] * away[row] for row in range(3)) for column in range(3))
        return x, y, z

    def own(self, value: Sequence[float], point: bool) -> list[float]:
        """A direction, or a `point`, in the axes of the camera as one in those of the rig."""
        if self._space != "world":
            return [round(part, 4) for part in value]
        turned = [sum(part * v for part, v in zip(row, value, strict=True)) for row in self._rotation]
        return [round(part + (at if point else 0.0), 4) for part, at in zip(turned, self._position, strict=True)]

    def distance(self) -> float:
        """How far the subject is taken to be, in the unit of the rig's lengths."""
        return self._distance or -rig_library.MIDDLE[2]

    def lights(self) -> list[Light]:
        """The lights, in the rig's order. They are changed through the methods here alone."""
        return self._lights

    def selected(self) -> int:
        """The index of the selected light, -1 for none."""
        return self._selected

    def select(self, index: int) -> None:
        """Select a light."""
        index = index if 0 <= index < len(self._lights) else -1
        if index != self._selected:
            self._selected = index
            self.changed.emit()

    def add(self, preset: str) -> None:
        """Add the lights of a preset of the library, and select the first of them."""
        taken = [light["name"] for light in self._lights]
        self.append(self._owned(rig_library.lights_of(preset, (0.0, 0.0, -self.distance()), taken)))

    def _owned(self, lights: list[Light]) -> list[Light]:
        """Lights in the axes of the camera as lights in those of the rig."""
        return [
            light
            | {key: self.own(light[key], key == "position") for key in ("direction", "aim", "position") if key in light}
            for light in lights
        ]

    def append(self, lights: list[Light]) -> None:
        """Add lights at the end, and select the first of them."""
        first = len(self._lights)
        self._take([*self._lights, *deepcopy(lights)], f"add {time.monotonic()}")
        self.select(first)

    def addWords(self, words: str) -> None:
        """Add the lights that words describe, as in `warm rim from behind left`."""

        def ready(result: dict[str, Any]) -> None:
            self.append(self._owned(plain_json.loads(result["rig"])["lights"]))

        self._session.askRig({"words": words}, ready, lambda error: self.refused.emit(str(error)))

    def remove(self, index: int) -> None:
        """Remove a light."""
        left = [light for number, light in enumerate(self._lights) if number != index]
        self._take(left, f"remove {time.monotonic()}")
        self.select(min(self._selected, len(left) - 1))

    def duplicate(self, index: int) -> None:
        """Add a copy of a light under a name of its own."""
        copy = deepcopy(self._lights[index])
        names = {light["name"] for light in self._lights}
        copy["name"] = next(name for n in range(2, 100) if (name := f"{copy['name']} {n}") not in names)
        self.append([copy])

    def set(self, index: int, step: str = "", **values: Any) -> None:
        """Set values of a light; None takes one out, so that its default holds.

        Changes of one `step` that follow one another are undone together; without it those of the same values are.
        """
        light = {key: value for key, value in {**self._lights[index], **values}.items() if value is not None}
        if light != self._lights[index]:
            lights = list(self._lights)
            lights[index] = light
            self._take(lights, f"{index} {step or ','.join(sorted(values))}")

    def place(self, index: int, x: float, y: float, pixels: tuple[int, int]) -> None:
        """Put a light where it lights the spot at (x, y) of the picture, 0 to 1, of a plate of `pixels`.

        One that stands somewhere hangs before the spot from then on; a distant one shines on the surface there head on.
        """
        light = self._lights[index]
        if light["kind"] != "distant":
            here = [round(x * pixels[0], 1), round(y * pixels[1], 1)]
            out = light.get("out", round(0.15 * self.distance(), 4))
            self.set(index, "place", at=here, out=out, position=None)
        if light["kind"] == "sphere":
            return

        def ready(normal: list[float] | None) -> None:
            if normal is None or index >= len(self._lights) or self._lights[index]["name"] != light["name"]:
                return
            if light["kind"] == "distant":
                self.set(index, "place", direction=self.own(normal, point=False))
            else:
                self.set(index, "place", aim=self.own([-part for part in normal], point=False))

        self._session.askSurface(x, y, ready)

    def flush(self) -> None:
        """Write what was changed, and give it to the job."""
        self._timer.stop()
        text = json.dumps({"schema": SCHEMA, "space": self._space, "lights": self._lights}, indent=1) + "\n"
        file = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
        try:
            if self._lights and not file.is_file():
                with replacing(file, True) as temporary:
                    temporary.write_text(text, encoding="utf-8")
        except RelampError as error:
            self.refused.emit(str(error))
            return
        self._written = str(file) if self._lights else None
        self._session.set("rig", self._written, step=f"rig {self._step}")
        self._describe()

    def saveBeside(self, job: Path) -> None:
        """Write a rig of the panel's own folder beside a job file, and let the job point to it. Raises `OutputError`."""
        path = self._session.job.parameters.rig
        if self._timer.isActive():
            self.flush()
            path = self._session.job.parameters.rig
        if path is None or Path(path).parent != self._folder:
            return
        beside = job.with_name(f"{job.name.removesuffix('.json').removesuffix('.relamp')}.rig.json")
        text = Path(path).read_text(encoding="utf-8")
        with replacing(beside, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
        self._written = str(beside)
        self._session.set("rig", self._written, undoable=False)

    def _take(self, lights: list[Light], step: str) -> None:
        if step != self._step and self._timer.isActive():
            self.flush()  # what came before is a step of its own
        self._lights, self._step = lights, step
        self._timer.start()
        self.changed.emit()

    def _parameter_changed(self, name: str, value: Any) -> None:
        if name != "rig" or value == self._written:
            return
        self._timer.stop()
        self._written = value
        self._lights, self._space, self.facts = [], "camera", []
        if value:
            self._read(Path(value))
        self._selected = min(self._selected, len(self._lights) - 1)
        self.changed.emit()
        self._describe()

    def _read(self, file: Path) -> None:
        try:
            data = plain_json.loads(file.read_text(encoding="utf-8"))
            lights = [dict(light) for light in data["lights"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.refused.emit(f"{file} is not a rig that can be shown: {error}")
            return
        self._space = data.get("space", "camera")
        self._lights = [{"name": f"light {number}", **light} for number, light in enumerate(lights, 1)]

    def _describe(self) -> None:
        """Ask what the lights look like; a rig that the worker refuses is told."""
        if not self._lights:
            self.facts = []
            return
        text = json.dumps({"schema": SCHEMA, "space": self._space, "lights": self._lights})

        def ready(result: dict[str, Any]) -> None:
            self.facts = result["lights"]
            self.changed.emit()

        self._session.askRig({"rig": text}, ready, lambda error: self.refused.emit(str(error)))


def _forget_old(folder: Path) -> None:
    oldest = time.time() - 86400 * KEPT_DAYS
    with contextlib.suppress(OSError):
        for file in folder.glob("*.json"):
            if file.stat().st_mtime < oldest:
                file.unlink()
