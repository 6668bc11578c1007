"""The example shot is what its page says: a real plate, real light, and small enough to ship."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.light.environment import mean_radiance
from relamp.core.light.irradiance import irradiance

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = range(1001, 1025)
ENVIRONMENTS = ("low_sun", "neon_night", "overcast", "softbox_studio", "source")
LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)


def read(path: Path) -> tuple[np.ndarray, oiio.ImageSpec]:
    """The data window, (H, W, C) float32, and the header."""
    file = oiio.ImageInput.open(str(path))
    assert file is not None, oiio.geterror()
    spec = file.spec()
    pixels = file.read_image(0, 0, 0, spec.nchannels, "float")
    file.close()
    return np.asarray(pixels), spec


def full_frame(path: Path) -> np.ndarray:
    """All channels on the display window, (H, W, 8) float32."""
    pixels, spec = read(path)
    full = np.zeros((spec.full_height, spec.full_width, spec.nchannels), np.float32)
    full[spec.y : spec.y + spec.height, spec.x : spec.x + spec.width] = pixels
    return full


def plate(frame: int) -> Path:
    return EXAMPLES / "plate" / f"plate.{frame:04d}.exr"


def environment(name: str) -> np.ndarray:
    return read(EXAMPLES / "environments" / f"{name}.exr")[0]


def test_all_examples_together_stay_under_15_megabytes():
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file()) < 15e6


@pytest.mark.parametrize("frame", FRAMES)
def test_each_frame_is_a_half_float_plate_with_normals_depth_rate_and_timecode(frame):
    _, spec = read(plate(frame))
    assert tuple(spec.channelnames) == ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    assert [str(spec.channelformat(channel)) for channel in range(8)] == 7 * ["half"] + ["float"]
    assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 640, 360)
    assert spec.y > 0  # cropped: the data window is not the display window
    assert spec.y + spec.height <= 360
    assert spec.getattribute("framesPerSecond") == (24, 1)
    assert spec.get_string_attribute("smpte:TimeCode") == f"01:00:00:{frame - 1001:02d}"
    assert spec.getattribute("colorInteropID") == "lin_rec709_scene"


@pytest.mark.parametrize("frame", [1001, 1013, 1024])
def test_the_plate_is_premultiplied_finite_and_empty_outside(frame):
    pixels = full_frame(plate(frame))
    alpha = pixels[..., 3]
    assert np.isfinite(pixels).all()
    assert (pixels[..., :3] >= 0.0).all()
    assert (pixels[alpha == 0.0] == 0.0).all()
    assert 0.2 < (alpha > 0.5).mean() < 0.7
    assert ((alpha > 0.02) & (alpha < 0.98)).mean() > 0.003  # hair and edges are antialiased
    assert pixels[..., :3].max() < 100.0  # no fireflies


@pytest.mark.parametrize("frame", [1001, 1013, 1024])
def test_normals_are_unit_length_and_face_the_camera(frame):
    pixels = full_frame(plate(frame))
    normals = pixels[pixels[..., 3] > 0.99][:, 4:7]
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1.0).max() < 0.02
    assert (normals[:, 2] > -0.3).mean() > 0.99
    table = pixels[326:330, :60, 4:7].reshape(-1, 3)
    assert np.median(table, axis=0) == pytest.approx((0.0, 1.0, 0.0), abs=0.02)


def test_the_plate_is_lit_by_its_source_map_from_the_same_side():
    light = irradiance(environment("source"), np.array([(-0.8, 0.0, 0.6), (0.8, 0.0, 0.6)], np.float32)) @ LUMINANCE
    assert light[0] > 1.5 * light[1]
    pixels = full_frame(plate(1013))
    skin = pixels[130:165, 280:365]
    left = skin[(skin[..., 3] > 0.99) & (skin[..., 4] < -0.5)]
    right = skin[(skin[..., 3] > 0.99) & (skin[..., 4] > 0.5)]
    assert (left[:, :3] @ LUMINANCE).mean() > 1.3 * (right[:, :3] @ LUMINANCE).mean()


def test_what_stands_still_does_not_boil():
    first, last = full_frame(plate(1012)), full_frame(plate(1013))
    cup = np.s_[285:335, 400:465, :3]
    assert np.abs(first[cup] - last[cup]).mean() < 0.01 * first[cup].mean()
    head = np.s_[30:200, 250:390, :3]
    assert np.abs(first[head] - last[head]).mean() > 0.02 * first[head].mean()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_are_tagged_float_lat_longs(name):
    pixels, spec = read(EXAMPLES / "environments" / f"{name}.exr")
    assert spec.width == 2 * spec.height
    assert str(spec.format) == "float"
    assert spec.getattribute("colorInteropID") == "lin_rec709_scene"
    assert np.isfinite(pixels).all()
    assert (pixels >= 0.0).all()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_have_the_colours_of_photographed_ones(name):
    pixels = environment(name)
    red, green, blue = mean_radiance(pixels)
    assert 0.85 < red / green < 1.3  # of 18 photographed maps the middle half: 0.89 to 1.17
    assert 0.75 < blue / green < 1.3  # 0.91 to 1.29
    below = irradiance(pixels, np.array([(0.0, -1.0, 0.0)], np.float32))[0]
    assert below[1] < 1.15 * below[0]  # the ground lights no chin green


@pytest.mark.parametrize("frame", [1001, 1013, 1024])
def test_depth_is_planar_and_agrees_with_the_normals(frame):
    pixels = full_frame(plate(frame))
    depth, inside = pixels[..., 7], pixels[..., 3] > 0.0
    assert (depth[~inside] == 0.0).all()
    assert 9.0 < depth[inside].min() < depth[inside].max() < 13.0
    step = 2.0 * depth[200, 330] * np.tan(np.radians(20.0)) / 640.0  # scene units a pixel, on the jumper's front
    wool = np.s_[225:300, 300:360]
    slope = (depth[225:300, 302:362] - depth[225:300, 298:358]) / (4.0 * step)
    normals = pixels[wool][..., 4:7]
    assert np.corrcoef(slope.ravel(), (normals[..., 0] / normals[..., 2]).ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("name", "contrast", "side"),
    [("low_sun", 2000.0, 1), ("softbox_studio", 30.0, 1), ("neon_night", 300.0, -1), ("source", 15.0, -1)],
)
def test_the_strongest_light_is_real_and_stands_where_the_page_says(name, contrast, side):
    pixels = environment(name)
    luminance = pixels @ LUMINANCE
    assert luminance.max() > contrast * (mean_radiance(pixels) @ LUMINANCE)
    sides = irradiance(pixels, np.array([(0.8, 0.0, 0.6), (-0.8, 0.0, 0.6)], np.float32)) @ LUMINANCE
    assert sides[0 if side > 0 else 1] > 1.4 * sides[1 if side > 0 else 0]


def test_the_camera_is_the_default_one():
    camera = json.loads((EXAMPLES / "camera.json").read_text(encoding="utf-8"))
    assert camera["fov"] == 40.0
    rotation = np.reshape(camera["matrix"], (4, 4))[:3, :3]
    np.testing.assert_array_equal(rotation, np.eye(3))
    assert math.isclose(np.linalg.det(rotation), 1.0)


def test_the_persons_passes_and_map_explain_the_plate():
    plate_pixels, spec = read(EXAMPLES / "person" / "plate.exr")
    layers, of = read(EXAMPLES / "person" / "passes.exr")
    names = list(of.channelnames)
    assert spec.getattribute("colorInteropID") == of.getattribute("colorInteropID") == "lin_rec709_scene"
    inside = plate_pixels[..., 3] > 0.99
    assert 0.2 < inside.mean() < 0.7
    normals, albedo = (
        layers[..., [names.index(f"{layer}.{c}") for c in channels]][inside]
        for layer, channels in (("N", "XYZ"), ("albedo", "RGB"))
    )
    depth = layers[..., names.index("depth.Z")][inside]
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1.0).max() < 0.02
    assert 0.7 < depth.min() < depth.max() < 1.5  # metres
    light = irradiance(read(EXAMPLES / "person" / "source.exr")[0], normals) / np.float32(np.pi) * albedo
    lit = plate_pixels[..., :3][inside]
    assert np.corrcoef(np.log(light.mean(-1) + 1e-3), np.log(lit.mean(-1) + 1e-3))[0, 1] > 0.85
    assert np.median(lit.mean(-1)) == pytest.approx(
        np.median(light.mean(-1)), rel=0.3
    )  # shadows and gloss are beside it
