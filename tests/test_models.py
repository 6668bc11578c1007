"""The models folder: what is there, what fits, what may be used; and the command that says so."""

import json
from pathlib import Path
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file, save_file

from published_goldens import golden, numbers
from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.relighter.models.check import check, kind_of
from relamp.core.relighter.models.folder import Models
from relamp.core.relighter.models.layout import StableDiffusion, vae_tensors, weights_files
from relamp.core.relighter.models.ledger import ADAPTER, BASE, FREE, LEDGER, LICENCES, RELIGHTVID, require_allowed
from small_published import write_models

FC = "iclight_sd15_fc.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_models(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(copytree(made, tmp_path / "models"))


def base(folder: Path) -> StableDiffusion:
    return StableDiffusion(folder / BASE)


def rewritten(path: Path, change) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_the_ledger_says_what_every_model_allows():
    for model in LEDGER:
        assert model.licence in LICENCES
        assert model.terms
        assert model.home
    tags = {model.name: model.licence for model in LEDGER}
    assert tags[RELIGHTVID] == "noncommercial"
    assert tags[FC] not in FREE  # nobody has stated a licence of these weights


def test_what_may_not_be_used_is_refused_until_it_is_accepted_by_name():
    models = [("free", "commercial", "MIT"), ("mine.safetensors", "unknown", "nothing is said of it")]
    with pytest.raises(UsageError, match=r"mine\.safetensors has no licence that is known.*--accept mine$"):
        require_allowed(models, ())
    with pytest.raises(UsageError, match="may not be used commercially"):
        require_allowed([("x", "noncommercial", "CC BY-NC")], ("y",))
    require_allowed(models, ("mine",))
    require_allowed(models, ("mine.safetensors",))


def test_every_model_of_the_folder_is_told_by_what_is_in_it_and_fits(folder):
    kinds = {found.name: kind_of(found.path) for found in Models(folder).present()}
    assert kinds == {
        BASE: "sd15",
        FC: "ic-light",
        "iclight_sd15_fbc.safetensors": "ic-light",
        RELIGHTVID: "relightvid",
        ADAPTER: "motion-adapter",
    }
    for name, kind in kinds.items():
        assert "M parameters" in check(folder / name, kind, base(folder))


def test_the_published_sizes_are_known_without_a_base(folder):
    with pytest.raises(InputError, match=r"iclight_sd15_fc\.safetensors: conv_in\.bias is 32, the network wants 320"):
        check(folder / FC, "ic-light")
    with pytest.raises(InputError, match=r"the network wants 320|has no down_blocks"):
        check(folder / RELIGHTVID, "relightvid")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("conv_out.bias"), "has no conv_out.bias"),
        (lambda t: t.update({"lora.up": torch.zeros(2)}), "has lora.up, which the network does not"),
        (lambda t: t.update({"conv_out.bias": torch.zeros(7)}), "conv_out.bias is 7, the network wants 4"),
        (lambda t: t.update({"conv_out.bias": torch.zeros(4, dtype=torch.int8)}), "conv_out.bias is I8; expected one of F16"),
        (lambda t: t.pop("conv_in.weight"), "has no conv_in.weight"),
        (lambda t: t.update({"conv_in.weight": torch.zeros(32, 5, 3, 3)}), "conv_in.weight is 32 x 5 x 3 x 3"),
    ],
)  # fmt: skip
def test_the_first_key_that_does_not_fit_is_named(folder, change, said):
    rewritten(folder / FC, change)
    with pytest.raises(InputError) as caught:
        check(folder / FC, "ic-light", base(folder))
    assert said in str(caught.value)
    assert FC in str(caught.value)


def test_a_renamed_file_is_told_by_its_channels(folder):
    (folder / "iclight_sd15_fbc.safetensors").replace(folder / FC)
    with pytest.raises(InputError, match="is named fc but reads 12 channels, so it is fbc; rename it"):
        check(folder / FC, "ic-light", base(folder))


