import sys
import threading
from pathlib import Path

import pytest

from relamp.core import job as jobs
from relamp.core.errors import ParameterError, UsageError
from relamp.core.light.environment import rotation_matrix
from relamp.core.node import knobs as node_knobs
from relamp.core.node.bake import Bake
from relamp.core.node.request import Source, as_hashes, as_percent, curve, look_key, make_job, same_look, turned
from relamp.core.node.versions import Bakes, check_may_bake
from relamp.core.parameters import Curve, default_of, knobs
from relamp.core.rpc import Client
from shots import QUICK, Shot, read_exr
from wait import wait_until


@pytest.fixture(scope="module")
def client():
    found = Client(sys.executable)
    yield found
    found.close()


def values(**changed):
    return {**{knob.name: knob.default for knob in node_knobs.all_knobs()}, **changed}


def sources(shot: Shot, **changed):
    return {"plate": Source(shot.plate, 1001, 1004), "env": Source(shot.env_b, 1, 1), **changed}


def job_of(shot: Shot, place, **changed):
    return make_job(values(source_env=shot.env_a, **QUICK, **changed), sources(shot), place.pattern)


def test_every_parameter_is_a_knob_a_pipe_or_the_nodes_own_business():
    shown = {knob.name for knob in node_knobs.declared()}
    assert shown <= {name for name, _ in knobs()}
    elsewhere = {name for name, _ in knobs()} - shown
    given = {"plate", "matte", "normals", "depth", "background"}
    decided = {"mix", "out", "overwrite", "skip_existing", "missing", "keep_going", "create_dir", "views"}
    assert elsewhere == given | decided


def test_no_two_knobs_share_a_name_and_each_stands_on_a_tab():
    found = node_knobs.all_knobs()
    assert len({knob.name for knob in found}) == len(found) == len((*node_knobs.own(), *node_knobs.declared()))


def test_knobs_left_alone_mean_the_declared_defaults():
    given = node_knobs.parameters(values())
    assert given.pop("layers") == ("ratio", "lamps")
    assert given == {name: default_of(name) for name in given}


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("env_level", "match", "match"),
        ("env_level", "default", None),
        ("anchor", "2.5", 2.5),
        ("anchor", "", None),
        ("layers", ["ratio"], ("ratio",)),
        ("env_rotate", [1, 2, 3], (1.0, 2.0, 3.0)),
        ("data_type", "half, normals=float", ("half", "normals=float")),
        ("colorspace", " ACEScg ", "ACEScg"),
    ],
)
def test_a_hosts_value_is_the_parameters(name, value, meant):
    assert node_knobs.parameter(name, value) == meant


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("seed", -1, "seed must be"), ("anchor", "bright", "anchor must be"), ("nonsense", 1, "no knobs named nonsense")],
)
def test_a_bad_value_is_refused_by_its_knobs_name(name, value, words):
    with pytest.raises(ParameterError, match=words):
        node_knobs.parameters({name: value})


def test_a_node_without_plate_or_light_says_what_to_connect(shot):
    with pytest.raises(UsageError, match="plate input"):
        make_job(values(), {}, "o.####.exr")
    with pytest.raises(UsageError, match="lat-long environment to env"):
        make_job(values(), {"plate": Source(shot.plate, 1001, 1004)}, "o.####.exr")


@pytest.mark.parametrize("light", ["prompt", "background"])
def test_words_or_a_background_alone_are_light_enough_for_a_node(shot, light):
    sources = {"plate": Source(shot.plate, 1001, 1004)}
    given = values(prompt="warm sun from the left") if light == "prompt" else values()
    if light == "background":
        sources["bg"] = Source(shot.plate, 1001, 1004)
    job = make_job({**given, "env_facing": node_knobs.FACING[1]}, sources, "o.####.exr")
    assert job.parameters.lit_by() == light
    assert job.parameters.env_rotate == (0.0, 0.0, 0.0)


def test_a_map_and_words_are_one_light_too_many_for_a_node(shot):
    sources = {"plate": Source(shot.plate, 1001, 1004), "env": Source(shot.env_b, 1, 1)}
    with pytest.raises(UsageError, match="empty the prompt"):
        make_job(values(prompt="warm sun from the left"), sources, "o.####.exr")


def test_a_map_whose_middle_is_ahead_is_turned_before_anything_else():
    rotate = (20.0, 35.0, -10.0)
    wanted = rotation_matrix(*rotate) @ rotation_matrix(0, 180, 0)
    assert rotation_matrix(*turned(rotate)) == pytest.approx(wanted, abs=1e-6)
    moving = turned(Curve(((1, rotate), (9, (0.0, 0.0, 0.0)))))
    assert moving.at(1) == turned(rotate)
    assert moving.at(9) == (0.0, 180.0, 0.0)


def test_samples_become_the_fewest_keys_that_say_the_same():
    samples = {1: 0.0, 2: 1.0, 3: 2.0, 4: 2.0, 5: 2.0}
    found = curve(samples)
    assert [frame for frame, _ in found.keys] == [1, 3, 5]
    assert {frame: found.at(frame) for frame in samples} == samples
    assert curve({1: 3.0, 2: 3.0}) == 3.0


def test_paths_are_written_as_either_side_likes_them():
    assert as_hashes("/a/b.%04d.exr") == "/a/b.####.exr"
    assert as_hashes("/a/b.exr") == "/a/b.exr"
    assert as_percent("/a/b.#####.exr") == "/a/b.%05d.exr"


