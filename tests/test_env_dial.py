import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

import qt
from relamp.ui.env_dial import EnvDial, LampMark


@pytest.fixture
def dial():
    found = EnvDial()
    found.resize(360, 196)
    picture = QImage(360, 180, QImage.Format.Format_RGB32)
    picture.fill(QColor(0, 0, 0))
    for x in range(170, 190):  # a light behind the camera
        for y in range(80, 100):
            picture.setPixelColor(x, y, QColor(255, 255, 255))
    found.setPicture(picture)
    found.show()
    yield found
    found.deleteLater()


def brightest(dial: EnvDial) -> int:
    """Column of the light as it is drawn."""
    image = dial.grab().toImage()
    lit = [x for x in range(360) if image.pixelColor(x, 90).lightness() > 200]
    return sum(lit) // len(lit)


def test_dragging_moves_the_light_with_the_hand(dial):
    qt.drag(dial, QPoint(180, 90), QPoint(120, 90))
    assert brightest(dial) == pytest.approx(120, abs=3)
    assert dial.value() == pytest.approx(60, abs=2)  # + turns it to the left, as env_rotate does


@pytest.mark.parametrize(("given", "kept"), [(190.0, -170.0), (-540.0, -180.0), (720.5, 0.5), (-30.0, -30.0)])
def test_a_turn_goes_round(dial, given, kept):
    dial.setValue(given)
    assert dial.value() == kept


def test_keys_turn_by_degrees_and_a_double_click_takes_it_back(dial):
    told = []
    dial.valueChanged.connect(told.append)
    QTest.keyClick(dial, Qt.Key.Key_Left)
    QTest.keyClick(dial, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    QTest.mouseDClick(dial, Qt.MouseButton.LeftButton)
    assert told == [1.0, 11.0, 0.0]


def test_a_lamp_is_marked_where_its_light_is(dial):
    dial.setLamps([LampMark(0.5, 0.5, 0.7)])
    for turn in (0.0, 90.0, -135.0):
        dial.setValue(turn)
        assert dial.lampPosition(0).x() == pytest.approx((0.5 - turn / 360) % 1 * 360, abs=1)


def test_without_a_picture_it_says_so_and_can_be_turned(dial):
    dial.setPicture(QImage())
    dial.setValue(10)
    assert not dial.grab().isNull()
