"""Progressive Light Fusion: a video model denoises a clip, and an image relighter changes the light of each clean prediction.

Zhou et al., Light-A-Video (2025), restated from the paper and from what the released code computes. At each step the clean
prediction of the video model is decoded, the detail of the source is added to it, it is relit frame by frame, mixed with
its relit version by a falling λ, and encoded, and the step is taken toward the result. The course of the video model gives
the formula of the step (`stable_diffusion.samplers`), so AnimateDiff, CogVideoX and Wan use the same loop.

The result depends on the whole clip, which is never split. Clips are (F, 3, H, W), -1 to 1, display-encoded; latents have
the layout of the video model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from ..stable_diffusion.noise import START, Noise
from ..stable_diffusion.samplers import FusibleCourse, counts

Relight = Callable[[torch.Tensor], torch.Tensor]


class VideoModel(Protocol):
    """A video diffusion model with its autoencoder."""

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        """The network's output for latents at timestep t, guided by the model's own prompts unless `guided` is False."""
        ...

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        """Scaled latents of a clip (F, 3, H, W), the mode of the posterior."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The clip (F, 3, H, W) of scaled latents."""
        ...


@dataclass(frozen=True)
class Schedule:
    """The weights of each executed step: λ and the weight of the source's detail. At λ ≤ `stop` nothing is relit."""

    fusion: tuple[float, ...]
    detail: tuple[float, ...]
    stop: float

    def relights(self, i: int) -> bool:
        """Whether step i calls the relighter."""
        return self.fusion[i] > self.stop


@dataclass(frozen=True)
class Preset:
    """The published settings of a video model.

    `steps` is about the number of executed steps; `strength` is the share of the full noise that the source is given; λ
    falls as 1 - (i / (N - 1))^power. `gamma` is that of the relighter's light attention. `width` and `height` are in px;
    `frames` as published.
    """

    steps: int
    strength: float
    power: int
    stop: float
    gamma: float
    guidance: float
    frames: int
    width: int
    height: int

    def counts(self) -> tuple[int, int]:
        """Scheduled and executed steps."""
        return counts(self.steps, self.strength)

    def schedule(self) -> Schedule:
        """λ and the weight of the detail at each executed step."""
        return self.schedule_of(self.counts()[1])

    def schedule_of(self, executed: int) -> Schedule:
        """The same for another number of steps."""
        return schedule(executed, self.power, self.stop)


ANIMATEDIFF = Preset(25, 0.5, 1, 0.15, 0.5, 2.0, 16, 512, 512)
COGVIDEOX = Preset(25, 0.4, 2, 0.2, 0.7, 2.0, 49, 720, 480)
WAN = Preset(25, 0.4, 1, 0.2, 0.7, 2.0, 49, 832, 480)
PRESETS = {"animatediff": ANIMATEDIFF, "cogvideox": COGVIDEOX, "wan": WAN}
NEGATIVE = "bad quality, worse quality"  # the negative prompt of the video models


def schedule(executed: int, power: int, stop: float) -> Schedule:
    """λ = 1 - x^power with x from 0 to 1 over the executed steps; the detail's weight is 1 - x whatever the power."""
    x = [i / (executed - 1) if executed > 1 else 0.0 for i in range(executed)]
    return Schedule(tuple(1 - v**power for v in x), tuple(1 - v for v in x), stop)


def background_schedule(timesteps: torch.Tensor, strength: float, stop: float = 0.15) -> tuple[Schedule, int]:
    """The schedule that generates a background round a relit foreground, and how many of its steps only blend.

    All timesteps are run. The last int(N strength) fuse, by λ = t / t of the first of them; those before keep the
    foreground in place and let the video model fill in the rest.
    """
    blend = len(timesteps) - int(len(timesteps) * strength)
    falling = timesteps[blend:].float()
    ratios = (falling / falling[:1]).tolist()
    both = (0.0,) * blend + tuple(ratios)
    return Schedule(both, both, stop), blend


@dataclass(frozen=True)
class Moment:
    """The intermediate results of one executed step; the five in the middle are None where the step did not relight."""

    step: int
    sample: torch.Tensor
    output: torch.Tensor
    following: torch.Tensor
    clean: torch.Tensor | None = None
    consistent: torch.Tensor | None = None
    relit: torch.Tensor | None = None
    fused: torch.Tensor | None = None
    target: torch.Tensor | None = None


