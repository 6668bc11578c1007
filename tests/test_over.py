"""The relit subject over its background: clean edges, and nothing touched that is not the subject."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.light.environment import directions
from relamp.core.shape.edges import foreground
from shots import QUICK_OPTIONS, Shot, layer, lit_ball, read_exr, soft_light, sphere, write_exr

SIZE = 64
GREEN = np.array((0.05, 0.6, 0.08), np.float32)  # what stood behind when the plate was shot


@pytest.fixture
def shot(tmp_path):
    return Shot(tmp_path, frames=1, size=SIZE)


def backdrop(folder, size=SIZE, **kind):
    rng = np.random.default_rng(3)
    picture = (0.2 + 0.3 * rng.random((size, size, 3))).astype(np.float32)
    picture[:, size // 2 :] *= 3
    return str(write_exr(folder / "bg.1001.exr", picture, ("R", "G", "B"), **kind)), picture


def render(shot, *arguments):
    code = main(["render", shot.plate, "--out", shot.out, "--overwrite", "-q", *arguments])
    return code, (read_exr(shot.out_frame(1001)) if code == 0 else None)


def opaque(shot):
    """The ball shot before green, its matte in a file of its own."""
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)
    matte = ball[..., 3]
    plate = ball[..., :3] + (1 - matte[..., None]) * GREEN
    write_exr(shot.plate_frame(1001), plate, ("R", "G", "B"))
    write_exr(shot.folder / "matte.1001.exr", matte[..., None], ("A",))
    normals, _ = sphere(SIZE)
    write_exr(shot.folder / "n.1001.exr", normals, ("N.X", "N.Y", "N.Z"))
    extra = ("--matte", str(shot.folder / "matte.####.exr"), "--normals", str(shot.folder / "n.####.exr"))
    return ball, matte, extra


def test_where_the_subject_is_not_the_backgrounds_own_numbers_stand(shot):
    bg, picture = backdrop(shot.folder, kind="half")
    code, (comp, spec) = render(shot, "--env", shot.env_b, *QUICK_OPTIONS, "--background", bg, "--over")
    assert code == 0
    outside = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)[..., 3] == 0
    np.testing.assert_array_equal(comp[..., :3][outside], picture.astype(np.float16).astype(np.float32)[outside])
    np.testing.assert_array_equal(comp[..., list(spec.channelnames).index("A")], 1)


def test_the_comp_is_the_relit_cut_out_over_the_background(shot):
    bg, picture = backdrop(shot.folder)
    lit = ("--env", shot.env_b, "-d", "float", "--backbone", "ratio")  # to a network the background is a condition
    _, (alone, _) = render(shot, *lit)
    _, (comp, _) = render(shot, *lit, "--background", bg, "--over")
    alpha = alone[..., 3:4]
    np.testing.assert_allclose(comp[..., :3], alone[..., :3] + (1 - alpha) * picture, rtol=2e-3, atol=1e-5)


def test_no_green_of_the_old_place_is_left_along_the_edge(shot):
    ball, matte, extra = opaque(shot)
    bg, picture = backdrop(shot.folder)
    code, (comp, _) = render(
        shot, "--env", shot.env_a, "--source-env", shot.env_a, "--background", bg, "--over", *extra
    )
    assert code == 0
    true = ball[..., :3] + (1 - matte[..., None]) * picture
    plain = (ball[..., :3] + (1 - matte[..., None]) * GREEN) * matte[..., None] + (1 - matte[..., None]) * picture
    edge = (matte > 0.05) & (matte < 0.95)
    error, naive = (np.abs(found[..., :3] - true)[edge].mean() for found in (comp, plain))
    assert error < 0.5 * naive


def test_what_is_wholly_the_subject_and_unchanged_stays_bit_for_bit(shot):
    _, matte, extra = opaque(shot)
    bg, _ = backdrop(shot.folder)
    _, (comp, _) = render(shot, "--env", shot.env_a, "--background", bg, "--over", "--mix", "0", *QUICK_OPTIONS, *extra)
    inside = matte == 1
    np.testing.assert_array_equal(comp[..., :3][inside], layer(shot.plate_frame(1001), *"RGB")[inside])


def test_a_plate_smaller_than_the_format_is_opened_to_it(shot):
    bg, picture = backdrop(shot.folder)
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)[20:50, 10:60]
    window = {"x": 10, "y": 20}
    write_exr(shot.plate_frame(1001), ball, ("R", "G", "B", "A", "N.X", "N.Y", "N.Z"), "float")
    import OpenImageIO as oiio

    buffer = oiio.ImageBuf(str(shot.plate_frame(1001)))
    pixels, spec = buffer.get_pixels(oiio.FLOAT), buffer.spec().copy()
    spec.x, spec.y = window["x"], window["y"]
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, SIZE, SIZE
    out = oiio.ImageOutput.create(str(shot.plate_frame(1001)))
    out.open(str(shot.plate_frame(1001)), spec)
    out.write_image(np.ascontiguousarray(pixels))
    out.close()
    code, (comp, written) = render(shot, "--env", shot.env_b, *QUICK_OPTIONS, "--background", bg, "--over")
    assert code == 0
    assert (written.x, written.y, written.width, written.height) == (0, 0, SIZE, SIZE)
    np.testing.assert_array_equal(comp[:20, :, :3], picture[:20])


def test_lamps_and_rest_add_up_to_the_comp(shot):
    bg, _ = backdrop(shot.folder)
    lit = (*QUICK_OPTIONS, "--env", shot.env_b, "--background", bg)
    _, (comp, spec) = render(shot, *lit, "--over", "--layers", "lamps", "--lamps", "2")
    names = list(spec.channelnames)
    for i, channel in enumerate("RGB"):
        parts = sum(comp[..., names.index(f"{part}.{channel}")] for part in ("lamp1", "rest"))
        np.testing.assert_array_equal(parts, comp[..., i])


def test_over_without_a_background_is_refused(shot, capsys):
    code, _ = render(shot, "--env", shot.env_b, "--over")
    assert code == 2
    assert "none is given; give one with --background" in capsys.readouterr().err
    assert not shot.out_frame(1001).parent.exists()  # before any work


@pytest.mark.parametrize(
    ("how", "said"),
    [("fill", "scaled to fill the frame"), ("fit", "scaled to fit into the frame"), ("centre", "at its own size")],
)
def test_a_background_of_another_size_is_fitted_as_asked_and_that_is_said(shot, capsys, how, said):
    wide = np.full((SIZE // 2, 2 * SIZE, 3), (0.1, 0.2, 0.4), np.float32)
    wide[:, SIZE // 2 : -SIZE // 2] = (0.8, 0.4, 0.2)  # what `fill` leaves of it
    bg = str(write_exr(shot.folder / "bg.1001.exr", wide, ("R", "G", "B")))
    lit = ("--env", shot.env_b, *QUICK_OPTIONS, "--background", bg, "--over", "--background-fit", how)
    assert main(["render", shot.plate, "--out", shot.out, *lit]) == 0
    assert f"the background is {2 * SIZE} x {SIZE // 2} and the plate {SIZE} x {SIZE}: it is" in (
        words := capsys.readouterr().err
    )
    assert said in words
    comp = read_exr(shot.out_frame(1001))[0][..., :3]
    top, left = comp[0, SIZE // 2], comp[SIZE // 2, 0]  # outside the ball
    assert comp.shape[:2] == (SIZE, SIZE)
    inside, black = np.array((0.8, 0.4, 0.2), np.float32), np.zeros(3, np.float32)
    expected = {"fill": (inside, inside), "fit": (black, wide[0, 0]), "centre": (black, inside)}[how]
    np.testing.assert_allclose((top, left), expected, rtol=1e-3)


def test_a_background_with_other_pixel_aspect_keeps_its_shape(shot):
    """A 2:1 anamorphic background of half the width is the plate's format once it is unsqueezed."""
    squeezed = np.linspace(0.1, 0.9, SIZE // 2, dtype=np.float32)[None, :, None] * np.ones((SIZE, 1, 3), np.float32)
    bg = str(write_exr(shot.folder / "bg.1001.exr", squeezed, ("R", "G", "B"), PixelAspectRatio=2.0))
    code, (comp, _) = render(shot, "--env", shot.env_b, *QUICK_OPTIONS, "--background", bg, "--over")
    assert code == 0
    np.testing.assert_allclose(comp[0, [0, -1], 0], (0.1, 0.9), rtol=0.01)


def test_a_plate_without_matte_and_alpha_has_nothing_to_cut_out(shot, capsys):
    bg, _ = backdrop(shot.folder)
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)), SIZE)
    write_exr(shot.plate_frame(1001), ball[..., [0, 1, 2, 4, 5, 6]], ("R", "G", "B", "N.X", "N.Y", "N.Z"))
    code, _ = render(shot, "--env", shot.env_b, "--background", bg, "--over")
    assert code == 2
    assert "where the subject is" in capsys.readouterr().err


