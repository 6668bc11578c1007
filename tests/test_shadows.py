"""Shadows in the picture: they fall where geometry puts them, belong to their lamp, and leave the promises of a relight whole."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from shadow_shot import SUN, ShadowShot, scene, sunny

from relamp.core.cli import main
from relamp.core.gain import traced
from relamp.core.gain.analytic import between
from relamp.core.gain.subject import Subject
from relamp.core.job import RelightJob
from relamp.core.light.camera import default_camera
from relamp.core.light.environment import AP1_LUMINANCE
from relamp.core.light.irradiance import Light
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.frame import Window
from relamp.core.shot.preview import Previewer
from relamp.core.shot.tracing import LastShape
from relamp.core.temporal.working_frame import WorkingFrame
from shots import Shot, layer, lit_ball, soft_light, write_exr

RGB = ("R", "G", "B")


def render(shot: Shot, *more: str, out: str | None = None) -> int:
    return main(["render", shot.plate, "--depth", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--grain", "off",
                 "--backbone", "ratio", "--out", out or shot.out, "-q", "--overwrite", *more])  # fmt: skip


def lamps(shot: Shot, name: str) -> np.ndarray:
    return layer(shot.out_frame(1001), *(f"{name}.{c}" for c in RGB))


@pytest.fixture(scope="module", params=["ratio", "relamp"])
def relit(request, tmp_path_factory):
    """The scene relit with lamps, visibility and irradiance beside it."""
    shot = ShadowShot(tmp_path_factory.mktemp(request.param))
    assert (
        render(shot, "--backbone", request.param, "--layers", "lamps,visibility,irradiance,ratio", "--lamps", "2") == 0
    )
    return shot


def test_the_shadow_of_a_ball_lies_on_the_wall_behind_it(relit):
    gain = lamps(relit, "ratio").mean(-1)
    assert gain[relit.open] > 2.5 * gain[relit.shaded]
    seen = layer(relit.out_frame(1001), "visibility.A")[..., 0]
    assert seen[relit.open] > 0.85
    assert seen[relit.shaded] < 0.4  # the sky is still seen
    irradiance = lamps(relit, "irradiance").mean(-1)
    assert irradiance[relit.open] > 2.5 * irradiance[relit.shaded]


def test_a_lamp_that_is_dimmed_takes_its_shadow_with_it(relit):
    beauty, sun = layer(relit.out_frame(1001), *RGB), lamps(relit, "lamp1")
    assert beauty[relit.open].mean() > 2.5 * beauty[relit.shaded].mean()
    assert sun[relit.shaded].mean() < 0.1 * sun[relit.open].mean()
    without = beauty - sun
    np.testing.assert_allclose(without[relit.shaded].mean(), without[relit.open].mean(), rtol=0.2)


def test_lamps_with_their_shadows_still_add_up_to_the_beauty(relit):
    total = sum(lamps(relit, name).astype(np.float64) for name in ("lamp1", "rest"))
    np.testing.assert_array_equal(total.astype(np.float32), layer(relit.out_frame(1001), *RGB))


def test_without_shadows_the_ratio_is_that_of_two_lights_on_normals_to_the_bit(tmp_path):
    shot = ShadowShot(tmp_path, "float")
    assert render(shot, "--shadows", "0", "--layers", "ratio") == 0
    weights = np.asarray(AP1_LUMINANCE)
    target, source = (Light.of(pixels, weights) for pixels in (sunny(), soft_light((0.0, 0.3, 1.0))))
    hint = between(target.turned(np.eye(3)), source.turned(np.eye(3)))
    level = target.level / source.level
    normals = layer(shot.plate_frame(1001), "N.X", "N.Y", "N.Z")
    unit = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    np.testing.assert_allclose(lamps(shot, "ratio"), np.exp(hint.at(unit)) * np.float32(level), rtol=2e-6)
    wall = np.abs(normals[..., 2] - 1) < 1e-7
    assert np.ptp(lamps(shot, "ratio")[wall], axis=0).max() == 0  # the wall faces one way and shows no shadow


def test_half_of_the_shadows_lies_between_none_and_all(tmp_path):
    shot, gains = ShadowShot(tmp_path, "float"), []
    for strength in ("0", "0.5", "1"):
        assert render(shot, "--shadows", strength, "--layers", "ratio") == 0
        gains.append(lamps(shot, "ratio")[shot.shaded].mean())
    assert gains[0] > 1.3 * gains[1] > 1.3 * 1.3 * gains[2]


@pytest.mark.parametrize("backbone", ["ratio", "relamp"])
def test_a_shadow_has_the_plates_own_edge_whatever_the_working_size(tmp_path, backbone):
    shot, edges = ShadowShot(tmp_path, "float"), []
    for size in ("64", "96"):
        assert render(shot, "--backbone", backbone, "--working-size", size, "--layers", "visibility") == 0
        seen = layer(shot.out_frame(1001), "visibility.A")[..., 0]
        edges.append((seen[:, : shot.shaded[1] + 1] < 0.55) & (np.arange(shot.shaded[1] + 1) < shot.shaded[1]))
    assert edges[1].sum() > 60
    assert (edges[0] != edges[1]).sum() < 0.12 * edges[1].sum()


def test_the_same_light_gives_the_plate_back_with_shadows_on(tmp_path):
    shot = ShadowShot(tmp_path)
    assert render(shot, "--env", shot.env_a, "--overwrite") == 0
    np.testing.assert_array_equal(layer(shot.out_frame(1001), *RGB), layer(shot.plate_frame(1001), *RGB))


def test_one_stop_more_is_exactly_twice_with_shadows_on(tmp_path):
    shot = ShadowShot(tmp_path, "float")
    assert render(shot) == 0
    base = layer(shot.out_frame(1001), *RGB)
    assert render(shot, "--env-exposure", "1") == 0
    np.testing.assert_array_equal(layer(shot.out_frame(1001), *RGB), 2 * base)


def test_a_hard_shadow_in_the_plate_leaves_under_a_soft_light(tmp_path):
    shot = ShadowShot(tmp_path, "float")
    assert render(shot) == 0  # a plate with a shadow: what was relit
    relit = layer(shot.out_frame(1001), *RGB)
    normals, depth = scene(relit.shape[0])
    plate = np.concatenate([relit, normals, depth[..., None]], -1)
    write_exr(shot.plate_frame(1001), plate, ("R", "G", "B", "N.X", "N.Y", "N.Z", "depth.Z"), "float")
    assert main(["render", shot.plate, "--env", shot.env_a, "--source-env", shot.env_b, "--backbone", "ratio", "--grain", "off",
                 "--out", shot.out, "-q", "-d", "float", "--overwrite"]) == 0  # fmt: skip
    even = layer(shot.out_frame(1001), *RGB)
    assert relit[shot.open].mean() > 2.5 * relit[shot.shaded].mean()
    np.testing.assert_allclose(even[shot.shaded], even[shot.open], rtol=0.1)


def test_visibility_without_shadows_or_without_a_shape_is_refused(tmp_path, capsys):
    shot = ShadowShot(tmp_path)
    assert render(shot, "--shadows", "0", "--layers", "visibility") == 2
    assert "--shadows 0" in capsys.readouterr().err
    write_exr(shot.plate_frame(1001), lit_ball(soft_light(tuple(SUN)))[..., :4], ("R", "G", "B", "A"))
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", "ratio", "-q",
                 "--layers", "visibility"]) == 2  # fmt: skip
    assert "--normals" in capsys.readouterr().err


def test_while_a_light_turns_its_shape_is_made_once_and_the_plates_light_traced_once(tmp_path, monkeypatch):
    shot, walked, made = ShadowShot(tmp_path), [], []
    walk, of = traced.lamp_visibility, traced.Shape.of
    monkeypatch.setattr(traced, "lamp_visibility", lambda *a: walked.append(1) or walk(*a))
    monkeypatch.setattr(traced.Shape, "of", lambda *a: made.append(1) or of(*a))
    preview = Previewer()
    given = {"plate": shot.plate, "depth": shot.plate, "env": shot.env_b, "source_env": shot.env_b, "out": shot.out}

    def picture(stage: str = "relit", **more: object) -> np.ndarray:
        job = RelightJob(RelightParameters(**given, backbone="ratio", **more))
        return np.frombuffer(preview.picture(job, stage, 1001).pixels, np.uint8)

    first = picture(env_rotate=(0.0, -20.0, 0.0))
    assert len(walked) == 2  # the new light's sun and the plate's
    turned = picture(env_rotate=(0.0, 20.0, 0.0))
    assert len(walked) == 3
    picture(env_rotate=(0.0, 20.0, 0.0), env_exposure=1.0)
    assert (len(walked), len(made)) == (3, 1)
    assert (first != turned).any()
    seen = picture("visibility", env_rotate=(0.0, 20.0, 0.0))
    assert (seen < 0.8 * np.median(seen)).mean() > 0.01  # the ball's shadow


def test_the_last_shape_is_not_taken_for_one_of_the_same_normals_and_another_height():
    normals, matte = np.broadcast_to(np.float32([0, 0, 1]), (8, 8, 3)), np.ones((8, 8), np.float32)
    subject = Subject(normals, None, matte, normals, matte > 0, guessed=False)
    window = Window(0, 0, 8, 8)
    frame = SimpleNamespace(data_window=window, display_window=window, pixel_aspect=1.0)
    read = SimpleNamespace(frame=frame, subject=subject)
    one = WorkingFrame(normals, matte, normals, normals, normals, height=matte, doubt=matte)
    last, camera = LastShape(), default_camera().at(1)
    first = last.of(read, subject, one, camera, "z")
    assert last.of(read, subject, one, camera, "z") is first
    assert last.of(read, subject, replace(one, height=2 * matte), camera, "z") is not first
    moved = SimpleNamespace(
        frame=SimpleNamespace(**{**vars(frame), "data_window": Window(4, 0, 8, 8)}), subject=subject
    )
    second = last.of(read, subject, one, camera, "z")
    assert last.of(moved, subject, one, camera, "z") is not second
