"""The lights of a rig in previews: their strength and colour multiply layers that are worked out once."""

import json

import numpy as np
import pytest

from relamp.core.job import RelightJob
from relamp.core.parameters import RelightParameters
from relamp.core.shot import preview as previews
from shots import QUICK, Shot


@pytest.fixture
def shot(tmp_path):
    return Shot(tmp_path, size=64, frames=1)


def job_with(shot: Shot, *lights: dict, **more: object) -> RelightJob:
    file = shot.folder / f"rig{abs(hash(json.dumps(lights)))}.json"
    file.write_text(json.dumps({"schema": "relamp.rig/1", "lights": lights}))
    return RelightJob(RelightParameters(plate=shot.plate, rig=str(file), **{**QUICK, **more}))


def key(**more: object) -> dict:
    return {"kind": "distant", "name": "key", "direction": [-0.6, 0.5, 0.6], **more}


def light_of(seen: previews.Previewer, job: RelightJob, longer: int = 960, stage: str = "relit") -> np.ndarray:
    seen.picture(job, stage, longer=longer)
    return seen._linear[stage].copy()


def test_strength_colour_and_switch_ask_nothing_again(shot, monkeypatch):
    asked, own = [], previews.relight_frame
    monkeypatch.setattr(previews, "relight_frame", lambda *a, **k: asked.append(1) or own(*a, **k))
    seen = previews.Previewer()
    white = light_of(seen, job_with(shot, key()))
    double = light_of(seen, job_with(shot, key(stops=1)))
    red = light_of(seen, job_with(shot, key(colour=[1, 0, 0])))
    off = light_of(seen, job_with(shot, key(on=False)))
    assert len(asked) == 1
    np.testing.assert_allclose(double - off, 2 * (white - off), atol=1e-5)
    assert (red - off)[..., 0].max() > 0.01
    assert (red - off)[..., 0].sum() > 4 * (red - off)[..., 2].sum()
    light_of(seen, job_with(shot, key(direction=[0.6, 0.5, 0.6])))
    assert len(asked) == 2


def test_a_preview_is_the_render_within_the_subject_and_the_render_itself_at_full_size(shot):
    job = job_with(shot, key(stops=1.5, kelvin=2500), key(name="fill", direction=[1, 0, 1], on=False))
    seen = previews.Previewer()
    quick, exact = light_of(seen, job), light_of(seen, job, longer=0)
    assert seen.picture(job, longer=960).facts["exact"] is False
    assert seen.picture(job, longer=0).facts["exact"] is True
    np.testing.assert_allclose(quick[16:48, 16:48], exact[16:48, 16:48], rtol=1e-2, atol=1e-4)


def test_the_layers_of_lights_and_the_rest_add_up_with_an_environment_too(shot):
    job = job_with(shot, key(stops=1, kelvin=3000), env=shot.env_b)
    seen = previews.Previewer()
    relit = light_of(seen, job)
    lamps = job.parameters.lamps
    parts = [light_of(seen, job, stage=f"lamp{n}") for n in range(1, lamps + 2)]
    np.testing.assert_allclose(sum(parts) + light_of(seen, job, stage="rest"), relit, atol=1e-4)
    dim = (0.5, *(1.0,) * lamps)
    seen.picture(job, dim=dim)
    np.testing.assert_allclose(seen._linear["relit"], relit - 0.5 * parts[1], atol=1e-4)


def test_the_normal_of_the_subject_is_told_and_none_beside_it(shot):
    job = RelightJob(RelightParameters(plate=shot.plate, **QUICK))
    seen = previews.Previewer()
    left = seen.normal(job, None, 960, 0.35, 0.5)
    assert left is not None
    assert left[0] < -0.1
    assert np.linalg.norm(left) == pytest.approx(1)
    assert seen.normal(job, None, 960, 0.01, 0.01) is None