def test_parts_of_different_bases_are_told_apart(folder):
    config = folder / BASE / "unet" / "config.json"
    config.write_text(config.read_text().replace('"cross_attention_dim": 32', '"cross_attention_dim": 64'))
    with pytest.raises(InputError, match="the UNet wants text of width 64, the text encoder gives 32"):
        check(folder / BASE, "sd15")


def test_half_files_and_shards_are_found_and_pickles_are_not_loaded(folder):
    unet = folder / BASE / "unet"
    whole = unet / "diffusion_pytorch_model.safetensors"
    tensors = load_file(whole)
    whole.rename(unet / "diffusion_pytorch_model.fp16.safetensors")
    assert [p.name for p in base(folder).unet_files()] == ["diffusion_pytorch_model.fp16.safetensors"]
    (unet / "diffusion_pytorch_model.fp16.safetensors").unlink()
    keys = sorted(tensors)
    names = {key: f"part-{i % 2}.safetensors" for i, key in enumerate(keys)}
    for part in set(names.values()):
        save_file({key: tensors[key] for key in keys if names[key] == part}, unet / part)
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    assert base(folder).unet_tensors().keys() == tensors.keys()
    index.write_text(json.dumps({"weight_map": {"a": "../../other.safetensors"}}))
    with pytest.raises(InputError, match="which is not in its folder"):
        base(folder).unet_files()
    index.unlink()
    torch.save(tensors, unet / "diffusion_pytorch_model.bin")
    with pytest.raises(InputError, match=r"holds diffusion_pytorch_model\.bin: `relamp models convert .*unet`"):
        base(folder).unet_files()


