"""Relamp's panel: a shot, a light, a picture that follows it, and the render. `python -m relamp.ui.panel [JOB|PLATE]`.

The panel is a widget with its own look, so that a host can embed it: its keys work while it has the focus, and
`shutDown` ends its worker. `main` puts it into a window of its own.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PySide6
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication, QImage, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QCompleter,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core import VERSION
from ..core import job as jobs
from ..core.errors import RelampError, StoppedError, UsageError
from ..core.job import RelightJob
from ..core.parameters import PUBLISHED, knob_of
from . import theme
from .banner import Banner, UndoBeyondField
from .client import WorkerClient
from .command_line import command_line
from .dropped import PICTURES, ROLES, kind_of
from .ground_overlay import GroundOverlay
from .input_row import NAME_WIDTH, InputRow
from .knob_form import KnobForm
from .lamp_list import LampFacts, LampList
from .library import Library
from .light_box import LightBox
from .light_overlay import LightOverlay
from .light_presets import KeptLight, LightPresets
from .lights_tab import LightsTab
from .passes_tab import PassesTab
from .recovery import Recovery, discard, folder_of
from .render_queue import RenderQueue, RenderRow
from .rig import RigEditor
from .sections import in_panel_words, label_of, look_sections, render_sections
from .session import INPUTS, Session
from .start_page import StartPage, example_plate
from .viewer import Viewer
from .words_line import WordsLine

JOB_FILES = "Relamp jobs (*.json);;All files (*)"
OPENED = f"Jobs and plates (*.json {' '.join(f'*{suffix}' for suffix in PICTURES)});;All (*)"
RECENT = 8
COLUMN = 240  # px, a column at its narrowest
SCROLL_BAR = 10  # px
SHORTCUTS = (
    ("Ctrl+O", "open a job or a plate"),
    ("Ctrl+S", "save the job"),
    ("Ctrl+Shift+S", "save the job under another name"),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo, redo"),
    ("Ctrl+R", "render"),
    ("Ctrl+Shift+C", "copy as command line"),
    ("F5", "read every file again"),
    ("F1", "this list"),
    ("Left, Right", "previous, next frame, in the picture"),
    ("Home, End", "first, last frame"),
    ("Space", "play, stop"),
    ("F", "fit the picture"),
    ("1", "pixel for pixel"),
    ("+, -, wheel", "zoom"),
    ("W", "wipe between before and after"),
    ("G", "the ground as a grid, the horizon and the world's axes"),
    ("R", "the frame at full size, as it is rendered"),
    ("S", "keep a snapshot"),
    ("Left, Right on the light", "turn by a degree, with Shift by ten"),
)


class Panel(QWidget):
    """Everything an artist needs to relight a shot."""

    def __init__(
        self, python: str | None = None, settings: QSettings | None = None, parent: QWidget | None = None
    ) -> None:
        """`python` is that of the worker (`core.launch.find_python`); `settings` keeps recent files and the layout."""
        super().__init__(parent)
        theme.dress(self)
        self.setWindowTitle("Relamp")
        self._settings = settings or QSettings("relamp", "panel")
        self.client = WorkerClient(python, os.environ.get("OCIO"), self)
        self.session = Session(self.client, self)
        self.recovery = Recovery(folder_of(self._settings), self)
        self._job_path = ""
        self._suggested: str | None = None
        self._lamps_found = 0
        self._lamp_layers: tuple[int, tuple[str, ...]] = (0, ())
        self.help: QMessageBox | None = None
        self.library: Library | None = None
        self.viewer = Viewer(self.session, self)
        self.view = self.viewer.view
        self.start = StartPage(self.view)
        QVBoxLayout(self.view).addWidget(self.start)
        self.light = LightBox(self)
        self.presets = LightPresets(self._settings, self._current_light, self)
        self.lamps = LampList(self)
        self.passes = PassesTab(self)
        left = [name for name in INPUTS if name not in self.passes.inputs]
        self.inputs = {name: InputRow(label_of(name), knob_of(name).help, self) for name in left} | self.passes.inputs
        self.words_line = WordsLine(knob_of("prompt").help, self)
        self.words = self.words_line.field
        self.settings_form = KnobForm(look_sections(), self)
        self.render_form = KnobForm(render_sections(), self)
        self.rig = RigEditor(self.session, self.recovery.folder.parent / "rigs", self)
        self.overlay = LightOverlay(self.rig, self)
        self.ground = GroundOverlay(self.session, self)
        self.lights = LightsTab(self.rig, self)
        self.queue = RenderQueue(self)
        self.banner = Banner(self)
        self._build()
        self._connect()
        self._restore()
        self.start.setRecent(self.recentFiles())
        self.view.setFocus()  # keys work from the start
        self._started = False

    def open(self, path: str) -> None:
        """Open a job file, or a plate."""
        if path.endswith(".json"):
            self.loadJob(path)
        else:
            self.inputs["plate"].setPath(path)
            self._remember(path)

    def loadJob(self, path: str, remember: bool = True) -> None:
        """Load a job file, and `remember` it as the one that is worked on; an error is shown as a sentence."""
        try:
            self.session.load(path)
        except RelampError as error:
            self.say(str(error), "wrong")
            return
        if remember:
            self._remember(path)
            self.recovery.saved()
        self.say(f"{path} is open" if remember else "the work that was not saved is open")

    def saveJob(self, path: str) -> None:
        """Write the job; an error is shown as a sentence."""
        try:
            self.rig.saveBeside(Path(path))
            self.session.save(path)
        except RelampError as error:
            self.say(str(error), "wrong")
            return
        self.recovery.saved()
        self._remember(path)
        self.say(f"saved as {path}")

    def renderJob(self) -> None:
        """Queue a render of the job as it stands."""
        try:
            self.session.job.require("plate", "env", "out")
        except RelampError as error:
            self.say(str(error), "wrong")
            self.showTab("Render")
            return
        self.showTab("Render")
        out = self.session.job.parameters.out or ""
        row = self.queue.add(Path(out).name, out)
        self._begin(row, self.session.job, out, resume=False)

    def openExample(self) -> None:
        """Open the example shot with the light it was shot under, in the first of its environments."""
        folder = example_plate().parents[1] / "environments"
        self.open(str(example_plate()))
        # Its maps share no exposure, so the subject keeps its level.
        for name, value in (
            ("source_env", folder / "source.exr"), ("env", folder / "softbox_studio.exr"), ("env_level", "match"),
        ):  # fmt: skip
            self.session.set(name, str(value))

    def showLibrary(self) -> None:
        """Open the library of environments and lights beside the panel."""
        if self.library is None:
            self.library = Library(self.session, self._settings, self)
            self.library.mapChosen.connect(lambda path: self.session.set("env", path))
            self.library.rigChosen.connect(self._add_lights)
        self.library.show()
        self.library.raise_()

    def _add_lights(self, preset: str) -> None:
        self.showTab("Lights")
        self.rig.add(preset)

    def makePasses(self) -> None:
        """Queue the making of the shot's passes; they are used as soon as they are there."""
        job = self.session.job
        if not job.parameters.plate:
            self.say("passes are made of a plate: open one first", "wrong")
            return
        out = beside_plate(job.parameters.plate, "passes")
        self.showTab("Render")
        bare = jobs.with_parameters(job, out=out, passes=None, layers=(), over=False, overwrite=False)
        row = self.queue.add(f"passes: {Path(out).name}", out)
        self._begin(row, bare, out, resume=False, method="passes", then=lambda: self.session.set("passes", out))

    def estimateLight(self) -> None:
        """Queue the estimate of the light that the plate was shot under; it is used as soon as it is there."""
        job = self.session.job
        if not job.parameters.plate:
            self.say("no plate is open to estimate the light from; open a plate first", "wrong")
            return
        out = beside_plate(job.parameters.plate, "light", still=True)
        row = self.queue.add(f"plate's light: {Path(out).name}", out)
        self.say("reading the plate's light off its shading …")
        self._begin(row, job, out, resume=False, method="source_light", then=lambda: self._take_source(out))

    def _take_source(self, out: str) -> None:
        if self.session.job.parameters.source_env == out:
            self.session.reload()  # the same file, made anew
        self.session.set("source_env", out)

    def _begin(
        self,
        row: RenderRow,
        job: RelightJob,
        out: str,
        resume: bool,
        method: str = "render",
        then: Callable[[], None] | None = None,
    ) -> None:
        """Give a job to the worker, and its progress to a row; `then` is called when it is done."""

        def done(result: dict[str, Any]) -> None:
            row.finish(len(result["written"]), len(result["kept"]))
            self.say(f"{out} is {'rendered' if method == 'render' else 'there'}")
            if then is not None:
                then()
            if self.session.result == out:
                self.session.showResult(out)

        def failed(error: RelampError) -> None:
            row.fail(str(error), isinstance(error, StoppedError))
            self.say(str(error), "quiet" if isinstance(error, StoppedError) else "wrong")

        more = {"out": out} if method == "source_light" else {}
        call = self.session.render(row.advance, done, failed, job, resume, row.begin, method, **more)
        row.watch(
            cancel=lambda: self.session.cancel(call),
            show=lambda: self.session.showResult(out),
            resume=lambda: self._begin(row, job, out, True, method, then),
        )

    def showTab(self, title: str) -> None:
        """Bring a tab of the right column to the front."""
        titles = [self.tabs.tabText(index) for index in range(self.tabs.count())]
        self.tabs.setCurrentIndex(titles.index(title))

    def copyCommandLine(self) -> None:
        """Put the job on the clipboard as a command."""
        QGuiApplication.clipboard().setText(command_line(self.session.job.parameters))
        self.say("copied; paste it into a terminal")

    def say(self, sentence: str, role: str = "quiet") -> None:
        """Show a sentence at the bottom, in the panel's words: `quiet` as a remark, `warning`, or `wrong` as an error."""
        sentence = in_panel_words(sentence)
        self._status.setText(sentence)
        self._status.setToolTip(sentence)
        self._status.setProperty("role", role)
        self._status.style().unpolish(self._status)
        self._status.style().polish(self._status)

    def said(self) -> str:
        """The sentence at the bottom."""
        return self._status.text()

    def saidAs(self) -> str:
        """What the sentence at the bottom is: `quiet`, `warning` or `wrong`."""
        return str(self._status.property("role"))

    def shutDown(self) -> None:
        """End the worker. A render in work keeps its finished frames. A host calls it before it drops the panel."""
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("columns", self._columns.saveState())
        self._settings.setValue("view", list(self.viewer.views.value()))
        self.viewer.playback.setPlaying(False)
        self.recovery.close()
        self.client.close()

    def showEvent(self, event: QShowEvent) -> None:
        # Not before: a host that makes the panel while it starts must not wait for the worker.
        if not self._started:
            self._started = True
            self.session.start()
            self.session.askVocabulary(self.words_line.setVocabulary)
            self._offer_recovery()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.queue.busy() and not self._may_stop():
            event.ignore()
            return
        self.hide()  # the worker may take a moment to end, so the window is hidden first
        self.shutDown()
        event.accept()

    def _may_stop(self) -> bool:
        """Whether a render in work may be stopped; asked by `closeEvent`, and replaceable by a test or a host."""
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "Relamp", "A render is not finished. Stop it? The frames that are done are kept.",
            buttons.Yes | buttons.No,
        )  # fmt: skip
        return answer == buttons.Yes

    def _build(self) -> None:
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        self._columns.setChildrenCollapsible(False)
        self._columns.setHandleWidth(4)
        self._columns.addWidget(self._left())
        self._columns.addWidget(self.viewer)
        self._columns.addWidget(self._right())
        self._columns.setStretchFactor(1, 1)
        self._columns.setSizes([310, 840, 320])
        self._status = QLabel(self)
        self._status.setProperty("role", "quiet")
        self._status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status.setMinimumWidth(1)
        values = self.viewer.values
        values.setMinimumWidth(220)
        values.setAlignment(Qt.AlignmentFlag.AlignRight)
        values.setToolTip("Scene-linear values of the pixel under the pointer, in the working space")
        foot = QHBoxLayout()
        foot.addWidget(self._status, 1)
        foot.addWidget(values)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 6, 4, 4)
        box.setSpacing(6)
        box.addWidget(self.banner)
        box.addWidget(self._columns, 1)
        box.addLayout(foot)

    def _left(self) -> QWidget:
        column = QWidget(self)
        box = QVBoxLayout(column)
        box.setContentsMargins(0, 0, 4, 0)
        box.addLayout(self._file_buttons())
        box.addWidget(_heading("Shot"))
        for name in ("plate", "matte", "source_env", "background"):
            box.addWidget(self.inputs[name])
        self.estimate_light = self.inputs["source_env"].addButton(
            "Estimate",
            "Estimate the light that the plate was shot under from its shading",
            self.estimateLight,
        )
        library = QToolButton(self)
        library.setText("Library")
        library.setProperty("tight", "true")
        library.setToolTip("Show pictures of the environments and lights to choose from")
        library.clicked.connect(self.showLibrary)
        line = QHBoxLayout()
        line.addWidget(_heading("New light"), 1)
        line.addWidget(library)
        box.addLayout(line)
        box.addWidget(self.inputs["env"])
        box.addLayout(self._words_line())
        box.addWidget(self.words_line.row_of_chips)
        box.addWidget(self.light)
        self.light.addTool(self.presets)
        box.addWidget(_heading("Lamps"))
        box.addWidget(self.lamps)
        box.addStretch(1)
        return _scrolled(column)

    def _words_line(self) -> QHBoxLayout:
        """The light in words, in line with the inputs."""
        name = QLabel("or in words", self)
        name.setFixedWidth(NAME_WIDTH)
        name.setBuddy(self.words)
        name.setAlignment(Qt.AlignmentFlag.AlignTop)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(name)
        line.addWidget(self.words_line)
        return line

    def _read_words(self, words: str) -> None:
        """Say what words mean, or mark those that mean nothing. Published systems are told them as they are."""
        if not words or self.session.job.parameters.backbone in PUBLISHED:
            self.words_line.setUnderstood("")
            return

        def told(sentence: str, refused: bool) -> None:
            (self.words_line.setRefused if refused else self.words_line.setUnderstood)(in_panel_words(sentence))

        self.session.askWords(words, told)

    def _file_buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        self._buttons: dict[str, QToolButton] = {}
        self._recent = QMenu(self)
        self._recent.aboutToShow.connect(self._fill_recent)
        for text, tip, act in (
            ("Open", "Open a job or a plate (Ctrl+O)", self._choose_open),
            ("Save", "Save the settings as a job file, which relamp render --job takes, too (Ctrl+S)", self._save),
            ("↶", "Undo the last change (Ctrl+Z)", self.session.undo),
            ("↷", "Redo the change that was undone (Ctrl+Shift+Z)", self.session.redo),
            ("?", "Show the keyboard shortcuts (F1)", self.showHelp),
        ):
            button = self._buttons[text] = QToolButton(self)
            button.setText(text)
            button.setToolTip(tip)
            button.setProperty("tight", "true")
            button.clicked.connect(act)
            if text == "Open":
                button.setMenu(self._recent)
                button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
            line.addWidget(button)
        line.addStretch(1)
        line.setSpacing(4)
        self.undo_button, self.redo_button = self._buttons["↶"], self._buttons["↷"]
        for button in (self.undo_button, self.redo_button):
            button.setEnabled(False)
        return line

    def _right(self) -> QWidget:
        self.tabs = QTabWidget(self)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(_scrolled(self.settings_form), "Look")
        self.tabs.addTab(_scrolled(self.lights), "Lights")
        rendering = QWidget(self)
        box = QVBoxLayout(rendering)
        box.setContentsMargins(0, 0, 6, 0)
        box.addWidget(_scrolled(self.render_form), 3)
        self.render_button = QPushButton("Render", self)
        self.render_button.setProperty("role", "main")
        self.render_button.setToolTip("Put this job into the render queue with the present settings (Ctrl+R)")
        copy = QToolButton(self)
        copy.setText("Copy command")
        copy.setToolTip("Copy the command line that renders this job (Ctrl+Shift+C)")
        copy.clicked.connect(self.copyCommandLine)
        line = QHBoxLayout()
        line.addWidget(self.render_button, 1)
        line.addWidget(copy)
        box.addLayout(line)
        box.addWidget(self.queue, 2)
        self.tabs.addTab(_scrolled(self.passes), "Passes")
        self.tabs.addTab(rendering, "Render")
        self.tabs.setUsesScrollButtons(False)
        return self.tabs

    def _connect(self) -> None:
        session = self.session
        for name, row in self.inputs.items():
            row.pathChanged.connect(lambda path, name=name: session.set(name, path))
        for form in (self.settings_form, self.render_form):
            form.valueChanged.connect(session.set)
            form.refused.connect(lambda sentence: self.say(sentence, "wrong"))
        self.light.rotateChanged.connect(lambda value: session.set("env_rotate", value))
        self.light.exposureChanged.connect(lambda value: session.set("env_exposure", value))
        self.words_line.edited.connect(lambda words: session.set("prompt", words))
        self.words_line.typed.connect(self._read_words)
        self.start.exampleWanted.connect(self.openExample)
        self.start.openWanted.connect(self._choose_open)
        self.start.recentWanted.connect(self.open)
        self.passes.wanted.connect(self.makePasses)
        self.passes.shown.connect(self.viewer.showStage)
        self.passes.estimatorChanged.connect(lambda value: session.set("estimator", value))
        session.passesReady.connect(self.passes.setMakers)
        self.viewer.setOverlays(self.overlay, self.ground)
        self.lights.ground.toggled.connect(self.ground.setShown)
        grid = QShortcut(QKeySequence(Qt.Key.Key_G), self.view, self.lights.ground.toggle)
        grid.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.ground.said.connect(self.say)
        self.ground.refused.connect(lambda sentence: self.say(sentence, "wrong"))
        self.tabs.currentChanged.connect(
            lambda _: self.overlay.setShown(self.tabs.tabText(self.tabs.currentIndex()) == "Lights")
        )
        self.lights.placingChanged.connect(self.overlay.setPlacing)
        self.lights.modeChanged.connect(lambda mode: session.set("light", mode))
        self.rig.refused.connect(lambda sentence: self.say(sentence, "wrong"))
        self.rig.changed.connect(self._rig_changed)
        self.presets.placed.connect(self._place_main_lamp)
        self.presets.chosen.connect(self._take_light)
        self.lamps.gainsChanged.connect(session.setDim)
        self.lamps.writeToggled.connect(self._write_lamps)
        self.render_button.clicked.connect(self.renderJob)
        session.parameterChanged.connect(self._parameter_changed)
        session.inspected.connect(self._inspected)
        session.inputRefused.connect(self._input_refused)
        session.environmentReady.connect(self._show_environment)
        session.ballsReady.connect(self.light.setBalls)
        session.displaysReady.connect(lambda facts: self._know_spaces(facts["spaces"]))
        session.displaysReady.connect(self._restore_view, Qt.ConnectionType.SingleShotConnection)
        session.said.connect(self.say)
        session.setBallSize(self.light.ballSize().height())
        for keys, act in (
            ("Ctrl+O", self._choose_open),
            ("Ctrl+S", self._save),
            ("Ctrl+Shift+S", self.saveJobAs),
            ("Ctrl+R", self.renderJob),
            ("Ctrl+Z", session.undo),
            ("Ctrl+Shift+Z", session.redo),
            ("Ctrl+Shift+C", self.copyCommandLine),
            ("F5", session.reload),
            ("F1", self.showHelp),
        ):
            # Only while the focus is in here: a host has keys of its own.
            QShortcut(QKeySequence(keys), self, act).setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.setAcceptDrops(True)
        for field in self.findChildren(QLineEdit):
            UndoBeyondField(field)
        session.jobChanged.connect(self._job_changed)

    def _job_changed(self) -> None:
        self.undo_button.setEnabled(self.session.history.can_undo())
        self.redo_button.setEnabled(self.session.history.can_redo())
        self.start.setVisible(not self.session.job.parameters.plate)
        if self.session.job.parameters.plate:
            self.recovery.note(self.session.job)

    def _offer_recovery(self) -> None:
        """Offer the work that was not saved, where there is some."""
        left = self.recovery.left()
        if left is None:
            return
        file, when = left

        def take() -> None:
            self.loadJob(str(file), remember=False)
            discard(file)  # it is in this panel's own file from now on

        self.banner.ask(
            f"Work of {when} was not saved.",
            (("Open it", take), ("Discard it", lambda: discard(file)), ("Later", None)),
        )

    def dragEnterEvent(self, event: Any) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        paths = sorted(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
        if paths:
            event.acceptProposedAction()
            for path in paths:
                self.take(path)

    def take(self, path: str) -> None:
        """Use a file that was dropped for what it is; where only the artist knows, the banner asks."""
        kind = kind_of(path, bool(self.session.job.parameters.plate))
        if kind in ("job", "plate"):
            self.open(path)
        elif kind == "ask":
            roles = [(label_of(role), lambda role=role: self.inputs[role].setPath(path)) for role in ROLES]
            self.banner.ask(f"What is {Path(path).name} to the shot?", [*roles, ("nothing", None)])
        elif kind in self.inputs:
            self.inputs[kind].setPath(path)
        elif kind:
            self.session.set(kind, path)
        else:
            self.say(f"{Path(path).name} is no picture, map, job or rig that Relamp reads", "wrong")

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
        elif name == "estimator":
            self.passes.setEstimator(value)
        elif name == "light":
            self.lights.setMode(value)
        elif name == "prompt":
            self.words_line.setText(value or "")
            self._read_words(value or "")
        elif name == "layers":
            self.lamps.setWrites("lamps" in value)

    def _inspected(self, name: str, facts: dict[str, Any]) -> None:
        self.inputs[name].setSentence(facts["sentence"])
        if name == "plate" and self.session.job.parameters.out in (None, self._suggested):
            self._suggested = suggested_out(facts["pattern"])
            self.session.set("out", self._suggested, undoable=False)

    def _input_refused(self, name: str, sentence: str) -> None:
        sentence = in_panel_words(sentence)
        self.inputs[name].setSentence(sentence, wrong=True)
        self.say(sentence, "wrong")
        if name == "plate":
            self.view.setMessage(sentence)

    def _show_environment(self, image: QImage, lamps: list[dict[str, Any]]) -> None:
        self.light.setEnvironment(image, lamps)
        self.presets.setHasLamp(bool(lamps))
        count = self.session.job.parameters.lamps
        self._lamps_found = min(count, len(lamps))
        self.lamps.setLamps((LampFacts(lamp["share"], tuple(lamp["colour"])) for lamp in lamps), count)
        self._rig_changed()

    def _rig_changed(self) -> None:
        """Offer the layers of the rig's lights and of the lamps: the rig's come first in a render, too."""
        names = tuple(str(light["name"]) for light in self.rig.lights())
        layers = (self._lamps_found + len(names), names)
        if layers != self._lamp_layers:
            self._lamp_layers = layers
            self.viewer.setLamps(*layers)

    def _place_main_lamp(self, u: float) -> None:
        mark = self.light.dial.lamps()
        if mark:
            self.light.dial.setValue(360.0 * (mark[0].u - u))

    def _current_light(self) -> KeptLight | None:
        p = self.session.job.parameters
        if not p.env or not isinstance(p.env_rotate, tuple) or not isinstance(p.env_exposure, (int, float)):
            return None
        return KeptLight("", p.env, p.env_rotate, float(p.env_exposure))

    def _take_light(self, light: KeptLight) -> None:
        for name, value in (("env", light.env), ("env_rotate", light.rotate), ("env_exposure", light.exposure)):
            self.session.set(name, value)

    def _write_lamps(self, on: bool) -> None:
        others = tuple(name for name in self.session.job.parameters.layers if name != "lamps")
        self.session.set("layers", (*others, "lamps") if on else others)

    def _know_spaces(self, names: list[str]) -> None:
        """Offer the config's colour spaces where one is typed."""
        for name in ("colorspace", "env_colorspace"):
            editor = self.settings_form.editor(name)
            if isinstance(editor, QLineEdit):
                completer = QCompleter(names, editor)
                completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
                completer.setFilterMode(Qt.MatchFlag.MatchContains)
                editor.setCompleter(completer)

    def _choose_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open", self._job_path, OPENED)
        if path:
            self.open(path)

    def _save(self) -> None:
        """Write the job to the file it came from, else to one that the artist chooses."""
        if self._job_path.endswith(".json"):
            self.saveJob(self._job_path)
        else:
            self.saveJobAs()

    def saveJobAs(self) -> None:
        """Write the job to where the artist says."""
        start = self._job_path or "shot.relamp.json"
        given, _ = QFileDialog.getSaveFileName(self, "Save the job", start, JOB_FILES)
        path = given if given.endswith(".json") else f"{given}.json"
        # The dialog has asked about a file of the name that was typed, not about this one.
        if given and (path == given or not os.path.lexists(path) or self._may_replace(path)):
            self.saveJob(path)

    def _may_replace(self, path: str) -> bool:
        question = f"{Path(path).name} is already there. Replace it?"
        return QMessageBox.question(self, "Save the job", question) == QMessageBox.StandardButton.Yes

    def showHelp(self) -> None:
        """List the keys, and say what the worker is and holds."""
        rows = "".join(f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{what}</td></tr>" for keys, what in SHORTCUTS)
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(f"Relamp {VERSION}")
        box.setText(f"<table>{rows}</table>")
        box.setInformativeText("asking the worker …")
        box.open()  # not modal: the window stays usable
        self.help = box
        self.session.askStatus(lambda words: box.setInformativeText(words) if self.help is box else None)
        box.finished.connect(self._help_closed)

    def _help_closed(self) -> None:
        self.help = None

    def recentFiles(self) -> list[str]:
        """Job files and plates opened or saved lately, latest first."""
        kept = self._settings.value("recent", [])
        return [kept] if isinstance(kept, str) else list(kept or [])  # type: ignore[call-overload]

    def _remember(self, path: str) -> None:
        path = os.path.abspath(path)
        if path.endswith(".json"):
            self._job_path = path
            self.window().setWindowTitle(f"{Path(path).name} - Relamp")
        others = [other for other in self.recentFiles() if other != path]
        self._settings.setValue("recent", [path, *others][:RECENT])

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self.recentFiles():
            self._recent.addAction(path, lambda path=path: self.open(path))
        if self._recent.isEmpty():
            self._recent.addAction("nothing opened yet").setEnabled(False)

    def _restore_view(self) -> None:
        kept = self._settings.value("view")
        if isinstance(kept, list) and len(kept) == 2:
            self.viewer.views.setValue(*kept)

    def _restore(self) -> None:
        room = self.screen().availableGeometry().size() if self.screen() else QSize(1520, 860)
        self.resize(QSize(1520, 860).boundedTo(room))
        for key, restore in (("geometry", self.restoreGeometry), ("columns", self._columns.restoreState)):
            state = self._settings.value(key)
            if isinstance(state, QByteArray):
                restore(state)
        self.resize(self.size().boundedTo(room))  # the window of last time may have been on a larger screen


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setContentsMargins(0, 6, 0, 0)
    return label


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setMinimumWidth(max(COLUMN, widget.minimumSizeHint().width() + SCROLL_BAR))
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def suggested_out(plate: str) -> str:
    """Where the relit frames of a plate may go: a folder beside them, as long as the artist says nothing else.

    >>> suggested_out("/shots/010/plate.####.exr").replace(os.sep, "/")
    '/shots/010/relit/plate_relit.####.exr'
    """
    return beside_plate(plate, "relit")


def beside_plate(plate: str, what: str, still: bool = False) -> str:
    """Where files of a kind that are made of a plate may go: a folder of that name beside it, one for all frames if `still`."""
    folder, name = os.path.split(plate)
    parts = re.fullmatch(r"(.*?)([._-]?(?:#+|%0?\d*d))?(\.[^.]*)?", name, re.DOTALL)
    head, frames = (parts[1], parts[2] or "") if parts else (name, "")
    return os.path.join(folder, what, f"{head}_{what}{'' if still else frames}.exr")


def own_python() -> str | None:
    """This Python, where it can run the worker and no other one is set."""
    if os.environ.get("RELAMP_PYTHON") or importlib.util.find_spec("OpenImageIO") is None:
        return None
    return sys.executable


def main(arguments: list[str] | None = None) -> int:
    """Open the panel on a job or a plate."""
    arguments = sys.argv[1:] if arguments is None else arguments
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    if PySide6.__version_info__[:2] == (6, 12) and sys.version_info < (3, 12):
        # It loses a reference to None or True with every call, and Python ends when the count reaches 0.
        print(
            f"relamp: PySide6 {PySide6.__version__} crashes Python 3.11; pip install 'PySide6-Essentials!=6.12.*'",
            file=sys.stderr,
        )
        return UsageError.exit_code
    theme.apply(application)
    panel = Panel(own_python())
    if arguments:
        panel.open(arguments[0])
    panel.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
