import json

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.evaluation import report, verdict
from relamp.core.evaluation.evaluate import MEASURES, evaluate
from shots import read_exr, write_exr

FRAMES = (1001, 1002, 1003)


def sequence(folder, name, factor=1.0, jitter=0.0, size=48):
    """A textured disk that moves to the right, `factor` times as bright, every second frame by `jitter` stops more."""
    y, x = np.mgrid[:size, :size]
    grain = np.random.default_rng(0).uniform(0.1, 0.5, (size, size, 3)).astype(np.float32)
    for number, frame in enumerate(FRAMES):
        alpha = (np.hypot(x - size / 2 - number, y - size / 2) < size / 3).astype(np.float32)
        light = factor * 2 ** (jitter * (number % 2))
        pixels = np.concatenate([np.roll(grain, number, 1) * light, alpha[..., None]], -1)
        write_exr(folder / f"{name}.{frame}.exr", pixels, ("R", "G", "B", "A"))
    return str(folder / f"{name}.####.exr")


def test_a_shot_against_itself_is_perfect(tmp_path):
    shot = sequence(tmp_path, "shot")
    found = evaluate(shot, shot, plate=shot)
    assert [f.frame for f in found.frames] == list(FRAMES)
    expected = {
        "psnr": np.inf,
        "psnr_aligned": np.inf,
        "exposure": 0,
        "ssim": 1,
        "log_rmse": 0,
        "flicker": 0,
        "detail": 1,
    }
    assert {name: found.shot[name] for name in expected} == pytest.approx(expected, abs=1e-4)
    assert found.shot["edge_laplacian"] == found.shot["edge_tenengrad"] == 1
    assert "flicker" not in found.frames[0].scores


def test_a_dark_relight_says_how_many_stops_and_is_perfect_once_aligned(tmp_path):
    found = evaluate(sequence(tmp_path, "pred", 0.5), sequence(tmp_path, "truth"))
    assert found.shot["exposure"] == pytest.approx(1, abs=1e-3)
    assert found.shot["psnr"] < 20
    assert found.shot["psnr_aligned"] > 60
    assert "detail" not in found.shot  # no plate to compare with


def test_jitter_is_found_in_the_shot(tmp_path):
    found = evaluate(sequence(tmp_path, "pred", jitter=0.4), sequence(tmp_path, "truth"))
    assert found.shot["flicker_global"] == pytest.approx(0.4, abs=0.03)


def test_a_matte_says_where(tmp_path):
    truth, pred = sequence(tmp_path, "truth"), sequence(tmp_path, "pred")
    left = np.zeros((48, 48, 1), np.float32)
    left[:, :20] = 1
    write_exr(tmp_path / "matte.exr", left, ("A",))
    for frame in FRAMES:
        path = tmp_path / f"pred.{frame}.exr"
        pixels, _ = read_exr(path)
        pixels[:, 20:, :3] = 9
        write_exr(path, pixels, ("R", "G", "B", "A"))
    assert evaluate(pred, truth, matte=str(tmp_path / "matte.exr")).shot["psnr"] == np.inf
    assert evaluate(pred, truth).shot["psnr"] < 10


def test_data_windows_are_laid_on_one_another(tmp_path):
    pixels = np.random.default_rng(0).random((32, 32, 3), np.float32)
    whole = write_exr(tmp_path / "whole.1.exr", pixels, ("R", "G", "B"))
    pixels[:8] = 0
    write_exr(tmp_path / "truth.1.exr", pixels, ("R", "G", "B"))
    part = oiio.ImageBuf(oiio.ImageSpec(32, 24, 3, "float"))
    part.set_origin(0, 8)
    part.set_full(0, 32, 0, 32, 0, 1)
    part.set_pixels(part.roi, pixels[8:])
    assert part.write(str(tmp_path / "part.1.exr"))
    assert evaluate(str(tmp_path / "part.1.exr"), str(tmp_path / "truth.1.exr")).shot["psnr"] == np.inf
    assert evaluate(str(whole), str(tmp_path / "truth.1.exr")).shot["psnr"] < 30


def test_pixels_that_are_not_finite_are_left_out_and_told(tmp_path, caplog):
    truth, pred = sequence(tmp_path, "truth"), sequence(tmp_path, "pred")
    path = tmp_path / "pred.1002.exr"
    pixels, _ = read_exr(path)
    pixels[24, 24] = (np.nan, np.inf, 1, 1)
    write_exr(path, pixels, ("R", "G", "B", "A"))
    found = evaluate(pred, truth)
    assert found.shot["psnr"] == np.inf
    assert found.frames[1].pixels == evaluate(truth, truth).frames[1].pixels - 1
    assert "frame 1002: 1 pixels are NaN or infinite" in caplog.text


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "truth.1002.exr").unlink(), r"truth.*frames 1002 are missing; --frames"),
        (
            lambda folder: write_exr(folder / "truth.1001.exr", np.ones((40, 50, 3)), ("R", "G", "B")),
            "48x48, but the truth",
        ),
        (
            lambda folder: write_exr(folder / "truth.1001.exr", np.zeros((48, 48, 4)), tuple("RGBA")),
            "frame 1001: nothing to",
        ),
        (lambda folder: (folder / "truth.1001.exr").write_text("no picture"), "cannot be read"),
        (lambda folder: write_exr(folder / "pred.1001.exr", np.ones((8, 8, 3)), ("R", "G", "B")), "at least 16 pixels"),
    ],
    ids=["missing", "size", "empty", "damaged", "small"],
)
def test_bad_input_is_said_in_a_sentence(tmp_path, spoil, sentence):
    truth, pred = sequence(tmp_path, "truth"), sequence(tmp_path, "pred")
    spoil(tmp_path)
    with pytest.raises(InputError, match=sentence):
        evaluate(pred, truth)


