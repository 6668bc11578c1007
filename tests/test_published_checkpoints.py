"""Weights come from safetensors alone; pickles are converted once, and only when they hold nothing but weights."""

import datetime
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from published_goldens import error, golden, notes, numbers
from relamp.core.errors import InputError, OutputError
from relamp.core.relighter.relightvid.model import adapter_tensors
from relamp.core.relighter.stable_diffusion.checkpoints import (
    build_unet,
    convert_pickle,
    empty_unet,
    read_config,
    read_tensors,
)

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.zeros(2, dtype=torch.float16)}


@pytest.fixture
def pickled(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(WEIGHTS, path)
    return path


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickle_of_weights_becomes_safetensors(tmp_path: Path, wrapped: bool) -> None:
    path, out = tmp_path / "weights.pth", tmp_path / "weights.safetensors"
    torch.save({"state_dict": WEIGHTS, "epoch": 3} if wrapped else WEIGHTS, path)
    assert convert_pickle(path, out) == list(WEIGHTS)
    back = read_tensors(out)
    assert back.keys() == WEIGHTS.keys()
    assert all(torch.equal(back[key], v) and back[key].dtype == v.dtype for key, v in WEIGHTS.items())
    assert sorted(tmp_path.iterdir()) == [path, out]


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    whole = torch.arange(4.0)
    torch.save({"x": whole, "y": whole[1:3], "z": whole.reshape(2, 2).T}, tmp_path / "shared.pth")
    convert_pickle(tmp_path / "shared.pth", tmp_path / "out.safetensors")
    back = read_tensors(tmp_path / "out.safetensors")
    assert back["y"].tolist() == [1.0, 2.0]
    assert back["z"].tolist() == [[0.0, 2.0], [1.0, 3.0]]


@pytest.mark.golden
def test_relightvids_checkpoint_is_converted_once_and_loads(tmp_path: Path) -> None:
    motion = numbers("relightvid_motion")
    torch.save(motion, tmp_path / "relvid.pth")
    keys = convert_pickle(tmp_path / "relvid.pth", tmp_path / "relvid.safetensors")
    assert sorted(keys) == sorted(motion)
    back = read_tensors(tmp_path / "relvid.safetensors")
    key = next(iter(adapter_tensors(back, "relvid")))
    assert error(adapter_tensors(back, "relvid")[key], adapter_tensors(motion, "relvid")[key]) == 0


def test_a_pickle_is_never_loaded_as_weights(pickled: Path) -> None:
    with pytest.raises(InputError, match=r"weights\.pth is a pickle.*relamp models convert weights\.pth"):
        read_tensors(pickled)


def test_a_pickle_under_the_name_of_safetensors_is_told_to_be_renamed_before_it_is_converted(pickled: Path) -> None:
    renamed = pickled.rename(pickled.with_name("weights.safetensors"))
    sentence = r"weights\.safetensors is a pickle.*rename it to weights\.ckpt and .*relamp models convert weights\.ckpt"
    with pytest.raises(InputError, match=sentence):
        read_tensors(renamed)
    assert convert_pickle(renamed.rename(pickled.with_name("weights.ckpt")), renamed) == list(WEIGHTS)


def test_a_pickle_that_holds_more_than_weights_is_refused(tmp_path: Path) -> None:
    path, out = tmp_path / "code.pth", tmp_path / "code.safetensors"
    torch.save({**WEIGHTS, "when": datetime.date(2025, 1, 1)}, path)
    with pytest.raises(InputError, match=r"code\.pth holds more than weights.*could run code, so it was refused"):
        convert_pickle(path, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "match"), [({"a": 3}, "holds 'a', which is no tensor"), ([1, 2], "no table of tensors")]
)
def test_a_pickle_of_something_else_is_refused(tmp_path: Path, content: object, match: str) -> None:
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=match):
        convert_pickle(tmp_path / "odd.pth", tmp_path / "out.safetensors")


@pytest.mark.parametrize("kept", [0, 40])
def test_a_damaged_checkpoint_is_refused(pickled: Path, tmp_path: Path, kept: int) -> None:
    pickled.write_bytes(pickled.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"weights\.pth"):
        convert_pickle(pickled, tmp_path / "out.safetensors")


def test_nothing_is_written_over(pickled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    save_file({"old": torch.zeros(1)}, out)
    with pytest.raises(OutputError, match="already there"):
        convert_pickle(pickled, out)
    assert list(read_tensors(out)) == ["old"]


def test_a_folder_that_is_not_there_is_said_so(pickled: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        convert_pickle(pickled, tmp_path / "no" / "out.safetensors")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors cannot be read"):
        read_tensors(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match=r"none\.pth cannot be read"):
        convert_pickle(tmp_path / "none.pth", tmp_path / "out.safetensors")
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_config(tmp_path / "config.json")


@pytest.mark.golden
def test_a_cut_download_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(golden("cla_attention").read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.safetensors is not a whole safetensors file"):
        read_tensors(path)


@pytest.mark.parametrize(("text", "match"), [("{", "is not JSON"), ("[1]", "holds no names")])
def test_a_damaged_configuration_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=match):
        read_config(tmp_path / "config.json")


def test_a_network_that_is_filled_leaves_the_empty_one_of_its_config_empty() -> None:
    config = notes("base_unet")["unet_config"]
    empty = empty_unet(config)
    filled = build_unet(config, numbers("base_unet"), "base")
    assert empty_unet(config) is empty
    assert all(weight.is_meta for weight in empty.parameters())
    assert not any(weight.is_meta for weight in filled.parameters())
