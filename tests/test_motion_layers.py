"""Temporal layers: nothing until trained, nothing for a frame alone, nothing of frames that are not there."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.relighter import weights
from relamp.core.relighter.own.conditions import Features
from relamp.core.relighter.own.motion import Motion, MotionArchitecture
from small_relighter import conditions, environment, network, tables

FRAMES = 4


@pytest.fixture(scope="module")
def spatial():
    return network()


def layers(spatial, awake=True):
    """Temporal layers of a toy network; `awake` lets their silenced last projections say something."""
    torch.manual_seed(1)
    motion = Motion(spatial.denoiser.unet, MotionArchitecture(length=FRAMES))
    for layer in motion.layers.values() if awake else ():
        torch.nn.init.normal_(layer.out.weight, std=0.3)
    return motion.eval()


def window(*seeds):
    """Conditions of as many frames: the ball under a light that goes around it."""
    turned = [tables(environment((np.cos(s), 0.3, np.sin(s)))) for s in seeds]
    return [conditions(light, size=(32, 32)) for light in turned]


def relit(spatial, frames, motion=None, present=None):
    """Residuals of windows, (B F, 3, h, w)."""
    told = [spatial.told(c, spatial.see(c)) for c in frames]
    f = Features(*(torch.cat([getattr(x, field.name) for x in told]) for field in fields(Features)))
    zero, level = torch.zeros_like(f.hint), torch.ones(len(f.hint))
    there = torch.ones(len(frames)) if present is None else torch.tensor(present)
    with torch.inference_mode():
        if motion is None:
            return spatial.denoiser(f, zero, level)
        with motion.over(spatial.denoiser.unet, there.view(-1, FRAMES)):
            return spatial.denoiser(f, zero, level)


@pytest.fixture(scope="module")
def frames():
    return window(0.0, 0.7, 1.4, 2.1)


def test_untrained_layers_change_nothing(spatial, frames):
    assert torch.equal(relit(spatial, frames, layers(spatial, awake=False)), relit(spatial, frames))


def test_a_trained_window_differs_from_its_frames_alone(spatial, frames):
    assert (relit(spatial, frames, layers(spatial)) - relit(spatial, frames)).abs().max() > 1e-3


def test_a_frame_alone_in_its_window_keeps_the_spatial_answer(spatial, frames):
    alone = relit(spatial, frames, layers(spatial), [0.0, 0.0, 1.0, 0.0])
    assert torch.equal(alone, relit(spatial, frames))


def test_what_stands_for_an_absent_frame_has_no_say(spatial, frames):
    motion, present = layers(spatial), [1.0, 1.0, 1.0, 0.0]
    other = [*frames[:3], *window(4.0)]
    here = relit(spatial, frames, motion, present)[:3]
    assert torch.allclose(relit(spatial, other, motion, present)[:3], here, atol=1e-6)
    assert (relit(spatial, other, motion)[:3] - here).abs().max() > 1e-3


def test_the_order_of_frames_matters(spatial, frames):
    motion = layers(spatial)
    backward = relit(spatial, frames[::-1], motion).flip(0)
    assert (backward - relit(spatial, frames, motion)).abs().max() > 1e-4


def test_clips_of_a_batch_do_not_see_each_other(spatial, frames):
    motion, other = layers(spatial), window(3.0, 4.0, 5.0, 6.0)
    together = relit(spatial, [*frames, *other], motion)
    assert torch.allclose(together[:FRAMES], relit(spatial, frames, motion), atol=1e-5)


def test_hooks_go_when_the_window_is_over_even_after_an_error(spatial, frames):
    motion = layers(spatial)
    with pytest.raises(ZeroDivisionError), motion.over(spatial.denoiser.unet, torch.ones(1, FRAMES)):
        raise ZeroDivisionError
    before = relit(spatial, frames)
    relit(spatial, frames, motion)
    assert torch.equal(relit(spatial, frames), before)


def test_layers_are_stored_with_the_weights_they_belong_to(spatial, tmp_path, frames):
    weights.save(spatial, tmp_path / "toy.safetensors", {"name": "toy"})
    loaded, motion = weights.load(tmp_path / "toy.safetensors"), layers(spatial)
    path = weights.motion_path(tmp_path / "toy.safetensors")
    weights.save_motion(motion, path, {"name": "toy-motion", "spatial": loaded.digest})
    again = weights.load_motion(loaded, path)
    assert again.card["licence"] == "Apache-2.0"
    assert again.motion.architecture == motion.architecture
    assert torch.allclose(relit(spatial, frames, again.motion), relit(spatial, frames, motion), atol=2e-2)
    weights.save(network(seed=2), tmp_path / "toy.safetensors", {"name": "toy"})
    with pytest.raises(InputError, match="--no-temporal"):
        weights.load_motion(weights.load(tmp_path / "toy.safetensors"), path)
