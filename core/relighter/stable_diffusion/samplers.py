"""The noise levels of one run and the step from each level to the next, behind one protocol for all samplers.

Tables come from diffusers' schedulers. Steps are written out where the published methods change what happens between two of
them (a fused clean picture, a noise of their own); random numbers are always arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from ...errors import UsageError

Config = Mapping[str, Any]
BETAS: dict[str, Any] = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012}


class Course(Protocol):
    """The levels of a run, from the first to the last, and its steps; `i` counts executed steps.

    `timesteps` is (N,), the timestep that the network is given at each step. Samples have any shape.
    """

    @property
    def timesteps(self) -> torch.Tensor: ...

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None = None) -> torch.Tensor:
        """The first sample: unit noise at the first level, over `clean` when there is one."""
        ...

    def model_input(self, sample: torch.Tensor, i: int) -> torch.Tensor:
        """The sample scaled as the network takes it."""
        ...

    def step(self, sample: torch.Tensor, output: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        """The next sample from the output of the network; `noise` is unit noise, used where the course is stochastic."""
        ...

    def wants_noise(self, i: int) -> bool:
        """Whether step i adds noise."""
        ...


class FusibleCourse(Course, Protocol):
    """A course whose steps each compute a clean sample, which may be replaced before the step is taken (Light-A-Video)."""

    def clean(self, sample: torch.Tensor, output: torch.Tensor, i: int) -> torch.Tensor:
        """The clean sample that an output of the network implies."""
        ...

    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        """The next sample after a step from `sample` in the direction of `clean`."""
        ...

    def noisy(self, clean: torch.Tensor, noise: torch.Tensor, i: int) -> torch.Tensor:
        """A clean sample with the noise of step i."""
        ...


def _root(x: torch.Tensor) -> torch.Tensor:
    """The correctly rounded square root: torch's own in float32 can be off by one bit, and samples reach ±100."""
    return x.double().sqrt().to(x.dtype)


def counts(steps: int, strength: float) -> tuple[int, int]:
    """The number of steps that are scheduled, and how many of them, the last ones, are executed.

    Both as published: round half to even, then truncate; so 20 steps at 0.9 execute 19.

    Raises:
        UsageError: no step would be executed.
    """
    if steps < 1 or not 0 < strength <= 1:
        raise UsageError(f"steps must be 1 or more and the strength over 0 to 1; got {steps} steps at {strength:g}")
    scheduled = round(steps / strength)
    executed = int(scheduled * strength)
    if executed < 1:
        raise UsageError(f"{steps} step(s) at a strength of {strength:g} leave none to run; ask for more steps")
    return scheduled, executed


