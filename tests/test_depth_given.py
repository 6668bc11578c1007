"""Depth given to a render: what it changes, what it never changes, and what is refused before any work."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.ndimage import gaussian_filter

from depth_scene import FOV, ball_and_box
from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.job import RelightJob
from relamp.core.light.irradiance import irradiance
from relamp.core.parameters import RelightParameters
from relamp.exporters import farm_job, openjd
from shots import Shot, layer, soft_light, write_exr

RGB = ("R", "G", "B")
SCENE = ball_and_box()


@pytest.fixture
def shot(tmp_path):
    """Frames 1001 and 1002 of a ball before a box, under soft light, with normals; the depth is in files of its own."""
    shot = Shot(tmp_path, frames=0)
    light = irradiance(soft_light((0.3, 0.4, 1.0)), SCENE.normals) / np.pi * 0.5 * SCENE.matte[..., None]
    plate = np.concatenate([light, SCENE.matte[..., None], SCENE.normals], -1)
    for frame in (1001, 1002):
        write_exr(shot.plate_frame(frame), plate, ("R", "G", "B", "A", "N.X", "N.Y", "N.Z"))
        write_exr(tmp_path / f"depth.{frame}.exr", SCENE.z[..., None], ("Z",))
    (tmp_path / "camera.json").write_text(f'{{"fov": {FOV}}}')
    return shot


def render(shot, name, *more):
    """The relit frame 1001, R G B (h, w, 3)."""
    out = str(shot.folder / f"{name}.####.exr")
    arguments = ["--env", shot.env_b, "--source-env", shot.env_a, "--camera", str(shot.folder / "camera.json")]
    backbone = [] if "--backbone" in more else ["--backbone", "ratio"]
    assert main(["render", shot.plate, *arguments, *backbone, "--frames", "1001", "--out", out, *more]) == 0
    return layer(shot.folder / f"{name}.1001.exr", *RGB)


def job_of(shot, out):
    """A job for both frames of a shot, depth and all."""
    given = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "depth": depth_of(shot) + ":Z"}
    return RelightJob(RelightParameters(**given, camera=str(shot.folder / "camera.json"), out=out, backbone="ratio"))


def depth_of(shot, frame="####"):
    return str(shot.folder / f"depth.{frame}.exr")


def test_depth_moves_shadows_and_nothing_outside_the_matte(shot):
    without, given = render(shot, "without"), render(shot, "given", "--depth", depth_of(shot))
    inside = SCENE.matte > 0
    assert np.abs(np.log(given[inside] / without[inside])).max() > 0.05
    np.testing.assert_array_equal(given[~inside], layer(shot.plate_frame(1001), *RGB)[~inside])


def test_the_plates_own_depth_is_found(shot):
    plate, depth = layer(shot.plate_frame(1001), *RGB, "A", "N.X", "N.Y", "N.Z"), SCENE.z[..., None]
    given = render(shot, "given", "--depth", depth_of(shot))
    write_exr(shot.plate_frame(1001), np.concatenate([plate, depth], -1), (*RGB, "A", "N.X", "N.Y", "N.Z", "depth.Z"))
    np.testing.assert_array_equal(render(shot, "own"), given)


@pytest.mark.parametrize("kind", ["distance", "inverse", "normalised"])
def test_every_kind_gives_the_same_picture(shot, kind):
    given = render(shot, "z", "--depth", depth_of(shot))
    for frame in (1001, 1002):
        write_exr(shot.folder / f"other.{frame}.exr", getattr(SCENE, kind)[..., None], ("depth.Z",))
    other = render(shot, kind, "--depth", str(shot.folder / "other.####.exr"), "--depth-kind", kind)
    inside = SCENE.matte > 0
    away = np.abs(np.log(other[inside] / given[inside]))
    assert float(np.quantile(away, 0.98)) < 0.02


def test_the_same_light_gives_the_plate_back_bit_for_bit(shot):
    same = render(shot, "same", "--depth", depth_of(shot), "--env", shot.env_a)
    np.testing.assert_array_equal(same, layer(shot.plate_frame(1001), *RGB))


def test_one_stop_more_is_a_factor_of_two(shot):
    base = render(shot, "base", "--depth", depth_of(shot))
    up = render(shot, "up", "--depth", depth_of(shot), "--env-exposure", "1")
    inside = SCENE.matte > 0
    np.testing.assert_allclose(up[inside], 2 * base[inside], rtol=1e-6)


def test_a_render_is_made_again_when_its_depth_changes(shot):
    before = render(shot, "out", "--depth", depth_of(shot))
    nearer = np.where(SCENE.z > 0, SCENE.z - 0.5 * (SCENE.z < 5), 0)[..., None]  # the ball, by half a unit
    write_exr(shot.folder / "depth.1001.exr", nearer, ("Z",))
    after = render(shot, "out", "--depth", depth_of(shot), "--skip-existing", "same")
    assert not np.array_equal(before, after)


def refused(shot, capsys, *more):
    """The sentence and the exit code of a render that is refused; nothing was written."""
    out = shot.folder / "refused" / "out.####.exr"
    code = main(["render", shot.plate, "--env", shot.env_b, "--out", str(out), "-q", *more])
    assert not list(out.parent.glob("*.exr"))
    return code, capsys.readouterr().err


@pytest.mark.parametrize(("claimed", "real"), [("z", "inverse"), ("inverse", "z"), ("normalised", "z")])
def test_a_wrong_kind_stops_the_job_and_names_the_likely_one(shot, capsys, claimed, real):
    for frame in (1001, 1002):
        write_exr(shot.folder / f"depth.{frame}.exr", getattr(SCENE, real)[..., None], ("Z",))
    code, words = refused(shot, capsys, "--depth", depth_of(shot), "--depth-kind", claimed)
    assert code == 4
    assert "depth.1001.exr: " in words
    assert f"give --depth-kind {real}" in words


def test_a_depth_without_a_frame_is_refused(shot, capsys):
    (shot.folder / "depth.1002.exr").unlink()
    code, words = refused(shot, capsys, "--depth", depth_of(shot))
    assert code == 4
    assert "--depth" in words
    assert "has no frames 1002" in words


def test_a_depth_of_another_size_is_refused(shot, capsys):
    for frame in (1001, 1002):
        write_exr(shot.folder / f"depth.{frame}.exr", SCENE.z[:60, :80, None], ("Z",))
    code, words = refused(shot, capsys, "--depth", depth_of(shot))
    assert code == 4
    assert "depth.1001.exr is 80x60, but the plate plate.1001.exr is 160x120" in words


def test_a_depth_is_never_written_over(shot, capsys):
    code = main(
        ["render", shot.plate, "--env", shot.env_b, "--depth", depth_of(shot), "--out", depth_of(shot), "--overwrite"]
    )
    assert code == 2
    np.testing.assert_array_equal(layer(shot.folder / "depth.1001.exr", "Z")[..., 0], SCENE.z)


def test_a_plate_whose_own_depth_is_of_another_kind_is_relit_without_it(shot, capsys):
    without = render(shot, "without")
    plate = layer(shot.plate_frame(1001), *RGB, "A", "N.X", "N.Y", "N.Z")
    both = np.concatenate([plate, SCENE.inverse[..., None]], -1)
    write_exr(shot.plate_frame(1001), both, (*RGB, "A", "N.X", "N.Y", "N.Z", "depth.Z"))
    np.testing.assert_array_equal(render(shot, "own"), without)
    assert "the plate's own depth is not used" in capsys.readouterr().err


def test_a_farm_bundle_carries_the_depth_and_gives_the_bits_of_a_single_render(shot, tmp_path):
    single, cut = (str(tmp_path / name / "relit.####.exr") for name in ("single", "cut"))
    jobs.save(job_of(shot, single), tmp_path / "single.json")
    relamp = str(Path(sys.executable).with_name("relamp"))
    subprocess.run([relamp, "render", "--job", str(tmp_path / "single.json"), "-q"], check=True, timeout=300)
    template = openjd.export(farm_job.make(job_of(shot, cut), chunk=1), tmp_path / "bundle")
    carried = yaml.safe_load((tmp_path / "bundle" / "asset_references.yaml").read_text())
    assert {depth_of(shot, frame) for frame in ("1001", "1002")} <= set(
        carried["assetReferences"]["inputs"]["filenames"]
    )
    command = [sys.executable, "-m", "openjd", "run", str(template), "-p", f"Relamp={relamp}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    for frame in ("1001", "1002"):
        one, other = (layer(Path(pattern.replace("####", frame)), *RGB) for pattern in (cut, single))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("backbone", ["ratio", "relamp"])
def test_a_noisy_depth_does_less_harm_than_its_noise(shot, backbone):
    noise = gaussian_filter(np.random.default_rng(0).normal(size=SCENE.z.shape), 4)
    noisy = np.where(SCENE.z > 0, SCENE.z + noise * (0.15 / noise.std()), 0)[..., None]
    for frame in (1001, 1002):
        write_exr(shot.folder / f"noisy.{frame}.exr", noisy, ("Z",))
    given = ("--depth", str(shot.folder / "noisy.####.exr"), "--backbone", backbone)
    exact = render(shot, "exact", "--depth", depth_of(shot), "--backbone", backbone)
    found = render(shot, "found", *given)
    inside = SCENE.matte > 0
    assert np.abs(np.log(found[inside] / exact[inside])).mean() < 0.1
