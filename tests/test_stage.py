"""The light stage: weights, the maths of the data's test, and, where there is a Blender, calibration.

The tests marked `blender` run Cycles in the interpreter that the variable RELAMP_BPY_PYTHON names.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from relamp.core.errors import UsageError
from relamp.core.light.environment import directions, solid_angles
from relamp.training import check_data, stage
from relamp.training.light_rig import CELLS, fibonacci_directions
from relamp.training.lighting import cell_radiance, lift_lamp, light_frame
from relamp.training.shards import finished_seeds, read_shard, write_shard
from stage_frames import make_frame

BPY_PYTHON = os.environ.get("RELAMP_BPY_PYTHON", "")


def sky_with_sun(direction: np.ndarray, height: int = 32) -> np.ndarray:
    """A uniform map of 0.2 with a sun of irradiance 3 about 2 degrees wide."""
    d = directions(height, 2 * height)
    pixels = np.full((height, 2 * height, 3), 0.2, np.float32)
    row, column = np.unravel_index(np.argmax(d @ direction), d.shape[:2])
    pixels[row, column] += 3.0 / solid_angles(height, 2 * height)[row]
    return pixels


def test_uniform_environment_weighs_every_cell_1():
    np.testing.assert_allclose(cell_radiance(np.ones((32, 64, 3), np.float32), fibonacci_directions(CELLS)), 1.0)


def test_light_from_the_left_weighs_the_cells_on_the_left():
    d = directions(32, 64)
    pixels = np.repeat((d[..., :1] < 0).astype(np.float32), 3, axis=-1)
    cells = fibonacci_directions(CELLS)
    weights = cell_radiance(pixels, cells)[:, 0]
    assert weights[cells[:, 0] < -0.4].min() == pytest.approx(1.0)
    assert weights[cells[:, 0] > 0.4].max() == pytest.approx(0.0)


def test_lifted_lamp_and_what_it_stood_on_add_up():
    toward = np.array([0.6, 0.64, 0.48])
    lifted = lift_lamp(sky_with_sun(toward))
    assert lifted is not None
    rest, direction, irradiance = lifted
    np.testing.assert_allclose(irradiance, 3.0, rtol=1e-3)
    np.testing.assert_allclose(rest, 0.2, rtol=1e-3)
    assert np.degrees(np.arccos(direction @ toward)) < 4.0


def test_a_map_without_a_lamp_has_none_to_lift():
    assert lift_lamp(np.ones((32, 64, 3), np.float32)) is None


def test_lamp_goes_to_a_sun_of_its_height_and_the_map_shows_it_there():
    frame = make_frame()
    light = light_frame(frame, sky_with_sun(np.array([0.0, 0.5, np.sqrt(0.75)])), np.random.default_rng(0))
    chosen = int(np.argmax(light.weights[CELLS:, 0]))
    np.testing.assert_allclose(light.weights[CELLS + chosen], 3.0, rtol=1e-3)
    np.testing.assert_allclose(light.weights[:CELLS], 0.2, rtol=1e-3)
    brightest = np.argmax(light.environment[..., 0])
    seen = directions(32, 64).reshape(-1, 3)[brightest]
    assert np.degrees(np.arccos(np.clip(seen @ frame.suns[chosen], -1, 1))) < 5.0
    total = (light.environment * solid_angles(32, 64)[:, None, None]).sum(axis=(0, 1))
    np.testing.assert_allclose(total, 0.2 * 4 * np.pi + 3.0, rtol=1e-2)


def test_oracle_is_exact_on_a_matt_surface_that_sees_the_whole_sky():
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(8, 8, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    a, b = sky_with_sun(np.array([1.0, 0, 0])), np.full((32, 64, 3), 0.7, np.float32)
    plate = 0.3 * check_data.frame_irradiance(a, normals)
    oracle = check_data.ratio_oracle(plate, normals, a, b)
    np.testing.assert_allclose(oracle, 0.3 * 0.7 * np.pi, rtol=1e-2)


def test_psnr_counts_only_what_the_matte_holds():
    a, b, matte = np.full((4, 4, 3), 0.5, np.float32), np.full((4, 4, 3), 0.5, np.float32), np.zeros((4, 4), np.float32)
    matte[:2] = 1
    b[2:] = 0.9
    assert check_data.psnr_inside(a, b, matte) == 99.0
    b[:2] = 0.0
    code = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    assert check_data.psnr_inside(a, b, matte) == pytest.approx(-20 * np.log10(code), abs=1e-3)


def test_exposure_treats_both_pictures_alike():
    rng = np.random.default_rng(1)
    a, b = rng.random((16, 16, 3)).astype(np.float32), 9 * rng.random((16, 16, 3)).astype(np.float32)
    matte = np.ones((16, 16), np.float32)
    assert check_data.exposure(a, b, matte) == pytest.approx(check_data.exposure(b, a, matte))
    assert check_data.exposure(2 * a, 2 * b, matte) == pytest.approx(check_data.exposure(a, b, matte) / 2)


def test_check_prints_a_table_and_writes_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_shard(tmp_path / "stage-7.safetensors", [make_frame(7)])
    assert check_data.main([str(tmp_path), "--pairs", "1"]) == 0
    assert "head" in capsys.readouterr().out
    assert (tmp_path / "check.png").stat().st_size > 0


def test_check_of_an_empty_folder_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert check_data.main([str(tmp_path)]) == 4
    assert "render some with python -m relamp.training.stage" in capsys.readouterr().err


def test_size_must_be_whole_numbers():
    with pytest.raises(UsageError, match="whole numbers"):
        stage.parse(["--out", "x", "--size", "big"])


def blender(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [BPY_PYTHON, "-W", "ignore", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


needs_blender = pytest.mark.skipif(not BPY_PYTHON, reason="RELAMP_BPY_PYTHON names no Python with bpy")

SPHERE = """
import sys
from pathlib import Path
import bpy, bmesh
from relamp.training import materials, scenes, stage
from relamp.training.shards import write_shard
bpy.ops.wm.read_factory_settings(use_empty=True)
tree = materials.Tree("white")
matt = tree.node("ShaderNodeBsdfDiffuse", Color=(1, 1, 1, 1)).outputs[0]
white = tree.finish(matt, 1.0, 0.0)
mesh, shape = bpy.data.meshes.new("ball"), bmesh.new()
bmesh.ops.create_uvsphere(shape, u_segments=64, v_segments=32, radius=1)
shape.to_mesh(mesh)
for face in mesh.polygons:
    face.use_smooth = True
