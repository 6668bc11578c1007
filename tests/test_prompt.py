"""Light in words: what a prompt says is what the map holds, and what cannot be said is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from relamp.core.errors import UsageError
from relamp.core.light.canvas import UP, bearing
from relamp.core.light.irradiance import irradiance
from relamp.core.light.prompt import KEY, paint
from relamp.core.light.said_back import said_back
from relamp.core.light.sky import LUMINANCE
from relamp.core.light.vocabulary import FIXTURES, TOPICS
from relamp.core.light.words import describe

LEFT, RIGHT, FRONT, BEHIND = bearing(-90, 0), bearing(90, 0), bearing(0, 0), bearing(180, 0)
ROWS = 64


def received(prompt, *normals):
    return irradiance(paint(describe(prompt), ROWS), np.stack(normals)) @ LUMINANCE


@pytest.mark.parametrize("kind", ["softbox", "window", "neon", "candle", "fire", "spotlight", "moon", "sun"])
@pytest.mark.parametrize(
    ("side", "lit", "dark"),
    [("left", LEFT, RIGHT), ("right", RIGHT, LEFT), ("front", FRONT, BEHIND), ("behind", BEHIND, FRONT)],
)
def test_a_light_shines_from_the_side_it_is_said_to(kind, side, lit, dark):
    one, other = received(f"{kind} from the {side}", lit, dark)
    assert one > 2 * other


@pytest.mark.parametrize(
    ("prompt", "azimuth", "elevation"),
    [
        ("softbox 30 degrees left 20 degrees up", -30, 20),
        ("lamp 120 degrees right 10 degrees down", 120, -10),
        ("low sun from the left", -90, 8),
        ("sunset, sun from behind", 180, 2.5),
        ("sun from the left and front, high", -45, 62),
    ],
)
def test_angles_are_taken_at_their_word(prompt, azimuth, elevation):
    (light,) = describe(prompt).lights
    assert (light.azimuth, light.elevation) == (azimuth, elevation)


@pytest.mark.parametrize("kind", [kind for kind in FIXTURES if FIXTURES[kind].stops == 0 and kind != "sun"])
def test_every_key_light_is_exposed_alike(kind):
    (light,) = describe(f"{kind}, no fill").lights
    alone = irradiance(paint(describe(f"{kind}, no fill"), ROWS), bearing(light.azimuth, light.elevation)[None])
    assert float((alone @ LUMINANCE)[0]) == pytest.approx(KEY, rel=0.25)


def test_a_stop_said_is_a_stop_more():
    plain, more = (paint(describe(f"softbox from the left{said}"), ROWS) for said in ("", ", +1 stop"))
    np.testing.assert_allclose(more, 2 * plain, rtol=1e-4)


def test_a_dim_light_is_darker_and_a_very_dim_one_darker_still():
    levels = [received(f"{said} lamp from the front", FRONT)[0] for said in ("bright", "", "dim", "very dim")]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.6 * levels[-2]


def test_warm_and_cool_are_told_apart_on_each_light():
    map_ = paint(describe("warm lamp from the left, cool lamp from the right"), ROWS)
    left, right = irradiance(map_, np.stack((LEFT, RIGHT)))
    assert left[0] / left[2] > 2 * right[0] / right[2]


def test_kelvin_sets_the_colour_that_the_word_would():
    said, number = (paint(describe(f"{colour} lamp, no fill"), ROWS) for colour in ("warm", "3200 K"))
    np.testing.assert_allclose(said, number, rtol=1e-5)


@pytest.mark.parametrize("words", [("dramatic", "flat"), ("no fill", "low contrast")])
def test_contrast_is_what_the_dark_side_gets(words):
    hard, soft = (received(f"softbox from the left, {said}", LEFT, RIGHT) for said in words)
    assert hard[1] / hard[0] < 0.25 * soft[1] / soft[0]


def test_soft_and_hard_change_the_size_and_not_the_light():
    maps = [paint(describe(f"{said} softbox from the left, no fill"), ROWS) for said in ("soft", "hard")]
    assert maps[0].max() < 0.1 * maps[1].max()
    soft, hard = (irradiance(m, LEFT[None])[0, 1] for m in maps)
    assert soft == pytest.approx(hard, rel=0.15)


def test_an_even_light_has_no_direction():
    map_ = paint(describe("even white light"), ROWS)
    np.testing.assert_allclose(map_, 1.0, rtol=1e-4)


def test_snow_lights_from_below():
    snow, grass = (received(f"clear noon, {ground}", -UP)[0] for ground in ("snow", "grass"))
    assert snow > 4 * grass


def test_a_time_of_day_brings_its_sun_and_overcast_takes_it_away():
    assert [light.kind for light in describe("sunset").lights] == ["sun"]
    assert describe("overcast afternoon").lights == ()
    assert describe("golden hour").lights[0].elevation < describe("noon").lights[0].elevation


def test_every_word_of_the_vocabulary_is_understood_somewhere():
    for topic, terms in TOPICS.items():
        for term in terms:
            if topic in ("how much", "leaving out"):
                prompt = f"{term} warm lamp" if topic == "how much" else f"lamp, sun, {term} sun"
            elif topic in ("lights", "sky", "time of day", "place", "contrast"):
                prompt = f"{term}, softbox" if topic in ("place", "contrast") and "shadow" not in term else term
                prompt = term if term in ("even", "uniform", "shadowless", "no shadows") else prompt
            else:
                prompt = f"lamp {term}"
            map_ = paint(describe(prompt), 16)
            assert np.isfinite(map_).all(), prompt
            assert map_.min() >= 0, prompt
            assert map_.max() > 0, prompt


@pytest.mark.parametrize(
    ("prompt", "kind", "azimuth", "elevation"),
    [
        ("golden hour backlight", "sun", 180, 7),
        ("backlit golden hour from the left", "sun", -135, 7),
        ("window backlight", "window", 180, 8),
        ("candlelight", "candle", -45, -18),
        ("rembrandt lighting", "rembrandt", -45, 40),
        ("rembrandt from the right", "rembrandt", 45, 40),
        ("butterfly", "butterfly", 0, 50),
        ("warm practical behind", "bulb", 180, 20),
        ("soft window light on her face", "window", -45, 8),
        ("make it look like sunset", "sun", -45, 2.5),
    ],
)
def test_what_a_gaffer_says_is_the_light_that_is_meant(prompt, kind, azimuth, elevation):
    (light,) = describe(prompt).lights
    assert (light.kind, light.azimuth, light.elevation) == (kind, azimuth, elevation)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("under a street lamp at night", "street lamp, 2100 K, from front left, 82 deg up"),
        ("campfire from below", "fire, 1950 K, from front left, 70 deg down"),
        ("practical lamp behind her on the right", "bulb, 2800 K, from behind right"),
        ("club lighting, magenta and cyan", "lamp, magenta, from front left, 20 deg up; lamp, cyan, from front right"),
        ("big soft light overhead", "lamp, 4500 K, larger than usual"),
        ("dark and moody", "shadows 4.5 stops darker; 1 stop darker in all"),
        ("dim room, lamp from the left", "in a room; shadows 1.5 stops darker; 1 stop darker in all"),
        ("fluorescent office", "lamp, 4300 K"),
        ("fill two stops under", "fill, 5600 K, +0.5 stops"),
        ("a bit darker", "-1 stop,"),
        ("three point lighting", "key, 5600 K, from front left, 30 deg up; fill"),
        ("silhouette against a bright window", "window, 6500 K, +1 stop, from behind"),
    ],
)
def test_what_an_artist_types_is_read_as_it_is_meant(prompt, said):
    assert said in said_back(describe(prompt))


@pytest.mark.parametrize("prompt", ["bright overcast day", "late afternoon sun through blinds"])
def test_no_sun_stands_beside_clouds_or_the_window_it_shines_through(prompt):
    assert "sun" not in {light.kind for light in describe(prompt).lights}


def test_a_warmth_beside_its_own_hue_is_the_hue():
    assert describe("cool blue light").lights[0].colour == "blue"
    assert describe("blue, cool lamp").lights[0].colour == "blue"
    assert describe("warm tungsten lamp").lights[0].colour == "tungsten"
    with pytest.raises(UsageError, match="'cool' and 'red' contradict"):
        describe("cool red lamp")


@pytest.mark.parametrize(
    ("said", "stops"), [("two stops over", 2), ("1 stop above the", 1), ("half a stop under", -0.5)]
)
def test_a_key_stands_so_many_stops_over_its_fill(said, stops):
    key, fill = describe(f"key {said} fill").lights
    assert (key.kind, fill.kind) == ("key", "fill")
    own = FIXTURES["key"].stops - FIXTURES["fill"].stops
    assert key.stops + own - fill.stops == pytest.approx(stops)


def test_police_lights_are_red_and_blue_from_two_sides():
    left, right = irradiance(paint(describe("police lights at night"), ROWS), np.stack((LEFT, RIGHT)))
    assert left[0] > 5 * left[2]
    assert right[2] > 5 * right[0]


def test_moonlight_is_blue_and_lower_than_the_sun():
    moon, sun = (describe(kind).lights[0] for kind in ("moonlight", "sunlight"))
    assert moon.elevation < sun.elevation
    given = irradiance(paint(describe("moonlight, no fill"), ROWS), bearing(moon.azimuth, moon.elevation)[None])[0]
    assert given[2] > 1.5 * given[0]


@pytest.mark.parametrize(
    ("prompt", "stops"),
    [
        ("sun from the left", 0),
        ("bright sun", 0),
        ("night, street lamp", -2),
        ("dim lamp", -1.5),
        ("dim lamp, bright sun", 0),
        ("dark, softbox", -1),
        ("moonlight", -1.5),
        ("even light, 2 stops darker", -2),
    ],
)
def test_dim_night_and_dark_lower_the_level(prompt, stops):
    assert describe(prompt).level == stops


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (
            "warm softbox from the left, cool fill",
            "softbox, 3200 K, from the left, 30 deg up; fill, 9000 K, from front right, 5 deg up",
        ),
        ("dim candle", "candle, 1850 K, -1.5 stops, from front left, 18 deg down; 1.5 stops darker in all"),
        ("overcast, snow", "overcast sky over snow"),
        ("even red light", "even light from everywhere, red"),
    ],
)
def test_what_was_understood_is_said_back(prompt, said):
    assert said_back(describe(prompt)) == said


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("sunnset from the left", "'sunnset' .did you mean sunset"),
        ("low wram sun", "'wram' .did you mean warm"),
        ("two windows", "'two' .name each light"),
        ("flickering candle", "'flickering' .words are one moment"),
        ("softbox xyzzyq", "'xyzzyq' .nothing near it is known"),
        ("golden our from the left", "'our' .did you mean .*golden hour"),
        ("window left and right", "'left' and 'right' contradict"),
        ("warm cool lamp", "'warm' and 'cool' contradict"),
        ("candle softbox", "names two lights"),
        ("sun at dusk", "no sun to be seen at dusk"),
        ("overcast, clear noon", "both overcast and clear|both clear and overcast"),
        ("even light, sun from the left", "an even light has no direction"),
        ("lamp 30", "30 needs its unit"),
        ("lamp 99999 K", "1000 to 40000 K"),
        ("softbox, no window", "there is no window that could be left out"),
        ("overcast, no sky", "leaves no light at all"),
        ("sky from the left", "a sky is all around"),
        ("overcast from the left", "names no light that could stand somewhere"),
        ("", "says nothing of a light"),
        ("lamp {left}", "means nothing in it"),
        ("rembrandt, her left side dark", "name the light and the side that it comes from"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(prompt, said):
    with pytest.raises(UsageError, match=said):
        describe(prompt)


def test_the_same_words_are_the_same_map():
    prompt = "campfire from below, cool moonlight from behind left"
    np.testing.assert_array_equal(paint(describe(prompt), 32), paint(describe(prompt), 32))
