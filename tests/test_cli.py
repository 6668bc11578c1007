import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from relamp.core.cli import main
from relamp.core.parameters import knobs
from shots import QUICK_OPTIONS, layer, read_exr, soft_light, write_exr

RELAMP = str(Path(sys.executable).parent / "relamp")


def test_every_declared_parameter_is_an_option(capsys):
    assert main(["render", "--help-all"]) == 0
    text = capsys.readouterr().out
    for name, _ in knobs():
        assert name == "plate" or f"--{name.replace('_', '-')}" in text, name
    for heading in ("Inputs:", "Light:", "How the light is worked out:", "Output:", "Frames and the run:", "Examples:"):
        assert heading in text


def test_the_short_help_lists_the_dozen_options_that_most_relights_need_and_names_the_long_one(capsys):
    assert main(["render", "--help"]) == 0
    text = capsys.readouterr().out
    listed = {name for name, _ in knobs() if f"--{name.replace('_', '-')} " in text.partition("Examples:")[0]}
    assert listed == {name for name, k in knobs() if k.often}
    assert len(listed) == 12
    assert "--help-all" in text
    assert "\nPublished systems" not in text


def test_a_render_says_what_it_does_from_its_first_second_with_times(shot, capsys):
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001-1002", *QUICK_OPTIONS]) == 0
    said = capsys.readouterr().err.splitlines()
    stages = [line for line in said if re.match(r" *\d+\.\d s  ", line)]
    assert said[0] == "0.0 s  loading the picture libraries"
    begun = ["loading", "reading the light", "loading", "measuring", "fitting", "rendering 2 frames"]
    for line, words in zip(stages, begun, strict=True):
        assert re.match(rf" *\d+\.\d s  {words}", line)
    times = [float(line.split()[0]) for line in stages]
    assert times == sorted(times)


def test_the_installed_command_answers_without_loading_anything_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", RELAMP, "--help"], capture_output=True, text=True, check=True
    )
    assert "render" in done.stdout
    for heavy in ("numpy", "torch", "OpenImageIO"):
        assert f" {heavy}\n" not in done.stderr


def test_a_mistyped_option_is_answered_with_the_nearest(capsys):
    assert main(["render", "a.exr", "--env-rotat", "0,0,0"]) == 2
    assert "--env-rotate" in capsys.readouterr().err


@pytest.mark.parametrize("lacking", ["PLATE", "--env", "--out"])
def test_what_is_not_given_is_asked_for(capsys, lacking):
    given = {"PLATE": ["a.####.exr"], "--env": ["--env", "b.exr"], "--out": ["--out", "c.####.exr"]}
    assert main(["render", *(item for name, items in given.items() if name != lacking for item in items)]) == 2
    assert f"{lacking} is not given" in capsys.readouterr().err


def test_a_dry_run_shows_the_plan_and_renders_nothing(shot, capsys):
    job = shot.folder / "shot.relamp.json"
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001-1003x2", "-q"]
    arguments += ["--ground", "1.6,10", "--layers", "shadow,lamps"]
    assert main([*arguments, "--dry-run", "--save-job", str(job)]) == 0
    said = capsys.readouterr().out
    for words in (
        "1001,1003",
        "ground    1.6,10",
        "layers    shadow, lamps",
        "48 x 48",
        shot.env_b,
        "ACEScg",
        "relamp",
        "GB",
    ):
        assert words in said
    assert json.loads(job.read_text())["parameters"]["frames"] == "1001-1003x2"
    assert not (shot.folder / "out").exists()


def test_an_option_beside_a_job_wins(shot):
    job = shot.folder / "shot.relamp.json"
    first = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--mix", "0.5", "-q", *QUICK_OPTIONS]
    assert main([*first, "--save-job", str(job), "--dry-run"]) == 0
    assert main(["render", "--job", str(job), "--mix", "0", "-q"]) == 0
    np.testing.assert_array_equal(layer(shot.out_frame(1002), *"RGB"), layer(shot.plate_frame(1002), *"RGB"))


def test_skip_existing_may_stand_without_its_value_before_the_plate(shot):
    arguments = ["--env", shot.env_b, "--out", shot.out, "-q", *QUICK_OPTIONS]
    assert main(["render", "--skip-existing", shot.plate, *arguments]) == 0
    assert main(["render", "--skip-existing", shot.plate, *arguments]) == 0


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("plain", "frame 1001 done"),
        ("openjd", "openjd_progress: 100.0"),
        ("deadline", "Progress: 100%"),
        ("json", '"frame": 1001, "status": "done"'),
    ],
)
def test_progress_is_told_in_the_dialect_asked_for(shot, capsys, dialect, words):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, *QUICK_OPTIONS]
    assert main([*arguments, "--progress", dialect]) == 0
    captured = capsys.readouterr()
    assert words in (captured.err if dialect == "plain" else captured.out)


