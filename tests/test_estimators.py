"""Estimators: published inputs and outputs through the real loading code, their axes found on a ball, wrong files refused."""

import importlib
import sys
import types

import cv2
import numpy as np
import pytest
import small_estimators
import torch

from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.rec709 import TO_REC709
from relamp.core.relighter.models import estimator_files
from relamp.core.relighter.models.folder import Models
from relamp.core.relighter.models.ledger import DAVID, LEDGER, MARIGOLD, MOGE
from relamp.core.shape.estimators import NEAR_TO_FAR, Picture, david
from relamp.core.shape.estimators.david import David
from relamp.core.shape.estimators.marigold import Marigold, Part
from relamp.core.shape.estimators.moge import AXES, MoGe, shift
from relamp.core.shape.estimators.probe import ball, look
from relamp.core.shape.reconcile import planar

PERMUTED = np.array([[0.0, 1, 0], [0, 0, 1], [-1, 0, 0]])
PERSONAL = {"multi": DAVID["multi"][0], "normals": DAVID["normals"][-1]}


def agreement(estimator):
    """The mean cosine of an estimator's normals on the ball."""
    picture, truth = ball()
    seen = estimator.estimate(picture).normals
    seen = seen if seen.shape[:2] == truth.shape[:2] else seen[::2, ::2]
    inside = np.abs(truth).sum(-1) > 0
    return (seen[inside] * truth[inside]).sum(-1).mean()


def test_moges_points_are_shifted_so_that_they_project_to_their_pixels(tmp_path):
    picture, _ = ball()
    found = MoGe(small_estimators.moge(tmp_path / "m.onnx")).estimate(picture)
    # A wall whose points came at z = 1 with rays of z = 2, times the metric scale of 1.5.
    np.testing.assert_allclose(found.depth, 3.0, rtol=1e-3)
    assert found.depth_kind == "z"


@pytest.mark.parametrize("offset", [-0.7, 0.0, 4.0])
def test_the_shift_is_recovered_for_any_shape(offset):
    rng = np.random.default_rng(0)
    z = 3 + rng.random((40, 60)).astype(np.float32)
    focal = 1 / np.tan(np.radians(15))
    x, y = np.meshgrid((np.arange(60) + 0.5) / 30 - 1, ((np.arange(40) + 0.5) * 2 - 40) / 60)
    points = np.stack([x * z / focal, y * z / focal, z - offset], -1)
    assert shift(points, np.ones(z.shape, bool), 30.0) == pytest.approx(offset, abs=1e-3)


@pytest.mark.parametrize(
    "make", [small_estimators.moge, lambda path, axes=None: small_estimators.david(path, "normals", axes)]
)
def test_axes_of_another_order_are_found_on_the_ball_and_turned_right(tmp_path, make):
    path = make(tmp_path / "wrong.onnx", PERMUTED)

    def opened(turn=None):
        return MoGe(path, turn=turn) if make is small_estimators.moge else David({"normals": path}, turn=turn)

    assert agreement(opened()) < 0.6
    found = look(opened())
    assert not found.as_it_should
    assert "are turned" in found.words
    assert agreement(opened(found.turn)) > 0.98


def test_published_axes_are_left_alone(tmp_path):
    for estimator in (
        MoGe(small_estimators.moge(tmp_path / "m.onnx")),
        David({"multi": small_estimators.david(tmp_path / "d.onnx")}),
    ):
        found = look(estimator)
        assert found.as_it_should
        assert found.agreement > 0.98


def test_a_network_that_sees_no_ball_is_left_as_published_and_said_so():
    class Blind:
        name, gives, size = "blind", frozenset({"normals"}), 256

        def estimate(self, picture):
            from relamp.core.shape.estimators import Passes

            return Passes(normals=np.broadcast_to(np.float32([0, 0.6, 0.8]), (*picture.matte.shape, 3)))

    found = look(Blind())
    assert np.array_equal(found.turn, np.eye(3))
    assert "sees no ball" in found.words


