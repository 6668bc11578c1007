import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

import qt
from relamp.ui.frame_cache import FrameCache, Shown
from relamp.ui.timeline import EDGE, Timeline


@pytest.fixture
def strip():
    found = Timeline()
    found.setFrames([1001, 1002, 1003, 1005])
    found.resize(4 * 100 + 2 * EDGE, 26)
    found.show()
    yield found
    found.deleteLater()


def test_dragging_scrubs_over_the_frames_there_are(strip):
    told = []
    strip.valueChanged.connect(told.append)
    qt.drag(strip, QPoint(EDGE, 20), QPoint(EDGE + 400, 20), steps=40)
    assert told == [1002, 1003, 1005]


def test_steps_go_round_and_over_gaps(strip):
    strip.setValue(1003)
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert strip.value() == 1005
    assert strip.step(1) == 1001
    assert strip.step(-1) == 1003


def test_a_frame_that_is_missing_becomes_the_nearest(strip):
    strip.setValue(99999)
    assert strip.value() == 1005
    strip.setFrames([1001, 1002])
    assert strip.value() == 1002


def test_what_is_at_hand_and_what_is_missing_is_drawn(strip):
    before = strip.grab().toImage()
    strip.setCached(frozenset({1002}))
    after = strip.grab().toImage()
    y = after.height() - 5
    assert before.pixelColor(EDGE + 110, y) != after.pixelColor(EDGE + 110, y)
    assert after.pixelColor(EDGE + 300, y).red() > 150  # 1004 is a gap


def test_no_frames_are_no_trouble():
    strip = Timeline()
    strip.setFrames([])
    strip.setValue(5)
    assert not strip.grab().isNull()
    assert not strip.isEnabled()


def shown(width: int = 10) -> Shown:
    return Shown(QImage(width, 10, QImage.Format.Format_RGBA8888), {}, 0)


def test_the_cache_forgets_what_was_not_seen_for_longest():
    cache = FrameCache(budget=3 * 400)
    cache.setKey("a")
    for frame in (1, 2, 3):
        cache.put(frame, shown())
    cache.get(1)
    cache.put(4, shown())
    assert cache.frames() == {1, 3, 4}
    cache.put(4, shown(30))  # in place of the smaller one
    assert cache.frames() == {4}


def test_the_cache_holds_one_look():
    cache = FrameCache()
    cache.setKey("a")
    cache.put(1, shown())
    assert not cache.setKey("a")
    assert cache.get(1) is not None
    assert cache.setKey("b")
    assert cache.get(1) is None
