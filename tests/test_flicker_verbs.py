"""`relamp deflicker`, `relamp flicker` and `relamp export onnx`, on real files."""

import re
from pathlib import Path

import numpy as np
import pytest

from moving import pan, random_head
from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.evaluation.flicker import measure
from relamp.core.pictures.curves import decode_log
from relamp.core.temporal import deflicker
from relamp.core.temporal.deflicker import Deflicker
from relamp.core.temporal.elsewhere import Elsewhere, steady
from relamp.exporters.onnx import export
from shots import layer, read_exr, soft_light, write_exr

FRAMES = range(1001, 1009)


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    export(random_head(folder / "head.safetensors"), folder / "head.onnx")
    return Deflicker("cpu", folder / "head.onnx")


@pytest.fixture
def shot(tmp_path):
    """A panning plate, its relight with a level that jumps, and the same one steady."""
    levels = np.random.default_rng(0).normal(0, 0.15, len(FRAMES))
    for frame, code, level in zip(FRAMES, pan(len(FRAMES), step=1.5), levels, strict=True):
        plate = decode_log(code)
        for name, factor in (("plate", 1.0), ("steady", 1.6), ("relit", 1.6 * np.exp(level))):
            write_exr(tmp_path / f"{name}.{frame}.exr", plate * np.float32(factor), ("R", "G", "B"))
    return tmp_path


def run(shot: Path, head: Deflicker, **more):
    given = {"plate": f"{shot}/plate.####.exr", "relit": f"{shot}/relit.####.exr", "out": f"{shot}/out/out.####.exr"}
    frames, overwrite = more.pop("frames", None), more.pop("overwrite", False)
    return steady(Elsewhere(**{**given, **more}), head, frames, overwrite=overwrite)


def test_a_part_of_a_shot_comes_out_as_in_the_whole(shot, head):
    assert run(shot, head, out=f"{shot}/a/o.####.exr") == len(FRAMES)
    assert run(shot, head, out=f"{shot}/b/o.####.exr", frames=(1004, 1006)) == 2
    for frame in (1004, 1006):
        assert np.array_equal(read_exr(shot / f"a/o.{frame}.exr")[0], read_exr(shot / f"b/o.{frame}.exr")[0])


def test_nothing_bleeds_across_a_cut_inside_the_range(shot, head):
    """Up to the cut the shot comes out as if there were nothing behind it, and after it as if there were nothing before."""
    for frame, code in zip(range(1005, 1009), pan(4, step=1.5, seed=9), strict=True):
        for name, factor in (("plate", 1.0), ("relit", 1.6 * (1 + 0.1 * (frame % 2)))):
            write_exr(shot / f"{name}.{frame}.exr", decode_log(code) * np.float32(factor), ("R", "G", "B"))
    run(shot, head, out=f"{shot}/whole/o.####.exr")
    for part, gone in (("before", range(1005, 1009)), ("after", range(1001, 1005))):
        kept = {frame: (shot / f"relit.{frame}.exr").read_bytes() for frame in gone}
        for frame in gone:
            (shot / f"relit.{frame}.exr").unlink()
        run(shot, head, out=f"{shot}/{part}/o.####.exr")
        for frame in set(FRAMES) - set(gone):
            alone, whole = (read_exr(shot / folder / f"o.{frame}.exr")[0] for folder in (part, "whole"))
            assert np.abs(np.log(alone / whole)).max() < 0.02  # the exposure is measured on other frames
        for frame, data in kept.items():
            (shot / f"relit.{frame}.exr").write_bytes(data)
    relit, whole = (read_exr(shot / name)[0] for name in ("relit.1005.exr", "whole/o.1005.exr"))
    assert not np.array_equal(relit, whole)


