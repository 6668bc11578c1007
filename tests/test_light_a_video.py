"""Light-A-Video: the relighter inside the loop against the authors' code, and AnimateDiff's video model round it."""

import pytest
import torch
from diffusers import MotionAdapter, UNetMotionModel

from published_goldens import QUIET, error, ic_light_unet, notes, numbers, stored, vae
from relamp.core.relighter.ic_light.model import ICLight
from relamp.core.relighter.light_a_video.light_fusion import Moment, fuse_light, schedule
from relamp.core.relighter.light_a_video.model import AnimateDiffVideo, ClipRelighter, generate_background
from relamp.core.relighter.stable_diffusion import pixels
from relamp.core.relighter.stable_diffusion.checkpoints import build_unet
from relamp.core.relighter.stable_diffusion.noise import clip_noise, light_a_video_noise
from relamp.core.relighter.stable_diffusion.prompts import Text
from relamp.core.relighter.stable_diffusion.samplers import video_course

pytestmark = QUIET


def relighter(at_once: int | None = None, **changes) -> ClipRelighter:
    g, n = numbers("lav_relighter"), notes("lav_relighter")
    side = pixels.gradient(n["light"].lower(), n["width"], n["height"])
    settings = {
        "noise": stored(g["start_noise"], g["step_noise"]),
        "gamma": n["gamma"],
        "light": pixels.to_tensor(side[None]),
        "steps": n["steps"],
        "guidance": n["cfg"],
        "strength": n["denoise"],
    } | changes
    model, text = ICLight(ic_light_unet("fc"), vae()), Text(g["conds"], g["unconds"])
    return ClipRelighter(model, text, at_once=at_once, **settings)


@pytest.fixture(scope="module")
def steps() -> list[torch.Tensor]:
    """The latents after each step, attended to one frame at a time."""
    latents: list[torch.Tensor] = []
    relighter(at_once=1).latents(numbers("lav_relighter")["video"], on_step=lambda i, z: latents.append(z))
    return latents


@pytest.mark.golden
def test_the_relighter_follows_the_authors_step_by_step(steps: list[torch.Tensor]) -> None:
    assert len(steps) == notes("lav_relighter")["executed"]
    assert error(torch.stack(steps), numbers("lav_relighter")["latents"]) <= 1e-3


@pytest.mark.golden
def test_the_relit_clip_is_the_authors(steps: list[torch.Tensor]) -> None:
    g = numbers("lav_relighter")
    ours = relighter().model.decode(steps[-1])
    assert ours.shape == g["video"].shape
    assert error(ours[:, :, ::4, ::4], g["output_subsampled"]) <= 1e-3


@pytest.mark.golden
def test_conditions_are_the_mode_of_the_posterior() -> None:
    g, r = numbers("lav_relighter"), relighter()
    with torch.inference_mode():
        assert error(r.model.condition(g["video"]), g["concat_conds"]) <= 1e-4
        assert r.light is not None
        assert error(r.model.encode(r.light).expand_as(g["light_latent"]), g["light_latent"]) <= 1e-4


@pytest.fixture(scope="module")
def video() -> AnimateDiffVideo:
    base = build_unet(notes("base_unet")["unet_config"], numbers("base_unet"), "base")
    config = base.config
    adapter = MotionAdapter(
        block_out_channels=tuple(config["block_out_channels"]),
        motion_layers_per_block=config["layers_per_block"],
        use_motion_mid_block=False,
    )
    g = numbers("lav_relighter")
    unet = UNetMotionModel.from_unet2d(base, adapter).eval().requires_grad_(False)
    return AnimateDiffVideo(unet, vae(), Text(g["conds"], g["unconds"]))


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    return numbers("lav_relighter")["video"][:2, :, :64, :64]


@pytest.mark.golden
def test_prompts_go_by_halves_and_the_upstream_layout_by_turns(video: AnimateDiffVideo) -> None:
    g = numbers("lav_relighter")
    negative, positive = g["unconds"][0], g["conds"][0]
    assert torch.equal(video.words(2), torch.stack([negative, negative, positive, positive]))
    upstream = AnimateDiffVideo(video._unet, vae(), Text(g["conds"], g["unconds"]), upstream_text=True)
    assert torch.equal(upstream.words(2), torch.stack([negative, positive, negative, positive]))


@pytest.mark.golden
def test_upstream_layout_cancels_the_guidance_of_an_even_clip(video: AnimateDiffVideo) -> None:
    g = numbers("lav_relighter")
    sample, t = torch.ones(1, 4, 2, 8, 8), torch.tensor(500)

    def spread(upstream: bool) -> float:
        weak, strong = (
            AnimateDiffVideo(video._unet, vae(), Text(g["conds"], g["unconds"]), guidance, upstream_text=upstream)
            for guidance in (1.0, 9.0)
        )
        return error(weak.predict(sample, t, 0), strong.predict(sample, t, 0))

    assert spread(True) < 1e-4
    assert spread(False) > 1e-3


@pytest.mark.golden
def test_animatediff_and_ic_light_relight_a_clip_together(video: AnimateDiffVideo, clip: torch.Tensor) -> None:
    light = pixels.to_tensor(pixels.gradient("left", 64, 64)[None])
    relight = relighter(noise=light_a_video_noise(1), light=light, steps=2)

    def run() -> tuple[torch.Tensor, list[Moment]]:
        course, moments = video_course("animatediff", 6, 3), list[Moment]()
        relit = fuse_light(clip, video, relight, course, schedule(3, 1, 0.15), clip_noise(2), on_step=moments.append)
        return relit, moments

    relit, moments = run()
    assert relit.shape == clip.shape
    assert [m.target is not None for m in moments] == [True, True, False]
    assert torch.equal(relit, run()[0])


@pytest.mark.golden
def test_a_background_is_generated_round_a_foreground(video: AnimateDiffVideo, clip: torch.Tensor) -> None:
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    made = generate_background(
        clip * mask,
        mask,
        video,
        relighter(noise=light_a_video_noise(1), light=None, steps=2),
        video_course("animatediff", 4, 4),
        clip_noise(4),
    )
    assert made.shape == clip.shape
    assert made.isfinite().all()
