"""IC-Light against its authors' code: merge, guidance, pixels, prompts, and what is refused."""

import numpy as np
import pytest
import torch

from published_goldens import QUIET, cases, error, ic_light_unet, notes, numbers, under, vae
from relamp.core.errors import InputError, UsageError
from relamp.core.relighter.ic_light.model import (
    ICLight,
    Settings,
    enlarged,
    guided,
    merge,
    merged_unet,
    relight_pictures,
    variant_of,
)
from relamp.core.relighter.stable_diffusion import pixels
from relamp.core.relighter.stable_diffusion.noise import clip_noise, frame_noise
from relamp.core.relighter.stable_diffusion.prompts import Text, Tokens, blocks, encode, repeated

pytestmark = QUIET
VARIANTS = ("fc", "fbc")
SIDES = pixels.SIDES
PAIRS = list(notes("iclight_pixels")["prompt_pairs"])


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(variant: str) -> ICLight:
    return ICLight(ic_light_unet(variant), vae())


@pytest.mark.golden
def test_merged_weights_are_the_authors_to_the_bit(variant: str) -> None:
    name, offset = f"iclight_{variant}", numbers(f"iclight_offset_{variant}")
    merged = merge(numbers("base_unet"), offset, variant)
    sums = torch.stack([merged[key].double().sum() for key in sorted(merged)])
    assert torch.equal(sums, numbers(name)["merged_checksum"])
    known = under(name, "merged") | {f"conv_in.{key}": v for key, v in under(name, "conv_in").items()}
    assert all(torch.equal(merged[key], tensor) for key, tensor in known.items())
    assert variant_of(offset, variant) == variant


@pytest.mark.golden
def test_both_halves_of_the_guidance_see_the_condition(variant: str, model: ICLight) -> None:
    g = numbers(f"iclight_{variant}")
    text = Text(g["positive"], g["negative"])
    for condition, output in (
        ("concat_conds", "unet_output"),
        ("concat_conds_per_sample", "unet_output_per_sample_cond"),
    ):
        ours = model.unet_output(g["latents"], g["timestep"], g[condition], text)
        assert error(ours, g[output]) <= 1e-4
    eps = model.predict(g["latents"], g["timestep"], g["concat_conds"], text, notes(f"iclight_{variant}")["guidance"])
    assert error(eps, g["eps_cfg"]) <= 1e-4


@pytest.mark.golden
def test_grey_127_is_exactly_zero_and_254_alone_comes_back_changed() -> None:
    g = numbers("iclight_pixels")
    tensor = pixels.to_tensor(g["u8"].numpy())
    assert error(tensor, g["tensor"]) <= 1e-6
    np.testing.assert_array_equal(pixels.to_bytes(tensor), g["roundtrip_u8"].numpy())
    np.testing.assert_array_equal(pixels.to_bytes(g["decoded"]), g["decoded_u8"].numpy())
    assert error(torch.from_numpy(pixels.to_unit(g["decoded"])), g["decoded_01"]) <= 1e-6
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    assert (pixels.to_tensor(every)[every.transpose(0, 3, 1, 2) == 127] == 0).all()
    changed = every[pixels.to_bytes(pixels.to_tensor(every)) != every]
    assert set(changed.tolist()) == {254}


@pytest.mark.golden
@pytest.mark.parametrize(
    "lift", [key.removeprefix("composite_sigma") for key in numbers("iclight_pixels") if "sigma" in key]
)
def test_foreground_lies_on_grey_truncated(lift: str) -> None:
    g = numbers("iclight_pixels")
    alpha = g["alpha_raw"][0].permute(1, 2, 0).numpy()
    ours = pixels.on_grey(g["u8"][1].numpy(), alpha, float(lift))
    np.testing.assert_array_equal(ours, g[f"composite_sigma{lift}"].numpy())
    assert error(torch.from_numpy(np.clip(alpha, 0, 1)), g["alpha_clipped"]) <= 1e-6


