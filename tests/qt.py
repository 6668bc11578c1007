"""Qt without a screen: one application for all tests, and waiting that lets it work."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the panel is optional: pip install 'relamp[panel]'")

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from wait import wait_until

APPLICATION = QApplication.instance() or QApplication(["tests"])


def until(condition: Callable[[], object], what: str = "", timeout: float = 60.0) -> None:
    """Let Qt work until `condition()` holds."""

    def worked() -> object:
        QCoreApplication.processEvents()
        return condition()

    wait_until(worked, what, timeout)


def drag(widget: QWidget, start: QPoint, end: QPoint, steps: int = 4) -> None:
    """Press, move in a few steps, and let go."""
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in range(1, steps + 1):
        QTest.mouseMove(widget, start + (end - start) * step / steps)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
