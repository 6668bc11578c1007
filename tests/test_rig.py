"""Lights put into the scene: the rig file, where its lights stand, what they give, and a render with them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shots
from relamp.core import rig_library
from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.light.rig import Rig, RigLight, from_json, to_json, with_lights
from relamp.core.light.rig_changes import said
from relamp.core.light.rig_file import load
from relamp.core.light.rig_words import rig_of, sentence
from relamp.core.shape import shadow
from relamp.core.shape.placed import PlacedLight, visibility
from relamp.core.shape.placing import View, placed
from relamp.core.shape.shadow import Surface, points_of

BALL = 40.0  # px, its radius; it stands off the wall by as much again


def rig_text(*lights, **more):
    return json.dumps({"schema": "relamp.rig/1", "lights": list(lights), **more})


def surface(heights, normals=None):
    """A relief (h, w) px with its normals, facing the viewer without them."""
    if normals is None:
        normals = np.zeros((*heights.shape, 3), np.float32)
        normals[..., 2] = 1
    centre = heights.shape[1] / 2, heights.shape[0] / 2
    whole = np.ones(heights.shape, bool)
    return Surface(heights.astype(np.float32), normals.astype(np.float32), whole, centre=centre)


def ball_before_a_wall(size=128):
    """A wall that faces the viewer, and a ball before it."""
    line = np.arange(size) - (size - 1) / 2
    y, x = np.meshgrid(-line, line, indexing="ij")
    inside = x**2 + y**2 < BALL**2
    rise = np.sqrt(np.maximum(BALL**2 - x**2 - y**2, 0))
    normals = np.where(inside[..., None], np.stack([x, y, rise], -1) / BALL, np.array([0.0, 0.0, 1.0]))
    return surface(np.where(inside, rise + 2 * BALL, 0), normals)


def wall(size=96):
    return surface(np.zeros((size, size)))


def received(shape, light):
    """What a light gives each point of a relief, (h, w)."""
    return (light.given(shape.normals, points_of(shape.height, shape.focal, shape.centre)) * visibility(shape, light))[
        ..., 0
    ]


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
        ({"kind": "distant", "direction": [0, 0, 1], "name": "\ud800"}, "name holds characters that are none"),
        ({"kind": "distant", "direction": [0, 0, 1], "name": "a\0b"}, "name holds a zero byte"),
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


def test_a_lamp_falls_off_with_the_square_of_its_distance():
    away = 47.5 * math.sqrt(2)
    for z in (20.0, 40.0, 200.0):
        given = received(wall(), lamp(position=(0.0, 0.0, z), radius=0.5))
        # Strength is stated at the middle, whatever the distance; the corner tells the distance, and the cosine with it.
        assert float(given[47, 47]) == pytest.approx(1.0, rel=5e-3)
        assert float(given[0, 0]) == pytest.approx((z**2 / (away**2 + z**2)) ** 1.5, rel=0.03)


def test_a_small_area_light_is_a_lamp_that_shines_to_its_front():
    point = received(wall(), lamp(position=(0.0, 0.0, 100.0)))
    area = received(wall(), lamp(position=(0.0, 0.0, 100.0), aim=(0.0, 0.0, -1.0), sides=(4.0, 4.0)))
    x = np.arange(96) - 47.5
    front = 100 / np.sqrt(x**2 + x[:, None] ** 2 + 100**2)  # a matte emitter dims with the cosine
    np.testing.assert_allclose(area, point * front, rtol=0.01)
    behind = received(wall(), lamp(position=(0.0, 0.0, 100.0), aim=(0.0, 0.0, 1.0), sides=(4.0, 4.0)))
    assert not behind.any()


def test_a_spot_lights_its_cone_and_nothing_else():
    cone = (math.cos(math.radians(15)), math.cos(math.radians(20)))
    given = received(wall(), lamp(position=(0.0, 0.0, 50.0), aim=(0.0, 0.0, -1.0), cone=cone, radius=1.0))
    x = np.abs(np.arange(96) - 47.5)
    assert (given[47, x > 50 * math.tan(math.radians(20)) + 1] == 0).all()
    assert (given[47, x < 50 * math.tan(math.radians(15)) - 1] > 0.8).all()


@pytest.mark.parametrize(
    "light", [{"towards": (-0.6, 0.0, 0.8), "radius": 0.005}, {"position": (-6000.0, 0.0, 8000.0), "radius": 20.0}]
)
def test_a_ball_throws_its_shadow_on_the_wall_where_geometry_has_it(light):
    shape = ball_before_a_wall(192)
    thrown, without = received(shape, lamp(**light)), received(shape, lamp(**light, shadows=False))
    # The ball's middle is 2 radii over the wall: its shadow's lies 80 px times tan 37 degrees to the right.
    middle = 96 + round(2 * BALL * 0.75)
    assert float(thrown[96, middle]) < 0.05
    assert float(without[96, middle]) == pytest.approx(0.8, abs=0.02), "nothing hides without shadows"
    assert float(thrown[96, 5]) > 0.75
    assert float(thrown[5, 96]) > 0.75


def test_what_stands_beyond_a_lamp_does_not_hide_it():
    heights = np.zeros((96, 96))
    heights[:, 20:44] = 12.0  # a step across the picture, seen from 6 px right of it
    for x, hidden in ((-45.0, True), (10.0, False)):
        beside = {"position": (x, 0.0, 15.0), "radius": 0.5}
        thrown, without = (
            received(surface(heights), lamp(**beside, shadows=shadows))[48, 50] for shadows in (True, False)
        )
        assert float(thrown / without) == pytest.approx(0.0 if hidden else 1.0, abs=0.05)


@pytest.mark.parametrize("position", [(-90.0, 20.0, 60.0), (-90.0, 0.0, 400.0), (-60.0, 70.0, -20.0)])
def test_a_shadow_has_no_seam_where_bands_of_rows_meet(monkeypatch, position):
    shape, light = ball_before_a_wall(192), lamp(position=position, radius=2.0)
    banded = visibility(shape, light)
    monkeypatch.setattr(shadow, "each_band", lambda height, work: work(slice(0, height)))
    np.testing.assert_array_equal(visibility(shape, light), banded)


def view(size=128, full=128, origin=(0.0, 0.0, 0.0)):
    window = (0, 0, full, full)
    return View.of((size, size), window, window, 40.0, np.eye(3), np.array(origin))


def put(light, shape, seen):
    whole = np.ones(shape.height.shape, np.float32)
    return placed(light, np.ones(3), seen, shape.height, shape.normals, whole)


def test_a_stop_is_twice_the_light():
    shape = ball_before_a_wall()
    one = RigLight("a", "sphere", position=(-0.5, 0.3, -1.0), size=0.05)
    two = RigLight("b", "sphere", position=(-0.5, 0.3, -1.0), size=0.05, stops=1.0)
    np.testing.assert_array_equal(
        2 * received(shape, put(one, shape, view())), received(shape, put(two, shape, view()))
    )


def test_a_light_on_the_subject_stands_before_the_pixel_that_was_named():
    shape, seen = wall(128), view(full=256)
    x, y, z = put(RigLight("lamp", "sphere", at=(90.0, 128.0), out=0.2, size=0.02), shape, seen).position
    # Pixel 90 of 256 is pixel 45 of 128: 18.5 px left of the middle. The wall, 2 units away, faces the viewer.
    assert x == pytest.approx(-18.5, abs=0.6)
    assert y == pytest.approx(0, abs=0.6)
    assert z == pytest.approx(0.2 * seen.focal / 2)


def test_lights_of_the_world_stand_still_before_a_camera_that_moves():
    light = RigLight("lamp", "sphere", position=(0.5, 0.0, -1.0), size=0.05)
    here, moved = view(), view(origin=(0.5, 0.0, 0.0))
    assert here.focal == pytest.approx(64 / math.tan(math.radians(20)))
    x, _, z = put(light, wall(128), here).position
    assert x == pytest.approx(0.5 * here.focal / 2), "half a unit to the right, where the wall is 2 units away"
    assert z == pytest.approx(here.focal / 2), "half way to the camera"
    assert put(light, wall(128), moved).position[0] == pytest.approx(0.0)


def test_a_lamp_is_seen_in_perspective():
    # A step before the wall. What the camera sees, a lamp beside it sees.
    heights = np.zeros((96, 96), np.float32)
    heights[:, 20:40] = 12.0
    shape = Surface(heights, wall().normals, np.ones((96, 96), bool), focal=130.0, centre=(48.0, 48.0))
    assert visibility(shape, lamp(position=(0.0, 0.0, 129.0), radius=0.1)).min() > 0.9
    aside = visibility(shape, lamp(position=(-120.0, 0.0, 100.0), radius=0.1))[48, :, 0]
    assert aside[42:46].max() < 0.1, "right of the block, from the left"
    assert aside[80:].min() > 0.9


def test_a_light_is_the_same_in_a_larger_picture():
    shape = wall(64)
    light = put(
        RigLight("w", "area", position=(-0.4, 0.2, -1.2), aim=(0.5, -0.2, -0.8), size=(0.3, 0.2)), shape, view(64)
    )
    small, large = received(shape, light), received(wall(128), light.scaled(2.0))
    np.testing.assert_allclose(large.reshape(64, 2, 64, 2).mean((1, 3)), small, rtol=0.02, atol=1e-3)


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


KEY = {"name": "key", "kind": "distant", "direction": [1, 0.5, 0.4], "kelvin": 3000}
LAMP = {"name": "lamp", "kind": "sphere", "position": [-0.6, 0.2, -1.4], "stops": 1}


def rig_file(shot, *lights, name="rig.json"):
    path = shot.folder / name
    path.write_text(rig_text(*lights))
    return str(path)


def relit(shot, rig, *more, out="relit"):
    """The first frame of a render with a rig: R, G, B."""
    path = str(shot.folder / out / "relit.####.exr")
    backbone = [] if "--backbone" in more else ["--backbone", "ratio"]
    assert (
        main(["render", shot.plate, "--rig", rig, "--out", path, "-q", "-F", "1001", "-d", "float", *backbone, *more])
        == 0
    )
    return Path(path.replace("####", "1001"))


@pytest.mark.parametrize("backbone", ["ratio", "relamp"])
def test_a_rig_adds_to_the_plates_own_light(shot, backbone):
    plate = shots.layer(shot.plate_frame(1001), "R", "G", "B")
    out = shots.layer(relit(shot, rig_file(shot, KEY), "--backbone", backbone), "R", "G", "B")
    gain = out / np.maximum(plate, 1e-6)
    right, left = gain[24, 34:40].mean(0), gain[24, 8:11]
    assert right[0] > 1.2
    assert right[0] > right[2], "3000 K is warm"
    np.testing.assert_array_equal(out[24, 8:11], plate[24, 8:11], err_msg=f"unlit parts keep their numbers: {left}")


def test_the_log_says_that_a_rig_is_added_to_the_plates_own_light(shot, capsys):
    rig = rig_file(shot, KEY)
    assert main(["render", shot.plate, "--rig", rig, "--out", shot.out, "-F", "1001", "--dry-run"]) == 0
    said = capsys.readouterr()
    lines = dict(line.split(maxsplit=1) for line in (said.out + said.err).splitlines() if line[:6].strip())
    assert lines["light"] == "the plate's own, which stays"
    assert lines["rig"] == f"{rig} (key)"


def test_an_empty_rig_and_lights_that_are_off_leave_every_bit(shot):
    plate = shots.layer(shot.plate_frame(1001), "R", "G", "B")
    for index, lights in enumerate(((), ({**KEY, "on": False},))):
        out = relit(shot, rig_file(shot, *lights, name=f"{index}.json"), "--shadows", "0.5", out=f"out{index}")
        np.testing.assert_array_equal(shots.layer(out, "R", "G", "B"), plate)


def test_the_lights_of_a_rig_are_layers_that_add_up_and_double_with_a_stop(shot):
    one = relit(shot, rig_file(shot, KEY, LAMP), "--layers", "lamps", "--grain", "off")
    picture = {name: shots.layer(one, *(f"{name}.{c}" for c in "RGB")) for name in ("lamp1", "lamp2", "rest")}
    beauty = shots.layer(one, "R", "G", "B")
    np.testing.assert_array_equal(beauty - picture["lamp1"] - picture["lamp2"], picture["rest"])
    inside = shots.layer(shot.plate_frame(1001), "A")[..., 0] == 1
    plate = shots.layer(shot.plate_frame(1001), "R", "G", "B")
    np.testing.assert_allclose(picture["rest"][inside], plate[inside], rtol=0.02, atol=2e-3)
    two = relit(
        shot,
        rig_file(shot, {**KEY, "stops": 1}, LAMP, name="two.json"),
        "--layers",
        "lamps",
        "--grain",
        "off",
        out="two",
    )
    doubled = shots.layer(two, "lamp1.R", "lamp1.G", "lamp1.B")
    np.testing.assert_allclose(doubled[inside], 2 * picture["lamp1"][inside], rtol=0.03, atol=4e-3)


def test_a_strong_rim_leaves_no_line_at_a_soft_matte_when_its_layer_is_taken_out(shot):
    y, x = np.mgrid[:48, :48] + 0.5
    matte = np.clip((20 - np.hypot(y - 24, x - 24)) / 4 + 0.5, 0, 1).astype(np.float32)[..., None]
    path = str(shots.write_exr(shot.folder / "soft.exr", matte, ("A",)))
    plate = np.full((48, 48, 3), 0.3, np.float32)
    shots.write_exr(shot.plate_frame(1001), plate, tuple("RGB"))
    rim = {"name": "rim", "kind": "distant", "direction": [-1, 0.3, -0.2], "stops": 4}
    out = relit(shot, rig_file(shot, rim), "--matte", path, "--layers", "lamps", "--grain", "off")
    assert shots.layer(out, "lamp1.R").max() > 0.5
    np.testing.assert_allclose(shots.layer(out, "rest.R", "rest.G", "rest.B"), plate, rtol=0.1)


def test_the_order_of_lights_does_not_matter(shot):
    a = shots.layer(relit(shot, rig_file(shot, KEY, LAMP, name="a.json"), out="a"), "R", "G", "B")
    b = shots.layer(relit(shot, rig_file(shot, LAMP, KEY, name="b.json"), out="b"), "R", "G", "B")
    np.testing.assert_array_equal(a, b)


def test_a_rig_stands_in_a_new_light_beside_a_map(shot):
    env = ["--env", shot.env_b]
    path = shot.folder / "alone.####.exr"
    assert (
        main(["render", shot.plate, *env, "--backbone", "ratio", "--out", str(path), "-q", "-F", "1001", "-d", "float"])
        == 0
    )
    alone = shots.layer(shot.folder / "alone.1001.exr", "R", "G", "B")
    both = shots.layer(relit(shot, rig_file(shot, KEY), *env), "R", "G", "B")
    more = both - alone
    inside = shots.layer(shot.plate_frame(1001), "A")[..., 0] == 1
    assert (more[inside] > -1e-4).all()
    assert more[24, 36, 0] > 0.05


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--light", "add", "--env", "b.exr"], "--env would change nothing"),
        (["--env-exposure", "1"], "give the rig's lights other stops"),
        (["--backbone", "ic-light"], "--rig lights a shape"),
    ],
)
def test_options_that_do_not_go_with_a_rig_are_refused(shot, capsys, options, what):
    options = [shot.env_b if option == "b.exr" else option for option in options]
    assert main(["render", shot.plate, "--rig", rig_file(shot, KEY), "--out", shot.out, *options]) == 2
    assert what in capsys.readouterr().err


def test_add_without_a_rig_is_refused(shot, capsys):
    assert main(["render", shot.plate, "--light", "add", "--out", shot.out]) == 2
    assert "--rig" in capsys.readouterr().err


def test_a_rig_that_changes_renders_its_frames_again(shot):
    rig = rig_file(shot, KEY)
    first = relit(shot, rig)
    before = first.read_bytes()
    Path(rig).write_text(rig_text({**KEY, "stops": 1}))
    assert relit(shot, rig, "--skip-existing", "same").read_bytes() != before


def test_the_verb_writes_a_rig_from_words_and_says_what_it_holds(tmp_path, capsys):
    out = tmp_path / "rig.json"
    assert main(["rig", "warm rim from behind left", "--out", str(out)]) == 0
    assert "rim: distant, from 135 degrees left" in capsys.readouterr().out
    assert load(out) == rig_of("warm rim from behind left")
    assert main(["rig", "candle", "--out", str(out)]) == 2
    assert main(["rig", str(out)]) == 0
    assert "rim: distant" in capsys.readouterr().out


@pytest.mark.parametrize("preset", rig_library.presets(), ids=lambda preset: preset.name)
def test_every_light_of_the_library_is_a_light_of_a_rig(preset):
    rig = from_json(rig_text(*rig_library.lights_of(preset.name)))
    assert rig.lights
    assert preset.says
    for light in rig.lights:
        if light.aim is not None:  # what is aimed at the subject meets its middle
            away = np.array(rig_library.MIDDLE) - light.position
            np.testing.assert_allclose(np.cross(away, light.aim), 0, atol=1e-4)
            assert away @ light.aim > 0


def test_lights_of_the_library_stand_around_the_subject_in_its_unit():
    (near,) = rig_library.lights_of("candle", (0.0, 0.0, -2.0))
    (far,) = rig_library.lights_of("candle", (30.0, 0.0, -200.0))
    offset = np.array(far["position"]) - (30.0, 0.0, -200.0)
    np.testing.assert_allclose(offset, (np.array(near["position"]) - (0, 0, -2)) * math.hypot(15, 100), rtol=1e-3)
    assert far["size"] == pytest.approx(near["size"] * math.hypot(15, 100), rel=1e-3)


def test_the_verb_adds_lights_of_the_library_to_a_rig_and_numbers_their_names(tmp_path, capsys):
    first, second = tmp_path / "rig.json", tmp_path / "more.json"
    assert main(["rig", "--add", "three-point", "--out", str(first)]) == 0
    assert main(["rig", str(first), "--add", "key", "--add", "window", "--out", str(second)]) == 0
    assert [light.name for light in load(second).lights] == ["key", "fill", "rim", "key 2", "window"]
    assert load(second).lights[:3] == load(first).lights
    capsys.readouterr()
    assert main(["rig", "--library"]) == 0
    assert "candle: a flame" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--add", "sun"], "the library has no light 'sun'; it has key, fill"),
        ([], "give a rig file, words, or lights of the library"),
        (["--add", "key", "--subject", "0,0,2"], "z is below 0"),
        (["--add", "key", "--subject", "0,0"], "three numbers"),
        (["candle", "--subject", "0,0,-2"], "neither is given"),
        (["world.json", "--add", "key"], "in the axes of the world"),
    ],
)
def test_lights_that_cannot_be_added_are_refused(tmp_path, monkeypatch, capsys, options, what):
    monkeypatch.chdir(tmp_path)
    Path("world.json").write_text(rig_text(KEY, space="world"))
    assert main(["rig", *options]) == 2
    assert what in capsys.readouterr().err


def the_table_of_sentences():
    """Rows of the page: what was said, and what became of it."""
    page = (Path(__file__).parents[1] / "docs" / "rig.md").read_text(encoding="utf-8")
    rows = page.split("<!-- sentences -->")[1].split("<!-- end of sentences -->")[0].strip().splitlines()[2:]
    return [tuple(cell.strip() for cell in row.strip("|").split(" | ")) for row in rows]


def three_points():
    return with_lights(Rig(()), rig_library.lights_of("three-point"))


def test_the_page_says_what_becomes_of_sixty_sentences():
    rows = the_table_of_sentences()
    assert len(rows) == 60
    refused = [(words, told) for words, told in rows if told.startswith("refused: ")]
    for words, told in refused:
        with pytest.raises(UsageError) as error:
            said(three_points(), words)
        assert told == f"refused: {error.value}"
    for words, told in (row for row in rows if row not in refused):
        before = three_points()
        after, done = said(before, words)
        changed = [sentence(light) for light in after.lights if light not in before.lights]
        assert told == " · ".join(["; ".join(done), *changed])
        assert after != before


def test_words_change_what_they_name_and_nothing_else():
    before = three_points()
    key, fill, rim = said(before, "make the key stronger and warmer and the rim 2 stops brighter")[0].lights
    assert (key.stops, key.kelvin) == (1.0, 4480.0)
    assert fill == before.lights[1]
    assert rim == replace(before.lights[2], stops=2.5)
    (across, *_) = said(before, "put the key on the other side")[0].lights
    np.testing.assert_allclose(across.direction, before.lights[0].direction * np.array([-1, 1, 1]), atol=0.01)
    assert [light.name for light in said(before, "take out the fill")[0].lights] == ["key", "rim"]
    assert not said(before, "turn everything off")[0].at_frame(1)


@pytest.mark.parametrize(
    ("words", "name", "stops"),
    [
        ("a blue kicker from behind right, 2 stops brighter", "kicker", 2.5),
        ("add a candle near her face, a stop darker", "candle", -1.5),
        ("make the key warmer, two stops up", "key", 2.0),
        ("lower the intensity of the key by 50%", "key", -1.0),
        ("raise the level of the key", "key", 1.0),
        ("make the key 0.5 stops brighter", "key", 0.5),
        ("dim the key by 30 percent", "key", -0.51),
    ],
)
def test_strengths_are_those_of_the_light_that_they_are_said_of(words, name, stops):
    before = three_points()
    after, _ = said(before, words)
    assert {light.name for light in after.lights} == {"key", "fill", "rim", name}
    (changed,) = (light for light in after.lights if light not in before.lights)
    assert (changed.name, changed.stops) == (name, stops)


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("rim warmer", {"rim"}),
        ("the key light a little brighter", {"key"}),
        ("fill off", {"fill"}),
        ("rim cooler and key softer", {"rim", "key"}),
        ("negative fill", {"fill"}),
    ],
)
def test_a_light_that_is_there_is_changed_also_without_a_verb(words, changed):
    before = three_points()
    after, _ = said(before, words)
    assert [light.name for light in after.lights] == ["key", "fill", "rim"]
    assert {light.name for light in after.lights if light not in before.lights} == changed


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ("a warm 3/4 back light from the left", -1),
        ("three-quarter back from the right", 1),
        ("add a kicker from the right", 1),
        ("cheek light from the left", -1),
    ],
)
def test_lights_from_three_quarters_behind_stand_there(words, side):
    *_, added = said(three_points(), words)[0].lights
    assert added.direction[0] * side > 0.3
    assert added.direction[2] < -0.3


@pytest.mark.parametrize(
    ("words", "changed", "added"),
    [
        ("rim warmer and a kicker from the left", {"rim"}, ["kicker"]),
        ("rim warmer and add a kicker from the left", {"rim"}, ["kicker"]),
        ("make the rim warmer but add a hair light from the right", {"rim"}, ["hair light"]),
        ("a candle on the left with a blue kicker from the right", set(), ["candle", "kicker"]),
        ("make the key and the fill warmer", {"key", "fill"}, []),
        ("turn off the key and the fill", {"key", "fill"}, []),
        ("make the key warmer, and everything but the key a stop darker", {"key", "fill", "rim"}, []),
        ("add a candle on the left and another behind her", set(), ["candle", "candle 2"]),
        ("add a kicker from the left, make it warmer", set(), ["kicker"]),
        ("more fill, less rim", {"fill", "rim"}, []),
        ("make the back light cooler", {"rim"}, []),
    ],
)
def test_every_clause_of_a_sentence_has_its_effect(words, changed, added):
    before = three_points()
    after, _ = said(before, words)
    assert {old.name for old, new in zip(before.lights, after.lights, strict=False) if old != new} == changed
    assert [light.name for light in after.lights[3:]] == added


@pytest.mark.parametrize(
    ("words", "name", "side", "up", "stops"),
    [
        ("move the key 20 degrees left and up 10 degrees", "key", -66, 40, 0),
        ("lower the key to 20 degrees", "key", -46, 20, 0),
        ("set the key at 30 degrees right", "key", 30, 30, 0),
        ("put the rim directly behind her", "rim", 180, 30, 0.5),
        ("move the rim behind left", "rim", -145, 30, 0.5),
        ("make the fill 2 stops under the key", "fill", 37, 6, -2),
        ("set the rim to -1 stop", "rim", 145, 30, -1),
        ("pull the key back a third of a stop", "key", -46, 30, -0.33),
        ("take a stop and a half off the key", "key", -46, 30, -1.5),
        ("the key is much too bright", "key", -46, 30, -2),
    ],
)
def test_a_light_gets_the_place_and_the_strength_that_are_said(words, name, side, up, stops):
    light = next(one for one in said(three_points(), words)[0].lights if one.name == name)
    x, y, z = light.direction
    assert math.degrees(math.atan2(x, z)) == pytest.approx(side, abs=1)
    assert math.degrees(math.asin(y / math.hypot(x, y, z))) == pytest.approx(up, abs=1)
    assert light.stops == pytest.approx(stops)


def test_what_is_said_of_a_light_of_the_library_is_in_it():
    (plain,), (large,) = (
        said(Rig(()), f"a {size}window on the right without shadows")[0].lights for size in ("", "large ")
    )
    assert large.size == tuple(2 * side for side in plain.size)
    assert plain.position[0] > 0
    assert not plain.shadows


@pytest.mark.parametrize(
    "words", ["a rim from the left", "hair light from the left", "camera left kicker", "rim on the left"]
)
def test_lights_of_the_edge_stand_behind_on_the_side_that_is_said(words):
    (light,) = rig_of(words).lights
    assert math.degrees(math.atan2(light.direction[0], light.direction[2])) == pytest.approx(-135, abs=1)


@pytest.mark.parametrize("words", ["negative fill", "no fill", "key from the right, negative fill from the left"])
def test_a_rig_of_words_that_take_light_away_is_refused(words, capsys):
    assert main(["rig", words]) == 2
    assert "lights of a rig only add light" in capsys.readouterr().err


def test_what_a_rig_cannot_hold_of_its_words_is_said(caplog):
    rig_of("moody blue rim in a studio")
    assert "the studio and the darkness of the shadows" in caplog.text


def test_words_do_not_move_lights_of_a_rig_in_the_axes_of_the_world():
    world = from_json(rig_text(KEY, space="world"), "the rig")
    assert said(world, "make it warmer")[0] != world
    with pytest.raises(UsageError, match="axes of the world"):
        said(world, "move it to the left")


def test_negative_fill_without_a_fill_is_refused_with_what_else_does_it():
    before, _ = said(three_points(), "take out the fill")
    with pytest.raises(UsageError, match=r"lights of a rig only add light.*no fill"):
        said(before, "negative fill")


def test_a_light_that_words_move_stays_aimed_at_the_subject():
    window = with_lights(Rig(()), rig_library.lights_of("window"))
    (moved,) = said(window, "move the window to the right, move it closer")[0].lights
    offset, before = (np.array(light.position) - rig_library.MIDDLE for light in (moved, window.lights[0]))
    np.testing.assert_allclose(np.linalg.norm(offset), 0.7 * np.linalg.norm(before), rtol=1e-3)
    assert offset[0] > 0 > before[0]
    np.testing.assert_allclose(np.cross(moved.aim, offset), 0, atol=1e-3)
    assert np.dot(moved.aim, offset) < 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("make the sun stronger", "names no light of the rig, which has key, fill, rim"),
        ("2 stops brighter", "names no light of the rig, which has key, fill, rim"),
        ("dim the key by 100%", "leaves no light; turn it off"),
        ("make the key purr", "purr is no change of a light"),
        ("make the key purr and stronger", "purr is no change of a light"),
        ("make the kye warmer", "did you mean key"),
        ("negative fill from the left", "leave out 'from the left'"),
        ("change the key from warm to cool", "contradict each other"),
        ("make the key stronger than the fill", "by how many stops"),
        ("make the fill less blue", "name the colour"),
        ("add two candles", "name each light with a place"),
        ("turn the key 20 degrees", "needs a direction"),
        ("move the key closer", "equally far from everything"),
        ("add a gobo", "gobo"),
        (" ", "says nothing of a light"),
        ("set the key to 50 K", "1000 to 40000 K"),
    ],
)
def test_words_that_change_nothing_are_refused(words, what):
    with pytest.raises(UsageError, match=what):
        said(three_points(), words)


def test_the_verb_changes_a_rig_in_words(tmp_path, capsys):
    first, second = tmp_path / "rig.json", tmp_path / "more.json"
    assert main(["rig", "--add", "key", "--out", str(first)]) == 0
    assert main(["rig", str(first), "--say", "make it stronger, a candle near her face", "--out", str(second)]) == 0
    assert "key: +1 stop\nadded candle" in capsys.readouterr().out
    assert [(light.name, light.stops) for light in load(second).lights] == [("key", 1.0), ("candle", -0.5)]
