"""IC-Light: Stable Diffusion 1.5 plus a published difference of every weight, with the foreground's latents as a condition.

Zhang et al., Scaling In-the-Wild Training for Diffusion-based Illumination Harmonization and Editing (2025), and the
released code. The number of input channels of the difference file tells its kind: 8 take the foreground (fc, fcon), 12 a
background as well (fbc). The direction of light is not a condition: it is given by the latent that a run begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from ...errors import InputError, UsageError
from ..stable_diffusion import pixels
from ..stable_diffusion.checkpoints import Tensors, build_unet, check_fit, shapes
from ..stable_diffusion.noise import START, Noise
from ..stable_diffusion.offload import Home, anywhere
from ..stable_diffusion.prompts import Text
from ..stable_diffusion.samplers import IMAGE_COURSES, Course, counts, image_course

VARIANTS = {8: "fc", 12: "fbc"}  # fcon is fc, trained with offset noise
BLOCK = 64  # px the enlarged picture's sides are multiples of
OnStep = Callable[[int, torch.Tensor], None]


@dataclass(frozen=True)
class Settings:
    """The published numbers of a run. `light_strength` holds only when a picture of light is given to begin with.

    `enlarge` is the size of the second pass over the first; 0 for none.
    """

    steps: int = 25
    guidance: float = 2.0
    light_strength: float = 0.9
    enlarge: float = 1.5
    enlarge_strength: float = 0.5


PUBLISHED = {"fc": Settings(), "fbc": Settings(steps=20, guidance=7.0)}


def variant_of(offset: Mapping[str, torch.Tensor], name: str) -> str:
    """The kind of a difference file, "fc" or "fbc", by the input channels of its first layer.

    Raises:
        InputError: the file has another number of channels.
    """
    weight = offset.get("conv_in.weight")
    if weight is None:
        raise InputError(f"{name} has no conv_in.weight, so it is no difference file of IC-Light")
    channels = weight.shape[1] if weight.ndim == 4 else 0
    if channels not in VARIANTS:
        raise InputError(
            f"{name}: conv_in reads {channels} channels; IC-Light's difference files read 8 (fc, fcon) or 12 (fbc)"
        )
    return VARIANTS[channels]


def merge(base: Mapping[str, torch.Tensor], offset: Mapping[str, torch.Tensor], name: str) -> Tensors:
    """Base weights plus difference, in float32, the first layer widened with zeros.

    Raises:
        InputError: a key of one is missing in the other, or has another shape; `name` is the difference file.
    """
    variant_of(offset, name)
    widened = dict(base) | {"conv_in.weight": _widened(base["conv_in.weight"], offset["conv_in.weight"].shape[1])}
    check_fit(shapes(offset), shapes(widened), name)
    return {key: tensor.float() + offset[key].float() for key, tensor in widened.items()}


def merged_unet(
    config: Mapping[str, Any], base: Mapping[str, torch.Tensor], offset: Mapping[str, torch.Tensor], name: str
) -> UNet2DConditionModel:
    """The relighting UNet, float32. `config` and `base` are of a Stable Diffusion 1.5 UNet; raises as `merge` does."""
    tensors = merge(base, offset, name)
    return build_unet({**config, "in_channels": tensors["conv_in.weight"].shape[1]}, tensors, name)


def _widened(weight: torch.Tensor, channels: int) -> torch.Tensor:
    out, own, *kernel = weight.shape
    wide = weight.new_zeros((out, channels, *kernel))
    wide[:, :own] = weight
    return wide


def guided(negative: torch.Tensor, positive: torch.Tensor, guidance: float) -> torch.Tensor:
    """Classifier-free guidance (Ho & Salimans 2022)."""
    return negative + guidance * (positive - negative)


def latents_of(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """The scaled mode of each picture's posterior, (N, 4, h, w) float32 on the CPU; pictures are encoded singly to save
    memory.
    """
    parts = [vae.encode(p.to(vae.device, vae.dtype), return_dict=False)[0].mode() for p in pictures.split(1)]
    return torch.cat(parts).float().cpu() * vae.config["scaling_factor"]


def pictures_of(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """The pictures of scaled latents, (N, 3, H, W) float32 on the CPU; they are decoded singly to save memory."""
    unscaled = (latents / vae.config["scaling_factor"]).to(vae.device, vae.dtype)
    return torch.cat([vae.decode(z, return_dict=False)[0].float().cpu() for z in unscaled.split(1)])


class ICLight:
    """A merged UNet and the autoencoder of its base, ready to relight pictures and clips.

    Pictures are tensors (N, 3, H, W) in the range of `pixels.to_tensor`, sides multiples of 8.
    """

    def __init__(
        self, unet: UNet2DConditionModel, vae: AutoencoderKL, course: str = "dpm++", home: Home | None = None
    ) -> None:
        """`course` is one of `samplers.IMAGE_COURSES`; "dpm++" is the published one."""
        if course not in IMAGE_COURSES:
            raise UsageError(f"there is no scheduler {course!r}; use one of {', '.join(IMAGE_COURSES)}")
        self.unet, self.vae, self._course = unet, vae, course
        self._at_home = home or anywhere
        self.variant = VARIANTS[unet.config["in_channels"]]

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """The scaled mode of the posterior of pictures, (N, 4, h, w)."""
        return latents_of(self._at_home(self.vae), pictures)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The pictures of scaled latents, float32."""
        return pictures_of(self._at_home(self.vae), latents)

    def condition(self, foreground: torch.Tensor, background: torch.Tensor | None = None) -> torch.Tensor:
        """The latents that the network is conditioned on, (N, 4 or 8, h, w).

        Raises:
            UsageError: a background is given to fc, or none to fbc.
        """
        if (background is None) != (self.variant == "fc"):
            wants = "takes no background" if self.variant == "fc" else "needs a background"
            raise UsageError(f"IC-Light {self.variant} {wants}; choose the other weights or change the input")
        seen = [foreground] if background is None else [foreground, background]
        return torch.cat([self.encode(p) for p in seen], dim=1)

    def predict(
        self, sample: torch.Tensor, t: torch.Tensor, condition: torch.Tensor, text: Text, guidance: float
    ) -> torch.Tensor:
        """Guided ε of samples (N, 4, h, w). Both halves of the guidance have the same condition; only the text differs."""
        both = self.unet_output(sample, t, condition, text)
        return guided(both[: len(sample)], both[len(sample) :], guidance)

    def unet_output(self, sample: torch.Tensor, t: torch.Tensor, condition: torch.Tensor, text: Text) -> torch.Tensor:
        """ε of [without the prompt x N ; with it x N], (2 N, 4, h, w).

        Args:
            condition: (N or 1, 4 or 8, h, w).
            text: of one prompt for all, or one a sample.
        """
        n = len(sample)
        doubled = torch.cat([sample, sample])
        told = torch.cat([_for_each(condition, n)] * 2)
        words = torch.cat([_for_each(text.negative, n), _for_each(text.positive, n)])
        unet = self._at_home(self.unet)
        planes = torch.cat([doubled, told], dim=1).to(unet.device, unet.dtype)
        return unet(planes, t.to(unet.device), words.to(unet.device, unet.dtype)).sample.to(sample)

    def denoise(
        self,
        course: Course,
        sample: torch.Tensor,
        condition: torch.Tensor,
        text: Text,
        guidance: float,
        noise: Noise,
        on_step: OnStep | None = None,
    ) -> torch.Tensor:
        """Clean latents of samples (N, 4, h, w) after all steps of a course; `on_step` is called with the result of each step."""
        for i, t in enumerate(course.timesteps):
            output = self.predict(course.model_input(sample, i), t, condition, text, guidance)
            fresh = noise(i, tuple(sample.shape)).to(sample) if course.wants_noise(i) else None
            sample = course.step(sample, output, i, fresh)
            if on_step is not None:
                on_step(i, sample)
        return sample

    @torch.inference_mode()
    def relight(
        self,
        condition: torch.Tensor,
        text: Text,
        noise: Noise,
        *,
        steps: int,
        guidance: float,
        begin: torch.Tensor | None = None,
        strength: float = 1.0,
        on_step: OnStep | None = None,
    ) -> torch.Tensor:
        """Clean latents (N, 4, h, w) under a condition of N frames.

        Args:
            begin: latents (N or 1, 4, h, w) of a picture to begin with: of a gradient, of an environment's light on the
                subject, or of a first pass; None for noise alone.
            strength: how much of the course is run from `begin`.
        """
        shape = (len(condition), 4, *condition.shape[-2:])
        course = image_course(self._course, *counts(steps, 1.0 if begin is None else strength))
        first = noise(START, shape).to(condition)
        sample = course.begin(first, None if begin is None else _for_each(begin, len(condition)).to(condition))
        return self.denoise(course, sample, condition, text, guidance, noise, on_step)


