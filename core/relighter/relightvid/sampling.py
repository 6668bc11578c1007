"""The run of RelightVid: three-way guidance, DDPM steps, windows over long shots, and the ensemble over brightness.

Clips are (B, F, C, h, w). The result of a window depends on all its frames, and each window on the one before: a shot is
computed in order and never split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.unets.unet_motion_model import UNetMotionModel

from ...errors import UsageError
from ...pictures.curves import decode_srgb, encode_srgb
from ..stable_diffusion.noise import START, Noise
from ..stable_diffusion.offload import Home, anywhere
from ..stable_diffusion.prompts import Text
from ..stable_diffusion.samplers import Ddpm, ddpm

PROMPT = "change the background"
GREY = 128  # RelightVid's, where IC-Light's is 127
IMAGE_GUIDANCE, TEXT_GUIDANCE = 1.2, 7.5
STEPS, FRAMES = 20, 16

Predict = Callable[[torch.Tensor, int], torch.Tensor]
OnStep = Callable[[int, torch.Tensor], None]


def on_grey(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The foreground over grey 128, (..., H, W, 3) uint8, truncated; `alpha` is (..., H, W, 1), 0 to 1."""
    mixed = picture.astype(np.float32) * alpha + GREY * (1 - alpha)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """(F, H, W, 3) uint8 to (F, 3, H, W), -1 to 1: here 255 is 1, unlike IC-Light's range."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2) / 255.0 * 2.0 - 1.0


def brightened(picture: np.ndarray, alpha: np.ndarray, factor: float) -> np.ndarray:
    """A foreground brightened in linear light and clipped to the display, over unchanged grey; the transfer curve is sRGB's.

    Args:
        picture: (..., H, W, 3) uint8 display-encoded.
        alpha: (..., H, W, 1), 0 to 1.
    """
    x = picture.astype(np.float32) / 255
    encoded = encode_srgb(decode_srgb(x) * factor)
    return on_grey(np.round(encoded * 255).astype(np.uint8), alpha)


def guided(
    nothing: torch.Tensor,
    seen: torch.Tensor,
    told: torch.Tensor,
    image: float = IMAGE_GUIDANCE,
    text: float = TEXT_GUIDANCE,
) -> torch.Tensor:
    """ε₁ + s_img (ε₂ - ε₁) + s_txt (ε₃ - ε₂): without image and prompt, with the image, with both."""
    return nothing + image * (seen - nothing) + text * (told - seen)


@dataclass(frozen=True)
class Told:
    """The conditions of a clip: latents of foreground and background, (B, F, 8, h, w), and the prompt, (B, L, D) each.

    Several conditions are an ensemble (IIE): ε is averaged over them before each step.
    """

    conditions: tuple[torch.Tensor, ...]
    text: Text


def three_ways(sample: torch.Tensor, condition: torch.Tensor, text: Text) -> tuple[torch.Tensor, torch.Tensor]:
    """The network's batch, (3 B, 12, F, h, w), and its text, (3 B, L, D): no image, image, image and prompt."""
    images = torch.cat([torch.zeros_like(condition), condition, condition])
    planes = torch.cat([torch.cat([sample] * 3), images], dim=2).transpose(1, 2)
    n = len(sample)
    words = torch.cat([t.expand(n, -1, -1) for t in (text.negative, text.negative, text.positive)])
    return planes, words


