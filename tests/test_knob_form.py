import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QToolButton

import qt
from relamp.core.parameters import GROUPS, Curve, RelightParameters, default_of, knobs
from relamp.ui.knob_form import KnobForm


@pytest.fixture
def form():
    found = KnobForm()
    found.show()
    yield found
    found.deleteLater()


def test_every_declared_parameter_has_a_row_with_its_sentence(form):
    assert form.names() == tuple(name for name, _ in knobs())
    assert form.changed() == ()
    for name, knob in knobs():
        assert form.value(name) == default_of(name)
        assert knob.help in form.editor(name).toolTip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mix", 0.25), ("env_rotate", (1.0, -90.0, 0.5)), ("seed", 7), ("grain", "keep"), ("keep_going", True),
        ("layers", ("ratio", "lamps")), ("normals_flip", ("y",)), ("anchor", 2.5), ("env_level", "absolute"),
        ("plate", "/shots/a.####.exr"), ("data_type", ("half", "normals=float")), ("compression", "dwaa:45"),
        ("env_exposure", Curve(((1001, 0.0), (1010, 2.0)))),
    ],
)  # fmt: skip
def test_what_is_set_is_shown_marked_told_and_can_be_reset(form, name, value):
    told = []
    form.valueChanged.connect(lambda *change: told.append(change))
    form.setValue(name, value)
    assert form.value(name) == value
    assert form.changed() == (name,)
    assert form.editor(name).read_value() == value
    button = next(b for b in form.findChildren(QToolButton) if b.accessibleName() == f"reset {name}")
    button.click()
    assert form.changed() == ()
    assert told == [(name, value), (name, default_of(name))]


def test_a_whole_job_is_shown_at_once(form):
    parameters = RelightParameters(plate="a.exr", mix=0.5, frames="1-9")
    for name in form.names():
        form.setValue(name, getattr(parameters, name))
    assert RelightParameters(**{name: form.value(name) for name in form.names()}) == parameters


def test_what_cannot_be_is_refused_and_put_back(form):
    refused = []
    form.refused.connect(refused.append)
    field = form.editor("compression")
    field.setText("jpeg")
    field.editingFinished.emit()
    assert "compression must be" in refused[0]
    assert form.value("compression") == "zip"
    assert field.text() == "zip"


def test_typing_into_a_field_changes_the_value(form):
    field = form.editor("frames")
    QTest.keyClicks(field, "1001-1010x3")
    field.editingFinished.emit()
    assert form.value("frames") == "1001-1010x3"
    box = form.editor("backbone")
    assert isinstance(box, QComboBox)
    spin = form.editor("mix").spins[0]
    spin.setValue(0.4)
    assert form.value("mix") == 0.4


def test_the_wheel_over_the_form_changes_nothing(form):
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent

    for name in ("mix", "seed", "grain"):
        editor = form.editor(name)
        target = editor.spins[0] if name == "mix" else editor
        target.clearFocus()
        event = QWheelEvent(
            QPointF(4, 4), QPointF(4, 4), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        qt.APPLICATION.sendEvent(target, event)
    assert form.changed() == ()


def test_groups_have_headings(form):
    headings = [button for button in form.findChildren(QToolButton) if button.property("role") == "heading"]
    assert [heading.text() for heading in headings] == [group.capitalize() for group in GROUPS]


def test_a_folded_group_shows_what_was_changed_and_nothing_else(form):
    form.setFolded("Light", True)
    assert not form.editor("env_exposure").isVisibleTo(form)
    form.setValue("env_exposure", 1.0)
    assert form.editor("env_exposure").isVisibleTo(form)
    assert not form.editor("env_level").isVisibleTo(form)
    form.setFolded("Light", False)
    assert form.editor("env_level").isVisibleTo(form)
