"""Frames that depend on their neighbours, on real files, with a network and a head that can be followed by hand."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from relamp.core.cli import main
from relamp.core.pictures.curves import decode_log
from relamp.core.relighter.answer import Answer
from relamp.core.relighter.own.conditions import analytic_hint, shade
from relamp.core.shot import network, network_input, prepare, read_ahead
from shots import BALL_CHANNELS, Shot, layer, lit_ball, read_exr, soft_light, write_exr

RATIO = ("--backbone", "ratio")

RGB = ("R", "G", "B")


class Network:
    """Answers from the window and the place in it, so that any other window gives other bits."""

    levelled = False
    any_working_space = True
    sees_background = True
    steps = True

    def __init__(self, span="frame", gives=()):
        self.span, self.gives = span, frozenset(gives)
        self.asked, self.behind = [], []

    def seeded(self, steps):
        return False

    def relight(self, conditions, *, frames, steps=None, seed=0):
        assert len(conditions) == len(list(frames))
        self.asked.append(list(frames))
        self.behind = [(c.background[0].permute(1, 2, 0).numpy(), float(c.background_known[0])) for c in conditions]
        codes = [c.code[0].permute(1, 2, 0).numpy() for c in conditions]
        around = np.mean([code * np.float32(1 + i / 7) for i, code in enumerate(codes)], axis=0)
        answers = []
        for i, (code, c) in enumerate(zip(codes, conditions, strict=True)):
            normals = c.normals[0].permute(1, 2, 0).numpy().copy()
            residual = np.float32(0.2) * np.tanh(code) + np.float32(0.1 + 0.02 * i) * around
            delit = np.full_like(code, 0.5) if "albedo" in self.gives else None
            sure = np.full(code.shape[:2], 0.75, np.float32) if "confidence" in self.gives else None
            answers.append(Answer(residual.astype(np.float32), np.zeros_like(code), normals, delit, sure))
        return answers


class Backbone:
    name, weights, used, wants_source = "relamp", "ab" * 32, (), False

    def __init__(self, network):
        self.network = network


class Head:
    """A mean over the frames that are there, each by its place."""

    RADIUS, weights = 2, "cd" * 32

    def __init__(self):
        self.windows = []

    def steady(self, window, strength):
        self.windows.append(tuple(look is not None for look in window))
        there = [(look.residual, 1 + 0.1 * i) for i, look in enumerate(window) if look is not None]
        total = sum(np.float32(w) * r for r, w in there)
        return (total / np.float32(sum(w for _, w in there))).astype(np.float32)


@pytest.fixture
def use(monkeypatch):
    """Put a network and a head in the place of those that ship."""

    def put(span="frame", head=False, gives=()):
        network, steadier = Network(span, gives), Head() if head else None
        monkeypatch.setattr(prepare, "load", lambda _: Backbone(network))
        monkeypatch.setattr(prepare, "_head", lambda _: steadier)
        return network, steadier

    return put


def moving(folder, frames=10, size=40, change=lambda frame, picture: picture):
    """A shot of a ball that brightens and moves to the right over a textured ground."""
    shot = Shot(folder, size=size, frames=1)
    ball = lit_ball(soft_light((0.3, 0.4, 1.0)), size)
    ground = np.random.default_rng(1).uniform(0.02, 0.4, (8, 8, 1)).repeat(size // 8, 0).repeat(size // 8, 1)
    for frame in range(1001, 1001 + frames):
        picture = np.roll(ball, frame - 1001, axis=1)
        picture[..., :3] *= np.float32(1 + 0.03 * (frame - 1001))
        picture[..., :3] += ground * (1 - picture[..., 3:4])
        write_exr(shot.plate_frame(frame), change(frame, picture), BALL_CHANNELS, "half")
    return shot


def render(shot, *more, out=None):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", out or shot.out, "--backbone", "relamp"]
    return main([*arguments, "--working-size", "64", "--anchor", "1", "-q", *more])


def pixels_of(pattern, frames):
    return [read_exr(Path(str(pattern).replace("####", str(frame))))[0].tobytes() for frame in frames]


@pytest.mark.parametrize(("span", "head"), [("frame", True), ("shot", True)])
def test_any_split_any_step_any_threads_and_any_resume_give_the_same_bits(tmp_path, use, span, head):
    use(span, head)
    shot, every = moving(tmp_path), range(1001, 1011)
    assert render(shot, "--threads", "1") == 0
    whole = pixels_of(shot.out, every)
    assert len(set(whole)) == len(whole)
    chunks = str(tmp_path / "c.####.exr")
    for frames, threads in (("1004-1010x3", "3"), ("1006", "1"), ("1001-1005x2", "4")):
        assert render(shot, "--frames", frames, "--threads", threads, out=chunks) == 0
    assert render(shot, "--threads", "4", "--skip-existing", out=chunks) == 0
    assert pixels_of(chunks, every) == whole


def test_without_a_head_each_plate_is_read_once(tmp_path, use, monkeypatch):
    network, _ = use()
    read, real = [], read_ahead.read_plate

    def noted(task, *more, **named):
        read.append(task.plate_frame)
        return real(task, *more, **named)

    monkeypatch.setattr(read_ahead, "read_plate", noted)
    assert render(moving(tmp_path, 4), "--frames", "1002-1003") == 0
    assert sorted(read) == [1002, 1003]
    assert sorted(network.asked) == [[1002], [1003]]


def test_ratio_without_shadows_looks_at_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(network_input, "make_proxy", None)
    shot = moving(tmp_path, 2)
    assert main(["render", shot.plate, *RATIO, "--shadows", "0", "--env", shot.env_b, "--out", shot.out, "-q"]) == 0


def test_a_head_that_finds_nothing_leaves_the_ratio_as_it_is(tmp_path, use, monkeypatch):
    shot = moving(tmp_path, 3)
    arguments = ["render", shot.plate, *RATIO, "--env", shot.env_b, "--source-env", shot.env_a, "-q", "--out"]
    assert main([*arguments, shot.out]) == 0
    head = Head()
    monkeypatch.setattr(prepare, "_head", lambda _: head)
    assert main([*arguments, str(tmp_path / "h.####.exr")]) == 0
    assert len(head.windows) == 3
    assert pixels_of(tmp_path / "h.####.exr", range(1001, 1004)) == pixels_of(shot.out, range(1001, 1004))


class Following(Network):
    """Gives a matte surface all that the light gives it: over what it is told, that is the level which was taken off."""

    def relight(self, conditions, *, frames, steps=None, seed=0):
        answers = []
        for answer, c in zip(super().relight(conditions, frames=frames), conditions, strict=True):
            received = shade(c.target, c.normals, c.rays)[:, :3]
            level = received - analytic_hint(received, received, torch.zeros(1, 1, 1, 1), c.matte)
            answers.append(replace(answer, residual=level[0].permute(1, 2, 0).numpy()))
        return answers


@pytest.mark.parametrize("levelled", [False, True])
def test_what_a_turning_light_takes_from_the_level_is_no_flicker(tmp_path, use, monkeypatch, levelled):
    """Unless the network has no level of its own: then what changes in it is flicker like any other."""
    shot, turn = Shot(tmp_path, size=40), ("--env-rotate", "1001=0,0,0;1004=0,150,0", "-d", "float")
    relit = []
    for head in (False, True):
        use(head=head)
        network = Following()
        network.levelled = levelled
        monkeypatch.setattr(prepare, "load", lambda _, network=network: Backbone(network))
        out = tmp_path / str(head)
        assert render(shot, *turn, out=str(out / "r.####.exr")) == 0
        relit.append([layer(out / f"r.{frame}.exr", *RGB).sum() for frame in range(1001, 1005)])
    assert max(relit[0]) > 1.5 * min(relit[0])
    kept = np.diff(np.log(relit[1])) / np.diff(np.log(relit[0]))
    if levelled:
        assert (kept < 0.8).any()
    else:
        np.testing.assert_allclose(kept, 1, atol=1e-2)


@pytest.mark.parametrize("way", ["missing", "damaged"])
def test_a_plate_that_is_not_there_is_a_hole(tmp_path, use, way):
    _, head = use(head=True)
    shot = moving(tmp_path, 5)
    if way == "missing":
        shot.plate_frame(1003).unlink()
    else:
        shot.plate_frame(1003).write_bytes(shot.plate_frame(1003).read_bytes()[:700])
    assert render(shot, "--threads", "1", "--frames", "1001-1002,1004-1005") == 0
    assert head.windows == [
        (False, False, True, True, False),
        (False, True, True, False, True),
        (True, False, True, True, False),
        (False, True, True, False, False),
    ]


def test_a_damaged_frame_is_its_own_failure(tmp_path, use):
    use(head=True)
    shot = moving(tmp_path, 5)
    shot.plate_frame(1003).write_bytes(shot.plate_frame(1003).read_bytes()[:700])
    assert render(shot, "--keep-going") == 3
    assert len(list((tmp_path / "out").glob("*.exr"))) == 4


@pytest.mark.parametrize("span", ["frame", "shot"])
def test_a_held_frame_is_the_one_it_holds(tmp_path, use, span):
    use(span, head=True)
    shot = moving(tmp_path, 5)
    shot.plate_frame(1004).unlink()
    assert render(shot, "--missing", "hold") == 0
    assert pixels_of(shot.out, (1004,)) == pixels_of(shot.out, (1003,))
    skipped = str(tmp_path / "s.####.exr")
    assert render(shot, "--missing", "skip", out=skipped) == 3
    others = (1001, 1002, 1003, 1005)
    assert pixels_of(skipped, others) == pixels_of(shot.out, others)


@pytest.mark.parametrize("span", ["frame", "shot"])
def test_nothing_passes_over_a_cut(tmp_path, use, span):
    use(span, head=True)
    first = range(1001, 1006)

    def cut(frame, picture):
        return (
            picture if frame < 1006 else np.ascontiguousarray(picture[::-1, ::-1] * np.float32([2, 0.5, 1, 1, 1, 1, 1]))
        )

    assert render(moving(tmp_path / "a"), "--frames", "1001-1005", out=str(tmp_path / "long.####.exr")) == 0
    assert render(moving(tmp_path / "b", change=cut), out=str(tmp_path / "cut.####.exr")) == 0
    assert render(moving(tmp_path / "c", frames=5), out=str(tmp_path / "short.####.exr")) == 0
    assert pixels_of(tmp_path / "cut.####.exr", first) == pixels_of(tmp_path / "short.####.exr", first)
    assert pixels_of(tmp_path / "long.####.exr", (1005,)) != pixels_of(tmp_path / "short.####.exr", (1005,))


def test_frames_of_another_size_are_no_neighbours(tmp_path, use):
    _, head = use(head=True)
    shot = moving(tmp_path, 3)
    write_exr(shot.plate_frame(1003), lit_ball(soft_light((0, 1, 0)), 48), BALL_CHANNELS, "half")
    assert render(shot, "--threads", "1") == 0
    assert head.windows == [
        (False, False, True, True, False),
        (False, True, True, False, False),
        (False, False, True, False, False),
    ]


def test_one_stop_more_doubles_and_the_untouched_stays_with_all_of_it_on(tmp_path, use):
    use(head=True)

    def floats(frame, picture):
        picture[0, 0, 0], picture[1, 1, 1] = np.nan, 1000
        return picture

    shot = moving(tmp_path, 5, change=floats)
    for frame in range(1001, 1006):
        write_exr(shot.plate_frame(frame), read_exr(shot.plate_frame(frame))[0], BALL_CHANNELS, "float")
    more = ("--ensemble", "3", "--env-level", "match")
    assert render(shot, *more) == 0
    assert render(shot, *more, "--env-exposure", "1", out=str(tmp_path / "up.####.exr")) == 0
    plate = layer(shot.plate_frame(1003), *RGB, "A")
    base, up = layer(shot.out_frame(1003), *RGB), layer(tmp_path / "up.1003.exr", *RGB)
    inside = plate[..., 3] > 0
    np.testing.assert_allclose(up[inside], 2 * base[inside], rtol=1e-6)
    for picture in (base, up):
        np.testing.assert_array_equal(picture[~inside], plate[..., :3][~inside])


def test_memory_does_not_grow_with_the_shot(tmp_path, use, monkeypatch):
    most = {}
    parts = (network, "WorkingFrame"), (network_input, "NetworkInput"), (read_ahead, "ReadFrame")
    for where, name in parts:
        monkeypatch.setattr(where, name, _counted(getattr(where, name), most))
    held = []
    for frames in (16, 40):
        use(head=True)
        gc.collect()
        most.clear()
        assert render(moving(tmp_path / str(frames), frames)) == 0
        held.append(dict(most))
    for name, count in held[1].items():
        assert count <= held[0][name] + 1, held
        assert count <= 20, held


def _counted(kind, most):
    """A constructor that notes how many of its kind are alive at once."""
    alive = []

    def made(*values, **named):
        value = kind(*values, **named)
        alive[:] = [ref for ref in alive if ref() is not None] + [weakref.ref(value)]
        most[kind.__name__] = max(most.get(kind.__name__, 0), len(alive))
        return value

    return made


def written(shot, *more):
    """The frames that a second render with other settings writes again."""
    stamps = {path: path.stat().st_mtime_ns for path in (Path(shot.out).parent).glob("*.exr")}
    assert render(shot, "--skip-existing", *more) == 0
    return sorted(path.name for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp)


def test_a_frame_is_rendered_again_when_a_neighbour_changed(tmp_path, use):
    use(head=True)
    shot = moving(tmp_path, 6)
    assert render(shot) == 0
    assert written(shot) == []
    write_exr(shot.plate_frame(1006), lit_ball(soft_light((0, 1, 0)), 40), BALL_CHANNELS, "float")
    assert written(shot) == ["relit.1004.exr", "relit.1005.exr", "relit.1006.exr"]


def test_only_what_matters_counts(tmp_path, use):
    use()
    shot = moving(tmp_path, 2)
    assert render(shot) == 0
    assert written(shot, "--seed", "7", "--lamps", "2", "--no-temporal", "--guidance", "3") == []
    assert written(shot, "--ensemble", "3") == ["relit.1001.exr", "relit.1002.exr"]


def test_the_working_size_of_ratio_does_not_matter(tmp_path):
    shot = moving(tmp_path, 1)
    arguments = [
        "render",
        shot.plate,
        *RATIO,
        "--shadows",
        "0",
        "--env",
        shot.env_b,
        "--out",
        shot.out,
        "-q",
        "--skip-existing",
    ]
    assert main(arguments) == 0
    stamp = shot.out_frame(1001).stat().st_mtime_ns
    assert main([*arguments, "--working-size", "128", "--steps", "3", "--seed", "2"]) == 0
    assert shot.out_frame(1001).stat().st_mtime_ns == stamp


def test_side_outputs_of_the_network_become_layers(tmp_path, use):
    use(gives=("albedo", "confidence"))
    shot = moving(tmp_path, 2)
    assert render(shot, "--layers", "albedo,confidence", "-d", "float") == 0
    inside = layer(shot.plate_frame(1001), "A")[..., 0] == 1
    sure = layer(shot.out_frame(1001), "confidence.A")[..., 0]
    np.testing.assert_allclose(sure[inside], 0.75, atol=1e-6)
    assert not sure[layer(shot.plate_frame(1001), "A")[..., 0] == 0].any()
    delit = layer(shot.out_frame(1001), "albedo.R")[..., 0]
    assert np.abs(delit[inside] - 0.5).mean() < 0.05


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--layers", "confidence"), "--ensemble 3"),
        (("--layers", "albedo"), "--source-env"),
        (("--ensemble", "4"), "3, 5 or 7"),
    ],
)
def test_layers_that_nothing_tells_are_refused_before_any_work(tmp_path, use, capsys, more, words):
    use()
    shot = moving(tmp_path, 1)
    assert render(shot, *more) == 2
    assert words in capsys.readouterr().err
    assert not Path(shot.out).parent.exists()


def test_the_network_sees_the_light_that_is_behind_the_subject(tmp_path, use):
    network, _ = use()
    shot = moving(tmp_path, 1)
    shot.env_b = str(write_exr(tmp_path / "left.exr", soft_light((-1, 0, -1), 0.05), RGB))
    assert render(shot) == 0
    [(behind, known)] = network.behind
    assert known == 1
    assert decode_log(behind)[:, :10].mean() > 1.5 * decode_log(behind)[:, -10:].mean()


def test_a_background_is_seen_in_its_place_whatever_its_exposure(tmp_path, use):
    network, _ = use()
    shot, seen = moving(tmp_path, 1), []
    ground = np.full((30, 30, 3), 0.1, np.float32)
    ground[:, :15] = (3, 1, 1)
    for gain in (1, 8):
        path = str(write_exr(tmp_path / f"bg{gain}.exr", ground * gain, RGB))
        assert render(shot, "--background", path, "--overwrite") == 0
        seen.append(decode_log(network.behind[0][0]))
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4)
    left, right = seen[0][:, :18].mean((0, 1)), seen[0][:, 22:].mean((0, 1))
    assert left[0] > 20 * right[0]
    assert left[0] > 2 * left[1]


def test_a_named_gpu_that_is_not_there_is_said_so_with_ratio_too(tmp_path, capsys):
    shot = moving(tmp_path, 1)
    assert main(["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-q", "--device", "cuda:7"]) == 5
    assert "cuda:7" in capsys.readouterr().err
