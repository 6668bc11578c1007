"""The level by which a subject keeps its exposure under another light, one number a shot."""

from __future__ import annotations

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.light.octahedral import octahedral_directions
from relamp.core.shot.kept_level import MOST_STOPS, SIDE, facing_of, kept_level, light_by_facing
from shots import Shot, layer

RGB = ("R", "G", "B")
WEIGHTS = np.array([0.25, 0.5, 0.25])
TOWARD = np.array([0.0, 0.0, 1.0], np.float32)


def lit_from(direction: np.ndarray) -> np.ndarray:
    """A soft light from a direction as a table, (64, 64, 3)."""
    cosine = octahedral_directions(64) @ direction.astype(np.float32)
    return np.repeat((1 + 0.8 * cosine)[..., None], 3, -1).astype(np.float32)


def render(shot: Shot, *more: str, out: str | None = None) -> int:
    return main(["render", shot.plate, "--env", shot.env_b, "--out", out or shot.out, *more])


def head() -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a matte surface of many facings toward the camera: light and normals, (N, 3) each."""
    normals = np.random.default_rng(0).normal(size=(20000, 3)).astype(np.float32)
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return (0.2 * (1 + 0.8 * normals[:, :1]) * np.ones(3)).astype(np.float32), normals


def test_the_mean_luminance_stays_what_it_was():
    rgb, normals = head()
    new, old = lit_from(TOWARD), lit_from(np.array([1.0, 0.0, 0.0]))
    gain = light_by_facing(new, np.eye(3), WEIGHTS) / light_by_facing(old, np.eye(3), WEIGHTS)
    level = kept_level([facing_of(rgb, normals, np.ones(len(rgb)), WEIGHTS)], [gain])
    relit = rgb[:, 0] * (1 + 0.8 * normals[:, 2]) / (1 + 0.8 * normals[:, 0])
    assert level < 0.9
    assert level * relit.mean() == pytest.approx(rgb[:, 0].mean(), rel=0.02)


def test_equal_lights_give_exactly_one():
    rgb, normals = head()
    light = light_by_facing(lit_from(TOWARD), np.eye(3), WEIGHTS)
    assert kept_level([facing_of(rgb, normals, np.ones(len(rgb)), WEIGHTS)], [light / light]) == 1.0


def test_a_back_light_brightens_by_no_more_than_the_limit():
    shares = np.full(SIDE**2, 1 / SIDE**2)
    assert kept_level([shares], [np.full(SIDE**2, 1e-3)]) == 2.0**MOST_STOPS
    assert kept_level([shares], [np.full(SIDE**2, 1e3)]) == 2.0**-MOST_STOPS


def test_a_black_subject_has_no_level_to_keep():
    black = facing_of(np.zeros((5, 3)), np.tile(TOWARD, (5, 1)), np.ones(5), WEIGHTS)
    assert not any(black)
    assert kept_level([black], [np.full(SIDE**2, 3.0)]) == 1.0


def test_a_render_keeps_the_exposure_and_a_stop_is_a_factor_of_two(tmp_path, capsys):
    shot = Shot(tmp_path, "float", frames=2)
    asked = ("--source-env", shot.env_a, "--backbone", "ratio", "--shadows", "0", "--grain", "off", "-v")
    match, absolute, up, part = (str(tmp_path / f"{name}.####.exr") for name in ("match", "absolute", "up", "part"))
    assert render(shot, *asked, "--env-level", "match", out=match) == 0
    assert "stops to keep the subject's exposure" in capsys.readouterr().err
    assert render(shot, *asked, "--env-level", "absolute", out=absolute) == 0
    assert render(shot, *asked, "--env-level", "match", "--env-exposure", "1", out=up) == 0
    assert render(shot, *asked, "--env-level", "match", "-F", "1002", out=part) == 0
    inside = layer(shot.plate_frame(1002), "A")[..., 0] > 0.9
    plate, kept = layer(shot.plate_frame(1002), *RGB)[inside], layer(tmp_path / "match.1002.exr", *RGB)[inside]
    assert abs(np.log2(kept.mean() / plate.mean())) < 0.1
    assert kept.mean() != layer(tmp_path / "absolute.1002.exr", *RGB)[inside].mean()
    np.testing.assert_allclose(layer(tmp_path / "up.1002.exr", *RGB)[inside], 2 * kept, rtol=1e-6)
    np.testing.assert_array_equal(layer(tmp_path / "part.1002.exr", *RGB), layer(tmp_path / "match.1002.exr", *RGB))


def test_the_plates_own_light_leaves_every_number(tmp_path):
    shot = Shot(tmp_path, frames=1)
    assert render(shot, "--source-env", shot.env_b, "--backbone", "ratio", "--env-level", "match") == 0
    np.testing.assert_array_equal(layer(shot.out_frame(1001), *RGB), layer(shot.plate_frame(1001), *RGB))