@dataclass(frozen=True)
class RelightVid:
    """The network of `backbone.relightvid_unet`, and the weights of its guidance."""

    unet: UNetMotionModel
    image_guidance: float = IMAGE_GUIDANCE
    text_guidance: float = TEXT_GUIDANCE
    home: Home | None = None

    def run(self, planes: torch.Tensor, t: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """ε of (B, 12, F, h, w) with (B, L, D) text, (B, 4, F, h, w)."""
        unet = (self.home or anywhere)(self.unet)
        device, dtype = unet.device, unet.dtype
        rows = words.repeat_interleave(planes.shape[2], dim=0)  # one a frame, clip by clip
        return unet(planes.to(device, dtype), t.to(device), rows.to(device, dtype)).sample.to(planes)

    def predict(self, sample: torch.Tensor, t: torch.Tensor, told: Told) -> torch.Tensor:
        """Guided ε of (B, F, 4, h, w), the mean over the ensemble's conditions."""
        total = torch.zeros_like(sample)
        for condition in told.conditions:
            planes, words = three_ways(sample, condition, told.text)
            ways = self.run(planes, t, words).transpose(1, 2).to(sample).unflatten(0, (3, -1))
            total += guided(ways[0], ways[1], ways[2], self.image_guidance, self.text_guidance)
        return total / len(told.conditions)

    @torch.inference_mode()
    def relight(self, told: Told, noise: Noise, *, steps: int = STEPS, on_step: OnStep | None = None) -> torch.Tensor:
        """Clean latents (B, F, 4, h, w) of one clip, at most 32 frames."""
        course = ddpm(steps)
        return sample_clip(self._for(course, told), course, _start(told, noise), noise, on_step=on_step)

    @torch.inference_mode()
    def relight_shot(
        self,
        told: Told,
        noise: Callable[[int], Noise],
        *,
        steps: int = STEPS,
        window: int = FRAMES,
        overlap: int = 4,
        correction: float = 1.0,
    ) -> torch.Tensor:
        """Clean latents of a shot of any length, in windows, each of which is corrected toward the last frames of the one before.

        Args:
            told: the conditions of the whole shot.
            noise: the noise of each window by its number.
            correction: the share of the steps, from the first, in which the overlap is corrected.
        """
        done: list[torch.Tensor] = []
        count = told.conditions[0].shape[1]
        for number, frames in enumerate(windows(count, window, overlap)):
            part = Told(tuple(c[:, frames] for c in told.conditions), told.text)
            course, fresh = ddpm(steps), noise(number)
            before = torch.cat(done, dim=1)[:, frames.start :] if done else None
            predict = self._for(course, part)
            clean = sample_clip(predict, course, _start(part, fresh), fresh, reference=before, correction=correction)
            done.append(clean if before is None else clean[:, before.shape[1] :])
        return torch.cat(done, dim=1)

    def _for(self, course: Ddpm, told: Told) -> Predict:
        return lambda sample, i: self.predict(sample, course.timesteps[i], told)


def sample_clip(
    predict: Predict,
    course: Ddpm,
    sample: torch.Tensor,
    noise: Noise,
    *,
    reference: torch.Tensor | None = None,
    correction: float = 1.0,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """Clean latents from unit noise (B, F, 4, h, w).

    Args:
        predict: gives ε from a sample and the number of a step.
        reference: clean latents (B, R, 4, h, w) of the first R frames, from the window before.
        correction: the share of the steps in which `reference` is used.
        on_step: called with the result of each step.
    """
    corrected = 0 if reference is None else round(correction * len(course.timesteps))
    for i in range(len(course.timesteps)):
        epsilon = predict(sample, i)
        if reference is not None and i < corrected:
            epsilon = corrected_noise(epsilon, sample, reference, course.alphas[i])
        fresh = noise(i, tuple(sample.shape)).to(sample) if course.wants_noise(i) else None
        sample = course.step(sample, epsilon, i, fresh)
        if on_step is not None:
            on_step(i, sample)
    return sample


def corrected_noise(
    epsilon: torch.Tensor, sample: torch.Tensor, reference: torch.Tensor, alpha: torch.Tensor
) -> torch.Tensor:
    """Long Video Sampling Correction (Qin et al., InstructVid2Vid, 2024).

    The first R frames get the ε that leads to their reference; the others get the mean of that change.

    Args:
        epsilon, sample: (B, F, 4, h, w).
        reference: (B, R, 4, h, w) clean latents.
        alpha: ᾱ of the step.
    """
    known = reference.shape[1]
    leading = (sample[:, :known] - alpha.sqrt() * reference) / (1 - alpha).sqrt()
    change = leading - epsilon[:, :known]
    return torch.cat([leading, epsilon[:, known:] + change.mean(1, keepdim=True)], dim=1)


def windows(frames: int, length: int, overlap: int) -> Sequence[slice]:
    """Windows of `length` frames that overlap by at least `overlap`; the last one is moved back to end with the shot.

    Raises:
        UsageError: the overlap is as long as a window.
    """
    if not 0 <= overlap < length:
        raise UsageError(f"windows of {length} frames overlap by 0 to {length - 1}; got {overlap}")
    if frames <= length:
        return [slice(0, frames)]
    starts = [*range(0, frames - length, length - overlap), frames - length]
    return [slice(start, start + length) for start in starts]


def _start(told: Told, noise: Noise) -> torch.Tensor:
    b, f, _, h, w = told.conditions[0].shape
    return noise(START, (b, f, 4, h, w)).to(told.conditions[0])