class DpmSolver:
    """DPM++ 2M SDE, a multistep sampler: steps must be taken in order, once."""

    def __init__(self, scheduler: DPMSolverMultistepScheduler, scheduled: int, executed: int) -> None:
        self._scheduler = scheduler
        scheduler.set_timesteps(scheduled)
        scheduler.set_begin_index(scheduled - executed)
        self.timesteps = scheduler.timesteps[scheduled - executed :]

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None = None) -> torch.Tensor:
        if clean is None:
            return noise * self._scheduler.init_noise_sigma
        return self._scheduler.add_noise(clean, noise, cast(torch.IntTensor, self.timesteps[:1]))

    def model_input(self, sample: torch.Tensor, i: int) -> torch.Tensor:
        return sample

    def step(self, sample: torch.Tensor, output: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        t = int(self.timesteps[i])
        return self._scheduler.step(output, t, sample, variance_noise=noise, return_dict=False)[0]

    def wants_noise(self, i: int) -> bool:
        return True


class EulerAncestral:
    """Euler-ancestral steps on ε, in the convention z + σ n: the network sees z / √(σ² + 1)."""

    def __init__(self, scheduler: EulerAncestralDiscreteScheduler, scheduled: int, executed: int) -> None:
        scheduler.set_timesteps(scheduled)
        self.timesteps = scheduler.timesteps[scheduled - executed :]
        self.sigmas = scheduler.sigmas[scheduled - executed :]
        self._whole = scheduler.init_noise_sigma

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None = None) -> torch.Tensor:
        return noise * self._whole if clean is None else self.noisy(clean, noise, 0)

    def noisy(self, clean: torch.Tensor, noise: torch.Tensor, i: int) -> torch.Tensor:
        return clean + self.sigmas[i] * noise

    def model_input(self, sample: torch.Tensor, i: int) -> torch.Tensor:
        return sample / _root(self.sigmas[i] ** 2 + 1)

    def clean(self, sample: torch.Tensor, output: torch.Tensor, i: int) -> torch.Tensor:
        return sample - self.sigmas[i] * output

    def step(self, sample: torch.Tensor, output: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        return self.toward(sample, self.clean(sample, output, i), i, noise)

    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        sigma, following = self.sigmas[i], self.sigmas[i + 1]
        up = _root(following**2 * (sigma**2 - following**2) / sigma**2)
        down = _root(following**2 - up**2)
        moved = sample + (sample - clean) / sigma * (down - sigma)
        return moved if noise is None else moved + noise * up

    def wants_noise(self, i: int) -> bool:
        return bool(self.sigmas[i + 1] > 0)


class _VariancePreserving(ABC):
    """The steps that DDIM and DDPM share: samples are √ᾱ z + √(1 − ᾱ) n, and the network's outputs are ε."""

    alphas: torch.Tensor  # (N,) ᾱ at each timestep

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None = None) -> torch.Tensor:
        return noise if clean is None else self.noisy(clean, noise, 0)

    def noisy(self, clean: torch.Tensor, noise: torch.Tensor, i: int) -> torch.Tensor:
        return _root(self.alphas[i]) * clean + _root(1 - self.alphas[i]) * noise

    def model_input(self, sample: torch.Tensor, i: int) -> torch.Tensor:
        return sample

    def clean(self, sample: torch.Tensor, output: torch.Tensor, i: int) -> torch.Tensor:
        return (sample - _root(1 - self.alphas[i]) * output) / _root(self.alphas[i])

    def step(self, sample: torch.Tensor, output: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        return self.toward(sample, self.clean(sample, output, i), i, noise)

    @abstractmethod
    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        """The next sample, towards an estimate of the clean one; see `Course.toward`."""


class Ddim(_VariancePreserving):
    """Deterministic DDIM steps, ε- or v-prediction by the scheduler's configuration; CogVideoX's are the same."""

    def __init__(self, scheduler: DDIMScheduler | CogVideoXDDIMScheduler, scheduled: int, executed: int) -> None:
        scheduler.set_timesteps(scheduled)
        self.timesteps = scheduler.timesteps[scheduled - executed :]
        config = dict(scheduler.config or {})
        self._predicts = config["prediction_type"]
        before = self.timesteps - config["num_train_timesteps"] // scheduled
        table = scheduler.alphas_cumprod
        self.alphas = table[self.timesteps]
        last = torch.as_tensor(scheduler.final_alpha_cumprod, dtype=table.dtype)
        self.alphas_before = torch.where(before < 0, last, table[before.clamp_min(0)])

    def clean(self, sample: torch.Tensor, output: torch.Tensor, i: int) -> torch.Tensor:
        if self._predicts == "v_prediction":
            return _root(self.alphas[i]) * sample - _root(1 - self.alphas[i]) * output
        return super().clean(sample, output, i)

    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        a = _root((1 - self.alphas_before[i]) / (1 - self.alphas[i]))
        b = _root(self.alphas_before[i]) - a * _root(self.alphas[i])
        return a * sample + b * clean

    def wants_noise(self, i: int) -> bool:
        return False


class FlowMatch:
    """Euler steps on a flow's velocity u, samples (1 − σ) z + σ n (Wan)."""

    def __init__(self, scheduler: FlowMatchEulerDiscreteScheduler, scheduled: int, executed: int) -> None:
        scheduler.set_timesteps(scheduled)
        self.timesteps = torch.as_tensor(scheduler.timesteps)[scheduled - executed :]
        self.sigmas = torch.as_tensor(scheduler.sigmas)[scheduled - executed :]

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None = None) -> torch.Tensor:
        return noise if clean is None else self.noisy(clean, noise, 0)

    def noisy(self, clean: torch.Tensor, noise: torch.Tensor, i: int) -> torch.Tensor:
        return (1 - self.sigmas[i]) * clean + self.sigmas[i] * noise

    def model_input(self, sample: torch.Tensor, i: int) -> torch.Tensor:
        return sample

    def clean(self, sample: torch.Tensor, output: torch.Tensor, i: int) -> torch.Tensor:
        return sample - self.sigmas[i] * output

    def step(self, sample: torch.Tensor, output: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        return sample + (self.sigmas[i + 1] - self.sigmas[i]) * output

    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        return self.step(sample, (sample - clean) / self.sigmas[i], i, noise)

    def wants_noise(self, i: int) -> bool:
        return False


class Ddpm(_VariancePreserving):
    """Ancestral DDPM steps on ε with the fixed small variance; no noise in the last one (RelightVid)."""

    def __init__(self, scheduler: DDPMScheduler, steps: int) -> None:
        scheduler.set_timesteps(steps)
        self.timesteps = scheduler.timesteps
        self.alphas = scheduler.alphas_cumprod[self.timesteps]
        self.alphas_before = torch.cat([self.alphas[1:], torch.ones_like(self.alphas[:1])])

    def toward(self, sample: torch.Tensor, clean: torch.Tensor, i: int, noise: torch.Tensor | None) -> torch.Tensor:
        """Equations 6 and 7 of Ho et al. 2020."""
        alpha, before = self.alphas[i], self.alphas_before[i]
        kept = alpha / before
        mean = _root(before) * (1 - kept) / (1 - alpha) * clean + _root(kept) * (1 - before) / (1 - alpha) * sample
        if noise is None or not self.wants_noise(i):
            return mean
        return mean + _root(((1 - before) / (1 - alpha) * (1 - kept)).clamp_min(1e-20)) * noise

    def wants_noise(self, i: int) -> bool:
        return bool(self.timesteps[i] > 0)


_EULER = {**BETAS, "steps_offset": 1}
_IMAGE: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    # Linear betas: the published run sets no others for this sampler and for the third.
    "dpm++": (
        DpmSolver,
        DPMSolverMultistepScheduler,
        {**BETAS, "algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True, "steps_offset": 1},
    ),
    "ddim": (
        Ddim,
        DDIMScheduler,
        {
            **BETAS,
            "beta_schedule": "scaled_linear",
            "clip_sample": False,
            "set_alpha_to_one": False,
            "steps_offset": 1,
        },
    ),
    "euler-a": (EulerAncestral, EulerAncestralDiscreteScheduler, _EULER),
}
_VIDEO: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "animatediff": (EulerAncestral, EulerAncestralDiscreteScheduler, {**_EULER, "timestep_spacing": "leading"}),
    "cogvideox": (
        Ddim,
        CogVideoXDDIMScheduler,
        {
            "prediction_type": "v_prediction",
            "timestep_spacing": "trailing",
            "rescale_betas_zero_snr": True,
            "snr_shift_scale": 3.0,
        },
    ),
    # diffusers shifts the lower end of the schedule twice, as the published runs did.
    "wan": (FlowMatch, FlowMatchEulerDiscreteScheduler, {"shift": 3.0}),
}
IMAGE_COURSES = tuple(_IMAGE)
VIDEO_COURSES = tuple(_VIDEO)


