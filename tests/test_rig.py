"""Lights put into the scene: the rig file, where its lights stand, what they give, and a render with them."""

import json
import math

import numpy as np
import pytest
import torch

from relamp.core.errors import InputError, UsageError
from relamp.core.light.rig import Rig, RigLight, from_json, load, to_json
from relamp.core.light.rig_words import rig_of, sentence
from relamp.core.shape.placed import PlacedLight, received
from relamp.core.shape.placing import RigView, view_of
from relamp.core.shape.trace import trace

BALL = 40.0  # px, its radius; it stands off the wall by as much again


def rig_text(*lights, **more):
    return json.dumps({"schema": "relamp.rig/1", "lights": list(lights), **more})


def ball_before_a_wall(size=128):
    """A wall that faces the viewer, and a ball before it; normals (1, 3, h, w), heights (1, h, w) px."""
    line = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(-line, line, indexing="ij")
    inside = x**2 + y**2 < BALL**2
    rise = (BALL**2 - x**2 - y**2).clamp_min(0).sqrt()
    normals = torch.where(inside, torch.stack([x, y, rise]) / BALL, torch.tensor([0.0, 0.0, 1.0])[:, None, None])
    heights = torch.where(inside, rise + 2 * BALL, torch.zeros(()))
    whole = torch.ones(1, 1, size, size)
    return trace(normals[None], heights[None], whole, torch.zeros_like(whole))


def wall(size=96):
    facing = torch.zeros(1, 3, size, size)
    facing[:, 2] = 1
    whole = torch.ones(1, 1, size, size)
    return trace(facing, torch.zeros(1, size, size), whole, torch.zeros_like(whole))


def lamp(**more):
    return PlacedLight("lamp", (1.0, 1.0, 1.0), **more)


def test_a_rig_comes_back_from_its_own_text():
    text = rig_text(
        {"name": "key", "kind": "distant", "direction": [-1, 0.3, 0.5], "kelvin": 3200},
        {"kind": "sphere", "at": [100, 200], "out": 0.5, "stops": {"keys": [[1001, 0], [1011, 2]]}, "shadows": False},
        {"kind": "area", "position": [-2, 1, -3], "aim": [1, -0.3, 0], "size": [1, 1.5], "on": False},
        space="world",
    )
    rig = from_json(text)
    assert from_json(to_json(rig)) == rig
    assert [light.name for light in rig.lights] == ["key", "light 2", "light 3"]
    assert [light.name for light in rig.at_frame(1006)] == ["key", "light 2"], "what is off is no light"
    assert rig.at_frame(1006)[1].stops == 1.0


