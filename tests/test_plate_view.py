import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

import qt
from relamp.ui.plate_view import PlateView


def plain(colour: str, width: int = 200, height: int = 100) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def view():
    found = PlateView()
    found.resize(400, 300)
    found.setPicture(plain("red"))
    found.show()
    yield found
    found.deleteLater()


def colour(view: PlateView, x: int, y: int) -> str:
    return view.grab().toImage().pixelColor(x, y).name()


def test_a_picture_is_fitted_and_stays_so(view):
    assert view.zoom() == pytest.approx(2)
    view.resize(800, 600)
    qt.until(lambda: view.zoom() == pytest.approx(4))


def test_one_is_pixel_for_pixel_of_the_plate_and_not_of_its_preview(view):
    view.setPicture(plain("red", 100, 50), QSize(200, 100))
    QTest.keyClick(view, Qt.Key.Key_1)
    assert view.zoom() == pytest.approx(1)
    image = view.grab().toImage()
    red = [(x, y) for x in range(400) for y in range(300) if image.pixelColor(x, y).name() == "#ff0000"]
    columns, rows = zip(*red, strict=True)
    assert (max(columns) - min(columns) + 1, max(rows) - min(rows) + 1) == (200, 100)


def test_zoom_keeps_what_is_under_the_pointer(view):
    seen = []
    view.pointed.connect(lambda x, y: seen.append((x, y)))
    spot = QPoint(300, 180)
    QTest.mouseMove(view, spot)
    view.setZoom(7.0, QPointF(spot))
    QTest.mouseMove(view, spot + QPoint(0, 0))
    view._point(QPointF(spot))
    assert seen[-1] == pytest.approx(seen[0], abs=1e-6)


def test_dragging_pans(view):
    view.setZoom(4.0)
    seen = []
    view.pointed.connect(lambda x, y: seen.append((x, y)))
    view._point(QPointF(200, 150))
    qt.drag(view, QPoint(200, 150), QPoint(240, 150))
    assert seen[-1] == pytest.approx(seen[0], abs=1e-6)  # what was taken hold of stays under the hand


def test_the_wipe_shows_before_on_its_left_and_can_be_dragged(view):
    view.setBefore(plain("blue"))
    QTest.keyClick(view, Qt.Key.Key_W)
    assert (colour(view, 100, 150), colour(view, 300, 150)) == ("#0000ff", "#ff0000")
    qt.drag(view, QPoint(200, 150), QPoint(320, 150))
    assert view.wipe() == pytest.approx(0.8, abs=0.01)
    assert colour(view, 300, 150) == "#0000ff"
    QTest.keyClick(view, Qt.Key.Key_W)
    assert colour(view, 100, 150) == "#ff0000"


def test_a_message_stands_over_nothing_or_a_picture(view):
    view.setMessage("the plate is not there")
    assert view.message() == "the plate is not there"
    assert not view.grab().isNull()
    view.setPicture(plain("red"))
    assert view.message() == ""
