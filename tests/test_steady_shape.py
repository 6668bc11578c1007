"""The shape that is seen does not flicker: it is averaged over the frames beside it, along the plate's motion."""

from itertools import pairwise

import numpy as np
import pytest

from moving import pan
from relamp.core.cli import main
from relamp.core.shape.seen import SeenShape
from relamp.core.temporal.align import Aligner
from relamp.core.temporal.steady_shape import RADIUS, SeenFrame, steadied
from relamp.core.temporal.windows import depends_on
from shots import BALL_CHANNELS, Shot, layer, lit_ball, read_exr, soft_light, write_exr


def seen(code: np.ndarray, tilt: float = 0.0, relief: float = 0.0, albedo: float = -1.0) -> SeenFrame:
    """A wall before the camera, turned by `tilt` radians about the vertical, all of it subject."""
    facing = np.broadcast_to(np.array((np.sin(tilt), 0, np.cos(tilt)), np.float32), code.shape)
    slope = relief * np.linspace(-0.5, 0.5, code.shape[1], dtype=np.float32) * np.ones(code.shape[:2], np.float32)
    flat = np.ones(code.shape[:2], np.float32)
    return SeenFrame(code, flat, SeenShape(facing, slope, np.full_like(code, albedo), 0.3 * flat, 0.2 * code))


def steady(frames: list[SeenFrame | None]) -> SeenShape:
    return steadied(frames, Aligner().tracks(frames))


def test_what_differs_from_frame_to_frame_is_averaged_away_along_the_motion():
    tilts = (0.1, -0.1, 0.1, -0.1, 0.1)
    frames = [seen(code, tilt, relief=0.2 * tilt, albedo=-1 + tilt) for code, tilt in zip(pan(5), tilts, strict=True)]
    found = steady(frames)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(found.normals[inner][..., 0]).mean() < 0.4 * np.sin(0.1)
    assert np.abs(found.relief[inner]).max() < 0.4 * np.abs(frames[2].shape.relief[inner]).max()
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=-1), 1, atol=1e-5)


def test_a_frame_alone_keeps_its_bits():
    frame = seen(pan(1)[0], 0.2)
    found = steady([None, None, frame, None, None])
    assert found is frame.shape


def test_a_frame_that_disagrees_with_the_others_has_little_say():
    frames = [seen(code, 0.9 if i == 1 else 0.0) for i, code in enumerate(pan(5))]
    turned = np.degrees(np.arctan2(steady(frames).normals[..., 0], steady(frames).normals[..., 2]))[8:-8, 8:-8].mean()
    assert turned < 0.4 * np.degrees(0.9) / 5


def test_texture_of_the_albedo_is_that_of_the_frame():
    codes = pan(5)
    frames = [seen(code) for code in codes]
    drawn = [
        SeenFrame(
            f.code,
            f.matte,
            SeenShape(
                f.shape.normals, f.shape.relief, np.minimum(f.code, 0) - 0.1 * (i % 2), f.shape.doubt, f.shape.parts
            ),
        )
        for i, f in enumerate(frames)
    ]
    found, own = steady(drawn).log_albedo, drawn[2].shape.log_albedo
    fine = [np.diff(a[8:-8, 8:-8, 0], axis=1) for a in (found, own)]
    assert np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1] > 0.98


def test_a_window_without_its_middle_is_refused():
    with pytest.raises(ValueError, match="middle"):
        steadied([None, None, None], {})


def noisy_ball(folder, frames: int) -> Shot:
    """A ball without normals that moves a little, under grain that is new in every frame."""
    shot, random = Shot(folder, frames=frames), np.random.default_rng(3)
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)), 96)[..., :4]
    for i in range(frames):
        picture = np.roll(ball, i, axis=1)
        picture[..., :3] *= np.exp(0.2 * random.normal(size=(*picture.shape[:2], 1)))
        write_exr(shot.plate_frame(1001 + i), picture, BALL_CHANNELS[:4], "half")
    return shot


def normals(shot: Shot, out: str, *more: str) -> list[np.ndarray]:
    arguments = [
        "render",
        shot.plate,
        "--env",
        shot.env_b,
        "--out",
        out,
        "--backbone",
        "relamp",
        "--layers",
        "normals",
        "-q",
    ]
    assert main([*arguments, *more]) == 0
    paths = [out.replace("####", str(1001 + i)) for i in range(5)]
    return [layer(path, "N.X", "N.Y", "N.Z") for path in paths]


def test_normals_of_a_noisy_shot_flicker_by_less_than_half_of_those_seen_frame_by_frame(tmp_path):
    shot = noisy_ball(tmp_path, 5)
    flicker = []
    for more in ((), ("--no-temporal",)):
        found = normals(shot, str(tmp_path / f"{len(more)}.####.exr"), *more)
        inside = layer(shot.plate_frame(1003), "A")[..., 0] > 0.99
        still = [np.roll(n, -i, axis=1)[inside & np.roll(inside, 4, axis=1)] for i, n in enumerate(found)]
        flicker.append(np.mean([np.linalg.norm(b - a, axis=-1).mean() for a, b in pairwise(still)]))
    assert flicker[0] < 0.5 * flicker[1]


def test_any_split_gives_the_same_bits_where_the_shape_is_seen(tmp_path):
    shot = noisy_ball(tmp_path, 5)
    whole = normals(shot, shot.out, "--threads", "1")
    for frames in ("1004-1005", "1001", "1002-1003"):
        assert main(["render", shot.plate, "--env", shot.env_b, "--out", str(tmp_path / "c.####.exr"), "--backbone", "relamp",
                     "--layers", "normals", "-q", "--frames", frames, "--threads", "2"]) == 0  # fmt: skip
    for i in range(5):
        np.testing.assert_array_equal(
            read_exr(tmp_path / f"c.{1001 + i}.exr")[0], read_exr(shot.out_frame(1001 + i))[0]
        )
    assert len(whole) == 5


def test_a_frame_depends_on_the_files_that_its_shape_is_averaged_over():
    assert depends_on(1005, "frame", RADIUS, range(1000, 1011)) == [1003, 1004, 1005, 1006, 1007]


def test_a_frame_is_rendered_anew_where_a_neighbour_changed_and_only_then(tmp_path):
    shot = noisy_ball(tmp_path, 5)
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", "relamp", "--anchor", "1"]
    assert main([*arguments, "-q"]) == 0
    before = [shot.out_frame(1001 + i).stat().st_mtime_ns for i in range(5)]
    picture = lit_ball(soft_light((0.3, 0.4, 1.0)), 96)[..., :4]
    write_exr(shot.plate_frame(1005), picture, BALL_CHANNELS[:4], "half")
    assert main([*arguments, "-q", "--skip-existing"]) == 0
    after = [shot.out_frame(1001 + i).stat().st_mtime_ns for i in range(5)]
    assert [a != b for a, b in zip(before, after, strict=True)] == [False, False, True, True, True]