def test_normals_encoded_from_0_to_1_are_refused(tmp_path):
    encoded = small_estimators.david(tmp_path / "e.onnx", "normals")
    real = David({"normals": encoded})

    class Encoded:
        name, gives, size = "david", frozenset({"normals"}), 256

        def estimate(self, picture):
            from dataclasses import replace

            found = real.estimate(picture)
            return replace(found, normals=found.normals / 2 + 0.5)

    with pytest.raises(InputError, match="encoded from 0 to 1"):
        look(Encoded())


def test_david_is_shown_blue_first_display_code_in_a_square_of_512(tmp_path):
    estimator = David({"multi": small_estimators.david(tmp_path / "d.onnx")})
    light = np.broadcast_to(np.float32([0.1, 0.2, 0.4]), (90, 160, 3))
    found = estimator.estimate(Picture(light, np.ones((90, 160), np.float32), 40.0))
    blue = encode_srgb(light[0, 0] @ TO_REC709.T)[2]
    np.testing.assert_allclose(found.matte, blue, atol=1e-3)  # the toy's matte is the first plane it was given
    assert found.matte.shape == found.depth.shape == (90, 160)
    assert found.depth_kind == NEAR_TO_FAR
    assert found.depth[:5].mean() > found.depth[-5:].mean()
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=-1), 1, atol=1e-3)


def test_david_of_single_files_gives_what_is_there(tmp_path):
    paths = {kind: small_estimators.david(tmp_path / f"{kind}.onnx", kind) for kind in ("normals", "depth")}
    estimator = David(paths)
    found = estimator.estimate(ball()[0])
    assert estimator.gives == {"normals", "depth"}
    assert found.matte is None
    assert found.depth is not None