@pytest.mark.golden
def test_crops_are_the_authors_and_always_the_size_asked_for() -> None:
    g = numbers("iclight_pixels")
    picture = g["u8"][0].numpy()
    for i, (width, height) in enumerate(notes("iclight_pixels")["crop_sizes_wh"]):
        np.testing.assert_array_equal(pixels.resized(picture, width, height), g[f"resize{i}"].numpy())
        crop = pixels.cropped(picture, width, height)
        assert crop.shape == (height, width, 3)
        if g[f"crop{i}"].shape == crop.shape:  # theirs is a pixel off where the overhang is odd
            np.testing.assert_array_equal(crop, g[f"crop{i}"].numpy())


@pytest.mark.golden
@pytest.mark.parametrize("side", SIDES)
def test_gradients_reach_both_ends(side: str) -> None:
    g, size = numbers("iclight_pixels"), notes("iclight_pixels")["gradient_size"]
    ours = pixels.gradient(side, size["width"], size["height"])
    np.testing.assert_array_equal(ours, g[f"gradient_fc_{side}"].numpy())
    ours = pixels.gradient(side, size["width"], size["height"], 224, 32)
    np.testing.assert_array_equal(ours, g[f"gradient_fbc_{side}"].numpy())


@pytest.mark.golden
def test_backgrounds_without_a_picture_are_grey_or_mirrored() -> None:
    g, size = numbers("iclight_pixels"), notes("iclight_pixels")["gradient_size"]
    np.testing.assert_array_equal(pixels.grey(size["width"], size["height"]), g["background_fbc_grey"].numpy())
    np.testing.assert_array_equal(g["u8"][1].numpy()[:, ::-1], g["background_fbc_flip"].numpy())


@pytest.mark.golden
@pytest.mark.parametrize("length", notes("iclight_pixels")["prompt_lengths"])
def test_a_prompt_is_cut_into_blocks(length: int) -> None:
    t = notes("iclight_pixels")["tokenizer"]
    ours = blocks(range(1000, 1000 + length), t["bos"], t["eos"], t["model_max_length"])
    assert torch.equal(ours, numbers("iclight_pixels")[f"chunks_{length}"])


@pytest.mark.golden
@pytest.mark.parametrize("pair", PAIRS)
def test_the_shorter_prompt_is_repeated(pair: str) -> None:
    t, expected = notes("iclight_pixels")["tokenizer"], notes("iclight_pixels")["prompt_pairs"][pair]
    length = t["model_max_length"]
    first, second = (int(n) for n in pair.split(","))
    counts = [len(blocks(range(n), t["bos"], t["eos"], length)) for n in (first, second)]
    assert repeated(*counts) == expected["positive_chunk_order"]
    assert repeated(*reversed(counts)) == expected["negative_chunk_order"]
    sentence = Tokens(lambda s: range(int(s)), t["bos"], t["eos"], length)
    text = encode(str(first), str(second), sentence, lambda ids: ids[..., None].float(), quality="")
    assert text.positive.shape == text.negative.shape == (1, expected["sequence_length"], 1)


def test_an_empty_prompt_is_one_block_of_padding() -> None:
    assert blocks([], 1, 2, 5).tolist() == [[1, 2, 2, 2, 2]]


@pytest.mark.golden
def test_no_guidance_is_the_prompt_alone() -> None:
    g = numbers("iclight_fc")
    assert error(guided(g["latents"], g["eps_cfg"], 1.0), g["eps_cfg"]) <= 1e-6