def test_a_farm_is_told_why_a_task_fails(shot, capsys):
    shot.plate_frame(1002).write_bytes(b"not a picture")
    arguments = ["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out]
    assert main([*arguments, *QUICK_OPTIONS, "--progress", "openjd"]) == 4
    captured = capsys.readouterr()
    assert "openjd_fail: " in captured.out
    assert "plate.1002.exr" in captured.err.splitlines()[-1]


def test_the_log_goes_to_a_file_too_as_json_when_asked(shot):
    log = shot.folder / "render.log"
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, *QUICK_OPTIONS]
    assert main([*arguments, "--log-file", str(log), "--log-json"]) == 0
    assert "ACEScg" in " ".join(json.loads(line)["message"] for line in log.read_text().splitlines())


@pytest.mark.parametrize(
    ("option", "kind", "name"), [("half", "half", "R"), ("float", "float", "R"), ("ratio=float", "float", "ratio.R")]
)
def test_the_data_type_is_chosen_for_all_or_for_a_layer(shot, option, kind, name):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001", "-q", "--layers", "ratio"]
    assert main([*arguments, *QUICK_OPTIONS, "-d", option]) == 0
    _, spec = read_exr(shot.out_frame(1001))
    assert str(spec.channelformat(list(spec.channelnames).index(name))) == kind


@pytest.mark.parametrize("codec", ["none", "zip", "zips", "piz", "dwaa:45"])
def test_every_codec_writes_what_can_be_read(shot, codec):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001", "-q"]
    assert main([*arguments, *QUICK_OPTIONS, "--compression", codec]) == 0
    _, spec = read_exr(shot.out_frame(1001))
    assert spec.getattribute("compression").startswith(codec.partition(":")[0])


def test_info_tells_how_a_frame_was_made(shot, capsys):
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001", "-q"]) == 0
    assert main(["info", str(shot.out_frame(1001))]) == 0
    said = capsys.readouterr().out
    for words in ("relamp/ai: relight", "relamp/model: relamp", "b.exr", "N: X Y Z"):
        assert words in said


@pytest.mark.parametrize("given", ["pattern", "folder"])
def test_info_of_a_sequence_tells_its_frames_and_those_unlike_the_others(shot, capsys, given):
    folder = shot.folder / "alone"
    folder.mkdir()
    for frame, size in ((1001, 8), (1002, 8), (1004, 8), (1005, 16)):
        write_exr(folder / f"a.{frame}.exr", np.ones((size, size, 3), np.float32), ("R", "G", "B"))
    (folder / "a.1002.exr").write_bytes(b"not a picture")
    assert main(["info", str(folder / "a.####.exr") if given == "pattern" else str(folder)]) == 0
    said = capsys.readouterr().out
    for words in (
        "frames 1001-1002,1004-1005 (4)",
        "missing   1003 (1)",
        "broken    1002: ",
        "unlike    1005: 16 x 16, R G B",
    ):
        assert words in said
    assert "a.1001.exr: openexr" in said
    assert main(["info", str(folder / "b.####.exr")]) == 4
    assert "matches no file" in capsys.readouterr().err


def test_info_of_what_is_no_exr_is_a_sentence(tmp_path, capsys):
    (tmp_path / "note.exr").write_text("hello")
    assert main(["info", str(tmp_path / "note.exr")]) == 4
    assert "note.exr" in capsys.readouterr().err


def test_env_finds_the_lamp_and_draws_it(tmp_path, capsys):
    env = soft_light((0, 0, 1), 0.1, 64)
    env[20:23, 30:33] = 500
    path = str(write_exr(tmp_path / "lamp.exr", env, ("R", "G", "B")))
    assert main(["env", path, "--lamps", "2", "--png", str(tmp_path / "sheet.png")]) == 0
    said = capsys.readouterr().out
    assert "lamp 1: " in said
    assert "right of the view" in said
    pixels, _ = read_exr(tmp_path / "sheet.png")
    assert pixels.std() > 0.05


def test_env_refuses_what_is_no_latlong(tmp_path, capsys):
    path = str(write_exr(tmp_path / "square.exr", np.ones((32, 32, 3), np.float32), ("R", "G", "B")))
    assert main(["env", path]) == 4
    assert "32 x 32" in capsys.readouterr().err


def test_the_doctor_finds_this_machine_fit(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for words in ("OpenImageIO", "torch", "ACEScg", "cores"):
        assert words in said
    assert "MISSING" not in said
    assert "ok      a render" in said


def test_the_doctor_says_of_a_colour_config_what_a_render_says(shot, tmp_path, monkeypatch, capsys):
    (tmp_path / "show.ocio").write_text(
        "ocio_profile_version: 1\nroles: {default: linear, scene_linear: linear}\n"
        "displays: {screen: [!<View> {name: Raw, colorspace: linear}]}\n"
        "colorspaces: [!<ColorSpace> {name: linear, bitdepth: 32f}]\n"
    )
    monkeypatch.setenv("OCIO", str(tmp_path / "show.ocio"))
    assert main(["doctor"]) == 2
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "a render" in line)
    assert line.startswith("MISSING")
    assert "aces_interchange" in line
    assert main(["render", shot.plate, "--env", shot.env_b, "--backbone", "ratio", "--out", shot.out, "-q"]) == 2
    assert line.split(maxsplit=3)[3] in capsys.readouterr().err


