"""Progressive Light Fusion: whole loops as recorded from the authors' pipelines, and what the loop promises."""

from collections.abc import Callable

import pytest
import torch

from published_goldens import QUIET, config, error, notes, numbers, stored
from relamp.core.relighter.light_a_video.light_fusion import (
    PRESETS,
    Blend,
    Moment,
    background_schedule,
    fuse_light,
    schedule,
    sdedit,
)
from relamp.core.relighter.stable_diffusion.noise import clip_noise
from relamp.core.relighter.stable_diffusion.samplers import Ddim, EulerAncestral, counts, video_course

pytestmark = QUIET
MODELS = ("animatediff", "cogvideox", "wan")


class Recorded:
    """The recorded video model: its outputs, and an autoencoder of one matrix a pixel."""

    def __init__(self, name: str) -> None:
        self._g, self._n = numbers(f"plf_{name}"), notes(f"plf_{name}")
        self._frames_first = name == "cogvideox"

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        return self._g["model_output"][step]

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        z = torch.einsum("cd,fdhw->cfhw", self._g["toy_vae.encode"], clip)
        if "latents_mean" in self._n:
            z = (z - self._broad("latents_mean")) / self._broad("latents_std")
        else:
            z = z * self._n["scaling_factor"]
        return self._swapped(z[None])

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        z = self._swapped(latents)[0]
        if "latents_mean" in self._n:
            z = z * self._broad("latents_std") + self._broad("latents_mean")
        else:
            z = z / self._n["scaling_factor"]
        return 1.1 * torch.tanh(torch.einsum("dc,cfhw->fdhw", self._g["toy_vae.decode"], z))

    def _broad(self, key: str) -> torch.Tensor:
        return torch.tensor(self._n[key])[:, None, None, None]

    def _swapped(self, z: torch.Tensor) -> torch.Tensor:
        return z.transpose(1, 2) if self._frames_first else z


