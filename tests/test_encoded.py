"""Plates in DPX, TIFF, PNG and JPEG: the curve is taken out once, and what is written is scene-linear EXR."""

import logging
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from shots import QUICK_OPTIONS, layer, read_exr, soft_light, write_exr


@pytest.fixture(scope="module")
def colour():
    return Colour()


def write(path: Path, codes: np.ndarray, kind: str = "uint8", **attributes: object) -> Path:
    """Codes (h, w, c), 0 to 1, in the format that the name says."""
    spec = oiio.ImageSpec(codes.shape[1], codes.shape[0], codes.shape[2], kind)
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(codes, np.float32)), out.geterror()
    assert out.close()
    return path


def srgb_decoded(codes: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


GREY = np.full((6, 8, 3), 128 / 255, np.float32)  # a grey is the same in all primaries


@pytest.mark.parametrize(
    ("name", "kind", "stored"),
    [
        ("a.png", "uint8", "half"),
        ("a.png", "uint16", "float"),
        ("a.jpg", "uint8", "half"),
        ("a.tif", "uint16", "float"),
    ],
)
def test_whole_numbers_without_a_stated_space_are_srgb_and_that_is_said_once(
    tmp_path, colour, caplog, name, kind, stored
):
    path = write(tmp_path / name, GREY, kind)
    with caplog.at_level(logging.WARNING, "relamp.colour"):
        frame = exr.read_frame(path, colour=Colour())
    assert frame.colorspace == colour.working_space
    assert frame.data_type == stored
    np.testing.assert_allclose(frame.rgb, srgb_decoded(GREY), rtol=8e-3 if name.endswith("jpg") else 1e-3)
    usual = {"a.png": "PNG", "a.jpg": "JPEG", "a.tif": "TIFF"}[name]
    assert [record.message for record in caplog.records] == [
        f"{name} is taken as sRGB Encoded Rec.709 (sRGB) (usual for {usual}) and made linear; type --colorspace if it is "
        "something else"
    ]


def test_floating_point_tiff_is_scene_linear_and_values_above_one_stay(tmp_path, colour):
    light = np.full((4, 4, 3), 7.5, np.float32)
    frame = exr.read_frame(write(tmp_path / "a.tif", light, "float"), colour=colour)
    np.testing.assert_array_equal(frame.rgb, light)


def test_a_stated_space_wins_over_the_usual_one(tmp_path, colour):
    path = write(tmp_path / "a.png", GREY, "uint16", oiio__ColorSpace="lin_rec709_scene")
    np.testing.assert_allclose(exr.read_frame(path, colour=colour).rgb, GREY, rtol=1e-3)


def test_a_declared_space_of_a_camera_is_known_without_a_studio_config(tmp_path, colour):
    # ARRI LogC3 at EI 800: the code of 18 % grey is 400 of 1023 (ALEXA Log C Curve, ARRI 2017).
    codes = np.full((4, 4, 3), 400 / 1023, np.float32)
    path = write(tmp_path / "a.dpx", codes, "uint16", oiio__BitsPerSample=10, dpx__Transfer="Logarithmic")
    frame = exr.read_frame(path, colour=colour, colorspace="ARRI LogC3 (EI800)")
    np.testing.assert_allclose(frame.rgb, 0.18, rtol=0.01)
    assert frame.data_type == "half"


@pytest.mark.parametrize("transfer", ["Logarithmic", "Printing density", "Undefined"])
def test_a_dpx_that_does_not_name_its_curve_is_refused_with_what_to_type(tmp_path, colour, transfer):
    path = write(tmp_path / "scan.0001.dpx", GREY, "uint16", oiio__BitsPerSample=10, dpx__Transfer=transfer)
    with pytest.raises(InputError, match=r"^scan\.####\.dpx does not say which camera's curve .*--colorspace .*ADX10"):
        exr.read_frame(path, colour=colour)


def test_a_dpx_of_rec709_is_decoded_with_the_curve_of_bt709(tmp_path, colour):
    path = write(tmp_path / "a.dpx", GREY, "uint16", oiio__BitsPerSample=10, dpx__Transfer="ITU-R 709-4")
    expected = ((128 / 255 + 0.099) / 1.099) ** (1 / 0.45)  # ITU-R BT.709-6, item 1.2
    np.testing.assert_allclose(exr.read_frame(path, colour=colour).rgb, expected, rtol=3e-3)


def test_the_alpha_of_a_png_is_multiplied_into_the_light_and_not_into_the_codes(tmp_path, colour):
    codes = np.concatenate([GREY, np.full((6, 8, 1), 0.5, np.float32)], -1)
    frame = exr.read_frame(write(tmp_path / "a.png", codes, "uint16", oiio__UnassociatedAlpha=1), colour=colour)
    assert frame.alpha is not None
    np.testing.assert_allclose(frame.rgb / frame.alpha[..., None], srgb_decoded(GREY), rtol=1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_taken_with_the_camera_turned_stands_upright(tmp_path, colour, orientation):
    upright = np.zeros((16, 32, 3), np.float32)
    upright[:8, 16:] = 0.8  # bright at the top right
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
        6: np.rot90(upright), 7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    path = write(tmp_path / "a.jpg", np.ascontiguousarray(stored), "uint8", Orientation=orientation)
    frame = exr.read_frame(path, colour=colour)
    assert frame.rgb.shape == upright.shape
    assert exr.display_window(path).shape == (16, 32)
    assert frame.rgb[3, 28].min() > 0.4
    assert frame.rgb[12, 28].max() < 0.05
    assert frame.rgb[3, 4].max() < 0.05


def test_a_render_of_png_frames_writes_scene_linear_exr_of_the_working_space(tmp_path):
    for frame in (1001, 1002):
        write(tmp_path / f"plate.{frame}.png", GREY)
    matte = np.zeros((6, 8, 1), np.float32)
    matte[:, 4:] = 1
    write(tmp_path / "matte.png", matte)
    env = write_exr(tmp_path / "env.exr", 2 * soft_light((0, 0, 1)), ("R", "G", "B"))
    out = tmp_path / "out" / "relit.####.exr"
    arguments = [str(tmp_path / "plate.####.png"), "--matte", str(tmp_path / "matte.png"), "--env", str(env)]
    arguments += ["--source-env", str(env), "--env-exposure", "1"]
    assert main(["render", *arguments, "--out", str(out), "-q", *QUICK_OPTIONS]) == 0
    relit = layer(tmp_path / "out" / "relit.1002.exr", "R", "G", "B")
    np.testing.assert_allclose(relit[:, :4], srgb_decoded(GREY)[:, :4], rtol=1e-3)
    np.testing.assert_allclose(relit[:, 4:], 2 * srgb_decoded(GREY)[:, 4:], rtol=1e-3)
    _, spec = read_exr(tmp_path / "out" / "relit.1002.exr")
    assert spec.getattribute("colorInteropID") == "lin_ap1_scene"


def test_info_of_a_dpx_whose_curve_is_not_known_shows_what_it_holds(tmp_path, capsys):
    path = write(tmp_path / "a.dpx", GREY, "uint16", **{"oiio__ColorSpace": "KodakLog"})
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert "R (uint" in said
    assert "colour space: not known: a.dpx does not say which camera's curve" in said