def relight_pictures(
    model: ICLight,
    foreground: Sequence[np.ndarray],
    text: Text,
    size: tuple[int, int],
    noise: tuple[Noise, Noise],
    *,
    background: Sequence[np.ndarray] | None = None,
    light: Sequence[np.ndarray] | None = None,
    settings: Settings | None = None,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """The published run: a first pass at `size`, and a second on the enlarged answer.

    Args:
        foreground: N pictures (H, W, 3) uint8 on grey (`pixels.on_grey`), cropped to the size.
        size: width and height of the first pass, multiples of 8.
        noise: of the two passes.
        background: N pictures for fbc.
        light: N pictures, or one for all, (H, W, 3) uint8 to begin with, such as `pixels.gradient`.
        settings: the variant's published ones when None.

    Returns:
        (N, 3, H', W') float32 in the range of `pixels.to_tensor`; H' and W' are the size's, or multiples of 64 near
        `enlarge` times it. `pixels.to_bytes` makes the published pictures of it.
    """
    s = settings or PUBLISHED[model.variant]
    told = _conditions(model, foreground, background, size)
    begin = None if light is None else model.encode(_fitted(light, size))
    clean = model.relight(
        told,
        text,
        noise[0],
        steps=s.steps,
        guidance=s.guidance,
        begin=begin,
        strength=s.light_strength,
        on_step=on_step,
    )
    if not s.enlarge:
        return model.decode(clean)
    larger = (enlarged(size[0], s.enlarge), enlarged(size[1], s.enlarge))
    first = [pixels.resized(p, *larger) for p in pixels.to_bytes(model.decode(clean))]
    clean = model.relight(
        _conditions(model, foreground, background, larger),
        text,
        noise[1],
        steps=s.steps,
        guidance=s.guidance,
        begin=model.encode(pixels.to_tensor(np.stack(first))),
        strength=s.enlarge_strength,
        on_step=on_step,
    )
    return model.decode(clean)


def enlarged(side: int, factor: float) -> int:
    """A side of the second pass, px: the nearest multiple of 64, half to even."""
    return round(side * factor / BLOCK) * BLOCK


def _conditions(
    model: ICLight, foreground: Sequence[np.ndarray], background: Sequence[np.ndarray] | None, size: tuple[int, int]
) -> torch.Tensor:
    behind = None if background is None else _fitted(background, size)
    return model.condition(_fitted(foreground, size), behind)


def _fitted(pictures: Sequence[np.ndarray], size: tuple[int, int]) -> torch.Tensor:
    return pixels.to_tensor(np.stack([pixels.cropped(p, *size) for p in pictures]))


def _for_each(tensor: torch.Tensor, n: int) -> torch.Tensor:
    """A list of n entries from a list of one or of n."""
    return tensor.expand(n, *tensor.shape[1:]) if len(tensor) == 1 else tensor
