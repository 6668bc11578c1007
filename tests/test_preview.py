from dataclasses import replace

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.relighter.own import ensemble
from relamp.core.shot import preview_plate
from relamp.core.shot.preview import Previewer
from relamp.core.shot.shapes import Shapes
from shots import Shot, layer


class Asked:
    """A previewer, and how often it asked a backbone for light."""

    def __init__(self, shot: Shot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.previewer, self.count = Previewer(), 0
        parameters = RelightParameters(plate=shot.plate, env=shot.env_b, source_env=shot.env_a, lamps=2)
        self.job = RelightJob(parameters)
        relight = ensemble.relight

        def counted(*args, **kwargs):
            self.count += 1
            return relight(*args, **kwargs)

        monkeypatch.setattr(ensemble, "relight", counted)

    def linear(self, stage: str = "relit", job: RelightJob | None = None, **more) -> np.ndarray:
        self.previewer.picture(job or self.job, stage, 1001, 48, name="it", **more)
        return self.previewer._linear["it"]


@pytest.fixture
def asked(shot, monkeypatch):
    return Asked(shot, monkeypatch)


def test_lamps_and_the_rest_add_up_to_the_relit_picture(asked):
    parts = [asked.linear(stage).copy() for stage in ("lamp1", "lamp2", "rest")]
    assert parts[0].max() > 0.05
    np.testing.assert_allclose(sum(parts), asked.linear(), rtol=1e-5, atol=1e-6)


def test_a_dimmed_lamp_asks_no_backbone_again(asked):
    relit, lamp = asked.linear(dim=(1.0, 1.0, 1.0)).copy(), asked.linear("lamp1").copy()
    assert asked.count == 1
    half = asked.linear(dim=(0.5, 1.0, 1.0))
    np.testing.assert_allclose(half, relit - 0.5 * lamp, rtol=1e-4, atol=1e-6)
    asked.linear(dim=(0.0, 1.0, 2.0))
    asked.linear(stops=2.0)
    assert asked.count == 1
    asked.linear(job=RelightJob(replace(asked.job.parameters, env_rotate=(0.0, 90.0, 0.0))))
    assert asked.count == 2


@pytest.mark.parametrize("stage", ["lamp3", "lamp0", "lamp", "lamp-1", "lamp1.5", "beauty"])
def test_a_layer_there_is_not_is_refused(asked, stage):
    with pytest.raises(UsageError, match="lamp1 to lamp2"):
        asked.linear(stage)


def test_a_gain_too_few_is_refused(asked):
    with pytest.raises(UsageError, match="dim takes 3 numbers"):
        asked.linear(dim=(1.0, 1.0))


@pytest.mark.parametrize("stage", ["albedo", "irradiance"])
def test_layers_are_those_a_render_writes(asked, stage):
    assert asked.linear(stage)[20:28, 20:28].min() > 0.05


def test_a_brighter_light_asks_no_backbone_again(asked):
    dim = asked.linear().copy()
    brighter = asked.linear(job=RelightJob(replace(asked.job.parameters, env_exposure=1.0)))
    assert asked.count == 1
    np.testing.assert_allclose(brighter[20:28, 20:28], 2 * dim[20:28, 20:28], rtol=1e-5)


@pytest.mark.parametrize("backbone", ["ratio", "relamp"])
def test_a_preview_at_full_size_is_the_render_to_the_last_bit(shot, backbone):
    parameters = RelightParameters(plate=shot.plate, env=shot.env_b, source_env=shot.env_a, backbone=backbone)
    previewer = Previewer()
    previewer.picture(RelightJob(parameters), "relit", 1002, 0)
    arguments = ["--source-env", shot.env_a, "--out", shot.out, "--backbone", backbone, "-d", "float", "-q"]
    assert main(["render", shot.plate, "--env", shot.env_b, *arguments]) == 0
    np.testing.assert_array_equal(previewer._linear["relit"], layer(shot.out_frame(1002), "R", "G", "B"))


def read_plates(shot, monkeypatch, sizes, kept_pixels):
    """The sizes the plate is read for, when previews of `sizes` px are asked for in turn and then the first again."""
    read, real = [], preview_plate._read
    monkeypatch.setattr(preview_plate, "KEPT_PIXELS", kept_pixels)
    monkeypatch.setattr(preview_plate, "_read", lambda *a: (read.append(a[-1]), real(*a))[1])
    previewer, job = Previewer(), RelightJob(RelightParameters(plate=shot.plate))
    for size in (*sizes, sizes[0]):
        previewer.picture(job, "plate", 1001, size)
    return read


def test_a_plate_is_kept_for_the_next_previews_of_it(shot, monkeypatch):
    assert read_plates(shot, monkeypatch, range(20, 28), 24e6) == list(range(20, 28))


def test_the_plates_kept_are_bounded_in_number(shot, monkeypatch):
    assert read_plates(shot, monkeypatch, range(20, 29), 24e6) == [*range(20, 29), 20]


def test_the_plates_kept_are_bounded_in_pixels(shot, monkeypatch):
    assert read_plates(shot, monkeypatch, (40, 41), 40 * 40 + 100) == [40, 41, 40]


def test_a_plate_larger_than_all_that_is_kept_is_kept_alone(shot, monkeypatch):
    assert read_plates(shot, monkeypatch, (40,), 100) == [40]


@pytest.mark.parametrize(("shown", "following"), [((1001,), 1002), ((1001, 1002), 1003), ((1004, 1003), 1002)])
def test_the_next_frame_is_read_and_seen_in_advance_with_the_same_pixels(shot, monkeypatch, shown, following):
    done: list[str] = []
    read, see = preview_plate._read, Shapes._see
    monkeypatch.setattr(preview_plate, "_read", lambda *a: (done.append("read"), read(*a))[1])
    monkeypatch.setattr(Shapes, "_see", lambda *a: (done.append("see"), see(*a))[1])
    job = RelightJob(RelightParameters(plate=shot.plate, env=shot.env_b, source_env=shot.env_a))
    ready, fresh = Previewer(), Previewer()
    for frame in shown:
        ready.picture(job, "relit", frame, 40)
    while ready.look_ahead():
        pass
    done.clear()
    ready.picture(job, "relit", following, 40)
    assert done == []
    fresh.picture(job, "relit", following, 40)
    assert {"read", "see"} <= set(done)
    np.testing.assert_array_equal(ready._linear["relit"], fresh._linear["relit"])


def test_nothing_is_done_in_advance_at_the_end_of_a_shot(asked):
    asked.previewer.picture(asked.job, "relit", 1003, 40)
    asked.previewer.picture(asked.job, "relit", 1004, 40)
    assert not asked.previewer.look_ahead()


def test_a_next_frame_that_cannot_be_read_ends_the_work_in_advance_and_is_reported_when_it_is_shown(shot, asked):
    asked.previewer.picture(asked.job, "relit", 1001, 40)
    shot.plate_frame(1002).write_bytes(b"not a picture")
    assert not asked.previewer.look_ahead()
    with pytest.raises(InputError, match=r"plate\.1002\.exr"):
        asked.previewer.picture(asked.job, "relit", 1002, 40)
