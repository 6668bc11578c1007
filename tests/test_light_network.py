"""The network that sees a plate's own light, and the fit that it goes into."""

import hashlib

import numpy as np
import pytest

from relamp.core.errors import InputError
from relamp.core.light import environment as env
from relamp.core.light.irradiance import irradiance
from relamp.core.light.source_fit import ASSUMED_ALBEDO, fit_source, lobe_directions, lobe_light
from relamp.core.pictures.curves import encode_log
from relamp.core.shape.estimators import light
from relamp.core.weights.ledger import LEDGER
from shots import soft_light
from small_relighter import ball

LEFT = (-0.8, 0.3, 0.5)


def lit(toward, size=64, fill=0.25):
    """Code, matte, normals, albedo and doubt of a grey ball before the camera under one soft light over a fill."""
    _, matte, normals = ball(size, size)
    axis = np.float32(toward) / np.linalg.norm(toward)
    picture = (fill + np.maximum(normals @ axis, 0))[..., None] * matte[..., None] * np.float32(0.2)
    albedo = np.full((*matte.shape, 3), ASSUMED_ALBEDO, np.float32)
    return encode_log(picture.repeat(3, -1)), matte, normals, albedo, np.zeros_like(matte)


def seen(*pictures):
    return light.see_light(light.load().network, *pictures)


def key(amounts):
    moment = (amounts**2) @ lobe_directions(9)
    return moment / np.linalg.norm(moment)


@pytest.mark.parametrize("toward", [LEFT, (0.8, 0.3, 0.5), (0.1, 0.9, 0.4)])
def test_the_weights_that_ship_see_where_the_light_of_a_ball_comes_from(toward):
    off = np.degrees(np.arccos(key(seen(*lit(toward))) @ (np.array(toward) / np.linalg.norm(toward))))
    assert off < 30


def test_a_mirrored_plate_has_the_mirrored_light():
    code, matte, normals, albedo, doubt = lit((0.7, 0.3, 0.5))
    code = code * np.linspace(0.5, 1.5, 64, dtype=np.float32)[:, None]
    mirrored = normals[:, ::-1] * np.float32([-1, 1, 1])
    there = seen(*(p[:, ::-1] for p in (code, matte)), mirrored, *(p[:, ::-1] for p in (albedo, doubt)))
    here = seen(code, matte, normals, albedo, doubt)
    np.testing.assert_allclose(lobe_light(there, np.eye(3)), lobe_light(here, np.eye(3))[:, ::-1], rtol=1e-3)
    assert np.abs(here - there).max() > 0.1


def test_the_light_does_not_depend_on_where_and_how_large_the_subject_stands():
    pictures = lit(LEFT)
    wide = [np.pad(p, [(40, 8), (4, 90)] + [(0, 0)] * (p.ndim - 2)) for p in pictures]
    large = lit(LEFT, 128)
    assert np.degrees(np.arccos(key(seen(*wide)) @ key(seen(*pictures)))) < 5
    assert np.degrees(np.arccos(key(seen(*large)) @ key(seen(*pictures)))) < 5


def test_a_thin_subject_has_a_light_of_finite_numbers():
    pictures = [p[30:31, 20:23] for p in lit(LEFT)]
    amounts = seen(*pictures)
    assert np.isfinite(amounts).all()
    assert amounts.min() > 0
    assert amounts.mean() == pytest.approx(1, abs=1e-5)


def test_weights_with_one_other_bit_than_the_ledger_says_are_refused(tmp_path):
    whole = light.SHIPPED.read_bytes()
    changed = tmp_path / light.SHIPPED.name
    (tmp_path / LEDGER.name).write_bytes(LEDGER.read_bytes())
    changed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match=r"light-1\.safetensors is damaged or was changed"):
        light.load(changed)
    assert light.load().digest == hashlib.sha256(whole).hexdigest()
    assert len(whole) < 1 << 20


def test_weights_that_are_missing_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"reinstall Relamp, or give --source-env"):
        light.load(tmp_path / "none.safetensors")


def test_what_is_seen_moves_the_fit_and_keeps_its_brightness_on_the_subject():
    _, matte, normals, _, _ = lit(LEFT)
    sky = soft_light(LEFT)
    rgb = irradiance(sky, normals) / np.pi * ASSUMED_ALBEDO
    other = env.resize(soft_light((0.8, 0.3, 0.5)), 16).mean(-1)
    alone = fit_source(rgb, normals, matte)
    both = fit_source(rgb, normals, matte, seen=7 * other)  # whatever its level
    inside = matte > 0.5
    bright = [np.log(irradiance(fitted, normals)[inside, 1]).mean() for fitted in (alone, both)]
    assert bright[1] == pytest.approx(bright[0], abs=0.15)
    right = env.directions(16, 32)[..., 0] > 0.5
    assert both[right].sum() > 2 * alone[right].sum()
