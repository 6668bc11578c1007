"""RelightVid against its authors' code: keys, norms, guidance, the run, and long shots."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import UNetMotionModel

from published_goldens import QUIET, cases, config, error, ic_light_unet, notes, numbers, stored, under
from relamp.core.errors import InputError, UsageError
from relamp.core.relighter.relightvid.model import adapter_tensors, motion_adapter, relightvid_unet
from relamp.core.relighter.relightvid.sampling import (
    RelightVid,
    Told,
    brightened,
    corrected_noise,
    guided,
    on_grey,
    sample_clip,
    three_ways,
    to_tensor,
    windows,
)
from relamp.core.relighter.stable_diffusion.noise import Noise, clip_noise
from relamp.core.relighter.stable_diffusion.prompts import Text
from relamp.core.relighter.stable_diffusion.samplers import ddpm

pytestmark = QUIET


def built(motion: dict[str, torch.Tensor]) -> UNetMotionModel:
    return relightvid_unet(ic_light_unet("fbc"), motion, "motion.safetensors")


@pytest.fixture(scope="module")
def network() -> UNetMotionModel:
    return built(numbers("relightvid_motion"))


@pytest.fixture(scope="module")
def model(network: UNetMotionModel) -> RelightVid:
    s = notes("relightvid_sampler")
    return RelightVid(network, s["img_cfg"], s["text_cfg"])


@pytest.mark.golden
@pytest.mark.parametrize("case", cases("relightvid_unet"))
def test_the_network_answers_as_the_authors_does(case: str, model: RelightVid) -> None:
    g = numbers("relightvid_unet")
    with torch.inference_mode():
        ours = model.run(g["sample"], g[f"{case}.timestep"], g["encoder_hidden_states"])
    assert error(ours, g[f"{case}.output"]) <= 1e-4


@pytest.mark.golden
def test_a_single_frame_is_a_clip_of_one(model: RelightVid) -> None:
    g = numbers("relightvid_unet")
    with torch.inference_mode():
        ours = model.run(g["sample"][:, :, :1], g["case0.timestep"], g["encoder_hidden_states"])
    assert error(ours, g["single_frame.output"]) <= 1e-4


@pytest.mark.golden
def test_silent_motion_modules_still_share_the_clips_norms() -> None:
    g = numbers("relightvid_unet")
    motion = numbers("relightvid_motion")
    silent = {key: torch.zeros_like(v) if ".proj_out." in key else v for key, v in motion.items()}
    with torch.inference_mode():
        ours = RelightVid(built(silent)).run(g["sample"], g["case0.timestep"], g["encoder_hidden_states"])
    assert error(ours, g["case0.output_zero_motion"]) <= 1e-4


@pytest.mark.golden
def test_resnets_normalise_over_the_clip_and_motion_by_frame(network: UNetMotionModel) -> None:
    g = numbers("relightvid_unet")
    frames = g["resnet.input"].shape[2]

    def flat(x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2).flatten(0, 1)

    block = network.down_blocks[1]
    with torch.inference_mode():
        # the forward hook counts a clip's frames, so that layers can be asked alone after it
        network(torch.zeros(1, 12, frames, 8, 8), 1, torch.zeros(frames, 1, network.config["cross_attention_dim"]))
        resnet = block.resnets[0](flat(g["resnet.input"]), g["resnet.temb"].repeat_interleave(frames, 0))
        motion = block.motion_modules[0](flat(g["motion_module.input"]), num_frames=frames)
    assert error(resnet, flat(g["resnet.output"])) <= 1e-4
    assert error(motion, flat(g["motion_module.output"])) <= 1e-4


@pytest.mark.golden
def test_positions_are_the_networks_own_and_conv_in_the_merged_one(network: UNetMotionModel) -> None:
    g = numbers("relightvid_unet")
    assert error(network.conv_in.weight, g["conv_in.weight_merged"]) <= 1e-6
    tables = {v.shape[-1]: v for k, v in network.state_dict().items() if k.endswith("pos_embed.pe")}
    expected = g["pos_encoder.pe_32"]
    assert error(tables[expected.shape[-1]], expected) <= 1e-6


@pytest.mark.golden
def test_the_released_keys_become_the_adapters() -> None:
    motion = numbers("relightvid_motion")
    kept = [key for key in motion if "pos_encoder" not in key]
    assert len(adapter_tensors(motion, "m")) == len(kept)
    assert len(motion) == notes("relightvid_motion")["n_tensors"]
    motion_adapter(ic_light_unet("fbc"), motion, "m")


@pytest.mark.golden
def test_a_clip_cut_in_two_gives_another_answer(model: RelightVid) -> None:
    g = numbers("relightvid_unet")
    t, words = g["case0.timestep"], g["encoder_hidden_states"]
    with torch.inference_mode():
        whole, part = model.run(g["sample"], t, words), model.run(g["sample"][:, :, :-1], t, words)
    assert error(whole[:, :, :-1], part) > 1e-3


@pytest.mark.golden
@pytest.mark.parametrize("case", sorted({k.split(".")[1] for k in numbers("relightvid_sampler") if "cfg.case" in k}))
def test_three_way_guidance_is_the_authors(case: str) -> None:
    g = numbers("relightvid_sampler")
    scales = notes("relightvid_sampler")["cfg_cases"][int(case.removeprefix("case"))]
    ours = guided(g["cfg.eps1"], g["cfg.eps2"], g["cfg.eps3"], scales["img"], scales["text"])
    assert error(ours, g[f"cfg.{case}.eps"]) <= 1e-5


@pytest.mark.golden
def test_the_three_ways_are_without_image_with_it_and_with_the_prompt(model: RelightVid) -> None:
    g = numbers("relightvid_sampler")
    text = Text(g["text_cond"], g["text_uncond"])
    planes, words = three_ways(g["latent_init"], g["img_cond"], text)
    assert error(planes, g["step0.unet_input"]) <= 1e-6
    assert error(words, g["step0.context"]) <= 1e-6
    with torch.inference_mode():
        t = g["timesteps"][0]
        assert error(model.run(planes, t, words), g["step0.unet_output"]) <= 1e-4
        guided_eps = model.predict(g["latent_init"], t, Told((g["img_cond"],), text))
    assert error(guided_eps, g["eps"][0]) <= 1e-3  # guidance multiplies the network's 1e-4


@pytest.mark.golden
def test_each_step_alone_is_the_authors() -> None:
    g = numbers("relightvid_sampler")
    course = ddpm(notes("relightvid_sampler")["steps"], config("relightvid_sampler"))
    assert torch.equal(course.timesteps, g["timesteps"])
    assert error(course.alphas, g["alphas_cumprod"][g["timesteps"]]) <= 1e-6
    before = g["latent_init"]
    for i, expected in enumerate(g["prev_sample"]):
        ours = course.step(before, g["eps"][i], i, g["noise"][i] if course.wants_noise(i) else None)
        assert error(ours, expected) <= 1e-5
        before = expected


@pytest.mark.golden
def test_a_free_run_ends_where_the_authors_does(model: RelightVid) -> None:
    g = numbers("relightvid_sampler")
    told = Told((g["img_cond"],), Text(g["text_cond"], g["text_uncond"]))
    steps = notes("relightvid_sampler")["steps"]
    final = model.relight(told, stored(g["latent_init"], g["noise"]), steps=steps)
    assert error(final, g["latent_final"]) <= 2e-2


@pytest.mark.golden
def test_an_ensemble_of_equal_inputs_is_the_input(model: RelightVid) -> None:
    g = numbers("relightvid_sampler")
    text = Text(g["text_cond"], g["text_uncond"])
    with torch.inference_mode():
        t = g["timesteps"][0]
        one = model.predict(g["latent_init"], t, Told((g["img_cond"],), text))
        three = model.predict(g["latent_init"], t, Told((g["img_cond"],) * 3, text))
    assert error(one, three) < 1e-4


@pytest.mark.golden
def test_a_long_shot_runs_window_by_window(model: RelightVid) -> None:
    g = numbers("relightvid_sampler")
    frames = g["img_cond"].shape[1]
    shot = torch.cat([g["img_cond"], g["img_cond"]], dim=1)
    told = Told((shot,), Text(g["text_cond"], g["text_uncond"]))
    long = model.relight_shot(told, clip_noise, steps=2, window=frames, overlap=1)
    assert long.shape == (1, 2 * frames, 4, *shot.shape[-2:])
    first = model.relight(Told((g["img_cond"],), told.text), clip_noise(0), steps=2)
    assert error(long[:, :frames], first) < 1e-4


def flow(answer: torch.Tensor) -> Callable[[torch.Tensor, int], torch.Tensor]:
    return lambda sample, i: answer


def zero_noise() -> Noise:
    return lambda step, shape: torch.zeros(shape)


def test_a_corrected_overlap_ends_on_the_frames_before() -> None:
    reference = torch.linspace(-1, 1, 2 * 4 * 4).reshape(1, 2, 4, 2, 2)
    start = clip_noise(1)(0, (1, 5, 4, 2, 2))
    clean = sample_clip(flow(start), ddpm(20), start, clip_noise(2), reference=reference)
    assert error(clean[:, :2], reference) < 1e-2


def test_the_mean_correction_reaches_the_other_frames() -> None:
    sample, epsilon = torch.ones(1, 3, 4, 2, 2), torch.zeros(1, 3, 4, 2, 2)
    alpha = torch.tensor(0.36)
    corrected = corrected_noise(epsilon, sample, torch.zeros(1, 1, 4, 2, 2), alpha)
    assert torch.allclose(corrected, torch.full_like(corrected, 1 / 0.8))


def test_windows_overlap_and_end_with_the_shot() -> None:
    assert [(w.start, w.stop) for w in windows(40, 16, 4)] == [(0, 16), (12, 28), (24, 40)]
    assert [(w.start, w.stop) for w in windows(33, 16, 4)] == [(0, 16), (12, 28), (17, 33)]
    assert windows(9, 16, 4) == [slice(0, 9)]
    for frames in range(1, 60):
        made = windows(frames, 8, 3)
        assert made[0].start == 0
        assert made[-1].stop == frames
        assert all(a.stop - b.start >= 3 for a, b in pairwise(made))


@pytest.mark.parametrize("overlap", [-1, 8, 20])
def test_windows_that_do_not_move_on_are_refused(overlap: int) -> None:
    with pytest.raises(UsageError, match="overlap by 0 to 7; got"):
        windows(40, 8, overlap)


def test_brightening_leaves_the_grey_and_doubles_light() -> None:
    picture = np.full((2, 2, 3), 118, np.uint8)
    alpha = np.array([[[1.0], [0.0]], [[1.0], [0.0]]], np.float32)
    twice = brightened(picture, alpha, 2.0)
    assert (twice[:, 1] == 128).all()
    assert abs(int(twice[0, 0, 0]) - 161) <= 1  # 0.1812 linear, doubled 0.3624, encoded 0.6337
    np.testing.assert_array_equal(brightened(picture, alpha, 1.0), on_grey(picture, alpha))
    assert (brightened(np.full((1, 1, 3), 250, np.uint8), np.ones((1, 1, 1)), 4.0) == 255).all()


def test_white_is_one_and_grey_lies_a_little_above_zero() -> None:
    tensor = to_tensor(np.array([[[[255, 128, 0]]]], np.uint8))
    assert tensor.flatten().tolist() == pytest.approx([1.0, 1 / 255, -1.0], abs=1e-6)


@pytest.mark.golden
def test_a_file_of_something_else_is_refused_by_its_first_key() -> None:
    with pytest.raises(InputError, match=r"unet\.safetensors has conv_in\.bias, which is of no motion module"):
        adapter_tensors(numbers("base_unet"), "unet.safetensors")
    with pytest.raises(InputError, match="holds no motion modules"):
        adapter_tensors({}, "empty.safetensors")


@pytest.mark.golden
def test_a_cut_file_is_refused_by_the_missing_key() -> None:
    motion = dict(numbers("relightvid_motion"))
    key = sorted(k for k in motion if "proj_in.weight" in k)[0]
    del motion[key]
    with pytest.raises(InputError, match=r"cut\.safetensors has no down_blocks.*proj_in\.weight"):
        relightvid_unet(ic_light_unet("fbc"), motion, "cut.safetensors")


@pytest.mark.golden
def test_the_foreground_only_weights_are_refused() -> None:
    with pytest.raises(InputError, match="IC-Light fbc, with 12 channels in; this UNet has 8"):
        relightvid_unet(ic_light_unet("fc"), numbers("relightvid_motion"), "m")


@pytest.mark.golden
def test_the_norms_groups_and_scales_stay(network: UNetMotionModel) -> None:
    expected = under("base_unet", "conv_norm_out")
    offset = under("iclight_offset_fbc", "conv_norm_out")
    assert network.conv_norm_out is not None
    assert error(network.conv_norm_out.weight, expected["weight"] + offset["weight"].float()) <= 1e-6
