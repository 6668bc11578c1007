"""Shards of the light stage: the byte code of light, whole files or none, and the lights' weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from relamp.core.errors import InputError, OutputError
from relamp.training.light_rig import CELLS, cell_corners, cell_solid_angles, fibonacci_directions, random_rotation
from relamp.training.shards import decode_log, encode_log, finished_seeds, read_index, read_shard, write_shard
from stage_frames import make_frame


def test_codec_error_is_half_a_step_of_its_curve():
    rng = np.random.default_rng(0)
    light = np.exp(rng.normal(-2, 2, (4, 4000, 3))).astype(np.float32)
    codes, curve = encode_log(light)
    back = decode_log(codes, curve)
    kept = np.minimum(light, curve[:, 1, None, None])
    step = np.log1p(curve[:, 1] / curve[:, 0]) / 255
    error = np.abs(back - kept) / (kept + curve[:, 0, None, None])
    assert (error.max(axis=(1, 2)) < 0.51 * np.expm1(step)).all()
    assert step.max() < 0.05


def test_codec_keeps_black_black_and_drops_what_is_not_finite():
    light = np.zeros((2, 5, 3), np.float32)
    light[0] = 1.0
    light[0, 0] = np.nan
    light[0, 1] = -3.0
    back = decode_log(*encode_log(light))
    assert (back[0, :2] == 0).all()
    np.testing.assert_allclose(back[0, 2:], 1.0, rtol=1e-5)
    assert (back[1] == 0).all()


def test_codec_cuts_glare_and_not_the_rest():
    light = np.full((1, 1000, 3), 0.5, np.float32)
    light[0, 0] = 1e6
    back = decode_log(*encode_log(light))
    assert back[0, 0].max() < 400 * light.mean()
    assert np.isfinite(back).all()


def test_shard_reads_back_what_was_written(tmp_path: Path):
    frames = [make_frame(3), make_frame(4)]
    write_shard(tmp_path / "stage-3.safetensors", frames)
    for wrote, read in zip(frames, read_shard(tmp_path / "stage-3.safetensors"), strict=True):
        for name, value in dataclasses.asdict(wrote).items():
            np.testing.assert_array_equal(getattr(read, name), value, err_msg=name)
    assert [f["kind"] for f in read_index(tmp_path / "stage-3.safetensors")] == ["head", "head"]
    assert finished_seeds(tmp_path) == {3, 4}


def test_one_frame_of_a_shard_can_be_read_alone(tmp_path: Path):
    write_shard(tmp_path / "stage-3.safetensors", [make_frame(3), make_frame(4)])
    assert [f.seed for f in read_shard(tmp_path / "stage-3.safetensors", {4})] == [4]


def test_what_was_being_written_is_not_a_shard(tmp_path: Path):
    (tmp_path / ".stage-3.safetensors.99.part").write_bytes(b"half")
    assert finished_seeds(tmp_path) == set()


def test_broken_shard_is_named(tmp_path: Path):
    (tmp_path / "stage-3.safetensors").write_bytes(b"no shard")
    with pytest.raises(InputError, match=r"stage-3.safetensors is not a readable shard"):
        read_index(tmp_path / "stage-3.safetensors")


def test_unwritable_folder_is_an_output_error(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_shard(tmp_path / "file" / "stage-3.safetensors", [make_frame(3)])


def test_relight_is_the_weighted_sum_of_the_lights():
    frame = make_frame()
    light = decode_log(frame.codes, frame.curve)
    weights = np.random.default_rng(1).random((2, 60, 3)).astype(np.float32)
    expected = np.einsum("gpc,kgc->kpc", light, weights)
    got = frame.relight(weights)
    assert got.shape == (2, 12, 12, 3)
    np.testing.assert_allclose(got[:, :6].reshape(2, -1, 3), expected, rtol=1e-4)
    assert (got[:, 6:] == 0).all()


def test_cells_cover_the_sphere_once():
    rng = np.random.default_rng(5)
    centres = fibonacci_directions(CELLS) @ random_rotation(rng).T
    areas = cell_solid_angles(centres)
    assert areas.sum() == pytest.approx(4 * np.pi, rel=1e-9)
    assert areas.min() > 0.6 * 4 * np.pi / CELLS
    d = rng.normal(size=(200_000, 3))
    nearest = np.argmax(d @ centres.T, axis=1)
    shares = np.bincount(nearest, minlength=CELLS) / len(d) * 4 * np.pi
    np.testing.assert_allclose(shares, areas, rtol=0.06)


def test_cell_corners_are_as_far_from_their_neighbours_as_from_their_centre():
    centres = fibonacci_directions(CELLS)
    for centre, corners in zip(centres, cell_corners(centres), strict=True):
        np.testing.assert_allclose((corners @ centres.T).max(axis=1), corners @ centre, atol=1e-9)


def test_rotation_is_a_rotation():
    turn = random_rotation(np.random.default_rng(2))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