def test_the_doctor_names_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["doctor"]) == 2
    assert "pip install onnxruntime" in capsys.readouterr().out


def test_a_bug_is_one_line_unless_asked_for_more(shot, monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("relamp.core.shot.lights.Lights.light", broken)
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out]
    assert main([*arguments, "-q"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main([*arguments, "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb", [["info"], ["status"], ["evaluate", "a.exr"], ["flicker"], ["export", "exr", "--out", "b.exr"]]
)
@pytest.mark.parametrize("place", ["behind the verb", "before it"])
def test_every_verb_tells_where_it_failed_when_asked(capsys, verb, place):
    arguments = [*verb, "gone.exr", "-v"] if place == "behind the verb" else ["-v", *verb, "gone.exr"]
    assert main([*verb, "gone.exr"]) == 4
    assert "Traceback" not in capsys.readouterr().err
    assert main(arguments) == 4
    assert "Traceback" in capsys.readouterr().err


def test_a_command_within_a_group_takes_v_too(tmp_path, capsys):
    assert main(["models", "--models", str(tmp_path), "check", "-v"]) == 4
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["render", "a.exr", "--env-rotate", "east"], "--env-rotate must be RX,RY,RZ; got 'east'"),
        (["render", "a.exr", "--env", "b.exr", "--ensemble", "2"], "--ensemble must be 1, 3, 5 or 7; got 2"),
        (["render", "a.exr", "--env", "b.exr", "--prompt", "sun", "--out", "c.exr"], "--env and --prompt both say"),
        (["deflicker", "a.exr", "b.exr", "--out", "c.exr", "--strength", "5"], "--strength must be 0 to 1; got 5"),
        (["render", "a.exr", "--compression", "b44"], "--compression must be none,"),
        (["render", "a.exr", "--env", "b.exr", "--out", ""], "--out is empty; give a path"),
        (["render", "a.exr", "--env", "b.exr", "--out", "c.exr", "-F", "99999999999"], "frame numbers go up to"),
        (["render", "a.%0999999999d.exr", "--env", "b.exr", "--out", "c.exr"], "%0999999999d asks for frame numbers"),
        (["render", "a.exr", "--env", "b.exr", "--out", "c" * 300], "--out is a path of 300 bytes"),
        (["render", "a.exr", "--prompt", "sun " * 9999, "--out", "c.exr"], "--prompt has 39996 characters"),
        (["info", "a.%0999999999d.exr"], "%0999999999d asks for frame numbers"),
    ],
)
def test_a_wrong_value_is_named_by_its_option(capsys, arguments, sentence):
    assert main(arguments) == 2
    assert f"relamp: {sentence}" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", ""])
@pytest.mark.parametrize(
    "verb", [["render", "a.exr", "--backbone", "ratio"], ["deflicker", "a.exr", "b.exr", "--out", "c.exr"]]
)
def test_a_device_is_named_the_same_way_everywhere(capsys, verb, device):
    assert main([*verb, "--device", device]) == 2
    assert (
        f"--device must be auto, cpu, cuda or one of several, as in cuda:1; got {device!r}" in capsys.readouterr().err
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("backbone", ["ratio", "relamp"])
def test_a_gpu_that_is_not_there_is_no_usable_device(shot, capsys, backbone):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "--backbone", backbone]
    assert main([*arguments, "--device", "cuda:7"]) == 5
    assert "there is no device cuda:7 here" in capsys.readouterr().err
    assert main(["deflicker", shot.plate, shot.plate, "--out", shot.out, "--device", "cuda"]) == 5
    assert "there is no device cuda here" in capsys.readouterr().err


def test_help_begins_with_what_is_needed_and_ends_with_what_few_need(capsys):
    assert main(["render", "--help-all"]) == 0
    text = capsys.readouterr().out
    headings = ("Inputs", "Light", "How the light is worked out", "Output", "Frames and the run", "Published systems")
    places = [text.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)


def test_skip_existing_takes_its_value_with_a_space_too(shot):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-q", "--skip-existing", "any"]
    assert main(arguments) == 0
    assert main(arguments) == 0


def test_a_farm_is_told_why_a_task_cannot_even_begin(shot, capsys):
    arguments = ["render", shot.plate, "--env", "gone.exr", "--out", shot.out, "--progress", "openjd"]
    assert main(arguments) == 4
    assert "openjd_fail: gone.exr" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["foo=half", "rest=half", "N=float", "double"])
def test_a_type_for_a_layer_that_is_none_is_refused(shot, capsys, option):
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-d", option]) == 2
    assert "--data-type must be" in capsys.readouterr().err


def test_env_shows_one_moment(shot, capsys):
    assert main(["env", shot.env_a, "--env-rotate", "1=0,0,0;2=0,90,0"]) == 2
    assert "three angles" in capsys.readouterr().err
