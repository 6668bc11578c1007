"""The level that a subject takes from the background that lights it, one number a shot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.gain.subject import Subject
from relamp.core.job import Measured, RelightJob, from_json, load, to_json, with_parameters
from relamp.core.parameters import RelightParameters
from relamp.core.shot.background_level import MOST_STOPS, PlatePixels, believed, plate_pixels, stops_behind
from relamp.core.shot.preview import Previewer
from shots import QUICK_OPTIONS, Shot, layer, write_exr

RGB = ("R", "G", "B")
WEIGHTS = np.array([0.25, 0.5, 0.25])
NOTHING = np.zeros((0, 3), np.float32)


def place(level: float, seed: int = 0, count: int = 4000) -> np.ndarray:
    """Pixels of a place whose surfaces are of many reflectances, (N, 3), of a typical luminance."""
    spread = np.exp(0.7 * np.random.default_rng(seed).standard_normal((count, 1)))
    return (level * spread * np.ones(3)).astype(np.float32)


def told(subject: np.ndarray, around: np.ndarray, background: np.ndarray) -> float:
    return stops_behind([PlatePixels(subject, around)], [background], WEIGHTS)


def test_a_background_as_bright_as_the_plate_leaves_the_level_exactly():
    assert told(place(0.2, 1), place(0.18, 2), place(0.25, 3)) == 0.0


def test_beyond_the_scenery_a_stop_less_is_a_stop_less():
    dusk, later = (told(place(0.2), NOTHING, place(0.2) * np.float32(2.0**-stops)) for stops in (2.5, 3.5))
    assert dusk == pytest.approx(-1.5, abs=1e-3)
    assert later == pytest.approx(-2.5, abs=1e-3)


def test_a_difference_has_no_jump_and_a_limit():
    stops = np.array([believed(s) for s in np.linspace(-9, 9, 1801)])
    assert stops[0] == -MOST_STOPS
    assert stops[-1] == MOST_STOPS
    assert 0 <= np.diff(stops).min() <= np.diff(stops).max() < 0.011
    np.testing.assert_allclose(stops, -stops[::-1], atol=1e-9)


def test_lamps_in_a_dark_street_do_not_decide():
    street = place(0.02)
    lamps = street.copy()
    lamps[:150] = 500.0
    assert told(place(0.2), NOTHING, lamps) == pytest.approx(told(place(0.2), NOTHING, street), abs=0.15)


def test_dark_clothes_do_not_brighten_the_subject():
    dark, around, street = place(0.03), place(0.2, 1, 16000), place(0.2, 2)
    assert told(dark, NOTHING, street) > 1
    assert told(dark, around, street) == 0.0


@pytest.mark.parametrize("backdrop", [0.0005, 20.0])
def test_a_black_or_burnt_out_backdrop_does_not_count(backdrop):
    assert told(place(0.2), place(backdrop, 1, 16000), place(0.2, 2)) == 0.0


def test_what_is_around_a_subject_is_what_the_plate_shows_there():
    picture = np.full((8, 8, 3), 0.1, np.float32)
    matte = np.zeros((8, 8), np.float32)
    picture[2:6, 2:6], matte[2:6, 2:6] = 0.4, 1
    normals, known = np.broadcast_to(np.array((0, 0, 1), np.float32), picture.shape), matte > 0
    subject = Subject(picture, None, matte, normals, known, guessed=False)
    pixels = plate_pixels(subject)
    np.testing.assert_array_equal(pixels.subject, np.full((16, 3), 0.4, np.float32))
    np.testing.assert_array_equal(pixels.around, np.full((48, 3), 0.1, np.float32))
    cut_out = replace(subject, plate=picture * matte[..., None])
    assert len(plate_pixels(cut_out).around) == 0
    assert len(plate_pixels(replace(cut_out, alpha=matte)).around) == 0


# ------------------------------------------------------------------------------------------------------------------ in a render


@pytest.fixture
def shot(tmp_path):
    shot = Shot(tmp_path, "float", frames=3)
    street = place(0.08, 5, 48 * 48).reshape(48, 48, 3)
    for frame in (1001, 1002, 1003):  # it becomes darker during the shot
        write_exr(tmp_path / f"street.{frame}.exr", street * np.float32(2.0 ** (1001 - frame)), RGB)
    return shot


def street(shot: Shot) -> str:
    return str(shot.folder / "street.####.exr")


def render(shot: Shot, name: str, *more: str, frames: str = "1001-1003") -> np.ndarray:
    out = str(shot.folder / f"{name}.####.exr")
    asked = ("--background", street(shot), "--out", out, "-d", "float", "--grain", "off", *QUICK_OPTIONS, "-F", frames)
    assert main(["render", shot.plate, *asked, *more]) == 0
    return layer(shot.folder / f"{name}.1002.exr", *RGB)


def test_a_render_is_darker_by_the_number_that_the_log_says_in_every_frame(shot, capsys):
    job = shot.folder / "job.json"
    dusk = render(shot, "dusk", "-v", "--save-job", str(job))
    said = capsys.readouterr().err
    stops = load(job).measured.behind
    assert stops is not None
    assert -MOST_STOPS < stops < -1
    assert f"the subject is made {-stops:.2f} stops darker" in said
    render(shot, "noon", "--env-level", "match")
    for frame in (1001, 1002, 1003):
        here, there = (layer(shot.folder / f"{name}.{frame}.exr", *RGB) for name in ("dusk", "noon"))
        np.testing.assert_allclose(here, there * np.float32(2.0**stops), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(render(shot, "part", frames="1002"), dusk)
    assert main(["render", "--job", str(job), "--out", str(shot.folder / "again.####.exr"), "-q"]) == 0
    np.testing.assert_array_equal(layer(shot.folder / "again.1002.exr", *RGB), dusk)
    np.testing.assert_allclose(render(shot, "up", "--env-exposure", "1"), 2 * dusk, rtol=1e-6)


def test_a_preview_has_the_level_of_the_render_also_after_another_background(shot):
    bright = write_exr(shot.folder / "bright.exr", place(40.0, 6, 48 * 48).reshape(48, 48, 3), RGB)
    p = RelightParameters(plate=shot.plate, background=str(bright), backbone="ratio", shadows=0.0, grain="off")
    previewer = Previewer()
    previewer.picture(RelightJob(p), "relit", 1002, 0)
    previewer.picture(RelightJob(replace(p, background=street(shot))), "relit", 1002, 0)
    np.testing.assert_array_equal(previewer._linear["relit"], render(shot, "dusk"))


def test_the_level_is_asked_for_where_no_background_is_the_light(shot, capsys):
    more = ("--env", shot.env_b, "--out", shot.out, "-q", "--background", street(shot), "--env-level", "background")
    assert main(["render", shot.plate, *more]) == 2
    assert "--env-level background takes the level of a background that is the light" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({"background": "b.exr"}, "background"),
        ({"background": "b.exr", "source_env": "s.exr"}, "background"),
        ({"background": "b.exr", "env_level": "match"}, "match"),
        ({"background": "b.exr", "prompt": "sun"}, "match"),
        ({"background": "b.exr", "env": "e.exr", "source_env": "s.exr"}, "absolute"),
        ({"background": "b.exr", "rig": "r.json", "light": "add"}, "match"),
    ],
)
def test_the_default_level_is_the_backgrounds_where_it_is_the_light(given, level):
    assert RelightParameters(**given).level_mode() == level


def test_a_job_carries_the_level_and_drops_it_with_the_background():
    held = Measured(frames=(1,), anchor=2.0, behind=-1.5)
    job = RelightJob(RelightParameters(plate="p.exr", background="b.exr"), held)
    assert from_json(to_json(job)).measured == held
    assert with_parameters(job, mix=0.5).measured == held
    assert with_parameters(job, background="c.exr").measured == replace(held, behind=None)


@pytest.mark.parametrize("wrong", ["4", "NaN", '"dark"'])
def test_a_level_that_no_measurement_gives_is_refused(wrong):
    text = to_json(RelightJob(RelightParameters(), Measured(behind=1.0))).replace('"behind": 1.0', f'"behind": {wrong}')
    with pytest.raises(InputError):
        from_json(text)
