"""Soft edges: only the subject's own light takes the new light, and every promise of a relight holds there, too."""

import cv2
import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.shape.edges import foreground, own_light
from shots import Shot, layer, lit_ball, soft_light, sphere, write_exr

SIZE = 192
BRIGHT, DARK, GREEN = (np.array(c, np.float32) for c in ((3.0, 3.0, 3.2), (0.01, 0.01, 0.01), (0.05, 0.6, 0.08)))


@pytest.fixture
def shot(tmp_path):
    return Shot(tmp_path, frames=1, size=SIZE)


def before(shot: Shot, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ball before something, opaque, with a soft matte and normals in files; its premultiplied light and the matte."""
    matte = cv2.GaussianBlur(sphere(SIZE)[1].astype(np.float32), (0, 0), 1.5)
    whole = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)
    colour = whole[..., :3].sum((0, 1)) / whole[..., 3].sum()
    ball = np.where(whole[..., 3:4] == 1, whole[..., :3], colour) * matte[..., None]
    write_exr(shot.plate_frame(1001), ball + (1 - matte[..., None]) * behind, ("R", "G", "B"), "float")
    write_exr(shot.folder / "matte.1001.exr", matte[..., None], ("A",), "float")
    write_exr(shot.folder / "n.1001.exr", sphere(SIZE)[0], ("N.X", "N.Y", "N.Z"), "float")
    return ball, matte


def relit(shot: Shot, *more: str) -> np.ndarray:
    asked = [
        "render",
        shot.plate,
        "--matte",
        str(shot.folder / "matte.####.exr"),
        "--out",
        shot.out,
        "--overwrite",
        "-q",
    ]
    asked += ["--normals", str(shot.folder / "n.####.exr"), "--backbone", "ratio", "--grain", "off"]
    assert main([*asked, "--source-env", shot.env_a, *more]) == 0
    return layer(shot.out_frame(1001), "R", "G", "B")


@pytest.mark.parametrize("behind", [BRIGHT, DARK, GREEN], ids=["bright", "dark", "green"])
@pytest.mark.parametrize("stops", [3, -3])
def test_what_is_behind_a_soft_edge_keeps_its_light(shot, behind, stops):
    ball, matte = before(shot, behind)
    found = relit(shot, "--env", shot.env_a, "--env-exposure", str(stops))
    true = ball * 2.0**stops + (1 - matte[..., None]) * behind
    mixed = (ball + (1 - matte[..., None]) * behind) * (1 + matte[..., None] * (2.0**stops - 1))
    edge = (matte > 0.02) & (matte < 0.98)
    assert np.abs(found - true)[edge].mean() < 0.5 * np.abs(mixed - true)[edge].mean()


def test_the_same_light_gives_the_plate_back_at_soft_edges(shot):
    before(shot, BRIGHT)
    np.testing.assert_array_equal(relit(shot, "--env", shot.env_a), layer(shot.plate_frame(1001), "R", "G", "B"))


def test_a_stop_more_doubles_what_the_light_gives_at_soft_edges_and_nothing_goes_below_zero(shot):
    before(shot, BRIGHT)
    dark, base, more = (relit(shot, "--env", shot.env_b, "--env-exposure", str(stops)) for stops in (-20, 0, 1))
    np.testing.assert_allclose(more - dark, 2 * (base - dark), rtol=1e-4, atol=1e-5)  # -20 stops: next to no light
    assert dark.min() >= 0


def test_lamps_add_up_to_the_beauty_at_soft_edges(shot):
    before(shot, GREEN)
    beauty = relit(shot, "--env", shot.env_b, "--layers", "lamps", "--lamps", "1", "-d", "half")
    parts = sum(layer(shot.out_frame(1001), *(f"{n}.{c}" for c in "RGB")).astype(np.float64) for n in ("lamp1", "rest"))
    np.testing.assert_array_equal(parts.astype(np.float32), beauty)


def test_a_matte_that_is_half_over_a_wide_area_mixes_and_estimates_nothing():
    rng = np.random.default_rng(2)
    picture, matte = rng.random((200, 300, 3)).astype(np.float32), np.zeros((200, 300), np.float32)
    matte[:, 100:200], matte[:, 200:] = 0.5, 1
    np.testing.assert_array_equal(own_light(picture, matte), picture)


def test_pixels_that_are_not_finite_spread_nowhere():
    matte = np.clip(np.tile(np.linspace(-1, 2, 60, dtype=np.float32), (40, 1)), 0, 1)
    picture = np.full((40, 60, 3), 0.5, np.float32)
    picture[20, 30] = (np.nan, np.inf, -np.inf)
    found = own_light(picture, matte)
    np.testing.assert_array_equal(found[20, 30], picture[20, 30])
    assert np.isfinite(np.delete(found.reshape(-1, 3), 20 * 60 + 30, axis=0)).all()


def test_no_more_is_taken_out_of_a_pixel_than_it_holds():
    rng = np.random.default_rng(5)
    matte = cv2.GaussianBlur((rng.random((90, 120)) > 0.5).astype(np.float32), (0, 0), 2)
    picture = rng.random((90, 120, 3)).astype(np.float32) ** 3
    assert (foreground(picture, matte) * matte[..., None] <= picture + 1e-6).all()