@dataclass(frozen=True)
class Blend:
    """A foreground that is kept unchanged during the first `steps`: its clean latents, and a mask that broadcasts over them."""

    latents: torch.Tensor
    mask: torch.Tensor
    steps: int


OnMoment = Callable[[Moment], None]


@torch.inference_mode()
def fuse_light(
    source: torch.Tensor,
    model: VideoModel,
    relight: Relight,
    course: FusibleCourse,
    schedule: Schedule,
    noise: Noise,
    *,
    begin: torch.Tensor | None = None,
    detail_mask: torch.Tensor | None = None,
    blend: Blend | None = None,
    on_step: OnMoment | None = None,
) -> torch.Tensor:
    """Relight a clip; returns it, (F, 3, H, W).

    The latents of the source are the mode of the posterior, where the released code draws one sample: a render depends on
    no more random numbers than it must.

    Args:
        source: the clip, (F, 3, H, W).
        relight: gives a clip under the new light from the clip.
        noise: of the first level, and of the steps in which the course takes any.
        begin: a clip to begin from instead of the source.
        detail_mask: (F, 1, H, W), where the detail of the source is added; everywhere when None.
        blend: what is kept in the steps before fusion; those after it are not guided.
        on_step: called after each step.
    """
    loop = _Loop(source, model, relight, course, schedule, detail_mask)
    start = model.encode(source if begin is None else begin)
    shape = tuple(start.shape)
    first = noise(START, shape).to(start)
    sample = course.begin(first, start)
    for i in range(len(course.timesteps)):
        if blend is not None and i < blend.steps:
            kept = course.noisy(blend.latents, first, i)
            sample = sample * (1 - blend.mask) + kept * blend.mask
        guided = blend is None or i < blend.steps
        fresh = noise(i, shape).to(sample) if course.wants_noise(i) else None
        moment = loop.step(sample, i, fresh, guided)
        sample = moment.following
        if on_step is not None:
            on_step(moment)
    return model.decode(sample)


def sdedit(
    clip: torch.Tensor, model: VideoModel, course: FusibleCourse, noise: Noise, on_step: OnMoment | None = None
) -> torch.Tensor:
    """The baseline: a relit clip is noised to the first level of the course and denoised by the video model (Meng et al.
    2022).
    """
    n = len(course.timesteps)
    never = Schedule((0.0,) * n, (0.0,) * n, 0.0)
    return fuse_light(clip, model, lambda frames: frames, course, never, noise, on_step=on_step)


class _Loop:
    """The steps of one run; the detail of the source is computed at the first step that relights and added at each."""

    def __init__(
        self,
        source: torch.Tensor,
        model: VideoModel,
        relight: Relight,
        course: FusibleCourse,
        schedule: Schedule,
        detail_mask: torch.Tensor | None,
    ) -> None:
        self._source, self._model, self._relight = source, model, relight
        self._course, self._schedule, self._mask = course, schedule, detail_mask
        self._detail: torch.Tensor | None = None

    def step(self, sample: torch.Tensor, i: int, noise: torch.Tensor | None, guided: bool) -> Moment:
        course = self._course
        output = self._model.predict(course.model_input(sample, i), course.timesteps[i], i, guided=guided)
        if not self._schedule.relights(i):
            return Moment(i, sample, output, course.step(sample, output, i, noise))
        clean = course.clean(sample, output, i)
        consistent = self._with_detail(self._model.decode(clean), i)
        relit = self._relight(consistent).to(consistent)
        fused = consistent + self._schedule.fusion[i] * (relit - consistent)
        target = self._model.encode(fused).to(sample)
        following = course.toward(sample, target, i, noise)
        return Moment(i, sample, output, following, clean, consistent, relit, fused, target)

    def _with_detail(self, decoded: torch.Tensor, i: int) -> torch.Tensor:
        if self._detail is None:
            self._detail = self._source.to(decoded) - decoded
            if self._mask is not None:
                self._detail = self._detail * self._mask.to(decoded)
        return decoded + self._schedule.detail[i] * self._detail