def played(targets: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    following = iter(targets)
    return lambda clip: next(following)


def run(name: str) -> list[Moment]:
    """The loop on recorded outputs, relit clips and noise; everything else is worked out."""
    g, n = numbers(f"plf_{name}"), notes(f"plf_{name}")
    course = video_course(name, n["scheduler_steps"], n["executed_steps"], config(f"plf_{name}"))
    moments: list[Moment] = []
    fuse_light(
        g["source_video"][0].transpose(0, 1),
        Recorded(name),
        played(g["relight_target"]),
        course,
        schedule(n["executed_steps"], n["lambda_power"], n["lambda_stop"]),
        stored(g["start_noise"], g.get("noise", torch.empty(0))),
        on_step=moments.append,
    )
    return moments


@pytest.fixture(scope="module", params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def moments(name: str) -> list[Moment]:
    return run(name)


@pytest.mark.golden
def test_every_step_lands_where_the_authors_does(name: str, moments: list[Moment]) -> None:
    g = numbers(f"plf_{name}")
    assert len(moments) == notes(f"plf_{name}")["executed_steps"]
    assert error(moments[0].sample, g["latent_init_noisy"]) <= 1e-5
    for m in moments:
        assert error(m.sample, g["sample"][m.step]) <= 1e-5
        assert error(m.following, g["prev_sample"][m.step]) <= 1e-5


@pytest.mark.golden
def test_every_relit_step_fuses_what_the_authors_does(name: str, moments: list[Moment]) -> None:
    g = numbers(f"plf_{name}")
    relit = [m for m in moments if m.target is not None]
    assert [m.step for m in relit] == g["relit"].nonzero().flatten().tolist()
    assert len(relit) == notes(f"plf_{name}")["relight_steps"]
    for j, m in enumerate(relit):
        decoded = g["decoded"][j, 0].transpose(0, 1)
        detail = g["detail_delta"][0].transpose(0, 1) * g["detail_weight"][m.step].float()
        assert m.clean is not None
        assert error(m.clean, g["pred_z0"][j]) <= 1e-5
        assert m.consistent is not None
        assert error(m.consistent, decoded + detail) <= 1e-5
        assert error(m.consistent, g["consistent_target"][j]) <= 1e-5
        assert m.fused is not None
        assert error(m.fused, g["fusion_target"][j]) <= 1e-5
        assert m.target is not None
        assert error(m.target, g["fused_z0"][j]) <= 1e-5


@pytest.mark.golden
def test_the_course_and_the_weights_are_the_authors(name: str) -> None:
    g, n = numbers(f"plf_{name}"), notes(f"plf_{name}")
    scheduled, executed = counts(n["num_step"], n["strength"])
    assert (scheduled, executed) == (n["scheduler_steps"], n["executed_steps"])
    course = video_course(name, scheduled, executed, config(f"plf_{name}"))
    assert torch.equal(course.timesteps, g["timesteps"])
    if isinstance(course, Ddim):
        assert error(course.alphas, g["alpha_prod_t"]) <= 1e-6
        assert error(course.alphas_before, g["alpha_prod_prev"]) <= 1e-6
    else:
        assert error(course.sigmas[:-1], g["sigma_from"]) <= 1e-5
        assert error(course.sigmas[1:], g["sigma_to"]) <= 1e-5
    weights = schedule(executed, n["lambda_power"], n["lambda_stop"])
    assert error(torch.tensor(weights.fusion), g["lambda"]) <= 1e-6
    assert error(torch.tensor(weights.detail), g["detail_weight"]) <= 1e-6


def test_presets_relight_as_many_steps_as_published() -> None:
    relit = {name: sum(map(p.schedule().relights, range(p.counts()[1]))) for name, p in PRESETS.items()}
    assert relit == {"animatediff": 21, "wan": 19, "cogvideox": 21}


class Linear:
    """A video model that finds what it is given perfectly clean, and an autoencoder that does nothing."""

    def __init__(self, course: EulerAncestral, clean: torch.Tensor) -> None:
        self._course, self._clean = course, clean
        self.guided: list[bool] = []

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        self.guided.append(guided)
        sigma = self._course.sigmas[step]
        return (sample * (sigma**2 + 1) ** 0.5 - self._clean) / sigma

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        return clip

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents


@pytest.fixture
def course() -> EulerAncestral:
    made = video_course("animatediff", 12, 12)
    assert isinstance(made, EulerAncestral)
    return made


CLIP = torch.linspace(-1, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)


def test_a_relighter_that_changes_nothing_gives_the_source_back(course: EulerAncestral) -> None:
    relit = fuse_light(CLIP, Linear(course, CLIP), lambda c: c, course, schedule(12, 1, 0.15), clip_noise(0))
    assert error(relit, CLIP) < 1e-3


def test_sdedit_calls_no_relighter_and_ends_where_the_model_leads(course: EulerAncestral) -> None:
    assert error(sdedit(CLIP, Linear(course, -CLIP), course, clip_noise(0)), -CLIP) < 1e-3


def test_background_steps_keep_the_foreground_and_later_ones_are_not_guided(course: EulerAncestral) -> None:
    weights, steps = background_schedule(course.timesteps, 0.5)
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    model, moments = Linear(course, torch.zeros_like(CLIP)), list[Moment]()
    noise = clip_noise(0)
    fuse_light(
        CLIP, model, lambda c: c, course, weights, noise,
        detail_mask=mask, blend=Blend(CLIP, mask, steps), on_step=moments.append,
    )  # fmt: skip
    assert model.guided == [True] * steps + [False] * (12 - steps)
    assert not any(weights.relights(i) for i in range(steps))
    kept = course.noisy(CLIP, noise(-1, tuple(CLIP.shape)), steps)
    first = moments[steps]
    assert first.consistent is not None
    assert error(first.consistent[..., :2], CLIP[..., :2]) < 1e-4  # the detail at full weight, inside the mask alone
    assert error(first.consistent[..., 2:], torch.zeros_like(CLIP)[..., 2:]) < 1e-4
    assert moments[1].sample.shape == kept.shape