def test_shots_of_one_frame_and_of_two(shot, head):
    for frame in FRAMES[2:]:
        (shot / f"relit.{frame}.exr").unlink()
    assert run(shot, head, out=f"{shot}/two/o.####.exr") == 2
    two = read_exr(shot / "two/o.1001.exr")[0]
    assert np.isfinite(two).all()
    assert not np.array_equal(two, read_exr(shot / "relit.1001.exr")[0])
    (shot / "relit.1002.exr").unlink()
    assert run(shot, head, out=f"{shot}/one/o.####.exr") == 1
    assert np.array_equal(read_exr(shot / "one/o.1001.exr")[0], read_exr(shot / "relit.1001.exr")[0])


def test_several_frames_are_never_written_into_one_file(shot, head):
    with pytest.raises(UsageError, match="one file for 8 frames"):
        run(shot, head, out=f"{shot}/out/still.exr")
    assert not (shot / "out").exists()


def test_a_steady_shot_keeps_its_numbers(shot, head):
    """Every frame the same: no head finds anything to correct, so the file's own numbers are written."""
    for frame in FRAMES:
        for name in ("plate", "relit"):
            (shot / f"{name}.{frame}.exr").write_bytes((shot / f"{name}.1001.exr").read_bytes())
    run(shot, head)
    assert np.array_equal(read_exr(shot / "out/out.1004.exr")[0], read_exr(shot / "relit.1004.exr")[0])


def test_pixels_that_are_not_finite_pass_and_other_layers_are_copied(shot, head):
    for frame in FRAMES:
        pixels, _ = read_exr(shot / f"relit.{frame}.exr")
        pixels[5, 7] = (np.nan, np.inf, 1.0)
        depth = np.full((*pixels.shape[:2], 1), 3.5, np.float32)
        write_exr(shot / f"relit.{frame}.exr", np.concatenate([pixels, depth], -1), ("R", "G", "B", "depth.Z"))
    run(shot, head, frames=(1004,))
    out = shot / "out/out.1004.exr"
    assert np.isnan(layer(out, "R")[5, 7]).all()
    assert np.isposinf(layer(out, "G")[5, 7]).all()
    assert np.isfinite(layer(out, "R", "G", "B")).sum() == 48 * 64 * 3 - 2
    assert (layer(out, "depth.Z") == 3.5).all()


def test_nothing_changes_outside_the_matte(shot, head):
    matte = np.zeros((48, 64, 1), np.float32)
    matte[:, 32:] = 1
    write_exr(shot / "matte.exr", matte, ("A",))
    run(shot, head, matte=f"{shot}/matte.exr", frames=(1004,))
    before, after = (read_exr(shot / n)[0] for n in ("relit.1004.exr", "out/out.1004.exr"))
    assert np.array_equal(before[:, :31], after[:, :31])
    assert not np.array_equal(before[:, 33:], after[:, 33:])


def test_an_environment_is_asked_for_every_frame_that_is_needed(shot, head, capsys):
    for frame in range(1001, 1004):
        write_exr(shot / f"env.{frame}.exr", soft_light((0, 0.3, 1), height=16), ("R", "G", "B"))
    arguments = ["deflicker", f"{shot}/plate.####.exr", f"{shot}/relit.####.exr", "--out", f"{shot}/o.####.exr"]
    deflicker.load.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deflicker, "load", lambda device: head)
        assert main([*arguments, "--env", f"{shot}/env.####.exr", "-F", "1001"]) == 4
        assert "1004" in capsys.readouterr().err
        assert main([*arguments, "--env", f"{shot}/env.1001.exr", "-F", "1001"]) == 0
        assert main([*arguments, "-F", "1001"]) == 2
        assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("gone", ["plate", "relit"])
def test_a_missing_frame_is_named(shot, head, gone):
    (shot / f"{gone}.1005.exr").unlink()
    if gone == "relit":  # a gap in what was relit is no error: its neighbours do without it
        assert run(shot, head) == len(FRAMES) - 1
    else:
        with pytest.raises(InputError, match=r"1005.exr does not exist|1005 is missing"):
            run(shot, head)


