"""Light that truly changes, by curves and sequences, is changed in full, also with the deflicker head on."""

from __future__ import annotations

import numpy as np
import pytest

from relamp.core.cli import main
from shots import Shot, layer, soft_light, write_exr

FRAMES = (1001, 1002, 1003, 1004)
FLASH = {1001: 0, 1002: 4, 1003: -1, 1004: 0}  # lightning, in stops


@pytest.fixture
def shot(tmp_path):
    shot = Shot(tmp_path, frames=4)
    still = _channels(shot)
    for frame in FRAMES:  # a plate that does not change by itself
        write_exr(shot.plate_frame(frame), still, ("R", "G", "B", "A", "N.X", "N.Y", "N.Z"))
        lit = soft_light((-1.0, 0.2, 0.1)) if frame % 2 else soft_light((1.0, 0.2, 0.1))  # a lamp here, then one there
        write_exr(tmp_path / f"switched.{frame}.exr", lit, ("R", "G", "B"))
    return shot


def _channels(shot):
    return layer(shot.plate_frame(1001), "R", "G", "B", "A", "N.X", "N.Y", "N.Z")


def curve(values):
    return ";".join(f"{frame}={value}" for frame, value in values.items())


LIGHTS = {
    "lightning": lambda shot: ("--env", shot.env_b, "--env-exposure", curve(FLASH)),
    "a turning sun": lambda shot: ("--env", shot.env_b, "--env-rotate", "1001=0,0,0;1004=0,180,0"),
    "switched lamps": lambda shot: ("--env", str(shot.folder / "switched.####.exr")),
    "words that flash": lambda shot: ("--prompt", "softbox from the left", "--env-exposure", curve(FLASH)),
}

QUICK = ("a turning sun", "switched lamps")  # the others under the network are slow tests


def render(shot, name, *more):
    out = str(shot.folder / name / "relit.####.exr")
    assert main(["render", shot.plate, "--out", out, "-d", "float", "--grain", "off", "-q", *more]) == 0
    return np.stack([layer(shot.folder / name / f"relit.{frame}.exr", *"RGB") for frame in FRAMES])


@pytest.mark.parametrize("light", LIGHTS)
def test_the_head_takes_nothing_from_a_light_that_changes(shot, light):
    arguments = ("--backbone", "ratio", *LIGHTS[light](shot))
    np.testing.assert_array_equal(render(shot, "off", *arguments), render(shot, "on", *arguments, "--deflicker"))


@pytest.mark.parametrize("light", [pytest.param(x, marks=() if x in QUICK else pytest.mark.slow) for x in LIGHTS])
def test_the_head_damps_no_light_that_changes_under_the_network(shot, light):
    """The network's residual may change a little with the light, so a little may go.

    Under a light that turns the subject keeps its exposure, so the change is seen in each of its two sides.
    """
    inside = layer(shot.plate_frame(1001), "A")[..., 0] == 1
    arguments = ("--backbone", "relamp", "--working-size", "64", *LIGHTS[light](shot))
    off, on = (
        np.diff([_sides(picture, inside) for picture in render(shot, name, head, *arguments)], axis=0).ravel()
        for name, head in (("off", "--no-deflicker"), ("on", "--deflicker"))
    )
    assert np.abs(off).sum() > 0.1
    assert off @ on / (off @ off) == pytest.approx(1, abs=0.05)


def _sides(picture, inside):
    """The log brightness of the left and of the right half of a subject, in stops."""
    left = inside & (np.arange(inside.shape[1]) < inside.shape[1] // 2)
    return np.log2([picture[left].mean(), picture[inside & ~left].mean()])


def test_a_flash_is_as_bright_as_its_stops(shot):
    relit = render(shot, "flash", "--backbone", "ratio", *LIGHTS["lightning"](shot))
    inside = layer(shot.plate_frame(1001), "A")[..., 0] == 1
    for index, frame in enumerate(FRAMES):
        np.testing.assert_allclose(relit[index][inside], relit[0][inside] * 2.0 ** FLASH[frame], rtol=1e-5)


def test_a_switched_lamp_lights_the_other_side_at_once(shot):
    relit = render(shot, "switched", "--backbone", "ratio", *LIGHTS["switched lamps"](shot))[..., 1]
    left, right = relit[:, :, :20].mean(axis=(1, 2)), relit[:, :, -20:].mean(axis=(1, 2))
    assert ((left > right) == np.array([frame % 2 == 1 for frame in FRAMES])).all()
