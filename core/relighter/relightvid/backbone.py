"""The backbone `relightvid`: the whole shot in order, in windows, with a background as condition.

The network's norms are taken over the frames of a window, and every window is corrected toward the one before, so the shot
is never split. The background is the one given, else the environment as the camera sees it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..ic_light.model import latents_of, pictures_of
from ..models.ledger import RELIGHTVID
from ..own.conditions import Conditions
from ..own.ensemble import factors
from ..stable_diffusion.checkpoints import read_tensors
from ..stable_diffusion.common import OFFSETS, LitShape, Pair, Published, Run
from ..stable_diffusion.noise import clip_noise
from ..stable_diffusion.proxies import Clip, view
from . import sampling
from .model import relightvid_unet

_WINDOW = 1 << 32  # added to the seed for the noise of each further window


class RelightVidShot(Published):
    """RelightVid as a backbone; see the module."""

    name = "relightvid"
    span = "shot"

    def _wanted(self) -> dict[str, str]:
        return {"sd15": self.parameters.base_model, "ic-light": OFFSETS["fbc"], "relightvid": RELIGHTVID}

    def _load(self) -> None:
        assert self.base is not None
        p = self.parameters
        self._text = self.text(p.prompt or sampling.PROMPT, self.negative(""), quality="")
        path = self._found["relightvid"].path
        unet = relightvid_unet(self.relighting_unet(), read_tensors(path), str(path))
        text_guidance = sampling.TEXT_GUIDANCE if p.guidance is None else p.guidance
        self._model = sampling.RelightVid(self.home.take(self.sliced(unet)), p.image_guidance, text_guidance, self.home)
        self._vae = self.home.take(self.base.vae())

    def _exposures(self) -> tuple[float, ...]:
        return (1.0,)  # the ensemble of this method averages the predicted noise before each step

    def _relit(self, clip: Clip, seen: Sequence[Conditions], shapes: Sequence[LitShape], run: Run) -> Pair:
        p = self.parameters
        background = self._encoded(clip.pad(np.stack([view(c, clip.exposure) for c in seen])))
        foregrounds = [
            self._encoded(sampling.brightened(clip.subject, clip.matte, factor) if factor != 1 else self._shown(clip))
            for factor in factors(p.ensemble)
        ]
        told = sampling.Told(tuple(torch.cat([f, background], dim=1)[None] for f in foregrounds), self._text)
        latents = self._model.relight_shot(
            told,
            lambda number: clip_noise(run.seed + number * _WINDOW),
            steps=run.steps or sampling.STEPS,
            window=p.window,
            overlap=p.overlap,
        )
        unchanged = foregrounds[len(foregrounds) // 2]
        return Pair(self._decoded(latents[0]), self._decoded(unchanged))

    def _shown(self, clip: Clip) -> np.ndarray:
        return sampling.on_grey(clip.subject, clip.matte)

    def _encoded(self, pictures: np.ndarray) -> torch.Tensor:
        return latents_of(self.home(self._vae), sampling.to_tensor(pictures))

    def _decoded(self, latents: torch.Tensor) -> torch.Tensor:
        return pictures_of(self.home(self._vae), latents)
