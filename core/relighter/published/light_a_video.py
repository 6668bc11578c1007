"""Light-A-Video: IC-Light with light attention inside a video model's denoising; nothing is trained.

Zhou et al. (2025) and the released code. Here are the two ends of `light_fusion`: the relighter that is called in every
step, and AnimateDiff as the video model. Floor 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_motion_model import UNetMotionModel
from torch.nn.functional import interpolate

from ..light_attention import shared_light
from ..light_fusion import Blend, OnMoment, background_schedule, fuse_light
from . import ic_light
from .courses import FusibleCourse
from .ic_light import ICLight, OnStep
from .noise import Noise
from .prompts import Text

STEPS, GUIDANCE, STRENGTH = 15, 2.0, 0.9


@dataclass(frozen=True)
class ClipRelighter:
    """IC-Light fc on a clip at once, each frame told of the clip's light by γ.

    `light` is the picture to begin with, (1, 3, H, W) in IC-Light's range, the clip's own size; None begins with noise.
    `at_once` frames are attended to at a time; the mean of the light is of the whole clip all the same.
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
        """Its latents, (F, 4, h, w)."""
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
        self, unet: UNetMotionModel, vae: AutoencoderKL, text: Text, guidance: float = 2.0, upstream_text: bool = False
    ) -> None:
        """`upstream_text` lays the prompts as the released relighting run does: negative and positive in turn over the frames.

        With an even number of frames both halves of the guidance are then told the same, and it has no effect.
        """
        self._unet, self._vae, self._text = unet, vae, text
        self._guidance, self._upstream = guidance, upstream_text

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        """See `light_fusion.VideoModel`; not guided means told the positive prompt alone."""
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
        return ic_light.latents_of(self._vae, clip).transpose(0, 1)[None]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See `light_fusion.VideoModel`."""
        return ic_light.pictures_of(self._vae, latents[0].transpose(0, 1))

    def _run(self, sample: torch.Tensor, t: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        device, dtype = self._unet.device, self._unet.dtype
        return self._unet(sample.to(device, dtype), t.to(device), words.to(device, dtype)).sample.to(sample)


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
    """A background for a foreground clip, made by the video model, in one light with it.

    The foreground is relit alone; from that, noised to the first level, the video model fills in what the mask leaves
    open while the foreground is kept; below the cut given by `strength` light is fused as ever.

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
    """(1, 1, F, h, w): 1 only where the whole neighbourhood is foreground."""
    small = interpolate(mask, size=latents.shape[-2:], mode="bilinear")
    return (small >= 1).to(latents).transpose(0, 1)[None]
