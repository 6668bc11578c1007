"""The viewer: the picture with its controls, and the frames under it. Nothing here changes a job."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QImage, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .plate_view import PlateView
from .playback import FPS, Playback
from .session import LAYERS, QUICK, STAGES, Session
from .timeline import Timeline
from .view_menu import ViewMenu

STEPS = (QUICK, 1440, 1920, 2880)  # px of the longer side: a picture is asked for in one of these, or whole
_TIPS = {
    "relit": "The plate in the new light",
    "plate": "The plate as it was shot",
    "ratio": "What the plate is multiplied with; 1 is middle grey",
    "hint": "The analytic part of the ratio; 1 is middle grey",
    "normals": "The shape that is lit, X Y Z as red green blue",
    "proxy": "What a network sees of the plate",
    "albedo": "The plate without its light; needs a source env",
    "irradiance": "The new light on a white matte surface",
    "visibility": "The share of the new light that reaches each point; black is shadow",
    "shadow": "The share of the new light that the ground still gets beside the subject",
    "rest": "The light that is no lamp's",
}


class Viewer(QWidget):
    """Shows the pictures of a session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._facts: dict[str, Any] = {}
        self.view = PlateView(self)
        self.stage = QComboBox(self)
        self.views = ViewMenu(self)
        self.timeline = Timeline(self)
        self.playback = Playback(session, self.timeline, self)
        self.frame = QSpinBox(self)
        self.values = QLabel(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(self._bar())
        box.addWidget(self.view, 1)
        box.addLayout(self._frames_line())
        self._connect()
        self.setLamps(0)

    def setLamps(self, count: int) -> None:
        """How many lamps there are layers of to look at."""
        stages = [*STAGES, *LAYERS, *(f"lamp{number}" for number in range(1, count + 1)), *(["rest"] if count else [])]
        current = self.stage.currentText()
        with QSignalBlocker(self.stage):
            self.stage.clear()
            self.stage.addItems(stages)
            for index, name in enumerate(stages):
                self.stage.setItemData(index, _TIPS.get(name, ""), Qt.ItemDataRole.ToolTipRole)
            self.stage.setCurrentText(current if current in stages else STAGES[0])
        if self.stage.currentText() != current and current:
            self._session.setStage(self.stage.currentText())

    def _bar(self) -> QHBoxLayout:
        self.stage.setAccessibleName("stage")
        self.stage.setToolTip("What is shown")
        self.stage.setMinimumWidth(96)
        self.stage.setMaxVisibleItems(30)
        self.exposure = QDoubleSpinBox(self)
        self.exposure.setRange(-10, 10)
        self.exposure.setSingleStep(0.5)
        self.exposure.setDecimals(1)
        self.exposure.setSuffix(" stops")
        self.exposure.setFixedWidth(74)
        self.exposure.setAccessibleName("exposure of the view")
        self.exposure.setToolTip("Brightens the view; changes no frame")
        self.wipe = _button(self, "Wipe", "Before on the left, after on the right (W)")
        self.wipe.setCheckable(True)
        fit, one = _button(self, "Fit", "The whole picture (F)"), _button(self, "1:1", "Pixel for pixel (1)")
        fit.clicked.connect(self.view.fit)
        one.clicked.connect(lambda: self.view.setZoom(1.0, QPointF(self.view.rect().center())))
        self._zoom, self._about = QLabel(self), _Elided(self)
        self._zoom.setMinimumWidth(40)
        for label in (self._zoom, self._about):
            label.setProperty("role", "quiet")
        bar = QHBoxLayout()
        bar.setSpacing(6)
        for widget in (self.stage, self.exposure, self.views, self.wipe, fit, one, self._zoom):
            bar.addWidget(widget)
        bar.addWidget(self._about, 1)
        return bar

    def _frames_line(self) -> QHBoxLayout:
        self.play = _button(self, "▶", "Play: frames that are worked out play in time (Space)")
        self.play.setCheckable(True)
        self.play.setFixedWidth(30)
        self.frame.setKeyboardTracking(False)
        self.frame.setAccessibleName("frame")
        self.frame.setFixedWidth(64)
        self.frame.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        fps = QSpinBox(self)
        fps.setRange(1, 120)
        fps.setValue(round(FPS))
        fps.setSuffix(" fps")
        fps.setFixedWidth(60)
        fps.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        fps.setAccessibleName("frames a second")
        fps.valueChanged.connect(self.playback.setFps)
        for widget in (self.play, self.frame, self.timeline):
            widget.setEnabled(False)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.play)
        line.addWidget(self.frame)
        line.addWidget(self.timeline, 1)
        line.addWidget(fps)
        return line

    def _connect(self) -> None:
        session, view = self._session, self.view
        self.stage.currentTextChanged.connect(session.setStage)
        self.exposure.valueChanged.connect(session.setViewExposure)
        self.views.valueChanged.connect(lambda value: session.setView(*value))
        self.wipe.toggled.connect(view.setWiping)
        view.wipeToggled.connect(self.wipe.setChecked)
        view.wipeToggled.connect(session.setWantsBefore)
        view.zoomChanged.connect(self._zoomed)
        view.pointed.connect(session.askValues)
        view.left.connect(self.values.clear)
        self.timeline.valueChanged.connect(self._go_to)
        self.frame.valueChanged.connect(self.timeline.setValue)
        self.frame.editingFinished.connect(lambda: self.frame.setValue(self.timeline.value()))
        self.play.toggled.connect(self.playback.setPlaying)
        self.playback.playingChanged.connect(self._played)
        session.pictureReady.connect(self._show)
        session.pictureFailed.connect(view.setMessage)
        session.beforeReady.connect(view.setBefore)
        session.valuesReady.connect(self._show_values)
        session.framesChanged.connect(self._frames_changed)
        session.cachedChanged.connect(self.timeline.setCached)
        session.displaysReady.connect(lambda facts: self.views.setConfig(facts["displays"], facts["config"]))
        for key, act in (
            (Qt.Key.Key_Left, lambda: self.timeline.setValue(self.timeline.step(-1))),
            (Qt.Key.Key_Right, lambda: self.timeline.setValue(self.timeline.step(1))),
            (Qt.Key.Key_Home, lambda: self.timeline.setValue(min(self.timeline.frames(), default=0))),
            (Qt.Key.Key_End, lambda: self.timeline.setValue(max(self.timeline.frames(), default=0))),
            (Qt.Key.Key_Space, self.play.toggle),
        ):
            QShortcut(QKeySequence(key), view, act).setContext(Qt.ShortcutContext.WidgetShortcut)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._size_changed()

    def _show(self, stage: str, image: QImage, facts: dict[str, Any]) -> None:
        if image.isNull():
            return
        first = self.view.picture().isNull()
        self._facts = facts
        self.view.setPicture(image, QSize(facts["full_width"], facts["full_height"]), facts["pixel_aspect"])
        self._about.setText(f"{facts['full_width']} x {facts['full_height']}  ·  {facts['colorspace']}")
        self._about.setToolTip(f"{stage}, {self._about.text()}")
        if first:
            self._size_changed()

    def _show_values(self, values: list[str]) -> None:
        if values:
            words = [f"{letter} {float(value):.4f}" for letter, value in zip("RGB", values, strict=False)]
            self.values.setText("   ".join(words))
        else:
            self.values.clear()

    def _frames_changed(self, frames: tuple[int, ...], frame: int) -> None:
        with QSignalBlocker(self.timeline):
            self.timeline.setFrames(frames)
            self.timeline.setValue(frame)
        with QSignalBlocker(self.frame):
            self.frame.setRange(frames[0], frames[-1])
            self.frame.setValue(frame)
        for widget in (self.play, self.frame):
            widget.setEnabled(len(frames) > 1)

    def _go_to(self, frame: int) -> None:
        with QSignalBlocker(self.frame):
            self.frame.setValue(frame)
        self._session.setFrame(frame)

    def _played(self, on: bool) -> None:
        self.play.setText("❚❚" if on else "▶")
        with QSignalBlocker(self.play):
            self.play.setChecked(on)

    def _zoomed(self, zoom: float) -> None:
        self._zoom.setText(f"{100 * zoom:.0f} %")
        self._size_changed()

    def _size_changed(self) -> None:
        """Request as many pixels as the screen shows, in a few steps so that small changes request nothing."""
        longer = max(self._facts.get("full_width", QUICK), self._facts.get("full_height", QUICK))
        needed = longer * min(self.view.zoom(), 1.0)
        steps = [size for size in STEPS if size < longer]
        self._session.setViewSize(next((size for size in steps if size >= needed), 0 if steps else QUICK))


class _Elided(QLabel):
    """A line that ends in dots where there is no room for all of it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()


def _button(parent: QWidget, text: str, tip: str) -> QToolButton:
    made = QToolButton(parent)
    made.setText(text)
    made.setToolTip(tip)
    return made