def test_an_autoencoder_of_the_older_naming_is_the_same(folder):
    path = folder / BASE / "vae" / "diffusion_pytorch_model.safetensors"
    new = load_file(path)
    names = (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn"))
    old = {}
    for key, value in new.items():
        for now, before in names:
            if f".attentions.0.{now}." in key:
                key = key.replace(now, before)
                value = value[..., None, None] if key.endswith("weight") else value
        old[key] = value.contiguous()
    assert old.keys() != new.keys()
    back = vae_tensors(old)
    assert back.keys() == new.keys()
    assert all(torch.equal(back[key], new[key]) for key in new)
    save_file(old, path)
    assert "Stable Diffusion" in check(folder / BASE, "sd15")
    base(folder).vae()


def test_a_missing_model_is_asked_for_with_its_home_and_place(tmp_path):
    with pytest.raises(InputError, match=r"download it \(1\.7 GB\) from lllyasviel/ic-light and put it at .*--models"):
        Models(tmp_path).find(FC)
    with pytest.raises(InputError, match=r"there is no model .* \(the models folder holds nothing\)"):
        Models(tmp_path).find("mine")


def test_all_that_is_missing_is_told_at_once(tmp_path, capsys):
    (tmp_path / FC).write_bytes(b"")
    wanted = ("realistic-vision-v51", FC, "relvid_mm_sd15_fbc")
    with pytest.raises(InputError) as caught:
        Models(tmp_path).find_all(wanted)
    said = str(caught.value)
    assert said.startswith("2 models are missing; see `relamp models list`")
    for place in ("realistic-vision-v51", "relvid_mm_sd15_fbc.safetensors"):
        assert f"put it at {tmp_path / place}" in said
    assert FC not in said


def test_the_folder_is_the_one_named_else_the_variable_else_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RELAMP_MODELS", str(tmp_path))
    assert Models().folder == tmp_path
    assert Models(tmp_path / "other").folder == tmp_path / "other"
    monkeypatch.delenv("RELAMP_MODELS")
    assert Models().folder == Path.home() / ".relamp" / "models"


def test_a_hash_is_remembered_until_the_file_changes(folder):
    models = Models(folder)
    first = models.digest(folder / FC)
    assert json.loads((folder / "models.json").read_text())[FC]["sha256"] == first
    rewritten(folder / FC, lambda t: t["conv_out.bias"].add_(1))
    assert models.digest(folder / FC) != first
    whole = models.digest(folder / BASE)
    rewritten(folder / BASE / "vae" / "diffusion_pytorch_model.safetensors", lambda t: next(iter(t.values())).add_(1))
    assert models.digest(folder / BASE) != whole


def test_adding_copies_notes_licence_and_hash_and_check_sees_a_change(folder, tmp_path, capsys):
    where = ["models", "--models", str(folder)]
    source = tmp_path / "house.safetensors"
    save_file(dict(numbers("iclight_offset_fc")), source)
    add = [*where, "add", str(source), "--licence", "commercial", "--terms", "made in the house"]
    assert main(add) == 0
    assert (folder / "house.safetensors").read_bytes() == source.read_bytes()
    assert main([*where, "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out.split("\n", 1)[1])["models"]
    ours = next(row for row in rows if row["name"] == "house.safetensors")
    assert (ours["licence"], ours["terms"], ours["present"]) == ("commercial", "made in the house", True)
    assert main(add) == 2
    assert "is already there" in capsys.readouterr().err
    assert main([*where, "check", "house"]) == 0
    rewritten(folder / "house.safetensors", lambda t: t["conv_out.bias"].add_(1))
    assert main([*where, "check", "house"]) == 4
    assert "is not what was added" in capsys.readouterr().err


def test_a_link_is_no_copy(folder, tmp_path):
    source = tmp_path / "linked.safetensors"
    save_file(dict(numbers("iclight_offset_fc")), source)
    assert main(["models", "--models", str(folder), "add", str(source), "--link"]) == 0
    assert (folder / "linked.safetensors").is_symlink()


def test_only_what_fits_is_added(folder, tmp_path, capsys):
    where = ["models", "--models", str(folder), "add"]
    save_file({"a": torch.zeros(2)}, tmp_path / "odd.safetensors")
    assert main([*where, str(tmp_path / "odd.safetensors")]) == 4
    assert "begins with a: neither IC-Light" in capsys.readouterr().err
    assert main([*where, str(tmp_path / "none.safetensors")]) == 4
    assert "does not exist" in capsys.readouterr().err
    source = tmp_path / "good.safetensors"
    save_file(dict(numbers("iclight_offset_fc")), source)
    assert main([*where, str(source), "--licence", "free"]) == 2
    assert "a licence is one of commercial" in capsys.readouterr().err
    assert not (folder / "good.safetensors").exists()


def test_list_says_where_what_is_absent_has_to_lie(folder, capsys):
    (folder / FC).unlink()
    assert main(["models", "--models", str(folder), "list"]) == 0
    said = capsys.readouterr().out
    assert f"absent   {FC}" in said
    assert f"from lllyasviel/ic-light, to {folder / FC}" in said
    assert f"present  {RELIGHTVID}" in said
    assert "CC BY-NC-SA 4.0" in said


def test_check_looks_at_everything_and_fails_for_one(folder, capsys):
    where = ["models", "--models", str(folder), "check"]
    assert main(where) == 0
    assert capsys.readouterr().out.count("ok  ") == 5
    rewritten(folder / FC, lambda t: t.pop("conv_out.bias"))
    assert main(where) == 4
    said = capsys.readouterr()
    assert said.out.count("ok  ") == 4
    assert "has no conv_out.bias" in said.out
    assert "1 of 5 models do not fit" in said.err


def test_a_folder_of_pickles_is_converted_in_place_and_loads(folder, capsys):
    torch.save(load_file(golden("relightvid_motion")), folder / "relvid_mm_sd15_fbc.pth")
    (folder / RELIGHTVID).unlink()
    text = folder / BASE / "text_encoder"
    torch.save(load_file(text / "model.safetensors"), text / "pytorch_model.bin")
    (text / "model.safetensors").unlink()
    assert main(["models", "convert", str(folder)]) == 0
    assert check(folder / RELIGHTVID, "relightvid", base(folder))
    assert check(folder / BASE, "sd15")
    assert main(["models", "convert", str(folder)]) == 4
    assert "holds no checkpoint" in capsys.readouterr().err


def test_a_network_without_weights_is_said_so(tmp_path):
    with pytest.raises(InputError, match=r"has no diffusion_pytorch_model\.safetensors; download it again"):
        weights_files(tmp_path, "diffusion_pytorch_model")
