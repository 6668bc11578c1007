"""The display and view a picture is looked at through: a menu of what the colour config has. For looking only."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

BESIDE_NAME = 32  # px of the button that its name does not take: the arrow and the margins


class ViewMenu(QToolButton):
    """`value` is (display, view); (None, None) before the config is known."""

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._displays: dict[str, list[str]] = {}
        self._value: tuple[str | None, str | None] = (None, None)
        self._name = ""
        self.setAccessibleName("display and view")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # a long name is shortened
        self.setMinimumWidth(64)
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self._group = QActionGroup(self)
        self.setConfig([], "")

    def value(self) -> tuple[str | None, str | None]:
        """The display and the view."""
        return self._value

    def setValue(self, display: str | None, view: str | None) -> None:
        """Choose another view; one that the config does not have is ignored."""
        if display is None or view not in self._displays.get(display, ()) or (display, view) == self._value:
            return
        self._value = (display, view)
        self._show()
        self.valueChanged.emit(self._value)

    def setConfig(self, displays: list[dict[str, Any]], config: str) -> None:
        """Show the views of a config, defaults first. The view is kept where the config has it, else it is the default."""
        self._displays = {entry["name"]: entry["views"] for entry in displays}
        self.setEnabled(bool(displays))
        self.setToolTip(
            f"Choose the display and view of the viewer; rendered frames do not change. Config: {config}"
            if config
            else "Choose the display and view of the viewer"
        )
        display, view = self._value
        if display is None or view not in self._displays.get(display, ()):
            found = next(((name, views[0]) for name, views in self._displays.items() if views), (None, None))
            first = self._value == (None, None)  # pictures are seen through the default already
            self._value = found
            if not first:
                self.valueChanged.emit(found)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._show_name()
        super().resizeEvent(event)

    def _show_name(self) -> None:
        room = self.width() - BESIDE_NAME
        self.setText(self.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideRight, room))

    def _show(self) -> None:
        display, view = self._value
        self._name = view.partition(" (")[0] if view else "view"
        self._show_name()
        self._menu.clear()
        for child in self._menu.findChildren(QMenu):  # clearing leaves them
            child.deleteLater()
        for name, views in self._displays.items():
            self._menu.addSection(name) if len(self._displays) == 1 else None
            menu = self._menu if len(self._displays) == 1 else self._menu.addMenu(name)
            for other in views:
                action = menu.addAction(other, lambda name=name, other=other: self.setValue(name, other))
                action.setCheckable(True)
                action.setChecked((name, other) == (display, view))
                self._group.addAction(action)
