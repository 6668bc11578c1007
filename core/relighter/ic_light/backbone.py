"""The backbone `ic-light`: frame by frame, with one noise for the whole shot.

It is the published run (`ic_light.model`) on the subject over grey. With weights of the kind fc the run begins with a
picture of the environment's light; with fbc the environment as the camera sees it is the background, unless a background is
given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..own.conditions import Conditions
from ..stable_diffusion import pixels
from ..stable_diffusion.common import LitShape, Pair, Published, Run, ic_light_name
from ..stable_diffusion.noise import frame_noise
from ..stable_diffusion.proxies import Clip, view
from .beginnings import beginning
from .model import PUBLISHED, VARIANTS, ICLight, Settings, relight_pictures

_SECOND_PASS = 1 << 32  # added to the seed for the noise of the second pass


class ICLightFrames(Published):
    """IC-Light as a backbone; see the module."""

    name = "ic-light"
    span = "frame"

    def _wanted(self) -> dict[str, str]:
        return {"sd15": self.parameters.base_model, "ic-light": ic_light_name(self.parameters.ic_light)}

    def _load(self) -> None:
        assert self.base is not None
        self._text = self.text(self.parameters.prompt, self.negative())
        unet = self.home.take(self.sliced(self.relighting_unet()))
        self._model = ICLight(unet, self.home.take(self.base.vae()), self.parameters.scheduler, self.home)

    def _enlarged(self) -> float:
        return max(PUBLISHED[VARIANTS[self.channels()]].enlarge, 1.0) if self.parameters.ic_light_passes == 2 else 1.0

    def _settings(self, run: Run) -> Settings:
        p, own = self.parameters, PUBLISHED[self._model.variant]
        return replace(
            own,
            steps=run.steps or own.steps,
            guidance=own.guidance if p.guidance is None else p.guidance,
            light_strength=p.initial_strength,
            enlarge=own.enlarge if p.ic_light_passes == 2 else 0,
        )

    def _relit(self, clip: Clip, seen: Sequence[Conditions], shapes: Sequence[LitShape], run: Run) -> Pair:
        model = self._model
        foreground = list(pixels.on_grey(clip.subject, clip.matte))
        told = model.variant == "fbc"
        background = list(clip.pad(np.stack([view(c, clip.exposure) for c in seen]))) if told else None
        begin = beginning(self.begins_with(told), clip, seen, [shape.normals for shape in shapes])
        relit = relight_pictures(
            model,
            foreground,
            self._text,
            clip.size,
            (frame_noise(run.seed), frame_noise(run.seed + _SECOND_PASS)),
            background=background,
            light=begin,
            settings=self._settings(run),
        )
        height, width = relit.shape[-2:]
        shown = np.stack([pixels.resized(picture, width, height) for picture in foreground])
        return Pair(relit, model.decode(model.encode(pixels.to_tensor(shown))))
