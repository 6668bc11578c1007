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


ACESCG_TO_ACES = (
    (0.695452241, 0.140678696, 0.163869062),
    (0.044794563, 0.859671118, 0.095534318),
    (-0.005525883, 0.004025210, 1.001500672),
)  # Academy TB-2014-004 by way of S-2014-004
REC709_TO_ACES = (
    (0.439632982, 0.382988698, 0.177378320),
    (0.089776443, 0.813439429, 0.096784128),
    (0.017541170, 0.111546550, 0.870912279),
)


def matrix(rows):
    numbers = [value for row in rows for value in (*row, 0)] + [0, 0, 0, 1]
    return f"!<MatrixTransform> {{matrix: {numbers}}}"


def as_aces_1_2(folder, srgb=True):
    """A config without interchange roles, whose reference is ACES2065-1, with the names of the ACES 1.2 config."""
    spaces = {
        "ACES - ACES2065-1": "",
        "ACES - ACEScg": f", to_reference: {matrix(ACESCG_TO_ACES)}",
        "Utility - Raw": ", isdata: true",
    }
    if srgb:
        spaces["Utility - Linear - sRGB"] = f", to_reference: {matrix(REC709_TO_ACES)}"
    return write_config(folder, spaces, scene_linear="ACES - ACEScg", raw="Utility - Raw")


def as_nuke_default(folder, foot=1.0):
    """A config without interchange roles, whose reference has no name in any standard; its sRGB is a curve in a file.

    `foot` other than 1 makes the space that calls itself sRGB something else.
    """
    code = np.linspace(0, 1, 4096)
    linear = np.where(code <= 0.04045, foot * code / 12.92, ((code + 0.055) / 1.055) ** (2.4 * foot))
    table = "\n".join(f"{value:.9f}" for value in linear)
    (folder / "srgb.spi1d").write_text(f"Version 1\nFrom 0 1\nLength 4096\nComponents 1\n{{\n{table}\n}}\n")
    curve = "!<FileTransform> {src: srgb.spi1d, interpolation: linear}"
    spaces = {"linear": "", "sRGB": f", to_reference: {curve}", "raw": ", isdata: true"}
    return write_config(folder, spaces, scene_linear="linear", raw="raw")


def write_config(folder, spaces, scene_linear, raw):
    lines = [f"  - !<ColorSpace> {{name: {name}, bitdepth: 32f{rest}}}" for name, rest in spaces.items()]
    head = (
        "ocio_profile_version: 1",
        f"search_path: {folder}",
        f"roles: {{default: {scene_linear}, scene_linear: {scene_linear}}}",
        f"displays: {{screen: [!<View> {{name: Raw, colorspace: {raw}}}]}}",
        "colorspaces:",
    )
    path = folder / "show.ocio"
    path.write_text("\n".join([*head, *lines]) + "\n")
    return str(path)


def test_a_config_without_interchange_roles_is_known_by_its_matrices(tmp_path, colour):
    show = Colour(as_aces_1_2(tmp_path))
    np.testing.assert_allclose(show.luminance_weights, colour.luminance_weights, atol=1e-5)
    assert show.resolve("lin_rec709_scene") == "Utility - Linear - sRGB"  # as an .hdr and light in words are taken
    assert show.interop_id("scene_linear") == "lin_ap1_scene"
    assert show.decide(spec(chromaticities=REC709_XY)).space == "Utility - Linear - sRGB"


def test_a_config_whose_srgb_is_a_curve_works_in_rec709(tmp_path):
    show = Colour(as_nuke_default(tmp_path))
    np.testing.assert_allclose(show.luminance_weights, (0.2126, 0.7152, 0.0722), atol=2e-4)  # ITU-R BT.709
    assert show.resolve("lin_rec709_scene") == "linear"
    assert show.interop_id("linear") == "lin_rec709_scene"


@pytest.mark.parametrize("make", [as_nuke_default, lambda folder: as_aces_1_2(folder, srgb=False)])
def test_a_standard_space_that_the_config_lacks_is_converted_all_the_same(tmp_path, colour, make):
    show = Colour(make(tmp_path))
    assert "Rec.2020" not in "".join(show.spaces())
    red = pixel(0.8, 0.3, 0.1)
    worked = show.to_working(red, "lin_rec2020_scene")
    expected = colour.to_working(red, "lin_rec2020_scene")
    np.testing.assert_allclose(worked @ show.luminance_weights, expected @ colour.luminance_weights, atol=1e-4)
    np.testing.assert_allclose(show.from_working(worked, "lin_rec2020_scene"), red, atol=1e-5)
    assert show.interop_id("lin_rec2020_scene") == "lin_rec2020_scene"


def test_a_config_that_does_not_say_what_its_primaries_are_is_refused_with_the_role_to_add(tmp_path):
    show = Colour(as_nuke_default(tmp_path, foot=0.9))  # its sRGB is none
    assert show.decide(spec()).space == "linear"
    for ask in (lambda: show.luminance_weights, lambda: show.resolve("lin_rec709_scene")):
        with pytest.raises(UsageError, match=r"show\.ocio does not say which primaries.*add the role aces_interchange"):
            ask()


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
