"""What is small in its frame is seen in a picture of its own."""

import numpy as np
import pytest

from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.resample import resize
from relamp.core.shape.close_up import Box, close_ups, covers, nothing_seen, put_in
from relamp.core.shape.seen import SeenShape
from relamp.core.shot.prepare import prepare
from relamp.core.shot.read_ahead import ReadAhead
from relamp.core.shot.shapes import SeenShapes, Shapes
from shots import BALL_CHANNELS, Shot, lit_ball, soft_light, sphere, write_exr


def matte(*parts: tuple[int, int, int, int], size: tuple[int, int] = (180, 320)) -> np.ndarray:
    """1 in boxes of (top, left, bottom, right) px."""
    found = np.zeros(size, np.float32)
    for top, left, bottom, right in parts:
        found[top:bottom, left:right] = 1
    return found


def seen(shape: tuple[int, int], x: float, relief: float, albedo: float) -> SeenShape:
    facing = np.broadcast_to(np.array((x, 0, np.sqrt(1 - x * x)), np.float32), (*shape, 3))
    level, grey = np.full(shape, relief, np.float32), np.full((*shape, 3), albedo, np.float32)
    return SeenShape(facing, level, grey, np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32))


def test_a_subject_that_fills_its_frame_is_seen_with_it():
    assert close_ups(matte((10, 20, 170, 300))) == []


def test_a_small_subject_is_seen_whole_and_with_room_around_it():
    small = matte((80, 150, 110, 190))
    (box,) = close_ups(small)
    assert covers([box], small)
    rows, columns = box.rows(180), box.columns(320)
    assert (rows.start, columns.start) <= (75, 145)
    assert (rows.stop, columns.stop) >= (115, 195)
    assert columns.stop - columns.start < 80


def test_the_box_stays_where_a_subject_moves_by_less_than_a_step():
    assert close_ups(matte((81, 151, 111, 191))) == close_ups(matte((82, 152, 112, 192)))


def test_each_of_two_people_is_seen_alone_and_neither_is_all():
    two = matte((60, 40, 110, 80), (60, 200, 100, 240))
    boxes = close_ups(two)
    assert len(boxes) == 2
    assert not covers(boxes, two)


def test_the_head_of_a_standing_person_is_seen_after_the_person():
    person = matte((20, 150, 50, 165), (50, 140, 175, 180))
    body, head = close_ups(person)
    assert body.rows(180).stop > 170
    assert head.rows(180).stop < 70
    assert head.columns(320).stop - head.columns(320).start < 60


def test_specks_are_left_to_the_whole_picture():
    assert close_ups(matte((80, 150, 84, 153))) == []


def test_what_is_seen_alone_replaces_all_and_keeps_its_scale():
    small = matte((60, 120, 100, 160))
    box = Box(50 / 180, 110 / 320, 110 / 180, 170 / 320)
    found = put_in(nothing_seen(small.shape), seen((300, 300), 0.6, 0.5, -0.7), box, small, alone=True)
    inside = found.normals[60:100, 120:160]
    np.testing.assert_allclose(inside[..., 0], 0.6, atol=1e-5)
    np.testing.assert_allclose(found.relief[60:100, 120:160], 0.5 * 60 / 320, rtol=1e-5)
    np.testing.assert_allclose(found.log_albedo[60:100, 120:160], -0.7, rtol=1e-5)


def test_a_part_keeps_the_level_of_the_whole_and_fades_into_it():
    whole, box = seen((180, 320), 0.0, 0.2, -1.5), Box(50 / 180, 110 / 320, 110 / 180, 170 / 320)
    found = put_in(whole, seen((300, 300), 0.6, 0.5, -0.3), box, matte((10, 20, 170, 300)), alone=False)
    np.testing.assert_allclose(found.relief, 0.2, rtol=1e-4)
    np.testing.assert_allclose(found.log_albedo, -1.5, rtol=1e-4)
    assert found.normals[80, 140, 0] == pytest.approx(0.6, abs=1e-5)
    assert 0 <= found.normals[50, 140, 0] < 0.1
    assert not found.normals[80, 100, 0].any()
    assert np.abs(np.diff(found.normals[80, :, 0])).max() < 0.25


def test_what_is_small_in_its_frame_is_seen_as_well_as_what_fills_it(tmp_path):
    found, ball = {}, lit_ball(soft_light((0.5, 0.6, 1.0)), 64)[..., :4]
    for size in (80, 1280):
        shot, frame = Shot(tmp_path / str(size), frames=1), np.zeros((size, size, 4), np.float32)
        frame[8:72, 8:72] = ball
        write_exr(shot.plate_frame(1001), frame, BALL_CHANNELS[:4], "half")
        p = RelightParameters(plate=shot.plate, env=shot.env_b, out=shot.out, backbone="relamp", create_dir=True)
        plan = prepare(RelightJob(p))
        seen = Shapes(plan, ReadAhead(plan), SeenShapes(1)).of((1001, 1001))
        assert seen is not None
        found[size] = seen.normals
    truth, coverage = sphere(64)
    whole = resize(found[80][8:72, 8:72], (16, 16))
    close = found[1280][2:18, 2:18]
    inside = resize(coverage, (16, 16)) > 0.99
    assert (
        off(close, unit(resize(truth, (16, 16))))[inside].mean()
        < off(whole, unit(resize(truth, (16, 16))))[inside].mean() + 2
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def off(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between vectors and unit ones, degrees."""
    return np.degrees(np.arccos(np.clip((unit(a) * b).sum(-1), -1, 1)))