scenes.add("ball", mesh, white)
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
camera.location, camera.rotation_euler = (4.0, 0.0, 0.0), (1.5707963, 0.0, 1.5707963)
write_shard(Path(sys.argv[1]), [stage.render(stage.prepare(0, 64, 64, 1), 64, seed=0, kind="hard", scene_version=1)])
"""


@pytest.mark.blender
@needs_blender
def test_white_ball_reads_1_in_uniform_light_and_a_lamp_on_the_left_lights_the_left(tmp_path: Path):
    run = blender("-c", SPHERE, str(tmp_path / "stage-0.safetensors"))
    said = run.communicate(timeout=240)[1]
    assert run.returncode == 0, said
    (ball,) = read_shard(tmp_path / "stage-0.safetensors")
    sure = ball.alpha_image() > 0.99
    weights = np.zeros((60, 3), np.float32)
    weights[:CELLS] = 1
    uniform = ball.relight(weights)[sure]
    assert uniform.mean() == pytest.approx(1.0, abs=0.02)
    assert np.quantile(np.abs(uniform - 1.0), 0.95) < 0.06  # the denoiser is less sure along the rim

    normals = ball.normal_image()
    assert normals[32, 32] @ np.array([0, 0, 1]) > 0.99
    assert normals[32, 14, 0] < -0.5
    assert normals[14, 32, 1] > 0.5
    left = np.zeros((60, 3), np.float32)
    left[:CELLS][ball.cells[:, 0] < -0.5] = 1
    lit = ball.relight(left)[..., 0]
    assert lit[32, 16] > 5 * max(lit[32, 48], 1e-3)

    for i, sun in enumerate(ball.suns):  # irradiance 1 on a white surface: max(n.s, 0) / pi
        weights = np.zeros((60, 3), np.float32)
        weights[CELLS + i] = 1
        expected = np.maximum(normals @ sun, 0) / np.pi
        assert np.abs(ball.relight(weights)[..., 0] - expected)[sure].mean() < 0.02
    np.testing.assert_allclose(ball.albedo_image()[sure], 1.0, atol=0.02)
    np.testing.assert_allclose(ball.camera_to_world @ [0, 0, 1], [1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(ball.camera_to_world @ [0, 1, 0], [0, 1, 0], atol=1e-5)


@pytest.mark.blender
@needs_blender
def test_a_stopped_stage_keeps_its_frames_and_goes_on_with_the_others(tmp_path: Path):
    arguments = [
        "-m",
        "relamp.training.stage",
        "--out",
        str(tmp_path),
        "--size",
        "32",
        "--samples",
        "1",
        "--workers",
        "1",
    ]
    first = blender(*arguments, "--count", "16")
    for _ in range(1200):
        time.sleep(0.1)
        if list(tmp_path.glob("stage-*.safetensors")):
            break
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=240)
    assert first.returncode == 0
    kept = finished_seeds(tmp_path)
    assert kept
    before = {path: path.read_bytes() for path in tmp_path.glob("stage-*.safetensors")}
    second = blender(*arguments, "--count", str(max(kept) + 2))
    second.communicate(timeout=480)
    assert second.returncode == 0
    assert kept < finished_seeds(tmp_path)
    assert all(path.read_bytes() == pixels for path, pixels in before.items())


@pytest.mark.blender
@needs_blender
def test_a_clip_begins_with_the_still_of_its_seed_and_its_lights_stay_in_the_world(tmp_path: Path):
    for name, clip in (("still", "1"), ("clip", "2")):
        words = ("--size", "32", "--samples", "1", "--only", "300001", "--clip", clip)
        run = blender("-m", "relamp.training.stage", "--out", str(tmp_path / name), *words)
        said = run.communicate(timeout=240)[1]
        assert run.returncode == 0, said
    (still,) = (f for p in (tmp_path / "still").glob("stage-*") for f in read_shard(p))
    first, second = (f for p in (tmp_path / "clip").glob("stage-*") for f in read_shard(p))
    assert (still.frame, first.frame, second.frame) == (0, 0, 1)
    np.testing.assert_array_equal(first.codes, still.codes)
    assert second.covered.shape == first.covered.shape
    assert np.abs(second.depth_image() - first.depth_image()).max() > 1e-3
    in_world = [f.suns @ f.camera_to_world.T for f in (first, second)]
    np.testing.assert_allclose(*in_world, atol=1e-5)