def test_paths_typed_into_knobs_start_at_the_script(shot, tmp_path):
    job = make_job(
        values(env="maps/sun.exr", source_env=shot.env_a),
        {"plate": sources(shot)["plate"]},
        "o.####.exr",
        folder="/shots",
    )
    assert job.parameters.env == "/shots/maps/sun.exr"
    assert job.parameters.source_env == shot.env_a


def test_looks_alike_whatever_the_frames_and_the_place(shot, tmp_path):
    place, other = Bakes(tmp_path, "Relamp1").version(1), Bakes(tmp_path, "Relamp1").version(2)
    one, two = job_of(shot, place), job_of(shot, place, frames="1002", threads=1)
    assert same_look(one, two)
    assert not same_look(one, job_of(shot, place, seed=1))
    assert look_key(one) == look_key(job_of(shot, other))
    assert look_key(one) != look_key(job_of(shot, place, env_exposure=1.0))


def test_a_bake_brings_what_a_node_attaches(client, shot, tmp_path):
    bakes = Bakes(tmp_path / "bakes", "Relamp 1/a")
    assert bakes.next_version() == 1
    place = bakes.version(1)
    job = job_of(shot, place, env_exposure=Curve(((1001, 0.0), (1004, 3.0))), frames="1001-1003", lamps=2)
    bake = Bake(client, job, place).start()
    outcome = bake.wait(60)
    assert outcome is not None
    assert outcome.baked is not None, outcome.sentence
    baked = outcome.baked
    assert baked.frames == (1001, 1002, 1003)
    assert [baked.scale.at(frame) for frame in baked.frames] == pytest.approx(
        [read_exr(Path(place.pattern.replace("####", str(f))))[1].getattribute("relamp/scale") for f in baked.frames]
    )
    assert baked.scale.at(1002) == pytest.approx(2 * baked.scale.at(1001), rel=1e-5)
    assert (baked.lamps, baked.ratio) == (1, True)  # the map has one lamp, whatever may be asked for
    assert baked.alpha == ("A" in read_exr(shot.plate_frame(1001))[1].channelnames)
    assert baked.epsilon > 0
    assert bake.fraction == 1
    assert place.folder.parent.name == "Relamp_1_a"
    assert jobs.load(place.job_file).parameters == job.parameters
    assert bakes.next_version() == 2


def test_a_stopped_bake_keeps_its_frames_and_goes_on_there(client, tmp_path):
    shot = Shot(tmp_path / "shot", size=160, frames=24)
    place = Bakes(tmp_path / "bakes", "R").version(1)
    long = {"plate": Source(shot.plate, 1001, 1024), "env": Source(shot.env_b, 1, 1)}
    job = make_job(values(source_env=shot.env_a, **QUICK, threads=1), long, place.pattern)
    bake = Bake(client, job, place).start()
    wait_until(lambda: bake.fraction > 0)
    bake.cancel()
    outcome = bake.wait(60)
    assert outcome is not None
    assert outcome.stopped
    assert outcome.baked is None
    kept = place.frames()
    assert 0 < len(kept) < 24
    assert "kept" in outcome.sentence
    check_may_bake(place, 1, job, over=False, written=False)
    again = Bake(client, job, place).start().wait(120)
    assert again is not None
    assert again.baked is not None
    assert len(again.baked.frames) == 24


def test_a_bake_that_fails_is_one_sentence(client, shot, tmp_path):
    place = Bakes(tmp_path / "bakes", "R").version(1)
    outcome = Bake(client, job_of(shot, place, colorspace="nonsense"), place).start().wait(60)
    assert outcome is not None
    assert outcome.baked is None
    assert "nonsense" in outcome.sentence
    assert outcome.exit_code == 2


def test_no_version_is_baked_over_unless_asked(shot, tmp_path):
    place = Bakes(tmp_path, "R").version(3)
    job = job_of(shot, place)
    check_may_bake(place, 3, job, over=False, written=False)
    for frame in (1001, 1002):
        place.folder.mkdir(parents=True, exist_ok=True)
        Path(place.pattern.replace("####", str(frame))).touch()
    with pytest.raises(UsageError, match="v003 already holds frames 1001-1002"):
        check_may_bake(place, 3, job, over=False, written=False)
    jobs.save(job, place.job_file)
    check_may_bake(place, 3, job, over=False, written=False)
    check_may_bake(place, 3, job, over=False, written=True)
    with pytest.raises(UsageError, match="other settings; press Version up"):
        check_may_bake(place, 3, job_of(shot, place, seed=5), over=False, written=False)
    check_may_bake(place, 3, job_of(shot, place, seed=5), over=True, written=False)
    jobs.save(job_of(shot, place, frames="1001-1002"), place.job_file, overwrite=True)
    with pytest.raises(UsageError, match="made with these settings"):
        check_may_bake(place, 3, job_of(shot, place, frames="1001-1002"), over=False, written=True)


def test_only_a_few_previews_are_kept_and_nothing_else_is_removed(shot, tmp_path):
    bakes = Bakes(tmp_path, "R")
    places = [bakes.preview(job_of(shot, bakes.version(1), seed=seed)) for seed in range(7)]
    for place in places:
        place.folder.mkdir(parents=True)
    own = bakes.folder / "preview" / "my notes"
    own.mkdir()
    bakes.drop_old_previews(places[0])
    assert places[0].folder.is_dir()
    assert own.is_dir()
    assert sum(place.folder.is_dir() for place in places) == 4


def test_nothing_of_a_bake_is_left_running(client):
    assert not [thread for thread in threading.enumerate() if "bake" in thread.name]