def image_course(name: str, scheduled: int, executed: int, config: Config | None = None) -> Course:
    """A course of IC-Light; `name` is one of `IMAGE_COURSES`, of which the first is the published one.

    `config` replaces the arguments of the published scheduler.

    Raises:
        UsageError: there is no course of this name.
    """
    return _made(_IMAGE, name, config)(scheduled, executed)


def video_course(name: str, scheduled: int, executed: int, config: Config | None = None) -> FusibleCourse:
    """The course of a video model; `name` is one of `VIDEO_COURSES`.

    `config` is the scheduler file of the model where there is one: AnimateDiff's base model decides its spacing of
    timesteps.

    Raises:
        UsageError: there is no course of this name.
    """
    return _made(_VIDEO, name, config)(scheduled, executed)


def ddpm(steps: int, config: Config | None = None) -> Ddpm:
    """The course of RelightVid."""
    own = {**BETAS, "beta_schedule": "scaled_linear", "clip_sample": False}
    scheduler = DDPMScheduler.from_config(_arguments(own if config is None else config))
    assert isinstance(scheduler, DDPMScheduler)
    return Ddpm(scheduler, steps)


def _made(
    table: dict[str, tuple[Any, Any, dict[str, Any]]], name: str, config: Config | None
) -> Callable[[int, int], Any]:
    if name not in table:
        raise UsageError(f"there is no scheduler {name!r}; use one of {', '.join(table)}")
    course, scheduler, own = table[name]
    return partial(course, scheduler.from_config(_arguments(own if config is None else config)))


def _arguments(config: Config) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith("_")}
