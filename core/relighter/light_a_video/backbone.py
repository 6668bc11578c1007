"""The backbone `light-a-video`: an image relighter within a video model's denoising, over the whole shot at once.

The image relighter is IC-Light or Relamp's own; the video model is AnimateDiff or a temporal prior without weights. With
Relamp's own and the prior nothing is downloaded, and the run stays in logs of light. Relamp's own relighter predicts a
change from the light of the plate, so its input is the plate and not a clip that is partly relit: it gives one answer for
all steps of the fusion. It has no attention, so light attention has no effect on it. The result of every frame depends on
all frames: the shot is never split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from ...errors import UsageError
from ...parameters import RelightParameters
from ..answer import Answer
from ..ic_light.beginnings import beginning
from ..ic_light.model import ICLight
from ..models import layout
from ..own.backbone import Relamp
from ..own.conditions import Conditions
from ..relightvid import sampling
from ..relightvid.model import motion_unet
from ..stable_diffusion import pixels
from ..stable_diffusion.checkpoints import build_unet
from ..stable_diffusion.common import LitShape, Pair, Published, Run, ic_light_name
from ..stable_diffusion.noise import clip_noise, frame_noise, light_a_video_noise
from ..stable_diffusion.prompts import Text
from ..stable_diffusion.proxies import Clip, display_light, light_display, picture
from ..stable_diffusion.samplers import FusibleCourse, counts, video_course
from .light_fusion import ANIMATEDIFF, NEGATIVE, VideoModel, fuse_light, sdedit
from .model import GUIDANCE, STEPS, AnimateDiffVideo, ClipRelighter, generate_background
from .temporal_prior import TemporalPrior

SMOOTH = "smooth"  # the name of the video model that needs no download
_VIDEO = 1 << 32  # added to the seed for the video model's noise
# The entries of a base model's scheduler file that apply to the Euler schedule; the others are for other samplers.
_KEPT = ("num_train_timesteps", "beta_start", "beta_end", "steps_offset", "timestep_spacing", "prediction_type")

ClipLight = Callable[[torch.Tensor], torch.Tensor]


def check_clip_mode(parameters: RelightParameters) -> None:
    """Raise `UsageError` for a mode that needs networks which the other options leave out."""
    p = parameters
    if p.clip_mode in ("foreground", "sdedit") and (p.video_model == SMOOTH or p.image_relighter == "relamp"):
        raise UsageError(
            f"--clip-mode {p.clip_mode} needs IC-Light and AnimateDiff: --image-relighter ic-light and a "
            "--video-model that is a motion adapter"
        )


class LightAVideo(Published):
    """Light-A-Video as a backbone; see the module."""

    name = "light-a-video"
    span = "shot"

    def __init__(self, given: RelightParameters, device: str) -> None:
        self._own_light = given.image_relighter == "relamp"
        # Without a video model nothing of it is loaded either.
        self._smooth = given.video_model == SMOOTH or given.clip_mode == "alone"
        self.takes_level = not self._own_light  # whose gains are at theirs
        super().__init__(given, device)
        if not self._smooth:
            longest = layout.empty_adapter(self._found["motion-adapter"].path).config["motion_max_seq_length"]
            if given.window > longest:
                raise UsageError(f"{given.video_model} counts {longest} frames; give --window {longest} or less")
        if not self._own_light and self.channels() != 8:
            raise UsageError("Light-A-Video relights with IC-Light fc or fcon; choose another --ic-light")

    def _wanted(self) -> dict[str, str]:
        p, wanted = self.parameters, {}
        if not (self._own_light and self._smooth):
            wanted["sd15"] = p.base_model
        if not self._own_light:
            wanted["ic-light"] = ic_light_name(p.ic_light)
        if not self._smooth:
            wanted["motion-adapter"] = p.video_model
        return wanted

    def _load(self) -> None:
        p = self.parameters
        if self.base is None:
            return
        vae = self.home.take(self.base.vae())
        self._text = self.text(p.prompt, self.negative())
        if not self._own_light:
            unet = self.home.take(self.sliced(self.relighting_unet()))
            self._model = ICLight(unet, vae, p.scheduler, self.home)
        if not self._smooth:
            told = self.text(p.prompt if p.video_prompt is None else p.video_prompt, NEGATIVE, quality="")
            self._video = self._animatediff(vae, told)

    def _animatediff(self, vae: AutoencoderKL, told: Text) -> AnimateDiffVideo:
        p = self.parameters
        assert self.base is not None
        base = build_unet(self.base.unet_config(), self.base.unet_tensors(), str(self.base.folder / "unet"))
        unet = motion_unet(base, layout.adapter(self._found["motion-adapter"].path))
        unet = self.home.take(self.sliced(unet))
        return AnimateDiffVideo(
            unet, vae, told, p.video_guidance, p.upstream_text, window=p.window, overlap=p.overlap, home=self.home
        )

    def _answers(
        self, group: Sequence[Conditions], shapes: Sequence[LitShape], factor: float, run: Run
    ) -> list[Answer]:
        if not (self._own_light and self._smooth):
            return super()._answers(group, shapes, factor, run)
        logs = torch.cat([c.code for c in group]) * 0  # the clip as logs of light over the plate
        gain = relit = self._own_gain(group)
        if self.parameters.clip_mode == "fuse":
            relit = self._fuse(logs, TemporalPrior(logs, _same, _same), lambda _: gain, run)
        return [
            Answer(picture(g[None]) - s.hint, s.hint, picture(s.normals)) for g, s in zip(relit, shapes, strict=True)
        ]

    def _relit(self, clip: Clip, seen: Sequence[Conditions], shapes: Sequence[LitShape], run: Run) -> Pair:
        p = self.parameters
        source = sampling.to_tensor(clip.subject)
        if p.clip_mode == "foreground":
            source = pixels.to_tensor(pixels.on_grey(clip.subject, clip.matte))
        if self._own_light:
            light = display_light(clip, source) + self._own_gain(seen)
            relit = light_display(clip, light)
            relight: ClipLight = lambda _: relit  # noqa: E731 - its input is the plate
        else:
            begin = beginning(self.begins_with(), clip, seen, [shape.normals for shape in shapes])
            relight = self._relighter(begin, run)
        if p.clip_mode == "alone":
            return Pair(relight(source), self._model.decode(self._model.encode(source)))
        if self._smooth:
            prior = TemporalPrior(source, partial(display_light, clip), partial(light_display, clip))
            return Pair(self._fuse(source, prior, relight, run), prior.decode(prior.encode(source)))
        unchanged = self._video.decode(self._video.encode(source))
        noise = clip_noise(run.seed + _VIDEO)
        if p.clip_mode == "sdedit":
            return Pair(sdedit(relight(source), self._video, self._course(), noise), unchanged)
        if p.clip_mode == "foreground":
            assert isinstance(relight, ClipRelighter)
            mask = torch.from_numpy(clip.matte).permute(0, 3, 1, 2)
            course = self._course(whole=True)
            return Pair(
                generate_background(source, mask, self._video, relight, course, noise, strength=p.video_strength),
                unchanged,
            )
        return Pair(self._fuse(source, self._video, relight, run), unchanged)

    def _fuse(self, source: torch.Tensor, video: VideoModel, relight: ClipLight, run: Run) -> torch.Tensor:
        course = self._course()
        falling = ANIMATEDIFF.schedule_of(len(course.timesteps))
        return fuse_light(source, video, relight, course, falling, clip_noise(run.seed + _VIDEO))

    def _course(self, whole: bool = False) -> FusibleCourse:
        """The levels of the video model: those of the strength, or all of them where a background is generated."""
        p = self.parameters
        scheduled, executed = (p.video_steps,) * 2 if whole else counts(p.video_steps, p.video_strength)
        if self._smooth:
            return video_course("wan", scheduled, executed, {"shift": 1.0})
        assert self.base is not None
        own = self.base.scheduler()
        config = None if own is None else {k: own[k] for k in _KEPT if k in own} | {"beta_schedule": "linear"}
        return video_course("animatediff", scheduled, executed, config)

    def _relighter(self, begin: list | None, run: Run) -> ClipRelighter:
        p = self.parameters
        # The papers' baselines are frame by frame, with one fixed noise; alone it is so at a light attention of 0.
        baseline = p.clip_mode == "sdedit" or (p.clip_mode == "alone" and not p.light_attention)
        light = None if begin is None else torch.cat([pixels.to_tensor(b[None]) for b in begin])
        return ClipRelighter(
            self._model,
            self._text,
            frame_noise(run.seed) if baseline else light_a_video_noise(run.seed),
            0.0 if baseline else p.light_attention,
            light,
            p.frames_at_once,
            run.steps or STEPS,
            GUIDANCE if p.guidance is None else p.guidance,
            p.initial_strength,
        )

    @cached_property
    def _own(self) -> Relamp:
        return Relamp("cpu")

    def _own_gain(self, seen: Sequence[Conditions]) -> torch.Tensor:
        """The log gain of every frame by Relamp's own relighter, (F, 3, h, w)."""
        answers = [self._own.answer(c) for c in seen]
        return torch.stack([torch.from_numpy(a.hint + a.residual) for a in answers]).permute(0, 3, 1, 2)


def _same(clip: torch.Tensor) -> torch.Tensor:
    return clip
