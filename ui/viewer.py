"""The viewer: the picture with its controls, and the frames under it. Nothing here changes a job."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QImage, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .contact_sheet import ContactSheet
from .ground_overlay import GroundOverlay
from .light_overlay import LightOverlay
from .look import Snapshot
from .overlays import Overlays
from .plate_view import PlateView
from .playback import FPS, Playback
from .sections import in_panel_words
from .session import LAYERS, QUICK, STAGES, WITHOUT_LIGHT, Session
from .snapshots import Snapshots
from .timeline import Timeline
from .view_menu import ViewMenu

STEPS = (QUICK, 1440, 1920, 2880)  # px of the longer side: a picture is asked for in one of these, or whole
NAMES = {"hint": "analytic ratio", "proxy": "network input", "base": "given albedo"}
"""What stages are called, where it is not their own name."""
_TIPS = {
    "relit": "The plate in the new light",
    "plate": "The plate as it was shot",
    "ratio": "The factor that the plate is multiplied by; a factor of 1 is middle grey",
    "hint": "The ratio before the network changes it; a factor of 1 is middle grey",
    "matte": "Where the light changes",
    "normals": "The normals that are lit, with X, Y and Z as red, green and blue",
    "depth": "The depth that is given; near is bright",
    "base": "The albedo that is given",
    "roughness": "The roughness that is given; white is rough",
    "metallic": "Where surfaces are given as metal",
    "proxy": "The picture of the plate that the network receives",
    "albedo": "The plate without its light; exact only where the plate's light is given",
    "irradiance": "The new light that falls on each surface, as a white matte surface shows it",
    "visibility": "The share of the new light that reaches each point; black is shadow",
    "shadow": "The share of the new light that the ground still gets beside the subject",
    "rest": "The relit plate without the lamps",
}


class Viewer(QWidget):
    """Shows the pictures of a session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._facts: dict[str, Any] = {}
        self._shown, self._awaited = "", ""
        self._lights: LightOverlay | None = None
        self._ground: GroundOverlay | None = None
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
        self.snapshots = Snapshots(self)
        box.addWidget(self.snapshots)
        box.addLayout(self._frames_line())
        self._connect()
        self.setLamps(0)

    def setOverlays(self, lights: LightOverlay, ground: GroundOverlay) -> None:
        """Draw lights and the ground over the picture."""
        self._lights, self._ground = lights, ground
        self.view.setOverlay(Overlays(ground, lights))
        for overlay in (lights, ground):
            overlay.changed.connect(self.view.update)

    def keepSnapshot(self) -> None:
        """Keep the look that is shown."""
        if not self.view.picture().isNull() and self._session.frame is not None:
            self.snapshots.keep(self._session.job, self._session.frame, self.view.picture())

    def showSheet(self) -> ContactSheet | None:
        """Open a contact sheet of the shot; None where there is no plate yet."""
        frames = self.timeline.frames()
        if not frames:
            return None
        sheet = ContactSheet(self._session, tuple(frames), self)
        sheet.show()
        return sheet

    def _compare(self, snapshot: Snapshot | None) -> None:
        self.view.setSides(*(("before", "after") if snapshot is None else (snapshot.name, "now")))
        self._session.setCompared(snapshot)
        self.view.setWiping(snapshot is not None)

    def showStage(self, stage: str) -> None:
        """Show a stage, as if it was chosen."""
        self.stage.setCurrentIndex(self.stage.findData(stage))

    def setLamps(self, count: int, names: tuple[str, ...] = ()) -> None:
        """How many lamps there are layers of to look at; `names` are those of a rig's lights, which come first."""
        called = {f"lamp{number}": f"light: {name}" for number, name in enumerate(names, 1)}
        stages = [*STAGES, *LAYERS, *(f"lamp{number}" for number in range(1, count + 1)), *(["rest"] if count else [])]
        current = self.stage.currentData()
        with QSignalBlocker(self.stage):
            self.stage.clear()
            for index, name in enumerate(stages):
                self.stage.addItem(called.get(name) or NAMES.get(name, name), name)
                self.stage.setItemData(index, _TIPS.get(name, ""), Qt.ItemDataRole.ToolTipRole)
            self.stage.setCurrentIndex(stages.index(current) if current in stages else 0)
        if current and self.stage.currentData() != current:
            self._session.setStage(self.stage.currentData())

    def _bar(self) -> QHBoxLayout:
        self.stage.setAccessibleName("stage")
        self.stage.setToolTip("Choose which picture is shown")
        self.stage.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.stage.setMinimumWidth(76)
        self.stage.setMaxVisibleItems(30)
        self.exposure = QDoubleSpinBox(self)
        self.exposure.setRange(-10, 10)
        self.exposure.setSingleStep(0.5)
        self.exposure.setDecimals(1)
        self.exposure.setSuffix(" stops")
        self.exposure.setFixedWidth(70)
        self.exposure.setAccessibleName("exposure of the view")
        self.exposure.setToolTip("Brightens or dims the view; rendered frames do not change")
        self.wipe = _button(
            self, "Wipe", "Show the plate on the left of a line and the relight on its right; drag the line (W)"
        )
        self.wipe.setCheckable(True)
        self.zoom = _button(self, "100 %", "Choose how large the picture is shown; the mouse wheel zooms, too")
        self.zoom.setAccessibleName("zoom")
        self.zoom.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.zoom.setMinimumWidth(64)
        sizes = QMenu(self.zoom)
        sizes.addAction("the whole picture (F)", self.view.fit)
        for text, zoom in (("50 %", 0.5), ("pixel for pixel (1)", 1.0), ("200 %", 2.0), ("400 %", 4.0)):
            sizes.addAction(text, lambda zoom=zoom: self.view.setZoom(zoom))
        self.zoom.setMenu(sizes)
        self.full = _button(self, "Full", "Compute this frame at the plate's own size, as the render does (R)")
        self.full.setCheckable(True)
        self.full.toggled.connect(lambda on: self._size_changed())
        bar = QHBoxLayout()
        bar.setSpacing(4)
        for widget in (self.stage, self.exposure):
            bar.addWidget(widget)
        bar.addWidget(self.views, 4)
        for widget in (self.wipe, self.zoom, self.full):
            bar.addWidget(widget)
        bar.addStretch(2)
        return bar

    def _frames_line(self) -> QHBoxLayout:
        self.play = _button(self, "▶", "Play the shot; frames that are already computed play at full speed (Space)")
        self.play.setCheckable(True)
        self.play.setFixedWidth(30)
        self.frame.setKeyboardTracking(False)
        self.frame.setAccessibleName("frame")
        self.frame.setFixedWidth(64)
        self.frame.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.keep = _button(self, "Snapshot", "Keep this look, so that you can return to it or compare with it (S)")
        self.keep.clicked.connect(self.keepSnapshot)
        self.sheet = _button(self, "Sheet", "Show frames of the whole shot, each as plate and as relight")
        self.sheet.clicked.connect(self.showSheet)
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
        for widget in (fps, self.keep, self.sheet):
            line.addWidget(widget)
        return line

    def _connect(self) -> None:
        session, view = self._session, self.view
        self.stage.currentIndexChanged.connect(lambda index: session.setStage(self.stage.itemData(index)))
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
        self.snapshots.chosen.connect(lambda snapshot: session.take(snapshot.job))
        self.snapshots.compared.connect(self._compare)
        session.workingChanged.connect(self._working)
        session.pictureFailed.connect(lambda sentence: view.setMessage(in_panel_words(sentence)))
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
            (Qt.Key.Key_R, self.full.toggle),
            (Qt.Key.Key_S, self.keepSnapshot),
        ):
            QShortcut(QKeySequence(key), view, act).setContext(Qt.ShortcutContext.WidgetShortcut)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._size_changed()

    def _show(self, stage: str, image: QImage, facts: dict[str, Any]) -> None:
        if image.isNull():
            return
        first = self.view.picture().isNull()
        self._facts, self._shown = facts, stage
        self.view.setTag(self._tag(stage, facts))
        if self._lights is not None and self._ground is not None:
            self._lights.setPlate(facts["full_width"], facts["full_height"], facts["distance"], facts["fov"])
            self._lights.setCamera(facts["rotation"], facts["position"])
            self._ground.setDistance(facts["distance"])
        if stage == self._awaited:
            self.view.setBusy("")
        self.view.setPicture(image, QSize(facts["full_width"], facts["full_height"]), facts["pixel_aspect"])
        if first:
            self._size_changed()

    def _tag(self, stage: str, facts: dict[str, Any]) -> str:
        """What the picture is: of which stage, and whether the render's or a smaller preview of it."""
        if stage == "result":
            return "rendered"
        if stage in WITHOUT_LIGHT:
            return NAMES.get(stage, stage)
        name = NAMES.get(stage, stage)
        if not facts["exact"]:
            return f"{name}, preview at {max(facts['width'], facts['height'])} px"
        late = ", before deflicker" if self._session.job.parameters.deflicker else ""
        return f"{name}, full size{late}"

    def _working(self, stage: str) -> None:
        """Show that a picture is being worked out: over the whole view as long as another kind of picture is in it."""
        self._awaited = stage
        if not stage:
            self.view.setBusy("")
        elif self._shown == stage and not self.view.picture().isNull():
            self.view.setBusy("working", small=True)
        else:
            self.view.setBusy(f"Working out the picture: {NAMES.get(stage, stage)}")

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
        self.zoom.setText(f"{100 * zoom:.0f} %")
        self._size_changed()

    def _size_changed(self) -> None:
        """Request as many pixels as the screen shows, in a few steps so that small changes request nothing."""
        if self.full.isChecked():
            self._session.setViewSize(0)
            return
        longer = max(self._facts.get("full_width", QUICK), self._facts.get("full_height", QUICK))
        needed = longer * min(self.view.zoom(), 1.0)
        steps = [size for size in STEPS if size < longer]
        self._session.setViewSize(next((size for size in steps if size >= needed), 0 if steps else QUICK))


def _button(parent: QWidget, text: str, tip: str) -> QToolButton:
    made = QToolButton(parent)
    made.setText(text)
    made.setToolTip(tip)
    made.setProperty("tight", "true")
    return made
