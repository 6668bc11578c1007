"""The numbers of harm of `benchmarks/photographs.py` on pictures whose harm is known, and what it is made from."""

import importlib
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("skimage", reason="the photographs come with scikit-image: pip install 'relamp[test]'")

from relamp.core.light.irradiance import irradiance
from shots import sphere

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def harm():
    return part("harm")


@pytest.fixture(scope="module")
def lights():
    return part("lights")


def part(name):
    """A module of the benchmark, which is run from its own folder."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(f"photographs.{name}")
    finally:
        sys.path.remove(str(BENCHMARKS))


def ball(light):
    """A textured ball of skin's colour under a light, (96, 96, 3), and its matte; lit by truth, so it does no harm."""
    normals, matte = sphere(96)
    texture = np.random.default_rng(3).uniform(0.8, 1.2, (96, 96, 1)) * [0.5, 0.32, 0.25]
    return (irradiance(light, normals) / np.pi * texture).astype(np.float32), matte


def test_what_a_light_truly_does_is_no_harm(harm, lights):
    plate, matte = ball(lights.lights()[lights.EVEN])
    skin = matte > harm.INSIDE
    for name, light in lights.lights().items():
        relit, _ = ball(light)
        assert harm.unexplained_colour(plate, relit, skin, light) < 0.02, name
    assert harm.chromaticity_moved(plate, 1.7 * plate, skin) < 1e-5
    assert harm.detail_lost(plate, 1.7 * plate, matte) < 1e-5
    assert harm.spread([plate, plate, plate], matte) == 0


def test_each_harm_is_seen_by_its_number(harm, lights):
    light = lights.lights()[lights.EVEN]
    plate, matte = ball(light)
    skin = matte > harm.INSIDE
    paler = plate * np.float32([0.8, 1.0, 1.0])
    assert harm.chromaticity_moved(plate, paler, skin) > 0.05
    assert harm.unexplained_colour(plate, paler, skin, light) == pytest.approx(-np.log2(0.8), abs=0.01)
    assert harm.detail_lost(plate, cv2.GaussianBlur(plate, (0, 0), 2), matte) > 0.1
    assert harm.spread([plate, 1.2 * plate], matte) == pytest.approx(np.log2(1.2), abs=0.01)
    assert harm.touched_outside(plate, plate + 0.001, matte) == (matte == 0).sum()


def test_a_mirrored_light_on_a_mirrored_thing_gives_the_mirrored_picture(harm, lights):
    made = lights.lights()
    for name, other in lights.MIRROR_OF.items():
        assert np.array_equal(lights.mirrored(made[name]), made[other])
    (left, matte), (right, _) = (ball(made[name]) for name in ("key left", "key right"))
    smooth = np.random.default_rng(3).uniform(0.8, 1.2, (96, 96, 1))  # the texture, taken off
    assert harm.mirror_difference(left / smooth, right / smooth, matte) < 0.02
    assert harm.mirror_difference(left / smooth, left / smooth, matte) > 0.5


def test_the_keys_come_from_the_side_they_are_named_after(lights):
    normals, matte = sphere(96)
    for name, sign in (("key left", -1), ("key right", 1)):
        lit = irradiance(lights.lights()[name], normals).mean(-1) * (matte > 0.9)
        assert np.sign(lit[:, 48:].sum() - lit[:, :48].sum()) == sign


def test_plates_are_linear_and_their_mattes_are_small_files(tmp_path):
    plates = part("plates")
    for photograph in plates.PHOTOGRAPHS[2:4]:
        plate = plates.make(photograph, tmp_path)
        assert max(plate.matte.shape) == plates.SIDE
        assert plate.rgb.shape == (*plate.matte.shape, 3)
        assert 0.2 < (plate.matte > 0.5).mean() < 0.95
        mirrored = plates.make(photograph, tmp_path, mirrored=True)
        assert np.array_equal(mirrored.rgb[:, ::-1], plate.rgb)
    assert all(path.stat().st_size < 30_000 for path in plates.HERE.glob("*.png"))
