"""Colour: published values first, then what a pixel may and may not become, then who decides."""

from __future__ import annotations

import hashlib
import logging

import numpy as np
import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest

from relamp.core.errors import UsageError
from relamp.core.pictures.colour import PINNED, Colour

REC709_XY = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.329)


@pytest.fixture(scope="module")
def colour():
    return Colour(PINNED)


def spec(**attributes):
    made = oiio.ImageSpec(4, 4, 3, "half")
    for name, value in attributes.items():
        if isinstance(value, tuple):
            made.attribute(name, oiio.TypeDesc(f"float[{len(value)}]"), value)
        else:
            made.attribute(name, value)
    return made


def pixel(*values):
    return np.array([[values]], np.float32)


def test_rec709_becomes_acescg_as_published(colour):
    converted = colour.to_working(pixel(1, 0.5, 0.25), "lin_rec709")
    np.testing.assert_allclose(converted[0, 0], (0.794704, 0.531734, 0.292854), atol=2e-6)


def test_luminance_of_the_primaries_agrees_with_rec709(colour):
    # ITU-R BT.709: Y = 0.2126 R + 0.7152 G + 0.0722 B; a colour keeps its luminance in any space.
    assert colour.luminance_weights.sum() == pytest.approx(1, abs=1e-6)
    for rgb, y in (((1, 0, 0), 0.2126), ((0, 1, 0), 0.7152), ((0, 0, 1), 0.0722)):
        working = colour.to_working(pixel(*rgb), "lin_rec709")[0, 0]
        assert working @ colour.luminance_weights == pytest.approx(y, abs=2e-4)


@pytest.mark.parametrize("space", ["lin_rec709", "ACES2065-1", "Linear Rec.2020", "ACEScct"])
def test_there_and_back_keeps_values_from_negative_to_a_thousand(colour, space):
    pixels = np.random.default_rng(0).uniform(0, 1, (9, 7, 3)).astype(np.float32)
    pixels[0, 0] = (-0.1, 1000, 0.18)
    back = colour.from_working(colour.to_working(pixels, space), space)
    if space == "ACEScct":  # a log code of 1000 is beyond any float; the encoded domain is 0 to 1
        back, pixels = back[1:], pixels[1:]
    np.testing.assert_allclose(back, pixels, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("space", ["ACEScg", "lin_ap1_scene", "scene_linear", "Raw"])
def test_nothing_to_do_returns_the_very_same_array(colour, space):
    pixels = np.ones((2, 2, 3), np.float32)
    assert colour.to_working(pixels, space) is pixels
    assert colour.from_working(pixels, space) is pixels


def test_converting_leaves_its_input_alone(colour):
    pixels = np.ones((2, 2, 3), np.float32) * (1, 0, 0)
    before = pixels.copy()
    colour.to_working(pixels.astype(np.float32), "lin_rec709")
    np.testing.assert_array_equal(pixels, before)


def test_nonfinite_pixels_come_through_and_stay_alone(colour):
    pixels = np.full((5, 9, 3), 0.5, np.float32)
    pixels[2, 3] = (np.nan, 1, 2)
    pixels[2, 4] = (np.inf, -np.inf, 2)
    converted = colour.to_working(pixels, "lin_rec709")
    np.testing.assert_array_equal(converted[2, 3:5], pixels[2, 3:5])
    elsewhere = np.ones((5, 9), bool)
    elsewhere[2, 3:5] = False
    np.testing.assert_array_equal(converted[elsewhere], np.broadcast_to(converted[0, 0], (43, 3)))
    assert np.isnan(converted).sum() == 1


def test_display_is_for_eyes(colour):
    shown = colour.display(
        np.stack([pixel(0, 0, 0), pixel(0.18, 0.18, 0.18), pixel(1e6, 1e6, 1e6), pixel(np.nan, 0, 0)])[:, 0]
    )
    assert shown[0].max() < 0.01
    assert 0.3 < shown[1].mean() < 0.5
    assert 0.99 < shown[2].min() < 1.01
    assert np.isfinite(shown).all()
    with pytest.raises(UsageError, match="no view"):
        colour.display(pixel(1, 1, 1), display="Drive-in")


def test_an_unknown_space_gets_near_names(colour):
    with pytest.raises(UsageError, match=r"no colour space 'ACESg'.*did you mean ACEScg"):
        colour.resolve("ACESg")


@pytest.mark.parametrize(
    ("header", "explicit", "host", "space", "reason"),
    [
        (
            {"colorInteropID": "lin_rec709_scene", "chromaticities": REC709_XY},
            "ACES2065-1",
            "ACEScg",
            "ACES2065-1",
            "declared",
        ),
        (
            {"colorInteropID": "lin_rec2020_scene", "chromaticities": REC709_XY},
            None,
            "ACEScg",
            "Linear Rec.2020",
            "colorInteropID",
        ),
        (
            {"colorInteropID": "unknown", "chromaticities": REC709_XY},
            None,
            "ACEScg",
            "Linear Rec.709 (sRGB)",
            "chromaticities",
        ),
        ({"chromaticities": REC709_XY}, None, "ACEScg", "Linear Rec.709 (sRGB)", "chromaticities"),
        ({}, None, "lin_rec2020", "Linear Rec.2020", "host"),
        ({}, None, None, "ACEScg", "assumed"),
    ],
)
def test_who_decides_the_space_in_order(colour, header, explicit, host, space, reason):
    decision = colour.decide(spec(**header), explicit, host)
    assert decision.space == space
    assert reason in decision.reason


def test_an_untagged_exr_is_warned_of_once(caplog):
    colour = Colour(PINNED)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert colour.decide(spec()).space == colour.working_space
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == 1
    assert "--colorspace" in caplog.records[0].message


def test_an_untagged_hdr_is_rec709_without_a_warning(colour, caplog):
    assert colour.decide(spec(), file_format="hdr").space == "Linear Rec.709 (sRGB)"
    assert colour.decide(spec(), "ACEScg", file_format="hdr").space == "ACEScg"
    assert not caplog.records


def test_the_config_is_pinned_and_named(monkeypatch, tmp_path):
    monkeypatch.delenv("OCIO", raising=False)
    assert Colour().config_id == "cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
    text = ocio.Config.CreateFromFile("ocio://cg-config-v2.1.0_aces-v1.3_ocio-v2.3").serialize()
    file = tmp_path / "show.ocio"
    file.write_text(text)
    monkeypatch.setenv("OCIO", str(file))
    show = Colour()
    assert show.config_id == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert show.interop_id("ACEScg") == "lin_ap1_scene"
    np.testing.assert_allclose(show.luminance_weights, Colour(PINNED).luminance_weights, atol=1e-5)


@pytest.mark.parametrize("config", ["/nowhere/config.ocio", "ocio://nothing", "ocio://"])
def test_an_unreadable_config_is_a_sentence(config):
    with pytest.raises(UsageError, match="the colour config"):
        Colour(config)


def test_acescg_is_known_by_its_primaries_and_not_by_its_name(tmp_path):
    config = ocio.Config.CreateFromFile("ocio://cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
    for space, found in (("ACEScg", True), ("Linear Rec.709 (sRGB)", False), ("ACES2065-1", False)):
        config.setRole("scene_linear", space)
        (tmp_path / "show.ocio").write_text(config.serialize())
        assert Colour(str(tmp_path / "show.ocio")).is_acescg is found