def test_flicker_finds_the_level_that_jumps_and_not_the_steady_one(shot):
    plate = f"{shot}/plate.####.exr"
    loud, still = (measure(f"{shot}/{n}.####.exr", plate) for n in ("relit", "steady"))
    levels = np.random.default_rng(0).normal(0, 0.15, len(FRAMES)) / np.log(2)
    expected = levels[1:-1] - 0.5 * (levels[:-2] + levels[2:])
    assert [s.whole for s in loud[1:-1]] == pytest.approx(expected, abs=0.02)
    assert all(abs(s.whole or 0) < 0.005 for s in still)
    assert loud[0].whole is None
    assert loud[-1].whole is None


def test_a_light_that_fades_evenly_is_no_flicker(shot):
    for frame in FRAMES:
        pixels, _ = read_exr(shot / f"steady.{frame}.exr")
        write_exr(shot / f"fade.{frame}.exr", pixels * np.float32(2 ** (0.2 * (frame - 1001))), ("R", "G", "B"))
    assert all(abs(s.whole or 0) < 0.01 for s in measure(f"{shot}/fade.####.exr", f"{shot}/plate.####.exr"))


def test_the_flicker_command_prints_and_plots(shot, capsys):
    pictures = [f"{shot}/relit.####.exr", f"{shot}/steady.####.exr"]
    assert main(["flicker", *pictures, "--plate", f"{shot}/plate.####.exr", "--png", f"{shot}/f.png"]) == 0
    said = capsys.readouterr().out
    assert said.count("worst:") == 2
    assert (shot / "f.png").stat().st_size > 1000
    assert main(["flicker", pictures[0], "-F", "1001-1002"]) == 2
    assert "three frames" in capsys.readouterr().err


def test_export_onnx_writes_both_files_and_their_parity(tmp_path, capsys):
    weights = random_head(tmp_path / "head.safetensors")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("relamp.exporters.onnx.SHAPES", ((1, 64, 64), (3, 72, 40)))
        assert main(["export", "onnx", "--weights", str(weights), "--out", str(tmp_path / "onnx")]) == 0
    said = capsys.readouterr().out
    differences = [float(number) for number in re.findall(r"torch (\S+)", said)]
    assert differences[0] < 1e-4
    assert differences[1] < 3e-2
    import onnx

    for name, precision in (("head.onnx", "float32"), ("head-half.onnx", "float16")):
        model = onnx.load(tmp_path / "onnx" / name)
        facts = {entry.key: entry.value for entry in model.metadata_props}
        assert facts["licence"] == "Apache-2.0"
        assert facts["precision"] == precision
        assert len(facts["weights_sha256"]) == 64
        assert model.opset_import[0].version == 17
        axes = {d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim if d.dim_param}
        assert axes == {"T", "H", "W"}


def test_a_head_that_is_there_is_not_written_over(tmp_path, capsys):
    weights = random_head(tmp_path / "head.safetensors")
    (tmp_path / "head-half.onnx").write_text("kept")
    assert main(["export", "onnx", "--weights", str(weights), "--out", str(tmp_path)]) == 2
    assert "head-half.onnx is already there; --overwrite" in capsys.readouterr().err
    assert (tmp_path / "head-half.onnx").read_text() == "kept"


def test_weights_that_are_none_are_refused(tmp_path, capsys):
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    assert main(["export", "onnx", "--weights", str(tmp_path / "x.safetensors"), "--out", str(tmp_path)]) == 4
    assert "x.safetensors" in capsys.readouterr().err


@pytest.mark.slow
def test_parity_over_all_sizes_and_lengths(tmp_path):
    from relamp.exporters.onnx import SHAPES, parity

    weights = random_head(tmp_path / "head.safetensors")
    export(weights, tmp_path / "head.onnx")
    assert parity(weights, tmp_path / "head.onnx", SHAPES) < 1e-4
