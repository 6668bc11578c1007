"""Presets of light: places for the main lamp around the subject, and lights that an artist stored under a name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QInputDialog, QMenu, QToolButton, QWidget

# Where the strongest lamp comes to stand, as a place u in a map that is not turned (`env_dial.MARKS`).
PLACES = (
    ("front", 0.5),
    ("key from the left", 0.625),
    ("key from the right", 0.375),
    ("side, left", 0.75),
    ("side, right", 0.25),
    ("rim from the left", 0.875),
    ("rim from the right", 0.125),
    ("from behind", 0.0),
)
KEPT = "lights"


@dataclass(frozen=True)
class KeptLight:
    """A stored light: its map, its turn about X, Y and Z in degrees, and its exposure in stops."""

    name: str
    env: str
    rotate: tuple[float, float, float]
    exposure: float


class LightPresets(QToolButton):
    """A menu of lights."""

    placed = Signal(float)
    """The strongest lamp is to stand at u, 0 to 1."""
    chosen = Signal(object)
    """A `KeptLight`."""

    def __init__(
        self, settings: QSettings, current: Callable[[], KeptLight | None], parent: QWidget | None = None
    ) -> None:
        """`current` gives the light that would be stored, None when there is none."""
        super().__init__(parent)
        self._settings, self._current = settings, current
        self._has_lamp = False
        self.setText("Presets")
        self.setToolTip("Turn the light so that its main lamp is at a usual place, or return to a light that you kept")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)

    def setHasLamp(self, there: bool) -> None:
        """Whether there is a lamp to place."""
        self._has_lamp = there

    def lights(self) -> list[KeptLight]:
        """The stored lights, by name."""
        try:
            kept = json.loads(str(self._settings.value(KEPT, "[]")))
            found = [KeptLight(k["name"], k["env"], tuple(k["rotate"]), float(k["exposure"])) for k in kept]
        except (KeyError, TypeError, ValueError):
            return []  # written by another program, and not a list of lights
        return sorted((light for light in found if len(light.rotate) == 3), key=lambda light: light.name.lower())

    def keep(self, name: str) -> None:
        """Store the current light under a name, in place of another of that name."""
        current = self._current()
        if current is None or not name.strip():
            return
        kept = KeptLight(name.strip(), current.env, current.rotate, current.exposure)
        self._store([*(light for light in self.lights() if light.name != kept.name), kept])

    def forget(self, name: str) -> None:
        """Remove a stored light."""
        self._store([light for light in self.lights() if light.name != name])

    def _store(self, lights: list[KeptLight]) -> None:
        self._settings.setValue(KEPT, json.dumps([asdict(light) for light in lights]))

    def _fill(self) -> None:
        menu = self._menu
        menu.clear()
        for child in menu.findChildren(QMenu):  # clearing leaves them
            child.deleteLater()
        places = menu.addMenu("Main lamp")
        places.setEnabled(self._has_lamp)
        for name, u in PLACES:
            places.addAction(name, lambda u=u: self.placed.emit(u))
        menu.addSeparator()
        lights = self.lights()
        for light in lights:
            menu.addAction(light.name, lambda light=light: self.chosen.emit(light)).setToolTip(light.env)
        if lights:
            menu.addSeparator()
        menu.addAction("Keep this light …", self._ask_name).setEnabled(self._current() is not None)
        forget: Any = menu.addMenu("Forget")
        forget.setEnabled(bool(lights))
        for light in lights:
            forget.addAction(light.name, lambda name=light.name: self.forget(name))

    def _ask_name(self) -> None:
        name, given = QInputDialog.getText(self, "Keep this light", "Name")
        if given:
            self.keep(name)
