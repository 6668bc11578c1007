"""Radiance pictures: whatever order and scale a file has them in, the light is the same."""

import logging

import numpy as np
import pytest

from relamp.core.errors import InputError
from relamp.core.light.map_file import load_environment
from relamp.core.pictures.colour import Colour

COLOUR = Colour()
SUN = np.full((16, 32, 3), 0.25)
SUN[2:4, 4:7] = 64
STANDARD = b"-Y 16 +X 32"


def rgbe(pixels):
    exponent = np.floor(np.log2(pixels.max(-1))) + 1
    mantissa = np.floor(pixels * (256 / 2**exponent)[..., None])
    return np.concatenate([mantissa, (exponent + 128)[..., None]], -1).astype(np.uint8).tobytes()


def save(path, data, resolution=STANDARD, *variables, kind=b"32-bit_rle_rgbe"):
    head = [b"#?RADIANCE", b"# a = comment", *variables, b"FORMAT=" + kind, b"", resolution, b""]
    path.write_bytes(b"\n".join(head) + data)
    return path


def load(path):
    return load_environment(path, colour=COLOUR).pixels


@pytest.fixture
def standard(tmp_path):
    return load(save(tmp_path / "standard.hdr", rgbe(SUN)))


@pytest.mark.parametrize("up", [b"-", b"+"])
@pytest.mark.parametrize("right", [b"-", b"+"])
@pytest.mark.parametrize("rows", [True, False])
def test_all_eight_orders_of_scan_lines_are_the_same_map(tmp_path, standard, up, right, rows):
    stored = SUN[:: 1 if up == b"-" else -1, :: 1 if right == b"+" else -1]
    y, x = up + b"Y 16", right + b"X 32"
    if rows:
        path = save(tmp_path / "other.hdr", rgbe(stored), y + b" " + x)
    else:
        path = save(tmp_path / "other.hdr", rgbe(stored.transpose(1, 0, 2)), x + b" " + y)
    np.testing.assert_array_equal(load(path), standard)


def test_exposures_and_colour_corrections_are_multiplied_and_divided_out(tmp_path, standard):
    said = (b"EXPOSURE=4", b"EXPOSURE= 0.5", b"COLORCORR=2 2 2")
    path = save(tmp_path / "exposed.hdr", rgbe(SUN), STANDARD, *said)
    np.testing.assert_allclose(load(path), standard / 4, rtol=1e-6)
    tinted = save(tmp_path / "tinted.hdr", rgbe(SUN * (2, 1, 0.5)), STANDARD, b"COLORCORR=2 1 0.5")
    np.testing.assert_allclose(load(tinted), standard, rtol=1e-6)


def test_primaries_are_the_colour_space(tmp_path, caplog):
    ap1 = b"PRIMARIES=0.713 0.293 0.165 0.830 0.128 0.044 0.32168 0.33767"
    tinted = SUN * (1, 0.5, 0.25)
    with caplog.at_level(logging.WARNING):
        pixels = load(save(tmp_path / "acescg.hdr", rgbe(tinted), STANDARD, ap1))
    np.testing.assert_allclose(pixels[0, 0], tinted[0, 0], rtol=1e-6)
    assert not caplog.text


@pytest.mark.parametrize("scanline", [b"\1\1\1\1", b"\2\2\0\x20"])
def test_a_cut_file_is_damaged_and_no_other_coding(tmp_path, scanline):
    with pytest.raises(InputError, match=r"cut\.hdr is damaged"):
        load(save(tmp_path / "cut.hdr", rgbe(SUN)[:400] if scanline[0] == 1 else scanline + b"\x90\1"))


def test_the_old_run_lengths_are_refused_in_true_words(tmp_path):
    colour = rgbe(np.full((1, 1, 3), 0.25))
    with pytest.raises(InputError, match=r"old\.hdr is run-length coded as Radiance did before 1991; save it again"):
        load(save(tmp_path / "old.hdr", (colour + b"\1\1\1\x1f") * 16))


@pytest.mark.parametrize(
    ("kind", "words"), [(b"32-bit_rle_xyze", r"holds XYZ and not RGB.*ra_xyze"), (b"64-bit_rle", "format 64-bit_rle")]
)
def test_other_pixels_are_refused_by_their_name(tmp_path, kind, words):
    with pytest.raises(InputError, match=words):
        load(save(tmp_path / "other.hdr", rgbe(SUN), kind=kind))


@pytest.mark.parametrize("said", [b"EXPOSURE=0", b"EXPOSURE=bright", b"COLORCORR=1 1", b"PRIMARIES=0.64 0.33"])
def test_a_number_that_is_none_is_named(tmp_path, said):
    name = said.split(b"=")[0].decode()
    with pytest.raises(InputError, match=rf"bad\.hdr: {name}=.* in its header must be \d numbers?"):
        load(save(tmp_path / "bad.hdr", rgbe(SUN), STANDARD, said))


def test_a_header_without_a_size_is_damaged(tmp_path):
    with pytest.raises(InputError, match=r"none\.hdr is damaged: its Radiance header does not say how big it is"):
        load(save(tmp_path / "none.hdr", rgbe(SUN), b"16 32"))
