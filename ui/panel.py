"""Relamp's panel: a shot, a light, a picture that follows it, and the render. `python -m relamp.ui.panel [JOB|PLATE]`.

The panel is a widget, so that a host can embed it; `main` puts it into a window of its own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import PySide6
from PySide6.QtCore import QByteArray, QPointF, QSettings, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication, QImage, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import RelampError, StoppedError, UsageError
from ..core.parameters import knob_of, knobs
from . import look
from .client import WorkerClient
from .command_line import command_line
from .input_row import InputRow
from .knob_form import KnobForm
from .light_box import LightBox
from .plate_view import PlateView
from .render_queue import RenderQueue
from .session import INPUTS, QUICK, STAGES, Session

JOB_FILES = "Relamp jobs (*.json);;All files (*)"
RECENT = 8
RENDER_KNOBS = ("out", "frames", "layers", "lamps", "compression", "data_type", "drop_layers", "skip_existing", "overwrite",
                "keep_going", "missing", "threads")  # fmt: skip
SHORTCUTS = (
    ("Ctrl+O", "open a job or a plate"),
    ("Ctrl+S", "save the job"),
    ("Ctrl+R", "render"),
    ("Ctrl+Shift+C", "copy as command line"),
    ("Left, Right", "previous, next frame, in the picture"),
    ("F", "fit the picture"),
    ("1", "pixel for pixel"),
    ("+, -, wheel", "zoom"),
    ("W", "wipe between before and after"),
    ("Left, Right on the light", "turn by a degree, with Shift by ten"),
)


class Panel(QWidget):
    """Everything an artist needs to relight a shot."""

    def __init__(
        self, python: str | None = None, settings: QSettings | None = None, parent: QWidget | None = None
    ) -> None:
        """`python` is that of the worker (`core.launch.find_python`); `settings` keeps recent files and the layout."""
        super().__init__(parent)
        self.setWindowTitle("Relamp")
        self._settings = settings or QSettings("relamp", "panel")
        self.client = WorkerClient(python, os.environ.get("OCIO"), self)
        self.session = Session(self.client, self)
        self._job_path = ""
        self._facts: dict[str, Any] = {}
        self.view = PlateView(self)
        self.light = LightBox(self)
        self.inputs = {name: InputRow(name.replace("_", " "), knob_of(name).help, self) for name in INPUTS}
        apart = {*INPUTS, *RENDER_KNOBS, "views", "create_dir", "multipart", "verify"}
        self.settings_form = KnobForm([name for name, _ in knobs() if name not in apart], self)
        self.render_form = KnobForm(RENDER_KNOBS, self)
        self.queue = RenderQueue(self)
        self._build()
        self._connect()
        self._restore()
        self.view.setMessage("Drop a plate here: a scene-linear EXR, or one frame of a sequence")

    def open(self, path: str) -> None:
        """Open a job file, or a plate."""
        if path.endswith(".json"):
            self.loadJob(path)
        else:
            self.inputs["plate"].setPath(path)

    def loadJob(self, path: str) -> None:
        """Take up a job file; what is wrong with it is said."""
        try:
            self.session.load(path)
        except RelampError as error:
            self.say(str(error), wrong=True)
            return
        self._remember(path)
        self.say(f"{path} is open")

    def saveJob(self, path: str) -> None:
        """Write the job; what is wrong is said."""
        try:
            self.session.save(path)
        except RelampError as error:
            self.say(str(error), wrong=True)
            return
        self._remember(path)
        self.say(f"saved as {path}")

    def renderJob(self) -> None:
        """Queue a render of the job as it stands."""
        try:
            self.session.job.require("plate", "env", "out")
        except RelampError as error:
            self.say(str(error), wrong=True)
            self._tabs.setCurrentIndex(1)
            return
        out = self.session.job.parameters.out or ""
        row = self.queue.add(Path(out).name)
        self._tabs.setCurrentIndex(1)

        def done(result: dict[str, Any]) -> None:
            row.finish(len(result["written"]), len(result["kept"]))
            self.say(f"{row.words() or out} is rendered")

        def failed(error: RelampError) -> None:
            row.fail(str(error), isinstance(error, StoppedError))
            self.say(str(error), wrong=not isinstance(error, StoppedError))

        call = self.session.render(row.advance, done, failed)
        row.cancelled.connect(lambda: self.session.cancel(call))
        row.opened.connect(lambda: self.session.showResult(out))

    def copyCommandLine(self) -> None:
        """Put the job on the clipboard as a command."""
        QGuiApplication.clipboard().setText(command_line(self.session.job.parameters))
        self.say("copied; paste it into a terminal")

    def say(self, sentence: str, wrong: bool = False) -> None:
        """Show a sentence at the bottom."""
        self._status.setText(sentence)
        self._status.setToolTip(sentence)
        self._status.setProperty("role", "wrong" if wrong else "quiet")
        self._status.style().unpolish(self._status)
        self._status.style().polish(self._status)

    def said(self) -> str:
        """The sentence at the bottom."""
        return self._status.text()

    def shutDown(self) -> None:
        """End the worker. A render in work keeps its finished frames."""
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("columns", self._columns.saveState())
        self.client.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.queue.busy() and not self._may_stop():
            event.ignore()
            return
        self.hide()  # the worker may take a moment, which nobody has to look at
        self.shutDown()
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._size_changed()

    def _may_stop(self) -> bool:
        """Asked by `closeEvent`; a test or a host may answer in the artist's place."""
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "Relamp", "A render is not finished. Stop it? The frames that are done are kept.",
            buttons.Yes | buttons.No,
        )  # fmt: skip
        return answer == buttons.Yes

    def _build(self) -> None:
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        self._columns.setChildrenCollapsible(False)
        self._columns.addWidget(self._left())
        self._columns.addWidget(self._middle())
        self._columns.addWidget(self._right())
        self._columns.setStretchFactor(1, 1)
        self._columns.setSizes([330, 860, 330])
        self._status = QLabel(self)
        self._status.setProperty("role", "quiet")
        self._status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status.setMinimumWidth(1)
        self._values = QLabel(self)
        self._values.setMinimumWidth(260)
        self._values.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._values.setToolTip("Linear light under the pointer, in the working space")
        foot = QHBoxLayout()
        foot.addWidget(self._status, 1)
        foot.addWidget(self._values)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 6)
        box.setSpacing(6)
        box.addWidget(self._columns, 1)
        box.addLayout(foot)

    def _left(self) -> QWidget:
        column = QWidget(self)
        box = QVBoxLayout(column)
        box.setContentsMargins(0, 0, 4, 0)
        box.addLayout(self._file_buttons())
        box.addWidget(_heading("Shot"))
        for name in ("plate", "matte", "normals", "background", "source_env"):
            box.addWidget(self.inputs[name])
        box.addWidget(_heading("New light"))
        box.addWidget(self.inputs["env"])
        box.addWidget(self.light)
        box.addStretch(1)
        return _scrolled(column, 300)

    def _file_buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self._recent = QMenu(self)
        self._recent.aboutToShow.connect(self._fill_recent)
        for text, tip, act in (
            ("Open", "Open a job or a plate (Ctrl+O)", self._choose_open),
            ("Save", "Save the job, as the command line takes it (Ctrl+S)", self._choose_save),
            ("Copy command", "Copy as command line (Ctrl+Shift+C)", self.copyCommandLine),
            ("?", "Keyboard shortcuts", self._show_shortcuts),
        ):
            button = QToolButton(self)
            button.setText(text)
            button.setToolTip(tip)
            button.clicked.connect(act)
            if text == "Open":
                button.setMenu(self._recent)
                button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
            line.addWidget(button)
        line.addStretch(1)
        return line

    def _middle(self) -> QWidget:
        column = QWidget(self)
        self.stage = QComboBox(self)
        self.stage.addItems(STAGES)
        self.stage.setAccessibleName("stage")
        self.stage.setToolTip("What is shown; gains are shown with 1 as middle grey")
        self._view_stops = QDoubleSpinBox(self)
        self._view_stops.setRange(-10, 10)
        self._view_stops.setSingleStep(0.5)
        self._view_stops.setDecimals(1)
        self._view_stops.setPrefix("view ")
        self._view_stops.setSuffix(" stops")
        self._view_stops.setToolTip("Brightens the view; changes no frame")
        self._wipe = QToolButton(self)
        self._wipe.setText("Wipe")
        self._wipe.setCheckable(True)
        self._wipe.setToolTip("Before on the left, after on the right (W)")
        fit, one = QToolButton(self), QToolButton(self)
        fit.setText("Fit")
        fit.clicked.connect(self.view.fit)
        one.setText("1:1")
        one.clicked.connect(lambda: self.view.setZoom(1.0, QPointF(self.view.rect().center())))
        self._zoom = QLabel(self)
        self._zoom.setProperty("role", "quiet")
        bar = QHBoxLayout()
        for widget in (self.stage, self._view_stops, self._wipe, fit, one, self._zoom):
            bar.addWidget(widget)
        bar.addStretch(1)
        self._about = QLabel(self)
        self._about.setProperty("role", "quiet")
        bar.addWidget(self._about)
        self.frame = QSpinBox(self)
        self.frame.setKeyboardTracking(False)
        self.frame.setAccessibleName("frame")
        self._scrub = QSlider(Qt.Orientation.Horizontal, self)
        self._scrub.setAccessibleName("scrub")
        for widget in (self.frame, self._scrub):
            widget.setRange(0, 0)
            widget.setEnabled(False)
        line = QHBoxLayout()
        line.addWidget(self.frame)
        line.addWidget(self._scrub, 1)
        box = QVBoxLayout(column)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(bar)
        box.addWidget(self.view, 1)
        box.addLayout(line)
        return column

    def _right(self) -> QWidget:
        self._tabs = QTabWidget(self)
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.addTab(_scrolled(self.settings_form, 300), "Settings")
        rendering = QWidget(self)
        box = QVBoxLayout(rendering)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.render_form)
        self.render_button = QPushButton("Render", self)
        self.render_button.setToolTip("Queue this job as it stands now (Ctrl+R)")
        box.addWidget(self.render_button)
        box.addWidget(self.queue, 1)
        self._tabs.addTab(rendering, "Render")
        return self._tabs

    def _connect(self) -> None:
        session = self.session
        for name, row in self.inputs.items():
            row.pathChanged.connect(lambda path, name=name: session.set(name, path))
        for form in (self.settings_form, self.render_form):
            form.valueChanged.connect(session.set)
            form.refused.connect(lambda sentence: self.say(sentence, wrong=True))
        self.light.rotateChanged.connect(lambda value: session.set("env_rotate", value))
        self.light.exposureChanged.connect(lambda value: session.set("env_exposure", value))
        self.stage.currentTextChanged.connect(session.setStage)
        self._view_stops.valueChanged.connect(session.setViewExposure)
        self._wipe.toggled.connect(self.view.setWiping)
        self.view.wipeToggled.connect(self._wipe.setChecked)
        self.view.zoomChanged.connect(self._zoomed)
        self.view.pointed.connect(session.askValues)
        self.view.left.connect(self._values.clear)
        self.frame.valueChanged.connect(self._go_to)
        self._scrub.valueChanged.connect(self._go_to)
        self.render_button.clicked.connect(self.renderJob)
        session.parameterChanged.connect(self._parameter_changed)
        session.inspected.connect(lambda name, facts: self.inputs[name].setSentence(facts["sentence"]))
        session.inputRefused.connect(self._input_refused)
        session.pictureReady.connect(self._show_picture)
        session.pictureFailed.connect(self.view.setMessage)
        session.beforeReady.connect(self.view.setBefore)
        session.environmentReady.connect(self.light.setEnvironment)
        session.ballsReady.connect(self.light.setBalls)
        session.valuesReady.connect(self._show_values)
        session.framesChanged.connect(self._frames_changed)
        session.said.connect(self.say)
        session.setBallSize(self.light.ballSize().height())
        for keys, act in (
            ("Ctrl+O", self._choose_open),
            ("Ctrl+S", self._choose_save),
            ("Ctrl+R", self.renderJob),
            ("Ctrl+Shift+C", self.copyCommandLine),
        ):
            QShortcut(QKeySequence(keys), self, act)
        for key, step in ((Qt.Key.Key_Left, -1), (Qt.Key.Key_Right, 1)):
            shortcut = QShortcut(QKeySequence(key), self.view, lambda step=step: self._go_to(self.frame.value() + step))
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: Any) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        paths = sorted(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
        if paths:
            event.acceptProposedAction()
            if paths[0].endswith(".hdr"):  # a plate is never one
                self.inputs["env"].setPath(paths[0])
            else:
                self.open(paths[0])

    def _parameter_changed(self, name: str, value: Any) -> None:
        if name in self.inputs:
            self.inputs[name].setPath(value or "")
        for form in (self.settings_form, self.render_form):
            if name in form.names():
                form.setValue(name, value)
        if name == "env_rotate":
            self.light.setRotate(value)
        elif name == "env_exposure":
            self.light.setExposure(value)

    def _input_refused(self, name: str, sentence: str) -> None:
        self.inputs[name].setSentence(sentence, wrong=True)
        self.say(sentence, wrong=True)
        if name == "plate":
            self.view.setMessage(sentence)

    def _show_picture(self, stage: str, image: QImage, facts: dict[str, Any]) -> None:
        if image.isNull():
            return
        first = self.view.picture().isNull()
        self._facts = facts
        self.view.setPicture(image, QSize(facts["full_width"], facts["full_height"]), facts["pixel_aspect"])
        self._about.setText(f"{stage}, {facts['full_width']} x {facts['full_height']}, {facts['colorspace']}")
        if first:
            self._size_changed()

    def _show_values(self, values: list[str]) -> None:
        words = [f"{letter} {float(value):.4f}" for letter, value in zip("RGB", values, strict=False)]
        self._values.setText("   ".join(words))

    def _frames_changed(self, first: int, last: int, frame: int) -> None:
        for widget in (self.frame, self._scrub):
            with QSignalBlocker(widget):
                widget.setRange(first, last)
                widget.setValue(frame)
            widget.setEnabled(last > first)

    def _go_to(self, frame: int) -> None:
        for widget in (self.frame, self._scrub):
            with QSignalBlocker(widget):
                widget.setValue(frame)
        self.session.setFrame(self.frame.value())

    def _zoomed(self, zoom: float) -> None:
        self._zoom.setText(f"{100 * zoom:.0f} %")
        self._size_changed()

    def _size_changed(self) -> None:
        """Ask for as many pixels as the screen shows, in a few steps so that small moves ask for nothing."""
        longer = max(self._facts.get("full_width", QUICK), self._facts.get("full_height", QUICK))
        needed = longer * min(self.view.zoom(), 1.0)
        steps = [size for size in (QUICK, 1440, 1920, 2880) if size < longer]
        self.session.setViewSize(next((size for size in steps if size >= needed), 0 if steps else QUICK))

    def _choose_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open", self._job_path, "Jobs and plates (*.json *.exr);;All (*)")
        if path:
            self.open(path)

    def _choose_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the job", self._job_path or "shot.relamp.json", JOB_FILES)
        if path:
            self.saveJob(path if path.endswith(".json") else f"{path}.json")

    def _show_shortcuts(self) -> None:
        rows = "".join(f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{what}</td></tr>" for keys, what in SHORTCUTS)
        QMessageBox.information(self, "Keyboard shortcuts", f"<table>{rows}</table>")

    def recentFiles(self) -> list[str]:
        """Job files opened or saved lately, latest first."""
        kept = self._settings.value("recent", [])
        return [kept] if isinstance(kept, str) else list(kept or [])  # type: ignore[call-overload]

    def _remember(self, path: str) -> None:
        self._job_path = os.path.abspath(path)
        others = [other for other in self.recentFiles() if other != self._job_path]
        self._settings.setValue("recent", [self._job_path, *others][:RECENT])

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self.recentFiles():
            self._recent.addAction(path, lambda path=path: self.loadJob(path))
        if self._recent.isEmpty():
            self._recent.addAction("nothing opened yet").setEnabled(False)

    def _restore(self) -> None:
        self.resize(1520, 860)
        for key, restore in (("geometry", self.restoreGeometry), ("columns", self._columns.restoreState)):
            state = self._settings.value(key)
            if isinstance(state, QByteArray):
                restore(state)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setContentsMargins(0, 6, 0, 0)
    return label


def _scrolled(widget: QWidget, width: int) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setMinimumWidth(width)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def own_python() -> str | None:
    """This Python, where it can run the worker and nobody named another one."""
    if os.environ.get("RELAMP_PYTHON") or importlib.util.find_spec("OpenImageIO") is None:
        return None
    return sys.executable


def main(arguments: list[str] | None = None) -> int:
    """Open the panel on a job or a plate."""
    arguments = sys.argv[1:] if arguments is None else arguments
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    if PySide6.__version_info__[:2] == (6, 12) and sys.version_info < (3, 12):
        # It loses a reference to None or True with every call, and Python ends when the last is gone.
        print(
            f"relamp: PySide6 {PySide6.__version__} crashes Python 3.11; pip install 'PySide6-Essentials!=6.12.*'",
            file=sys.stderr,
        )
        return UsageError.exit_code
    look.apply(application)
    panel = Panel(own_python())
    if arguments:
        panel.open(arguments[0])
    panel.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
