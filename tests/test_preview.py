from dataclasses import replace

import numpy as np
import pytest

from relamp.core.errors import UsageError
from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.relighter.own import ensemble
from relamp.core.shot.preview import Previewer
from shots import Shot


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
