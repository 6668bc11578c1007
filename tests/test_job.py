import json
from pathlib import Path

import pytest

from relamp.core.errors import InputError, ParameterError, UsageError
from relamp.core.job import Measured, RelightJob, from_json, load, look, save, to_json, with_parameters
from relamp.core.parameters import Curve, RelightParameters

GOLDENS = Path(__file__).parent / "goldens" / "jobs"
JOB = RelightJob(
    RelightParameters(
        plate="plates/a.####.exr",
        env="/maps/sun.hdr",
        out="out/a.####.exr",
        env_rotate=Curve(((1001, (0.0, 0.0, 0.0)), (1010, (0.0, 90.0, 0.0)))),
        layers=("ratio", "lamps"),
    ),
    Measured((1001, 1005), 0.5, (((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),)),
)


def test_a_job_comes_back_from_its_text_as_it_was():
    assert from_json(to_json(JOB)) == JOB


def test_a_mistyped_parameter_is_refused_with_the_name_that_was_meant():
    text = to_json(JOB).replace('"env_exposure"', '"env_exposur"')
    with pytest.raises(InputError, match=r"does not know: env_exposur; did you mean env_exposure\?"):
        from_json(text)


def test_a_job_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json does not exist; give the path of a job file$"):
        load(tmp_path / "none.json")


def test_a_saved_job_moves_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(JOB, tmp_path / "shot.relamp.json")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "shot.relamp.json").rename(moved / "shot.relamp.json")
    loaded = load(moved / "shot.relamp.json").parameters
    assert loaded.plate == str(moved / "plates/a.####.exr")
    assert loaded.env == "/maps/sun.hdr"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a Relamp job"),
        ('{"schema": "relamp.params/1"}', "not a Relamp job"),
        ('{"schema": "relamp.job/99"}', "relamp.job/99"),
        ('{"schema": "relamp.job/1", "parameters": {"sparkle": 1}}', "sparkle"),
        ('{"schema": "relamp.job/1", "measured": {"anchor": "big"}}', "measured"),
        ('{"schema": "relamp.job/1", "measured": {"anchor": 0}}', "above 0"),
        ('{"schema": "relamp.job/1", "measured": {"source_light": [[]]}}', "twice as wide"),
        *(
            (f'{{"schema": "relamp.job/1", "measured": {{"anchor": {number}}}}}', "above 0 and finite")
            for number in ("-1", "NaN", "Infinity", "1e999", "1e300", "1e-300")
        ),
        *(
            (f'{{"schema": "relamp.job/1", "measured": {{"source_light": [[[1, 1, {number}], [1, 1, 1]]]}}}}', words)
            for number, words in (
                ("NaN", "got nan"),
                ("Infinity", "got inf"),
                ("-0.5", "got -0.5"),
                ("1e300", "finite"),
            )
        ),
        ('{"schema": "relamp.job/1", "measured": {"source_light": [[[0, 0, 0], [0, 0, 0]]]}}', "some light"),
        ('{"schema": "relamp.job/1", "paramters": {"mix": 1}}', "has paramters at its top"),
        ('{"schema": "relamp.job/1", "parameters": []}', "names with their values"),
        ('{"schema": "relamp.job/1", "parameters": {"mix": {"keys": [["a", 1]]}}}', "mix must be"),
    ],
)
def test_a_text_that_is_no_job_is_refused_with_its_reason(text, words):
    with pytest.raises(InputError, match=words):
        from_json(text, "shot.json")


def test_a_bad_value_in_a_job_is_refused_by_name():
    text = json.dumps({"schema": "relamp.job/1", "parameters": {"mix": 3}})
    with pytest.raises(ParameterError, match="mix must be 0 to 1; got 3"):
        from_json(text)


def test_a_missing_job_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.json"):
        load(tmp_path / "gone.json")


def test_measurements_go_when_what_they_were_measured_on_changes():
    assert with_parameters(JOB, mix=0.5).measured == JOB.measured
    assert with_parameters(JOB, plate="other.####.exr").measured == Measured()


def test_only_settings_that_change_pixels_are_looked_at():
    assert look(with_parameters(JOB, threads=7, overwrite=True)) == look(JOB)
    assert look(with_parameters(JOB, mix=0.5)) != look(JOB)


def test_what_is_not_given_is_asked_for_by_its_option():
    with pytest.raises(UsageError, match="--env is not given"):
        RelightJob(RelightParameters(plate="a.exr")).require("plate", "env")


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"keys": [[None, 1]]},
        {"keys": [[1, None]]},
        '{"keys": [[1e999, 1]]}',
        {"keys": [[2**40, 1]]},
        [[[]]],
        10**400,
    ],
)
def test_nulls_and_numbers_without_end_are_refused_by_the_parameters_name(value):
    told = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises((InputError, ParameterError), match="mix"):
        from_json(f'{{"schema": "relamp.job/1", "parameters": {{"mix": {told}}}}}')


@pytest.mark.parametrize("name", ["plate", "out", "prompt", "layer", "views"])
def test_zero_bytes_and_text_without_end_are_refused_by_the_parameters_name(name):
    for text in ("a\0b", "a" * 20_000):
        value = (text,) if name == "views" else text
        with pytest.raises(ParameterError, match=f"{name} (must|has|holds|is)"):
            RelightParameters(**{name: value})


def test_brackets_without_end_are_no_job():
    with pytest.raises(InputError, match="nested too deeply"):
        from_json("[" * 100_000)


def test_an_empty_path_in_a_job_is_one_not_given():
    job = from_json('{"schema": "relamp.job/1", "parameters": {"plate": "a.exr", "out": "", "matte": ""}}')
    assert job.parameters.matte is None
    with pytest.raises(UsageError, match="--out is not given"):
        job.require("plate", "out")


@pytest.mark.parametrize("name", ["first", "published_backbones", "own_network"])
def test_a_job_that_an_earlier_version_wrote_opens_with_what_it_says(name):
    """One written at each step of the declaration; a key that changes its name or meaning is translated in `from_json`."""
    job = load(GOLDENS / f"{name}.relamp.json")
    assert job.parameters.env_rotate == JOB.parameters.env_rotate
    assert job.parameters.layers == JOB.parameters.layers
    assert job.measured == JOB.measured
    assert from_json(to_json(job)) == job
