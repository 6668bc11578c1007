"""Relamp's backbone over a toy network of shape: its file, what it sees, and the promises of the answer."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from relamp.core.errors import InputError
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.by_facing import log_light_by_facing
from relamp.core.light.environment import AP1_LUMINANCE, rotate, rotation_matrix
from relamp.core.pictures.curves import decode_log, encode_log
from relamp.core.relighter import weights
from relamp.core.relighter.own import backbone as own_backbone
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.relighter.own.conditions import build, with_shape
from relamp.core.shape.estimators import own
from relamp.core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork
from relamp.core.weights.ledger import LEDGER
from small_relighter import ball, conditions, environment, network, tables

SMALL = ShapeArchitecture(channels=(8, 8, 16), blocks=1, heads=2, fine=4)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "toy.safetensors"
    own.save(ShapeNetwork(SMALL).eval(), path, {"name": "toy"})
    return path


@pytest.fixture(scope="module")
def backbone(stored):
    return Relamp(path=stored, parts=None)


def relit(backbone, c):
    [answer] = backbone.relight([c], frames=[1001])
    return answer


def inside(size=48):
    return ball(size, size)[1] > 0.5


def test_weights_come_back_with_their_card_and_digest(stored):
    loaded = own.load(stored)
    assert loaded.digest == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert loaded.card["name"] == "toy"
    assert loaded.network.architecture == SMALL
    assert not loaded.network.training


def test_weights_that_are_missing_or_of_something_else_are_an_error(tmp_path, stored):
    with pytest.raises(InputError, match="reinstall Relamp"):
        own.load(tmp_path / "none.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(stored.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read as weights"):
        own.load(damaged)
    foreign = tmp_path / "denoiser.safetensors"
    weights.save(network(), foreign, {"name": "toy"})
    with pytest.raises(InputError, match=r"expected relamp\.shape/1"):
        own.load(foreign)


def test_shipped_weights_with_one_other_bit_than_the_ledger_says_are_refused(tmp_path):
    whole = own.SHIPPED.read_bytes()
    changed = tmp_path / own.SHIPPED.name
    (tmp_path / LEDGER.name).write_bytes(LEDGER.read_bytes())
    changed.write_bytes(whole)
    assert own.load(changed).digest == own.load().digest
    changed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=r"shape-1\.safetensors is damaged or was changed: its SHA-256 is"):
        own.load(changed)


def test_the_weights_that_ship_see_a_ball_as_a_ball():
    light, matte, normals = ball(128, 128)
    with torch.inference_mode():
        seen = own.load().network(
            torch.from_numpy(encode_log(light).transpose(2, 0, 1))[None], torch.from_numpy(matte)[None, None]
        )
    cosine = (seen.normals[0].numpy().transpose(1, 2, 0) * normals).sum(-1)[matte > 0.5]
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 25
    assert float(seen.normals.norm(dim=1).sub(1).abs().max()) < 1e-3


@pytest.mark.parametrize("share", [0.7, 1.4])
def test_what_is_seen_does_not_depend_on_the_size_that_is_asked_for(share):
    loaded = own.load()

    def seen_at(size):
        light, matte, _ = ball(size, size)
        code = torch.from_numpy(encode_log(light).transpose(2, 0, 1).copy())[None]
        with torch.inference_mode():
            shape = own.see(loaded.network, code, torch.from_numpy(matte)[None, None]).shape
        return torch.nn.functional.interpolate(shape.normals, size=(64, 64), mode="bilinear", antialias=True), matte

    here, matte = seen_at(own.SEEN)
    there, _ = seen_at(round(own.SEEN * share))
    inside = cv2.resize(matte, (64, 64), interpolation=cv2.INTER_AREA) > 0.99
    cosine = torch.nn.functional.cosine_similarity(here, there, dim=1)[0].numpy()[inside]
    assert np.degrees(np.arccos(np.clip(np.quantile(cosine, 0.1), -1, 1))) < 3


def test_the_same_light_changes_nothing(backbone):
    light = tables(environment())
    for given in (True, False):
        answer = relit(backbone, conditions(light, tables(environment()), given=given))
        assert not (answer.hint + answer.residual).any()


def test_given_normals_are_answered_with_and_guessed_ones_are_the_networks(backbone):
    _, matte, normals = ball()
    known, guessed = relit(backbone, conditions()), relit(backbone, conditions(given=False))
    np.testing.assert_allclose(known.normals[matte > 0.5], normals[matte > 0.5], atol=1e-6)
    assert np.abs(guessed.normals - normals)[matte > 0.5].max() > 0.1
    assert (known.confidence == 1).all()
    assert guessed.confidence[matte > 0.5].max() < 1


def test_a_subject_keeps_its_mean_brightness_where_nothing_is_known_of_its_light(backbone):
    luminance = np.float32(AP1_LUMINANCE)
    for toward in ((1, 0, 0), (0, 0, -1), (0, 1, 0.2)):
        given = conditions(tables(environment(toward)))
        answer = relit(backbone, given)
        gain = np.exp(answer.hint + answer.residual) @ luminance
        plate = decode_log(given.code[0].permute(1, 2, 0).numpy()) @ luminance
        assert (gain * plate)[inside()].mean() == pytest.approx(plate[inside()].mean(), rel=0.03)


def test_the_exposure_that_is_kept_is_that_of_the_skin_where_there_is_enough_of_it(backbone):
    _, matte, _ = ball()
    parts = np.zeros((*matte.shape, 3), np.float32)
    left = np.arange(matte.shape[1]) < matte.shape[1] // 2
    parts[:, left, 0] = 1
    given = conditions(tables(environment((1, 0, 0))))
    shape = backbone.see(given.code[0].permute(1, 2, 0).numpy(), given.matte[0, 0].numpy())
    answer = relit(backbone, with_shape(given, replace(shape, parts=parts)))
    luminance = np.float32(AP1_LUMINANCE)
    plate = decode_log(given.code[0].permute(1, 2, 0).numpy()) @ luminance
    relit_plate = plate * (np.exp(answer.hint + answer.residual) @ luminance)
    face, rest = inside() & left, inside() & ~left
    assert relit_plate[face].mean() == pytest.approx(plate[face].mean(), rel=0.05)
    assert relit_plate[rest].mean() > 1.3 * plate[rest].mean()  # the light comes from there


def test_the_colour_of_the_change_is_that_of_the_light(backbone):
    pixels = environment() * np.float32([1.0, 0.5, 0.25])
    answer = relit(backbone, conditions(tables(pixels), given=False))
    gain = np.exp(answer.hint + answer.residual)[inside()]
    even = np.exp(relit(backbone, conditions(tables(environment()), given=False)).hint)[inside()]
    ratio = (gain[:, 0] / gain[:, 2]) / (even[:, 0] / even[:, 2])
    # Nothing is blacker than a hundredth of the light, in any channel: there the colour is drawn to white.
    assert np.quantile(np.abs(ratio / 4 - 1), 0.9) < 0.05


def test_a_plate_lit_from_the_left_is_taken_as_lit_from_the_left():
    _, matte, normals = ball(96, 96)
    n = torch.from_numpy(normals.transpose(2, 0, 1))[None]
    m = torch.from_numpy(matte)[None, None]
    luminance = (0.2 * torch.exp(-0.8 * n[:, :1])) * m
    texture = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.75
    found = log_light_by_facing(luminance * texture, n, m)
    wanted = -0.8 * n[:, :1]
    there = m > 0
    slope = (found[there] * wanted[there]).mean() / (wanted[there] ** 2).mean()
    assert 0.65 < float(slope) < 0.85  # four fifths are believed
    assert abs(float(found[there].mean())) < 1e-3


def test_dark_hair_does_not_make_a_light():
    _, matte, normals = ball(96, 96)
    n = torch.from_numpy(normals.transpose(2, 0, 1))[None]
    m = torch.from_numpy(matte)[None, None]
    albedo = torch.where(n[:, 1:2] > 0.75, 0.03, 0.4)
    found = log_light_by_facing(albedo * m, n, m)[m > 0]
    assert float(found.max() - found.min()) < 0.5


def test_without_a_matte_there_is_no_light_by_facing():
    nothing = torch.zeros(1, 1, 8, 8)
    assert not log_light_by_facing(nothing + 0.2, torch.ones(1, 3, 8, 8), nothing).any()


def test_the_mirrored_plate_in_the_mirrored_light_is_the_mirrored_picture(backbone):
    pixels = environment((0.9, 0.2, 0.3))
    one = conditions(tables(pixels))
    one.code = one.code * torch.linspace(0.5, 1.5, 48)
    other = conditions(tables(pixels[:, ::-1].copy()))
    other.code = one.code.flip(3)
    a, b = relit(backbone, one), relit(backbone, other)
    difference = np.abs((a.hint + a.residual) - (b.hint + b.residual)[:, ::-1])[inside()]
    assert np.quantile(difference, 0.95) < 0.03


def test_turning_the_light_and_turning_its_map_are_one(backbone):
    pixels, matrix = environment(), rotation_matrix(20, 130, 0)
    turned = relit(backbone, conditions(tables(rotate(pixels, matrix))))
    read = relit(backbone, conditions(tables(pixels), to_map=matrix.T))
    difference = np.abs((turned.hint + turned.residual) - (read.hint + read.residual))[inside()]
    assert np.quantile(difference, 0.95) < 0.05


def test_while_a_light_is_turned_the_plate_is_looked_at_once(backbone, monkeypatch):
    looked = []
    monkeypatch.setattr(own_backbone, "see", lambda *a, real=own_backbone.see: looked.append(1) or real(*a))
    backbone._kept = None
    for angle in (0, 40, 80):
        relit(backbone, conditions(to_map=rotation_matrix(0, angle, 0)))
    assert len(looked) == 1
    other = conditions()
    other.code = other.code + 0.01
    relit(backbone, other)
    assert len(looked) == 2


def test_a_ball_before_a_wall_is_shadowed_on_the_right_side(backbone):
    y, x = np.mgrid[:96, :96].astype(np.float32)
    x, y = x - 47.5, 47.5 - y
    radius = 16.0
    bump = x**2 + y**2 < radius**2
    z = np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0))
    normals = np.where(bump[..., None], np.stack([x, y, z], -1) / radius, np.float32([0, 0, 1])).astype(np.float32)
    light = np.full((96, 96, 3), 0.2, np.float32)
    ones = np.ones((96, 96), np.float32)
    target = (tables(environment((1, 0, 0.5), strength=200)), np.eye(3))
    c = build(light, ones, camera_rays(96, 96), target, normals=normals, known=ones > 0)
    residual = relit(backbone, c).residual.mean(-1)
    row = residual[48] - np.median(residual)
    assert row[24:30].min() < -0.25  # the wall to the left of the ball, the light on the right
    assert abs(row[68:74]).max() < 0.1


def test_what_the_network_sees_hardly_depends_on_how_its_scales_fit_the_picture():
    code, matte = (torch.from_numpy(np.ascontiguousarray(p))[None] for p in lit_ball(320, 256))
    network = own.load().network
    # 256 rows fit the coarsest scale, 232 do not; what is cut off holds nothing of the subject.
    with torch.inference_mode():
        whole = own.see(network, code, matte).shape.normals
        cut = own.see(network, code[:, :, 12:-12], matte[:, :, 12:-12]).shape.normals
    cosine = (whole[:, :, 12:-12] * cut).sum(1)[matte[:, 0, 12:-12] > 0.5]
    assert float(torch.rad2deg(torch.acos(cosine.clamp(-1, 1))).mean()) < 1


def lit_ball(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A grey ball lit from the upper left: code (3, h, w) and matte (1, h, w)."""
    x, y = np.meshgrid((np.arange(width) - width / 2) / 100, (height / 2 - np.arange(height)) / 100)
    z = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    light = 0.4 * np.maximum((-0.5 * x + 0.5 * y + 0.7 * z), 0) + 0.05
    matte = (x**2 + y**2 < 1).astype(np.float32)
    return encode_log((light * matte)[..., None].repeat(3, -1).astype(np.float32)).transpose(2, 0, 1), matte[None]
