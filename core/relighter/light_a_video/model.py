"""Light-A-Video: IC-Light with light attention within a video model's denoising; nothing is trained.

Zhou et al. (2025) and the released code. This module has the two networks that `light_fusion` calls: the relighter of every
step, and AnimateDiff as the video model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_motion_model import UNetMotionModel
from torch.nn.functional import interpolate

from ..ic_light import model as ic_light
from ..ic_light.model import ICLight, OnStep
from ..relightvid.model import LONGEST
from ..relightvid.sampling import windows
from ..stable_diffusion.noise import Noise
from ..stable_diffusion.offload import Home, anywhere
from ..stable_diffusion.prompts import Text
from ..stable_diffusion.samplers import FusibleCourse
from .light_attention import shared_light
from .light_fusion import Blend, OnMoment, background_schedule, fuse_light

STEPS, GUIDANCE, STRENGTH = 15, 2.0, 0.9
_LARGEST = 1.2  # with the added detail, values can exceed the range that the autoencoder was trained on


@dataclass(frozen=True)
class ClipRelighter:
    """IC-Light fc on a whole clip, in which each frame's attention includes the light of the clip by γ.

    `light` is the picture that the run begins with, one for all frames or one for each, (1 or F, 3, H, W) in IC-Light's
    range, of the clip's own size; None begins with noise. `at_once` frames are attended to at a time; the mean of the light
    is always over the whole clip.
    """

    model: ICLight
    text: Text
    noise: Noise
    gamma: float
    light: torch.Tensor | None = None
    at_once: int | None = None
    steps: int = STEPS
    guidance: float = GUIDANCE
    strength: float = STRENGTH

    def __call__(self, clip: torch.Tensor) -> torch.Tensor:
        """The clip (F, 3, H, W), -1 to 1, under the new light."""
        return self.model.decode(self.latents(clip))

    def latents(self, clip: torch.Tensor, on_step: OnStep | None = None) -> torch.Tensor:
        """The latents of the clip, (F, 4, h, w)."""
        begin = None if self.light is None else self.model.encode(self.light)
        with shared_light(self.model.unet, self.gamma, at_once=self.at_once):
            return self.model.relight(
                self.model.condition(clip),
                self.text,
                self.noise,
                steps=self.steps,
                guidance=self.guidance,
                begin=begin,
                strength=self.strength,
                on_step=on_step,
            )


class AnimateDiffVideo:
    """A motion UNet of Stable Diffusion 1.5's shape as `light_fusion`'s video model; latents are (1, 4, F, h, w)."""

    def __init__(
        self,
        unet: UNetMotionModel,
        vae: AutoencoderKL,
        text: Text,
        guidance: float = 2.0,
        upstream_text: bool = False,
        *,
        window: int = LONGEST,
        overlap: int = 4,
        home: Home | None = None,
    ) -> None:
        """Clips longer than `window` frames are denoised in windows that overlap, and their predictions averaged.

        `upstream_text` orders the prompts as the released relighting run does: negative and positive alternate over the
        frames. With an even number of frames both halves of the guidance then have the same text, and guidance has no
        effect.
        """
        self._unet, self._vae, self._text = unet, vae, text
        self._guidance, self._upstream = guidance, upstream_text
        self._window, self._overlap = window, overlap
        self._at_home = home or anywhere

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        """See `light_fusion.VideoModel`; without guidance only the positive prompt is used."""
        parts = windows(sample.shape[2], self._window, min(self._overlap, self._window - 1))
        if len(parts) == 1:
            return self._predict(sample, t, guided)
        # MultiDiffusion (Bar-Tal et al. 2023) along time: each frame's mean over its windows, most of the nearest middle's.
        total, shares = torch.zeros_like(sample), sample.new_zeros(sample.shape[2])
        for frames in parts:
            share = _pyramid(frames.stop - frames.start).to(sample)
            total[:, :, frames] += share[:, None, None] * self._predict(sample[:, :, frames], t, guided)
            shares[frames] += share
        return total / shares[:, None, None]

    def _predict(self, sample: torch.Tensor, t: torch.Tensor, guided: bool) -> torch.Tensor:
        frames = sample.shape[2]
        if not guided:
            return self._run(sample, t, self._text.positive.repeat_interleave(frames, dim=0))
        both = self._run(torch.cat([sample, sample]), t, self.words(frames))
        return ic_light.guided(both[:1], both[1:], self._guidance)

    def words(self, frames: int) -> torch.Tensor:
        """One row of text a frame for both halves of the guidance, (2 F, L, D)."""
        pair = torch.cat([self._text.negative, self._text.positive])
        return pair.repeat(frames, 1, 1) if self._upstream else pair.repeat_interleave(frames, dim=0)

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        """See `light_fusion.VideoModel`."""
        within = clip.clamp(-_LARGEST, _LARGEST)
        return ic_light.latents_of(self._at_home(self._vae), within).transpose(0, 1)[None]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See `light_fusion.VideoModel`."""
        return ic_light.pictures_of(self._at_home(self._vae), latents[0].transpose(0, 1))

    def _run(self, sample: torch.Tensor, t: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        unet = self._at_home(self._unet)
        device, dtype = unet.device, unet.dtype
        return unet(sample.to(device, dtype), t.to(device), words.to(device, dtype)).sample.to(sample)


def _pyramid(frames: int) -> torch.Tensor:
    """The weight of each frame of a window, (F,), largest in its middle."""
    place = torch.arange(frames, dtype=torch.float32)
    return torch.minimum(place + 1, frames - place)


def generate_background(
    foreground: torch.Tensor,
    mask: torch.Tensor,
    model: AnimateDiffVideo,
    relight: ClipRelighter,
    course: FusibleCourse,
    noise: Noise,
    *,
    strength: float = 0.5,
    on_step: OnMoment | None = None,
) -> torch.Tensor:
    """A background for a foreground clip, generated by the video model under one light with it.

    The foreground is relit alone. From that, noised to the first level, the video model generates what the mask leaves open
    while the foreground is kept; below the level given by `strength` light is fused as in `fuse_light`.

    Args:
        foreground: (F, 3, H, W) on grey.
        mask: (F, 1, H, W), 1 inside the foreground.
        course: with all its steps, from the first.

    Returns:
        (F, 3, H, W), foreground and background.
    """
    schedule, steps = background_schedule(course.timesteps, strength)
    latents = model.encode(foreground)
    return fuse_light(
        foreground,
        model,
        relight,
        course,
        schedule,
        noise,
        begin=relight(foreground),
        detail_mask=mask,
        blend=Blend(latents, _latent_mask(mask, latents), steps),
        on_step=on_step,
    )


def _latent_mask(mask: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
    """The mask of latents, (1, 1, F, h, w): 1 only where the whole neighbourhood is foreground."""
    small = interpolate(mask, size=latents.shape[-2:], mode="bilinear")
    return (small >= 1).to(latents).transpose(0, 1)[None]