@pytest.mark.golden
@pytest.mark.parametrize("light", [None, "left"])
def test_two_passes_give_a_larger_picture_and_the_same_twice(light: str | None) -> None:
    model, picture = ICLight(ic_light_unet("fc"), vae()), pixels.grey(80, 90, 200)
    width = notes("base_unet")["unet_config"]["cross_attention_dim"]
    text = Text(torch.ones(1, 7, width), torch.zeros(1, 7, width))
    begin = None if light is None else [pixels.gradient(light, 64, 64)]

    def run() -> np.ndarray:
        noise = frame_noise(1), frame_noise(2)
        relit = relight_pictures(
            model, [picture, picture], text, (64, 64), noise, light=begin, settings=Settings(steps=2, enlarge=1.0)
        )
        return pixels.to_bytes(relit)

    relit = run()
    assert relit.shape == (2, 64, 64, 3)
    np.testing.assert_array_equal(relit[0], relit[1])  # one noise for every frame
    np.testing.assert_array_equal(relit, run())


@pytest.mark.golden
@pytest.mark.parametrize("course", ["dpm++", "ddim", "euler-a"])
def test_every_scheduler_ends_on_finite_latents(course: str) -> None:
    model, g = ICLight(ic_light_unet("fbc"), vae(), course), numbers("iclight_fbc")
    text = Text(g["positive"][:1], g["negative"][:1])
    clean = model.relight(g["concat_conds"], text, clip_noise(3), steps=3, guidance=2.0)
    assert clean.isfinite().all()
    assert clean.shape == (1, 4, *g["concat_conds"].shape[-2:])


def test_sides_of_the_second_pass_are_multiples_of_64() -> None:
    assert [enlarged(side, 1.5) for side in (512, 640, 500)] == [768, 960, 768]


@pytest.mark.golden
def test_a_difference_file_for_other_channels_is_refused() -> None:
    offset = dict(numbers("iclight_offset_fc"))
    weight = offset["conv_in.weight"]
    offset["conv_in.weight"] = weight[:, :5]
    with pytest.raises(InputError, match=r"wrong\.safetensors: conv_in reads 5 channels.*8 \(fc, fcon\) or 12 \(fbc\)"):
        merge(numbers("base_unet"), offset, "wrong.safetensors")


@pytest.mark.golden
def test_a_difference_file_without_a_first_layer_is_refused() -> None:
    with pytest.raises(InputError, match=r"no conv_in\.weight"):
        variant_of({}, "empty.safetensors")


@pytest.mark.golden
def test_the_first_key_that_does_not_fit_is_named() -> None:
    base, offset = numbers("base_unet"), numbers("iclight_offset_fc")
    missing = {key: v for key, v in offset.items() if key != "conv_out.bias"}
    with pytest.raises(InputError, match=r"cut\.safetensors has no conv_out\.bias"):
        merge(base, missing, "cut.safetensors")
    with pytest.raises(InputError, match=r"has lora\.up, which the network does not"):
        merge(base, {**offset, "lora.up": torch.zeros(1)}, "lora.safetensors")
    with pytest.raises(InputError, match=r"conv_out\.bias is 7, the network wants"):
        merge(base, {**offset, "conv_out.bias": torch.zeros(7)}, "odd.safetensors")


@pytest.mark.golden
def test_weights_of_another_configuration_are_refused() -> None:
    config = {**notes("base_unet")["unet_config"], "layers_per_block": 1}
    with pytest.raises(InputError, match="which the network does not"):
        merged_unet(config, numbers("base_unet"), numbers("iclight_offset_fc"), "fc.safetensors")


@pytest.mark.golden
def test_a_background_is_refused_by_fc_and_wanted_by_fbc() -> None:
    picture = torch.zeros(1, 3, 64, 64)
    with pytest.raises(UsageError, match="fc takes no background"):
        ICLight(ic_light_unet("fc"), vae()).condition(picture, picture)
    with pytest.raises(UsageError, match="fbc needs a background"):
        ICLight(ic_light_unet("fbc"), vae()).condition(picture)


@pytest.mark.golden
def test_an_unknown_scheduler_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no scheduler 'heun'; use one of"):
        ICLight(ic_light_unet("fc"), vae(), "heun")


@pytest.mark.golden
def test_there_are_golden_cases_to_meet() -> None:
    assert cases("cla_unet")
    assert PAIRS