def test_the_command_writes_a_table_json_and_a_plot(tmp_path, capsys):
    pred, truth = sequence(tmp_path, "pred", 0.5), sequence(tmp_path, "truth")
    as_json, png = tmp_path / "out" / "scores.json", tmp_path / "plot.png"
    arguments = ["evaluate", pred, truth, "--plate", truth, "--json", str(as_json), "--png", str(png)]
    assert main([*arguments, "-F", "1001-1002"]) == 0
    said = capsys.readouterr().out
    for words in ("1001", "1002", "PSNR dB", "flicker", "DIS", "linear Rec.709", "x truth"):
        assert words in said
    assert "1003" not in said
    facts = json.loads(as_json.read_text())
    assert facts["schema"] == report.SCHEMA
    assert [f["frame"] for f in facts["frames"]] == [1001, 1002]
    assert set(facts["shot"]) <= {m.name for m in MEASURES}
    assert facts["shot"]["exposure"] == pytest.approx(1, abs=1e-3)
    picture, _ = read_exr(png)
    assert picture.std() > 0


def test_an_infinite_psnr_is_a_word_in_the_json(tmp_path, capsys):
    shot = sequence(tmp_path, "shot")
    assert main(["evaluate", shot, shot, "--json", str(tmp_path / "s.json"), "--png", str(tmp_path / "s.png")]) == 0
    assert json.loads((tmp_path / "s.json").read_text())["shot"]["psnr"] == "inf"


def test_wrong_use_has_the_codes_of_the_house(tmp_path, capsys):
    shot = sequence(tmp_path, "shot")
    assert main(["evaluate", shot]) == 2
    assert main(["evaluate", shot, shot, "-F", "9-3"]) == 2
    assert main(["evaluate", shot, shot, "--png", str(tmp_path / "plot.jpg")]) == 2
    assert main(["evaluate", shot, str(tmp_path / "none.####.exr")]) == 4
    assert "matches no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("aligned", "exposure", "unchanged", "words"),
    [
        (25.0, 0.0, 18.0, ["Good: 25.0 dB", "the unchanged plate 18.0 dB", "20.4 dB from plate and matte", "24.9 dB"]),
        (21.0, 0.8, None, ["Fair: 21.0 dB", "0.8 stops too dark", "--env-exposure"]),
        (18.2, -0.5, 18.0, ["Poor, no nearer to the truth than the unchanged plate", "0.5 stops too bright"]),
        (np.inf, 0.0, 18.0, ["Alike"]),
    ],
)
def test_a_likeness_is_judged_against_named_references(aligned, exposure, unchanged, words):
    said = verdict.of_likeness(aligned, exposure, unchanged)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("whole", "local", "word"), [(0.0005, 0.01, "Steady"), (0.05, 0.02, "Slightly"), (0.02, 0.2, "It flickers")]
)
def test_flicker_is_judged_against_an_eight_bit_code_and_a_tenth_of_a_stop(whole, local, word):
    assert verdict.of_flicker(whole, local).startswith(word)


def test_one_code_at_middle_grey_is_what_the_srgb_curve_says():
    low, high = (((code / 255 + 0.055) / 1.055) ** 2.4 for code in (117, 118))  # IEC 61966-2-1; 0.18 lies between
    assert low < 0.18 < high
    assert np.log2(high / low) == pytest.approx(verdict.ONE_CODE, abs=1e-3)


def test_the_evaluation_ends_with_a_sentence_that_takes_the_plate_as_reference(tmp_path, capsys):
    truth, dark = sequence(tmp_path, "truth"), sequence(tmp_path, "dark", 0.5)
    grain = np.random.default_rng(1).uniform(0.1, 0.5, (48, 48, 4)).astype(np.float32)
    for frame in FRAMES:
        write_exr(tmp_path / f"plate.{frame}.exr", grain, ("R", "G", "B", "A"))
    assert main(["evaluate", dark, truth, "--plate", str(tmp_path / "plate.####.exr")]) == 0
    said = capsys.readouterr().out.splitlines()[-2:]
    assert said[0].startswith("Alike: ")
    assert "It is 1 stop too dark" in said[0]
    assert said[1].startswith("Steady: ")


def test_a_chart_has_a_fixed_scale_so_that_little_flicker_is_a_flat_line():
    drawn = [report.panel({"whole": [(1, v), (2, 0.0), (3, v)]}, (1, 3), "stops", (0, 0.2)) for v in (0.0, 0.0005, 0.1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[2] != drawn[0]).any()


def test_a_value_beyond_the_scale_of_a_chart_is_named():
    within, beyond = (report.panel({"a": [(1, 0.1), (2, v)]}, (1, 2), "stops", (0, 0.2)) for v in (0.2, 0.9))
    assert (within[:, -145:] != beyond[:, -145:]).any()
