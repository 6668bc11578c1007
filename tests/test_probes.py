import numpy as np
import pytest

from relamp.core.light import environment as env
from relamp.core.light.lamps import split
from relamp.core.light.sheet import draw
from relamp.core.pictures.colour import Colour

COLOUR = Colour()
GREY, CHROME = slice(24, 408), slice(432, 816)
BALLS = slice(604, 988)


def lit_from(column, height=64):
    pixels = np.full((height, 2 * height, 3), 0.2, np.float32)
    pixels[height // 3 : height // 3 + 3, column : column + 4] = 200
    return pixels


@pytest.fixture(scope="module")
def sheet():
    pixels = lit_from(32)  # +X: the right of the camera
    return draw(pixels, split(pixels, 3), COLOUR)


def test_a_light_on_the_right_of_the_camera_lights_the_right_of_the_grey_ball(sheet):
    ball = sheet[BALLS, GREY].astype(float).mean(axis=-1)
    assert ball[100:280, 240:340].mean() > 1.3 * ball[100:280, 44:144].mean()


def test_the_chrome_ball_shows_the_lamp_on_its_right_half(sheet):
    bright = sheet[BALLS, CHROME].astype(float).mean(axis=-1) > 200
    rows, columns = np.nonzero(bright)
    assert len(rows) > 10
    assert np.median(columns) > 192
    assert np.median(rows) < 192


def test_the_sheet_is_eight_bit_rgb_and_lists_the_lamp(sheet):
    assert sheet.dtype == np.uint8
    assert sheet.shape == (1012, 1072, 3)
    assert sheet[604:640, 840:].max() > 200  # a line of text
    assert sheet[660:900, 840:].max() < 60  # and no second


def test_exposure_of_the_light_does_not_change_what_the_balls_show():
    pixels = lit_from(32)
    one, two = (draw(p, split(p, 1), COLOUR) for p in (pixels, pixels * np.float32(16)))
    np.testing.assert_array_equal(one[BALLS, :816], two[BALLS, :816])


@pytest.mark.parametrize("height", [2, 700])
def test_maps_of_any_size_are_drawn(height):
    pixels = env.resize(lit_from(10), height)
    assert draw(pixels, split(pixels, 2), COLOUR).any()