@pytest.mark.parametrize(
    ("kind", "make", "said"),
    [
        ("moge", lambda path: small_estimators.david(path), "has no input image"),
        ("david-normals", lambda path: small_estimators.moge(path), "DAViD takes one picture of 1 x 3 x 512 x 512"),
        ("david-multi", lambda path: small_estimators.david(path, "depth"), "has 1 outputs"),
        ("david-depth", lambda path: small_estimators.david(path, "depth", side=384), "takes input .*384"),
        ("moge", lambda path: path.write_bytes(b"not onnx"), "cannot be read as an ONNX network"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, kind, make, said):
    make(tmp_path / "x.onnx")
    with pytest.raises(InputError, match=said) as caught:
        estimator_files.check(tmp_path / "x.onnx", kind)
    assert "x.onnx" in str(caught.value)


@pytest.mark.parametrize("kind", ["normals", "depth", "intrinsics"])
def test_marigold_gives_the_numbers_of_diffusers_own_pipeline(tmp_path, monkeypatch, kind):
    folder = small_estimators.marigold(tmp_path / "m", kind)
    prompt = estimator_files.empty_prompt(folder)
    assert prompt.shape == (1, 2, 32)
    part = Part(folder, prompt)
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    ours = part.predict(image, seed=5)
    # The pipelines name two classes of a library that is not needed to run them.
    stub = types.ModuleType("transformers")
    stub.CLIPTextModel = stub.CLIPTokenizer = type("Unused", (), {})
    monkeypatch.setitem(sys.modules, "transformers", stub)
    name = f"pipeline_marigold_{kind}"
    module = importlib.import_module(f"diffusers.pipelines.marigold.{name}")
    made = getattr(module, f"Marigold{kind.capitalize()}Pipeline")
    more = {"target_properties": dict(part.index.targets)} if kind == "intrinsics" else {}
    pipeline = made(
        part._unet, part._vae, part._scheduler, None, None, prediction_type=kind,
        default_denoising_steps=part.index.steps, default_processing_resolution=part.index.size, **more,
    )  # fmt: skip
    pipeline.empty_text_embedding = prompt
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(image, generator=[torch.Generator().manual_seed(5)], output_type="pt").prediction
    monkeypatch.delitem(sys.modules, f"diffusers.pipelines.marigold.{name}")
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_marigolds_parts_together_give_all_they_see_with_the_same_bits_twice(tmp_path):
    folders = [small_estimators.marigold(tmp_path / kind, kind) for kind in ("normals", "depth", "intrinsics")]
    parts = [Part(f, estimator_files.empty_prompt(f)) for f in folders]
    estimator = Marigold({part.index.prediction: part for part in parts})
    light = np.random.default_rng(0).random((32, 48, 3)).astype(np.float32)
    picture = Picture(light, np.ones((32, 48), np.float32), 40.0, frame=1001)
    one, two = estimator.estimate(picture), estimator.estimate(picture)
    assert estimator.gives == {"normals", "depth", "albedo", "roughness", "metallic"}
    for plane in estimator.gives:
        assert np.array_equal(getattr(one, plane), getattr(two, plane))
        assert getattr(one, plane).shape[:2] == (32, 48)
    assert one.roughness.min() >= 0
    assert one.roughness.max() <= 1


def test_marigolds_networks_have_to_fit_each_other(tmp_path):
    folder = small_estimators.marigold(tmp_path / "m", "normals")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace('"normals"', '"depth"', 1).replace('"normals"', '"depth"'))
    Part(folder, estimator_files.empty_prompt(folder))  # same channels: told apart by its index alone
    with pytest.raises(InputError, match="wants text of width 32, the text encoder gives 64"):
        Part(folder, torch.zeros(1, 2, 64))
    index.write_text(index.read_text().replace('"depth"', '"iid"'))
    with pytest.raises(InputError, match="prediction_type is 'iid'"):
        Part(folder, torch.zeros(1, 2, 32))


def test_adding_finds_the_axes_and_keeps_them(tmp_path, capsys):
    folder, source = tmp_path / "models", small_estimators.moge(tmp_path / MOGE[-1], PERMUTED)
    assert main(["models", "--models", str(folder), "add", str(source)]) == 0
    assert "X, Y, Z are its" in capsys.readouterr().out
    models = Models(folder)
    loaded = estimator_files.load("moge", models, accept=(MOGE[-1].removesuffix(".onnx"),))
    assert agreement(loaded.estimator) > 0.98
    assert main(["models", "--models", str(folder), "check"]) == 0
    assert "MoGe-2 with normals" in capsys.readouterr().out


def test_a_file_put_there_by_hand_is_asked_when_it_is_opened(tmp_path):
    small_estimators.david(tmp_path / DAVID["normals"][-1], "normals", PERMUTED)
    loaded = estimator_files.load("david", Models(tmp_path))
    assert agreement(loaded.estimator) > 0.98


def test_adding_marigold_keeps_the_empty_prompt_so_that_no_text_encoder_is_needed(tmp_path):
    source, folder = small_estimators.marigold(tmp_path / MARIGOLD[0]), tmp_path / "models"
    assert main(["models", "--models", str(folder), "add", str(source)]) == 0
    before = estimator_files.empty_prompt(source)
    for file in sorted((folder / MARIGOLD[0] / "text_encoder").iterdir()):
        file.unlink()
    assert torch.equal(estimator_files.empty_prompt(folder / MARIGOLD[0]), before)


@pytest.mark.parametrize(
    ("name", "file"), [("moge", MOGE[-1]), ("david", DAVID["multi"][0]), ("marigold", MARIGOLD[0])]
)
def test_a_missing_file_is_asked_for_with_its_home_and_place(tmp_path, name, file):
    with pytest.raises(InputError, match=rf"{file} is not there: download it .* put it at {tmp_path / file}"):
        estimator_files.load(name, Models(tmp_path))


def test_weights_of_an_unknown_licence_are_refused_until_accepted(tmp_path):
    small_estimators.moge(tmp_path / MOGE[-1])
    with pytest.raises(UsageError, match=r"has no licence that is known.*--accept moge-2-vits-normal$"):
        estimator_files.load("moge", Models(tmp_path))


def test_the_ledger_says_size_and_axes_of_every_estimator():
    for model in LEDGER:
        assert not model.estimator or (model.size and model.axes and model.home and model.terms)
    assert {model.estimator for model in LEDGER if model.estimator} == {"moge", "david", "marigold"}


def test_relative_depth_takes_its_scale_from_the_normals():
    picture, normals = ball()
    matte = picture.matte
    x, y = np.meshgrid(*2 * [(np.arange(256) + 0.5) / 128 - 1])
    height = np.sqrt(np.maximum(0.49 - x * x - y * y, 0)).astype(np.float32) / 2  # in longer sides
    facing = np.where(matte[..., None] > 0, normals, [0, 0, 1]).astype(np.float32)
    found = planar(0.9 - 1.3 * height, NEAR_TO_FAR, facing, matte, 40.0)
    inside = x * x + y * y < 0.36
    depth, truth = found[inside], -height[inside]
    slope = np.polyfit(truth - truth.mean(), depth - depth.mean(), 1)[0]
    assert slope == pytest.approx(1, abs=0.12)
    assert found[inside].mean() == pytest.approx(1 / 2 / np.tan(np.radians(20)), rel=0.05)
    assert planar(height, NEAR_TO_FAR, None, matte, 40.0) is None


def test_david_is_shown_a_square_padded_by_its_own_border_by_hand():
    """A picture of 2 x 4 px becomes a square of 4 whose first row repeats the picture's, each pixel 128 px wide at 512."""
    red = np.float32([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    code = np.dstack([red, red / 2, red / 4])  # RGB
    seen, place = david._shown(code)
    assert place == (1, 0, 4)
    assert seen.shape == (1, 3, 512, 512)
    centres = 64 + 128 * np.arange(4)
    # At a pixel's centre, halfway between 63.5 and 64.5 of the larger picture, a bilinear filter gives the pixel's own value.
    at = (seen[0][:, centres - 1][:, :, centres - 1] + seen[0][:, centres][:, :, centres]) / 2  # (3, 4, 4), BGR
    rows = red[[0, 0, 1, 1]]
    np.testing.assert_allclose(at[2], rows, atol=1e-3)
    np.testing.assert_allclose(at[1], rows / 2, atol=1e-3)
    np.testing.assert_allclose(at[0], rows / 4, atol=1e-3)


@pytest.mark.parametrize(("side", "kept"), [(1536, 1536), (1537, 769), (4000, 1000)])
def test_david_is_halved_while_more_than_three_times_512(side, kept, monkeypatch):
    resized = []
    given = cv2.resize
    monkeypatch.setattr(
        david.cv2, "resize", lambda picture, *a, **k: resized.append(picture.shape) or given(picture, *a, **k)
    )
    seen, place = david._shown(np.full((side, 3, 3), 0.25, np.float32))
    assert resized[0][:2] == (kept, kept)
    assert place[2] == side
    np.testing.assert_allclose(seen, 0.25, atol=1e-5)


def test_marigolds_albedo_is_decoded_and_its_material_read_in_order_by_hand():
    targets = {
        "target_names": ["albedo", "material"],
        "albedo": {"prediction_space": "srgb"},
        "material": {"prediction_space": "stack", "sub_target_names": ["roughness", "metallicity", None]},
    }
    planes = torch.tensor([[0.5, 0.5, 0.5], [0.3, 0.9, 0.1]])[:, :, None, None]  # (2, 3, 1, 1): albedo, material
    index = types.SimpleNamespace(size=64, targets=targets)
    part = types.SimpleNamespace(index=index, predict=lambda image, seed: planes)
    found = Marigold({"intrinsics": part}).estimate(
        Picture(np.ones((1, 1, 3), np.float32), np.ones((1, 1), np.float32), 40.0)
    )
    # ((0.5 + 0.055) / 1.055)^2.4; a grey is the same in ACEScg.
    np.testing.assert_allclose(found.albedo, 0.21404, rtol=1e-4)
    assert found.roughness.item() == pytest.approx(0.3)
    assert found.metallic.item() == pytest.approx(0.9)


def test_moges_axes_are_opencvs_turned_by_half_about_x():
    # What faces an OpenCV camera points along -Z, what faces up along -Y.
    seen = np.float32([[0, 0, -1], [0, -1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(seen @ AXES.T, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
