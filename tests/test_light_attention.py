"""Consistent Light Attention against the authors' code, on one layer and inside a network."""

import pytest
import torch
from diffusers.models.attention_processor import Attention

from published_goldens import cases, error, ic_light_unet, notes, numbers, under
from relamp.core.relighter.light_a_video.light_attention import LightAttention, light_layers, shared_light


@pytest.mark.golden
@pytest.mark.parametrize("case", cases("cla_attention"))
@pytest.mark.parametrize("at_once", [None, 1, 3])
def test_one_layer_answers_as_the_authors_does(case: str, at_once: int | None) -> None:
    g, note = under("cla_attention", case), notes("cla_attention")[case]
    width = note["channels"]
    layer = Attention(width, heads=note["heads"], dim_head=width // note["heads"])
    layer.load_state_dict(under("cla_attention", "attn"))
    with torch.inference_mode():
        assert error(layer(g["hidden_states"]), g["output_plain"]) <= 1e-5
        layer.processor = LightAttention(note["gamma"], at_once=at_once)
        assert error(layer(g["hidden_states"]), g["output"]) <= 1e-5
        layer.processor = LightAttention(0.0)
        assert error(layer(g["hidden_states"]), g["output_plain"]) <= 1e-5


@pytest.mark.golden
@pytest.mark.parametrize("case", cases("cla_unet"))
def test_the_whole_network_answers_as_the_authors_does(case: str) -> None:
    g, unet = numbers("cla_unet"), ic_light_unet("fc")

    def run() -> torch.Tensor:
        return unet(g["sample"], g[f"{case}.timestep"], g["encoder_hidden_states"]).sample

    with torch.inference_mode():
        for i, gamma in enumerate(notes("cla_unet")["gammas"]):
            with shared_light(unet, gamma, at_once=2):
                assert error(run(), g[f"{case}.gamma{i}.output_cla"]) <= 1e-4
        assert error(run(), g[f"{case}.output_plain"]) <= 1e-4  # and leaves nothing behind


@pytest.mark.golden
def test_six_middle_layers_share_light() -> None:
    unet = ic_light_unet("fc")
    assert light_layers(unet) == notes("cla_unet")["cla_modules"]
    assert torch.equal(unet.state_dict()["conv_in.weight"], numbers("cla_unet")["conv_in.weight_merged"])


@pytest.mark.golden
def test_the_network_is_itself_again_after_a_failure() -> None:
    unet = ic_light_unet("fc")
    before = dict(unet.attn_processors)
    with pytest.raises(RuntimeError, match="stop"), shared_light(unet, 0.5):
        raise RuntimeError("stop")
    assert unet.attn_processors == before


@pytest.mark.golden
def test_equal_frames_are_left_as_they_are() -> None:
    g = numbers("cla_attention")
    layer = Attention(g["attn.to_q.weight"].shape[1], heads=2, dim_head=g["attn.to_q.weight"].shape[0] // 2)
    layer.load_state_dict(under("cla_attention", "attn"))
    frame = g["case0.hidden_states"][:1].expand(4, -1, -1)
    with torch.inference_mode():
        plain = layer(frame)
        layer.processor = LightAttention(0.6)
        assert error(layer(frame), plain) < 1e-5