def test_the_foreground_is_found_under_a_blurred_edge():
    matte = cv2.GaussianBlur((np.hypot(*np.mgrid[-32:32, -32:32]) < 18).astype(np.float32), (0, 0), 2.5)
    own = np.array((0.7, 0.3, 0.2), np.float32) * (1 + 0.2 * directions(64, 64)[..., :1])
    mixed = own * matte[..., None] + GREEN * (1 - matte[..., None])
    found = foreground(mixed, matte)
    edge = (matte > 0.1) & (matte < 1)
    assert np.abs(found - own)[edge].mean() < 0.1 * np.abs(mixed - own)[edge].mean()


def test_the_background_lights_what_stands_before_it(shot):
    bg, picture = backdrop(shot.folder)
    normals, coverage = sphere(SIZE)
    sides = [(coverage == 1) & (normals[..., 0] * side > 0.5) for side in (-1, 1)]
    comps = []
    for behind in (picture, picture[:, ::-1]):
        write_exr(shot.folder / "bg.1001.exr", behind, ("R", "G", "B"))
        code, (comp, _) = render(shot, "--background", bg, "--over")
        assert code == 0
        left, right = (comp[..., 1][side].mean() for side in sides)
        comps.append(right / left)
    assert comps[0] > 1.3 * comps[1]  # brighter on the side on which the background is