@pytest.mark.parametrize(
    ("light", "what"),
    [
        ({"kind": "lamp"}, "kind must be one of distant, sphere, spot, area"),
        ({"kind": "distant"}, "needs direction"),
        ({"kind": "distant", "direction": [0, 0, 0]}, "all three of its numbers are 0"),
        ({"kind": "distant", "direction": [0, 0, float("nan")]}, "direction cannot be used"),
        ({"kind": "distant", "direction": [0, 0, 1], "position": [0, 0, 0]}, "a distant light has no position"),
        ({"kind": "sphere"}, "give either position, or at"),
        ({"kind": "sphere", "position": [0, 0, 0], "at": [0, 0]}, "give either position, or at"),
        ({"kind": "spot", "position": [0, 0, 0]}, "needs aim"),
        ({"kind": "area", "position": [0, 0, 0], "aim": [0, 0, 1], "size": [0, 1]}, "size cannot be used"),
        ({"kind": "distant", "direction": [0, 0, 1], "stops": {"keys": []}}, "at least one key"),
        ({"kind": "distant", "direction": [0, 0, 1], "stops": {"keys": [[1.5, 0]]}}, "a frame is a whole number"),
        ({"kind": "distant", "direction": [0, 0, 1], "kelvin": 1, "colour": [1, 1, 1]}, "either kelvin or colour"),
        ({"kind": "distant", "direction": [0, 0, 1], "colour": [0, 0, 0]}, "a black light"),
        ({"kind": "distant", "direction": [0, 0, 1], "shadows": 1}, "shadows must be true or false"),
        ({"kind": "distant", "direction": [0, 0, 1], "name": ""}, "name must be text"),
        ("key", "must be an object"),
    ],
)
def test_a_light_that_cannot_be_is_refused_by_its_number_and_key(light, what):
    with pytest.raises(InputError, match="light 1") as error:
        from_json(rig_text(light), "shot.json")
    assert what in str(error.value)
    assert "shot.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "relamp.rig/2", "lights": []}', "[" * 100_000])
def test_what_is_no_rig_is_refused(tmp_path, text):
    file = tmp_path / "rig.json"
    file.write_text(text)
    with pytest.raises(InputError, match="is not a rig"):
        load(file)


def test_twice_as_far_gives_a_quarter():
    near, far = (
        received(wall(), (lamp(position=(0.0, 0.0, z), radius=1.0), lamp(position=(0.0, 0.0, 40.0), radius=1.0)))
        for z in (20.0, 40.0)
    )
    # Strength is stated at the middle, so the middle is alike and the corner tells the distance.
    for given in (near, far):
        assert given[:, 0, 47, 47].tolist() == pytest.approx([1.0, 1.0], rel=5e-3)
    away = 47.5 * math.sqrt(2)
    for given, z in ((near, 20.0), (far, 40.0)):
        assert float(given[0, 0, 0, 0]) == pytest.approx((z**2 / (away**2 + z**2)) ** 1.5, rel=0.03)


def test_an_area_light_far_away_is_a_point_and_near_by_is_softer():
    point = received(wall(), (lamp(position=(0.0, 0.0, 300.0)),))[0, 0]
    area = received(wall(), (lamp(position=(0.0, 0.0, 300.0), aim=(0.0, 0.0, -1.0), sides=(10.0, 10.0)),))[0, 0]
    torch.testing.assert_close(
        area, point * (300**2 / ((point / point.max()) ** (-2 / 3) * 300**2)) ** 0.5, rtol=0.03, atol=0
    )


def test_a_spot_lights_its_cone_and_nothing_else():
    cone = (math.cos(math.radians(15)), math.cos(math.radians(20)))
    given = received(wall(), (lamp(position=(0.0, 0.0, 50.0), aim=(0.0, 0.0, -1.0), cone=cone, radius=1.0),))[0, 0]
    x = (torch.arange(96) - 47.5).abs()
    assert (given[47, x > 50 * math.tan(math.radians(20)) + 1] == 0).all()
    assert (given[47, x < 50 * math.tan(math.radians(15)) - 1] > 0.8).all()


def test_a_ball_throws_its_shadow_on_the_wall_where_geometry_has_it():
    shape = ball_before_a_wall()
    toward = (-0.6, 0.0, 0.8)
    distant, without = received(
        shape, (lamp(towards=toward, radius=0.005), lamp(towards=toward, radius=0.005, shadows=False))
    )
    # Along the middle row the ball's silhouette is thrown to the right by its height over the wall times tan 37 degrees.
    row = distant[0, 64]
    assert float(without[0, 64, 64 + 52]) == pytest.approx(0.8, abs=0.01), "nothing hides without shadows"
    assert float(row[64 + 52]) < 0.05, "behind the ball, as the light sees it"
    assert float(row[2]) > 0.75, "before the ball"


def test_a_lamp_between_ball_and_wall_is_not_hidden_by_what_stands_beyond_it():
    shape = wall()
    # A block at the left edge; the lamp stands between it and the middle.
    heights = torch.zeros(1, 96, 96)
    heights[:, :, :8] = 60.0
    shape = trace(
        torch.zeros(1, 3, 96, 96) + torch.tensor([0.0, 0.0, 1.0])[:, None, None],
        heights,
        torch.ones(1, 1, 96, 96),
        torch.zeros(1, 1, 96, 96),
    )
    given = received(
        shape,
        (lamp(position=(-20.0, 0.0, 15.0), radius=0.5), lamp(position=(-20.0, 0.0, 15.0), radius=0.5, shadows=False)),
    )
    torch.testing.assert_close(given[0, :, :, 40:], given[1, :, :, 40:], rtol=1e-3, atol=1e-4)


def test_a_light_doubles_with_each_stop_and_the_order_of_lights_does_not_matter():
    shape, view = (
        ball_before_a_wall(),
        view_of((128, 128), (0, 0, 128, 128), (0, 0, 128, 128), 40.0, np.eye(3), np.zeros(3)),
    )
    lights = (
        RigLight("a", "sphere", position=(-0.5, 0.3, -1.0), size=0.05),
        RigLight("b", "sphere", position=(-0.5, 0.3, -1.0), size=0.05, stops=1.0),
    )
    white = np.ones((2, 3), np.float32)
    a, b = received(shape, RigView(lights, white, view).placed(shape))
    assert torch.equal(2 * a, b)
    swapped = received(shape, RigView(lights[::-1], white, view).placed(shape))
    assert torch.equal(swapped, torch.stack([b, a]))


def test_a_light_on_the_subject_stands_before_the_pixel_that_was_named():
    shape = ball_before_a_wall()
    view = view_of((128, 128), (0, 0, 256, 256), (0, 0, 256, 256), 40.0, np.eye(3), np.zeros(3))
    light = RigLight("lamp", "sphere", at=(90.0, 128.0), out=0.2, size=0.02)
    [placed] = RigView((light,), np.ones((1, 3)), view).placed(shape)
    x, y, z = placed.position
    # Pixel 90 of 256 is pixel 45 of 128: 18.5 px left of the middle, on the ball; its normal points there, too.
    assert (x / -18.5) == pytest.approx(1 + 0.2 * view.scale / BALL, rel=0.05)
    assert y == pytest.approx(0, abs=1.0)
    assert z > math.sqrt(BALL**2 - 18.5**2) + 2 * BALL


def test_lights_of_the_world_stand_still_before_a_camera_that_moves():
    here = view_of((90, 160), (0, 0, 1920, 1080), (0, 0, 1920, 1080), 40.0, np.eye(3), np.zeros(3))
    moved = view_of((90, 160), (0, 0, 1920, 1080), (0, 0, 1920, 1080), 40.0, np.eye(3), np.array([0.5, 0.0, 0.0]))
    shape = wall(96)
    light = RigLight("lamp", "sphere", position=(0.5, 0.0, -2.0), size=0.05)
    [first], [second] = (RigView((light,), np.ones((1, 3)), view).placed(shape) for view in (here, moved))
    assert first.position[0] == pytest.approx(0.5 * here.scale)
    assert second.position[0] == pytest.approx(0.0)
    assert here.scale == pytest.approx(80 / math.tan(math.radians(20)) / 2)


def test_words_make_a_rig():
    rig = rig_of("add a warm rim from behind left, soft fill from the right")
    rim, fill = rig.lights
    assert rim.direction[0] < 0
    assert rim.direction[2] < 0
    assert rim.kelvin == 3200
    assert fill.direction[0] > 0
    assert fill.stops == -2.5
    assert sentence(rim) == "rim: distant, from 135 degrees left of the camera, 30 up, 3200 K, +0.5 stops"
    with pytest.raises(UsageError, match="names no light that stands somewhere"):
        rig_of("overcast sky")


def test_an_empty_rig_holds_no_light():
    assert Rig(()).at_frame(1) == ()
