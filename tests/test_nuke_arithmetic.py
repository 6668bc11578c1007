"""What the node works out live, from its own text and its own nodes, against Relamp's numbers on the same pixels."""

# ruff: noqa: F401, F811

import sys
from pathlib import Path

import numpy as np
import pytest
from shadow_shot import ShadowShot

from nuke_host import baked, host, nuke, read, relamp, rgb, start, workers
from relamp.core.cli import main
from shots import BALL_CHANNELS, QUICK_OPTIONS, Shot, layer, read_exr, write_exr

# A bake is stored as half floats, so what is worked out on it is as good as they are.
HALF = {"rtol": 2e-3, "atol": 1e-3}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A saved script with a baked node in it, and its shot."""
    folder = tmp_path_factory.mktemp("scene")
    shot = Shot(folder, frames=2)
    with pytest.MonkeyPatch.context() as patch:
        state = start(folder / "nuke", patch)
        node = relamp(shot, 2)
        node["grain"].setValue("off")
        baked(node)
        assert state.messages == []
        nuke.scriptSaveAs(str(folder / "nuke" / "comp" / "shot.nk"))
    return shot, folder / "nuke" / "comp" / "shot.nk"


@pytest.fixture
def ready(host, scene):
    """A baked node, its shot, and the path of its frames."""
    shot, script = scene
    nuke.scriptOpen(str(script))
    node = nuke.toNode("Relamp1")
    return node, shot, Path(node.node("Baked")["file"].value())


def stored(pattern: Path, *names: str, frame: int = 1002) -> np.ndarray:
    return layer(Path(str(pattern) % frame), *names)


def rendered(shot: Shot, *options: str) -> np.ndarray:
    """Frame 1002 as the command line renders it with other options."""
    arguments = ["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out, "--frames", "1002",
                 "--grain", "off", "--overwrite", "-q", "-d", "float", *QUICK_OPTIONS, *options]  # fmt: skip
    assert main(arguments) == 0
    return layer(shot.out_frame(1002), "R", "G", "B")


def test_at_rest_the_baked_numbers_come_out_bit_for_bit(ready):
    node, _, pattern = ready
    np.testing.assert_array_equal(rgb(node, 1002), stored(pattern, "R", "G", "B"))


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_mix_is_what_a_render_with_that_mix_gives(ready, mix):
    node, shot, _ = ready
    node["mix"].setValue(mix)
    np.testing.assert_allclose(rgb(node, 1002), rendered(shot, "--mix", str(mix)), **HALF)
    if mix == 0:
        np.testing.assert_array_equal(rgb(node, 1002), layer(shot.plate_frame(1002), "R", "G", "B"))


def test_a_dimmed_lamp_is_the_beauty_less_that_part_of_it(ready):
    node, shot, pattern = ready
    rendered(shot, "--layers", "lamps")
    beauty, first = (
        layer(shot.out_frame(1002), "R", "G", "B"),
        layer(shot.out_frame(1002), "lamp1.R", "lamp1.G", "lamp1.B"),
    )
    assert first.max() > 0.05
    node["lamp1_dim"].setValue(0.25)
    node["lamp1_tint"].setValue([1.0, 0.5, 2.0])
    np.testing.assert_allclose(rgb(node, 1002), beauty + (0.25 * np.array([1, 0.5, 2]) - 1) * first, **HALF)
    for lamp in range(1, 5):
        node[f"lamp{lamp}_dim"].setValue(0.0)
        node[f"lamp{lamp}_tint"].setValue([1.0, 1.0, 1.0])
    rest = stored(pattern, "rest.R", "rest.G", "rest.B")
    np.testing.assert_allclose(rgb(node, 1002), rest, **HALF)


def test_a_doubled_light_through_the_ratio_is_a_render_one_stop_up(ready):
    node, shot, _ = ready
    node["change_tint"].setValue([2.0, 2.0, 2.0])
    twice = rendered(shot, "--env-exposure", "1")
    np.testing.assert_allclose(rgb(node, 1002), twice, **HALF)


@pytest.mark.parametrize(("strength", "saturation"), [(0.5, 1.0), (1.7, 1.0), (1.0, 0.0), (1.3, 0.4), (0.0, 1.0)])
def test_a_graded_change_obeys_the_law_of_gain(ready, strength, saturation):
    node, shot, pattern = ready
    node["change_strength"].setValue(strength)
    node["change_saturation"].setValue(saturation)
    node["change_tint"].setValue([1.1, 1.0, 0.9])
    header = read_exr(Path(str(pattern) % 1002))[1]
    level, epsilon = header.getattribute("relamp/scale"), header.getattribute("relamp/epsilon")
    ratio = stored(pattern, "ratio.R", "ratio.G", "ratio.B").astype(float)
    plate = layer(shot.plate_frame(1002), "R", "G", "B").astype(float)
    alpha = layer(shot.plate_frame(1002), "A").astype(float)
    gain = np.log(ratio / level)
    mean = gain.mean(-1, keepdims=True)
    gain = strength * (mean + saturation * (gain - mean))
    tint = np.array([1.1, 1.0, 0.9])
    graded = level * tint * np.exp(gain)

    def law(by, level):  # core.gain's, with F e^g given
        return by * plate + epsilon * alpha * np.maximum(by - level, 0)

    wanted = stored(pattern, "R", "G", "B") + (alpha > 0) * (law(graded, level * tint) - law(ratio, level))
    np.testing.assert_allclose(rgb(node, 1002), wanted, rtol=1e-5, atol=1e-6)
    if strength == 0 and saturation == 1:
        lit = alpha[..., 0] == 1
        np.testing.assert_allclose(rgb(node, 1002)[lit], (plate * level * tint)[lit], rtol=6e-3, atol=2e-3)


def test_the_graded_change_is_everywhere_where_the_alpha_is_black_and_counts_as_none(host, shot):
    for frame in (1001, 1002):
        picture = layer(shot.plate_frame(frame), *BALL_CHANNELS)
        picture[..., :3] += 0.3 * (1 - picture[..., 3:4])
        picture[..., 3] = 0
        picture[..., 6] += 1e-3  # the wall behind the ball faces the camera
        write_exr(shot.plate_frame(frame), picture, BALL_CHANNELS, "half")
    node = relamp(shot, 2)
    node["grain"].setValue("off")
    baked(node)
    node["change_tint"].setValue([2.0, 2.0, 2.0])
    twice = rendered(shot, "--env-exposure", "1")
    assert (twice != layer(shot.plate_frame(1002), "R", "G", "B")).all(-1).mean() > 0.9
    np.testing.assert_allclose(rgb(node, 1002), twice, **HALF)


def test_a_matte_holds_the_graded_change_as_it_holds_the_light(host, shot):
    matte = np.zeros((48, 48, 1), np.float32)
    matte[:, 24:] = 0.5
    matte[:, 36:] = 1.0
    path = str(write_exr(shot.folder / "matte.exr", matte, ("A",)))
    node = relamp(shot, 2)
    node.setInput(1, read(path, 1, 1))
    node["grain"].setValue("off")
    baked(node)
    plate = layer(shot.plate_frame(1002), "R", "G", "B")
    node["change_strength"].setValue(0.0)
    node["change_tint"].setValue([3.0, 3.0, 3.0])
    out = rgb(node, 1002)
    np.testing.assert_array_equal(out[:, :24], plate[:, :24])
    scale = node["baked_scale"].value()
    wanted = plate + 0.5 * (plate * 3 * scale - plate)
    alpha = layer(shot.plate_frame(1002), "A")[..., 0]
    middle = np.s_[:, 28:36]  # beside the matte's edge at 24 the node knows nothing of what is behind the subject
    inside = alpha[middle] == 1
    np.testing.assert_allclose(out[middle][inside], wanted[middle][inside], rtol=1e-2, atol=5e-3)


def test_what_is_not_finite_stays_where_it_is_and_nothing_else_becomes_so(host, tmp_path):
    shot = Shot(tmp_path / "hot", kind="float", frames=2)
    picture, _ = read_exr(shot.plate_frame(1002))
    picture[20, 20, :3] = np.inf
    picture[22, 24, 1] = np.nan
    write_exr(shot.plate_frame(1002), picture, BALL_CHANNELS)
    node = relamp(shot, 2)
    baked(node)
    for knob, value in (("mix", 0.5), ("lamp1_dim", 0.0), ("change_strength", 1.5)):
        node[knob].setValue(value)
    out = rgb(node, 1002)
    assert (out[20, 20] == np.inf).all()
    assert np.isnan(out[22, 24, 1])
    bad = ~np.isfinite(out)
    bad[20, 20] = False
    bad[22, 24] = False
    assert not bad.any()


def test_other_layers_and_the_alpha_come_along(ready):
    node, shot, pattern = ready
    from nuke import _pixels

    node["mix"].setValue(0.5)
    picture = _pixels.render(node, 1002)
    np.testing.assert_array_equal(picture["rgba.alpha"], layer(shot.plate_frame(1002), "A")[..., 0])
    np.testing.assert_array_equal(picture["lamp1.red"], stored(pattern, "lamp1.R")[..., 0])
    np.testing.assert_array_equal(picture["N.Z"], layer(shot.plate_frame(1002), "N.Z")[..., 0])


def test_the_fake_evaluates_what_nuke_evaluates():
    from nuke._expressions import evaluate

    values = {"a": 2.0, "x.y": 3.0, "$gui": 1.0}
    for text, result in (
        ("1 + 2 * 3 - 4 / 2", 5), ("-(a + 1) * 2", -6), ("a > 1 && x.y == 3 ? 7 : 8", 7), ("0 ? 1 : 0 ? 2 : 3", 3),
        ("!a || $gui", 1), ("max(a, x.y) - min(a, x.y)", 1), ("clamp(pow(a, 3), 0, 5)", 5), ("1e-1 * 10", 1),
    ):  # fmt: skip
        assert evaluate(text, values.__getitem__) == result
    for text in ("1 +", "a b", "sqrt(2)", "1 ? 2", "a # 2"):
        with pytest.raises(ValueError, match=r"expression|left over|expected|no function"):
            evaluate(text, values.__getitem__)
    assert "numpy" in sys.modules


def test_a_lamp_dimmed_live_takes_its_shadow_with_it(host, tmp_path):
    shot = ShadowShot(tmp_path / "shadow")
    node = relamp(shot, 1)
    node["shadows"].setValue(1.0)
    node["grain"].setValue("off")
    baked(node)
    with_sun = rgb(node, 1001)
    assert with_sun[shot.open].mean() > 2.5 * with_sun[shot.shaded].mean()
    node["lamp1_dim"].setValue(0.0)
    without = rgb(node, 1001)
    np.testing.assert_allclose(without[shot.shaded].mean(), without[shot.open].mean(), rtol=0.2)
