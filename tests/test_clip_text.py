"""CLIP's text encoder and tokenizer against the library they usually come from (`tests/goldens/clip_text`)."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from relamp.core.errors import InputError
from relamp.core.relighter.stable_diffusion.clip_text import build_text_encoder
from relamp.core.relighter.stable_diffusion.clip_tokens import ClipTokens
from relamp.core.relighter.stable_diffusion.prompts import encode
from small_published import vocabulary, write_text_encoder, write_tokenizer

GOLDEN = Path(__file__).parent / "goldens" / "clip_text" / "clip_text.safetensors"
with safe_open(GOLDEN, "pt") as _file:
    NOTES = {key: json.loads(value) for key, value in _file.metadata().items()}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory) -> ClipTokens:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return ClipTokens(folder)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_hidden_states_are_the_librarys(activation):
    g = load_file(GOLDEN)
    prefix = f"{activation}.weights."
    weights = {key.removeprefix(prefix): v for key, v in g.items() if key.startswith(prefix)}
    config = NOTES[f"{activation}.config"]
    encoder = build_text_encoder(config, weights, "golden")
    assert (encoder(g[f"{activation}.ids"]) - g[f"{activation}.output"]).abs().max() < 1e-5


@pytest.mark.parametrize(("sentence", "ids"), list(zip(NOTES["sentences"], NOTES["ids"], strict=True)))
def test_tokens_are_the_librarys(tokens, sentence, ids):
    assert tokens.ids(sentence) == ids


def test_keys_stand_with_and_without_their_prefix(tmp_path):
    write_text_encoder(tmp_path, 16)
    state, config = load_file(tmp_path / "model.safetensors"), json.loads((tmp_path / "config.json").read_text())
    bare = {key.removeprefix("text_model."): value for key, value in state.items()}
    ids = torch.arange(77)[None]
    assert torch.equal(build_text_encoder(config, state, "a")(ids), build_text_encoder(config, bare, "b")(ids))


def test_a_long_prompt_is_encoded_in_blocks(tokens, tmp_path):
    write_text_encoder(tmp_path, 16)
    state, config = load_file(tmp_path / "model.safetensors"), json.loads((tmp_path / "config.json").read_text())
    encoder = build_text_encoder(config, state, "small")
    text = encode("light " * 100, "sun", tokens.tokens, encoder)
    assert text.positive.shape == text.negative.shape == (1, 154, 16)


def test_what_is_no_text_encoder_is_refused():
    with pytest.raises(InputError, match="says no hidden_size"):
        build_text_encoder({}, {}, "t")
    config = {**NOTES["gelu.config"], "hidden_act": "relu"}
    with pytest.raises(InputError, match="asks for the activation 'relu'"):
        build_text_encoder(config, {}, "t")
    with pytest.raises(InputError, match=r"t has no embeddings\.position_embedding\.weight"):
        build_text_encoder(NOTES["gelu.config"], {}, "t")


def test_a_tokenizer_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"vocab\.json cannot be read"):
        ClipTokens(tmp_path)
    write_tokenizer(tmp_path)
    (tmp_path / "merges.txt").write_text("a b c\n")
    with pytest.raises(InputError, match="a line holds two parts"):
        ClipTokens(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps(dict.fromkeys(vocabulary()[:5], 0)))
    with pytest.raises(InputError, match="it is not CLIP's vocabulary"):
        ClipTokens(tmp_path)
