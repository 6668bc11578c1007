"""EXR in and out: what goes through unchanged, what is refused, what a host finds."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.errors import InputError, OutputError, UsageError
from relamp.core.pictures import exr
from relamp.core.pictures.colour import PINNED, Colour
from relamp.core.pictures.exr_parts import views_of

COLOUR = Colour(PINNED)
HEIGHT, WIDTH = 33, 47
TIMECODE = (0x01020304, 0)


def save(path, *parts):
    """Write an EXR with OpenImageIO alone. A part is (arrays by channel name, attributes); the array's type is the channel's."""
    specs, arrays = [], []
    for channels, attributes in parts:
        kinds = [{"f2": "half", "f4": "float", "u4": "uint"}[a.dtype.str[1:]] for a in channels.values()]
        alike = len(set(kinds)) == 1
        height, width = next(iter(channels.values())).shape
        spec = oiio.ImageSpec(width, height, len(channels), kinds[0] if alike else "float")
        spec.channelnames = tuple(channels)
        if not alike:
            spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in kinds)
        for name, value in attributes.items():
            if name in ("x", "y", "full_x", "full_y", "full_width", "full_height", "tile_width", "tile_height"):
                setattr(spec, name, value)
            elif isinstance(value, tuple):
                spec.attribute(name, oiio.TypeDesc(value[0]), value[1])
            else:
                spec.attribute(name, value)
        specs.append(spec)
        whole = np.stack([np.asarray(a, a.dtype if alike else np.float32) for a in channels.values()], axis=-1)
        if not alike:
            for i, (a, kind) in enumerate(zip(channels.values(), kinds, strict=True)):
                whole[..., i] = a / np.float32(2**32) if kind == "uint" else a
        arrays.append(whole)
    out = oiio.ImageOutput.create("exr")
    assert out.open(str(path), tuple(specs)) if len(specs) > 1 else out.open(str(path), specs[0]), out.geterror()
    for i, (spec, array) in enumerate(zip(specs, arrays, strict=True)):
        assert i == 0 or out.open(str(path), spec, "AppendSubimage"), out.geterror()
        assert out.write_image(array), out.geterror()
    assert out.close(), out.geterror()
    return path


def load(path):
    """Every part as (spec, {channel: array in its own type}), read with OpenImageIO alone."""
    file, parts = oiio.ImageInput.open(str(path)), []
    assert file, oiio.geterror()
    while file.seek_subimage(len(parts), 0):
        spec, index = file.spec().copy(), len(parts)
        kinds = [str(k) for k in spec.channelformats] or [str(spec.format)] * spec.nchannels
        arrays = {n: file.read_image(index, 0, i, i + 1, kinds[i])[..., 0] for i, n in enumerate(spec.channelnames)}
        parts.append((spec, arrays))
    return parts


def bits(array):
    return array.view({2: np.uint16, 4: np.uint32}[array.dtype.itemsize])


def attributes(spec, *without):
    dropped = ("oiio:", "openexr:", "compression", "colorInteropID", "DateTime", *without)
    return {a.name: (str(a.type), a.value) for a in spec.extra_attribs if not a.name.startswith(dropped)}


def windows(spec):
    return spec.x, spec.y, spec.width, spec.height, spec.full_x, spec.full_y, spec.full_width, spec.full_height


def rgba(seed=0, dtype=np.float16, names="RGBA"):
    random = np.random.default_rng(seed)
    return {name: random.random((HEIGHT, WIDTH)).astype(dtype) for name in names}


def plain(path, **more):
    return save(path, (rgba(**more), {}))


def read(path, **options):
    return exr.read_frame(path, colour=COLOUR, **options)


@pytest.fixture
def hard_plate(tmp_path):
    """A plate with everything that goes wrong in tools that touch more than they should."""
    random = np.random.default_rng(1)
    first = rgba()
    first["R"][:] = random.uniform(-0.1, 1000, (HEIGHT, WIDTH))
    first["R"][3, 4], first["G"][3, 5], first["B"][6, 7] = np.nan, np.inf, -np.inf
    first["A"][5:9] = 0.25
    first["A"][0] = 0  # glow: colour without alpha
    first["diffuse.R"] = random.random((HEIGHT, WIDTH)).astype(np.float16)
    first["depth.Z"] = random.uniform(0, 1e6, (HEIGHT, WIDTH)).astype(np.float32)
    first["small.id"] = random.integers(0, 1 << 24, (HEIGHT, WIDTH), dtype=np.uint32)
    ids = {"id.A": random.integers(0, 1 << 32, (HEIGHT, WIDTH), dtype=np.uint64).astype(np.uint32)}
    window = {"x": -5, "y": 11, "full_x": 0, "full_y": 0, "full_width": 64, "full_height": 48, "PixelAspectRatio": 2.0}
    meta = {
        "smpte:TimeCode": ("timecode", TIMECODE),
        "framesPerSecond": ("rational", (24000, 1001)),
        "worldToCamera": ("matrix", tuple(float(i) for i in range(16))),
        "screenWindowCenter": ("float[2]", (0.25, -0.5)),
        "screenWindowWidth": 1.5,
        "chromaticities": ("float[8]", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
        "input/lensModel": "Cooke S4 32mm",
        "input/frame": 1042,
        "colorInteropID": "lin_ap1_scene",
    }
    return save(
        tmp_path / "shot010.1042.exr",
        (first, {**window, **meta, "name": "rgba", "compression": "piz"}),
        (
            ids,
            {
                **window,
                "name": "ids",
                "smpte:TimeCode": ("timecode", TIMECODE),
                "chromaticities": meta["chromaticities"],
            },
        ),
    )


# What goes through


@pytest.mark.filterwarnings("error")
def test_reading_and_writing_unchanged_keeps_everything(hard_plate, tmp_path):
    frame = read(hard_plate)
    written = exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    assert written.clamped == 0
    before, after = load(hard_plate), load(tmp_path / "out.exr")
    assert len(before) == len(after) == 2
    for (spec_a, a), (spec_b, b) in zip(before, after, strict=True):
        assert list(a) == list(b)
        assert windows(spec_a) == windows(spec_b)
        assert attributes(spec_a) == attributes(spec_b)
        for name in a:
            assert a[name].dtype == b[name].dtype, name
            np.testing.assert_array_equal(bits(a[name]), bits(b[name]), err_msg=name)
    header = exr.header(tmp_path / "out.exr")
    assert header["smpte:TimeCode"] == TIMECODE
    assert header["framesPerSecond"] == (24000, 1001)
    assert header["colorInteropID"] == "lin_ap1_scene"


def test_openimageios_own_tool_sees_no_difference(hard_plate, tmp_path):
    tool = shutil.which("oiiotool", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if tool is None:
        pytest.skip("oiiotool is not installed")
    frame = read(hard_plate)
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    out = subprocess.run(
        [tool, "-a", "--diff", hard_plate, tmp_path / "out.exr"], capture_output=True, text=True, check=False
    )
    assert "PASS" in out.stdout, out.stdout + out.stderr
    told = subprocess.run(
        [tool, "--info", "-v", tmp_path / "out.exr"], capture_output=True, text=True, check=True
    ).stdout
    assert "smpte:TimeCode: 01:02:03:04" in told
    assert "framesPerSecond: 24000/1001" in told


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_alpha_and_glow_are_bit_exact_while_colour_changes(tmp_path, dtype):
    pixels = rgba(dtype=dtype)
    pixels["A"][:4] = 0
    frame = read(save(tmp_path / "in.exr", (pixels, {})))
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb * 2)
    [(_, after)] = load(tmp_path / "out.exr")
    np.testing.assert_array_equal(after["A"], pixels["A"])
    np.testing.assert_array_equal(after["R"], pixels["R"] * dtype(2))
    assert after["R"].dtype == dtype


def test_the_frame_tells_windows_types_and_nonfinite_counts(hard_plate):
    frame = read(hard_plate)
    assert str(frame.data_window) == "47x33-5+11"
    assert str(frame.display_window) == "64x48+0+0"
    assert frame.pixel_aspect == 2.0
    assert frame.data_type == "half"
    assert frame.rgb.dtype == np.float32
    assert frame.nonfinite == (1, 2)
    assert frame.colorspace == "ACEScg"
    assert set(frame.layers) == {"diffuse", "depth", "small", "id"}
    assert exr.display_window(hard_plate) == frame.display_window


def test_finite_colour_beyond_half_is_clamped_and_counted(tmp_path):
    pixels = rgba()
    pixels["G"][0, 0], pixels["B"][1, 1] = np.inf, np.nan
    frame = read(save(tmp_path / "in.exr", (pixels, {})))
    rgb = frame.rgb.copy()
    rgb[2, 2] = (1e6, -7e4, 65504)
    rgb[3, 3, 0] = 65510  # rounds to the largest half, still a clamp
    written = exr.write_frame(tmp_path / "out.exr", frame, rgb)
    assert written.clamped == 2
    [(_, after)] = load(tmp_path / "out.exr")
    assert [after[c][2, 2] for c in "RGB"] == [65504, -65504, 65504]
    assert np.isinf(after["G"][0, 0])
    assert np.isnan(after["B"][1, 1])
    assert sum(np.isinf(after[c]).sum() for c in "RGB") == 1
    assert exr.write_frame(tmp_path / "float.exr", frame, rgb, data_type="float").clamped == 0
    assert load(tmp_path / "float.exr")[0][1]["R"][2, 2] == 1e6


def test_quantise_is_what_the_file_will_hold(tmp_path):
    frame = read(plain(tmp_path / "in.exr"))
    rgb = (frame.rgb * np.float32(3.7)).astype(np.float32)
    half, _ = exr.quantise(rgb, "half")
    exr.write_frame(tmp_path / "a.exr", frame, rgb)
    exr.write_frame(tmp_path / "b.exr", frame, half, new_layers={"rest": rgb.astype(np.float32)})
    for name, channel in (("R", 0), ("B", 2)):
        np.testing.assert_array_equal(load(tmp_path / "a.exr")[0][1][name], half[..., channel])
        np.testing.assert_array_equal(load(tmp_path / "b.exr")[0][1][name], half[..., channel])


def test_a_large_id_beside_half_colour_survives_in_a_part_of_its_own(tmp_path):
    # OpenImageIO's Python cannot write such a mix, so the reading side is given one through a frame of ours.
    pixels = rgba()
    pixels["id.A"] = np.full((HEIGHT, WIDTH), 5, np.uint32)
    frame = read(save(tmp_path / "in.exr", (pixels, {})))
    frame.source.colour.pixels.ids[4][:] = 0xDEADBEEF
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    first, second = load(tmp_path / "out.exr")
    assert list(first[1]) == ["R", "G", "B", "A"]
    assert (second[1]["id.A"] == 0xDEADBEEF).all()


def test_new_layers_stand_beside_the_plates_own(hard_plate, tmp_path):
    frame = read(hard_plate)
    ratio, rest, normals = (
        np.full((HEIGHT, WIDTH, 3), v, t) for v, t in ((2, np.float16), (0.1, np.float32), (1, np.float32))
    )
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb, new_layers={"ratio": ratio, "rest": rest, "N": normals})
    (_, first), (_, second) = load(tmp_path / "out.exr")
    assert {"ratio.R", "ratio.G", "ratio.B", "rest.R", "N.X", "N.Y", "N.Z", "diffuse.R"} <= first.keys()
    assert first["ratio.R"].dtype == np.float16
    assert first["rest.R"].dtype == np.float32
    np.testing.assert_array_equal(first["rest.R"], rest[..., 0])
    np.testing.assert_array_equal(bits(first["R"]), bits(load(hard_plate)[0][1]["R"]))
    assert list(second) == ["id.A"]


def test_a_layer_whose_name_is_taken_is_refused_with_the_way_out(hard_plate, tmp_path):
    frame = read(hard_plate)
    layer = {"Diffuse": np.zeros((HEIGHT, WIDTH, 3), np.float16)}
    with pytest.raises(UsageError, match=r"shot010\.1042\.exr already has a layer 'Diffuse'; pass --drop-layers"):
        exr.write_frame(tmp_path / "out.exr", frame, frame.rgb, new_layers=layer)
    assert not (tmp_path / "out.exr").exists()
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb, new_layers=layer, drop_layers=True)
    [(spec, after)] = load(tmp_path / "out.exr")
    assert list(after) == ["R", "G", "B", "A", "Diffuse.R", "Diffuse.G", "Diffuse.B"]
    assert spec.getattribute("smpte:TimeCode") == TIMECODE


@pytest.mark.parametrize("name", ["1", "key light", "lamp.1", ""])
def test_layer_names_hosts_cannot_read_are_refused(tmp_path, name):
    frame = read(plain(tmp_path / "in.exr"))
    with pytest.raises(UsageError, match="letters, digits"):
        exr.write_frame(tmp_path / "o.exr", frame, frame.rgb, new_layers={name: frame.rgb})


@pytest.mark.parametrize("compression", ["none", "rle", "zip", "zips", "piz"])
def test_lossless_compressions_change_nothing(hard_plate, tmp_path, compression):
    frame = read(hard_plate)
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb, compression=compression)
    for (_, a), (spec, b) in zip(load(hard_plate), load(tmp_path / "out.exr"), strict=True):
        assert (spec.getattribute("compression") or "none") == compression
        for name in a:
            np.testing.assert_array_equal(bits(a[name]), bits(b[name]), err_msg=name)


def test_dwa_touches_the_colour_alone(hard_plate, tmp_path):
    frame = read(hard_plate)
    added = {"N": np.random.default_rng(2).standard_normal((HEIGHT, WIDTH, 3)).astype(np.float32)}
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb, compression="dwaa:45", new_layers=added)
    before = {name: values for _, part in load(hard_plate) for name, values in part.items()}
    parts = load(tmp_path / "out.exr")
    assert [spec.getattribute("compression").split(":")[0] for spec, _ in parts] == ["dwaa", "zip", "zip"]
    assert list(parts[0][1]) == ["R", "G", "B", "A"]
    after = {name: values for _, part in parts for name, values in part.items()}
    for name in before.keys() - {"R", "G", "B"}:
        np.testing.assert_array_equal(bits(before[name]), bits(after[name]), err_msg=name)
    np.testing.assert_array_equal(after["N.Z"], added["N"][..., 2])
    assert (bits(before["B"]) != bits(after["B"])).any()


@pytest.mark.parametrize("compression", ["pxr24", "b44", "jpeg", "dwaa:x", "zip:99", ""])
def test_other_compressions_are_refused(tmp_path, compression):
    frame = read(plain(tmp_path / "in.exr"))
    with pytest.raises(UsageError, match="compression must be"):
        exr.write_frame(tmp_path / "o.exr", frame, frame.rgb, compression=compression)


def test_multipart_gives_each_layer_a_part(tmp_path):
    pixels = rgba() | {
        "diffuse.R": np.ones((HEIGHT, WIDTH), np.float16),
        "depth.Z": np.ones((HEIGHT, WIDTH), np.float32),
    }
    frame = read(save(tmp_path / "in.exr", (pixels, {"smpte:TimeCode": ("timecode", TIMECODE)})))
    layers = {"ratio": np.ones((HEIGHT, WIDTH, 3), np.float16)}
    exr.write_frame(
        tmp_path / "out.exr", frame, frame.rgb, multipart=True, new_layers=layers, attributes={"relamp/seed": 7}
    )
    parts = load(tmp_path / "out.exr")
    assert [spec.getattribute("name") for spec, _ in parts] == ["rgba", "depth", "diffuse", "ratio"]
    assert all(windows(spec) == windows(parts[0][0]) for spec, _ in parts)
    again = read(tmp_path / "out.exr")
    assert list(again.layers) == ["depth", "diffuse", "ratio"]
    assert exr.header(tmp_path / "out.exr")["relamp/seed"] == 7


def test_provenance_is_written_and_an_earlier_runs_is_replaced_whole(tmp_path):
    old = save(
        tmp_path / "in.exr",
        (rgba(), {"relamp/env": "old.exr", "relamp/job": "abc", "openexr:lineOrder": "decreasingY"}),
    )
    frame = read(old)
    exr.write_frame(
        tmp_path / "out.exr",
        frame,
        frame.rgb,
        attributes={
            "relamp/version": "0.1",
            "relamp/seed": 3,
            "relamp/epsilon": 0.02,
            "relamp/scale": (1.0, 2.0, 0.5),
            "relamp/job": "x" * 5000,
        },
    )
    header = exr.header(tmp_path / "out.exr")
    assert header["relamp/version"] == "0.1"
    assert header["relamp/seed"] == 3
    assert header["relamp/epsilon"] == pytest.approx(0.02)
    assert header["relamp/scale"] == (1.0, 2.0, 0.5)
    assert header["relamp/job"] == "x" * 5000
    assert "relamp/env" not in header
    assert header["openexr:lineOrder"] == "increasingY"


def test_a_declared_space_is_tagged_and_contradicting_chromaticities_are_dropped(tmp_path):
    xy = ("float[8]", (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329))
    path = save(tmp_path / "in.exr", (rgba(), {"chromaticities": xy}))
    kept, declared = read(path), read(path, colorspace="ACES2065-1")
    assert kept.colorspace == "Linear Rec.709 (sRGB)"
    assert declared.colorspace == "ACES2065-1"
    exr.write_frame(tmp_path / "kept.exr", kept, kept.rgb)
    exr.write_frame(tmp_path / "declared.exr", declared, declared.rgb)
    assert exr.header(tmp_path / "kept.exr")["colorInteropID"] == "lin_rec709_scene"
    assert "chromaticities" in exr.header(tmp_path / "kept.exr")
    assert exr.header(tmp_path / "declared.exr")["colorInteropID"] == "lin_ap0_scene"
    assert "chromaticities" not in exr.header(tmp_path / "declared.exr")


def test_a_tag_the_config_does_not_know_is_kept_to_the_letter(tmp_path):
    frame = read(save(tmp_path / "in.exr", (rgba(), {"colorInteropID": "studio:lin_camera"})))
    assert frame.colorspace == "ACEScg"
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    assert exr.header(tmp_path / "out.exr")["colorInteropID"] == "studio:lin_camera"


# What is found


@pytest.mark.parametrize(
    "prefix", ["rgba.", "Combined.", "ViewLayer.Combined.", "beauty.", "Ci."], ids=lambda prefix: prefix.rstrip(".")
)
def test_the_beauty_is_found_under_its_names_and_written_plain(tmp_path, prefix):
    pixels = {prefix + name: values for name, values in rgba().items()} | {"N.X": np.ones((HEIGHT, WIDTH), np.float32)}
    frame = read(save(tmp_path / "in.exr", (pixels, {})))
    np.testing.assert_array_equal(frame.rgb[..., 1], pixels[prefix + "G"])
    np.testing.assert_array_equal(frame.alpha, pixels[prefix + "A"])
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    [(_, after)] = load(tmp_path / "out.exr")
    assert set(after) == {"R", "G", "B", "A", "N.X"}
    np.testing.assert_array_equal(after["B"], pixels[prefix + "B"])


def part(name, seed, channels="RGB", **attributes):
    return rgba(seed, names=channels), {"name": name, **attributes}


@pytest.mark.parametrize("beauty", ["C", "Ci", "beauty", "RGBA", "Combined", "ViewLayer.Combined", "beauty_denoised"])
@pytest.mark.parametrize("first", [True, False])
def test_the_part_of_the_beauty_is_taken_wherever_it_stands_and_keeps_its_name(tmp_path, beauty, first):
    others = part("N", 1), part("key", 2)
    picture = part(beauty, 3, "RGBA")
    frame = read(save(tmp_path / "in.exr", *((picture, *others) if first else (*others, picture))))
    np.testing.assert_array_equal(frame.rgb[..., 1], picture[0]["G"])
    np.testing.assert_array_equal(frame.alpha, picture[0]["A"])
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb * 2)
    after = {spec.getattribute("name"): pixels for spec, pixels in load(tmp_path / "out.exr")}
    assert set(after) == {beauty, "N", "key"}
    np.testing.assert_array_equal(after[beauty]["R"], picture[0]["R"] * np.float16(2))
    np.testing.assert_array_equal(after["N"]["R"], others[0][0]["R"])
    again = read(tmp_path / "out.exr")
    np.testing.assert_array_equal(again.rgb[..., 0], frame.rgb[..., 0] * 2)


def test_the_only_light_of_a_file_is_the_picture_whatever_it_is_called(tmp_path):
    path = save(tmp_path / "in.exr", part("N", 1), part("P", 2), part("shot_040", 3))
    np.testing.assert_array_equal(read(path).rgb[..., 2], rgba(3)["B"])
    assert exr.colour_channels(path) == "shot_040.R, shot_040.G, shot_040.B"


@pytest.mark.parametrize("names", [("key", "fill"), ("beauty", "rgba"), ("beauty_a", "beauty_b"), ("C", "Ci")])
def test_where_two_parts_could_be_the_picture_the_layer_is_asked_for(tmp_path, names):
    path = save(tmp_path / "in.exr", part("N", 1), part(names[0], 2), part(names[1], 3))
    said = rf"'{names[0]}' and '{names[1]}' could each be the picture; say which with --layer"
    with pytest.raises(InputError, match=said):
        read(path)
    np.testing.assert_array_equal(read(path, layer=names[1]).rgb[..., 0], rgba(3)["R"])


def test_two_layers_that_could_be_the_picture_are_asked_for_but_not_beside_a_plain_one(tmp_path):
    both = {f"{layer}.{c}": v for seed, layer in enumerate(("Ci", "beauty")) for c, v in rgba(seed).items()}
    with pytest.raises(InputError, match="'beauty' and 'Ci' could each be the picture"):
        read(save(tmp_path / "in.exr", (both, {})))
    np.testing.assert_array_equal(read(save(tmp_path / "p.exr", (rgba(5) | both, {}))).rgb[..., 0], rgba(5)["R"])


def stereo(path, *, parts):
    """Left and right pictures with normals of their own, 1 and 2, in parts or in channel names."""
    sides = {
        view: rgba(seed) | {f"N.{c}": np.full((HEIGHT, WIDTH), seed, np.float16) for c in "XYZ"}
        for seed, view in enumerate(("left", "right"), 1)
    }
    if parts:
        return save(path, *((pixels, {"name": view, "view": view}) for view, pixels in sides.items()))
    right = {".".join((*name.split(".")[:-1], "right", name[-1])): v for name, v in sides["right"].items()}
    return save(path, (sides["left"] | right, {"multiView": ("string[2]", ("left", "right"))}))


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize(("view", "seed"), [(None, 1), ("left", 1), ("right", 2), ("middle", 1)])
def test_a_view_is_found_with_its_own_layers_in_parts_and_in_channel_names(tmp_path, parts, view, seed):
    path = stereo(tmp_path / "in.exr", parts=parts)
    assert exr.views(path) == ("left", "right")
    frame = read(path, view=view)
    np.testing.assert_array_equal(frame.rgb[..., 1], rgba(seed)["G"])
    np.testing.assert_array_equal(frame.alpha, rgba(seed)["A"])
    assert (exr.find_normals(frame).pixels == seed).all()
    assert (exr.read_normals(path, view=view).pixels == seed).all()
    np.testing.assert_array_equal(exr.read_matte(path, view=view).pixels[..., 0], rgba(seed)["A"])
    assert (exr.read_layer(path, "N", view).pixels == seed).all()
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb * 2)
    for other in (1, 2):
        found = read(tmp_path / "out.exr", view=("left", "right")[other - 1]).rgb[..., 0]
        np.testing.assert_array_equal(found, rgba(other)["R"].astype(np.float32) * (2 if other == seed else 1))


def test_a_view_without_normals_does_not_take_the_others(tmp_path):
    left = rgba(1) | {f"N.{c}": np.ones((HEIGHT, WIDTH), np.float16) for c in "XYZ"}
    path = save(tmp_path / "in.exr", (left, {"name": "l", "view": "left"}), (rgba(2), {"name": "r", "view": "right"}))
    assert exr.find_normals(read(path, view="right")) is None


def test_blenders_parts_with_the_layer_in_part_and_channel_are_read(tmp_path):
    beauty = {f"ViewLayer.Combined.{name}": values for name, values in rgba().items()}
    normal = {f"ViewLayer.Normal.{name}": values for name, values in rgba(1, np.float32, "XYZ").items()}
    depth = {"ViewLayer.Depth.Z": np.full((HEIGHT, WIDTH), 7, np.float32)}
    path = save(
        tmp_path / "in.exr",
        (beauty, {"name": "ViewLayer.Combined"}),
        (depth, {"name": "ViewLayer.Depth"}),
        (normal, {"name": "ViewLayer.Normal"}),
    )
    frame = read(path)
    np.testing.assert_array_equal(frame.rgb[..., 0], beauty["ViewLayer.Combined.R"])
    found = exr.find_normals(frame)
    assert found is not None
    assert found.names == ("ViewLayer.Normal.X", "ViewLayer.Normal.Y", "ViewLayer.Normal.Z")
    np.testing.assert_array_equal(found.pixels[..., 2], normal["ViewLayer.Normal.Z"])
    deep = exr.find_depth(frame)
    assert deep is not None
    assert (deep.pixels == 7).all()
    assert deep.pixels.shape == (HEIGHT, WIDTH, 1)


@pytest.mark.parametrize(
    ("layer", "components"),
    [
        ("N", "XYZ"),
        ("n", "xyz"),
        ("Normal", "XYZ"),
        ("normals", "RGB"),
        ("nrm", "rgb"),
        ("normal", ("red", "green", "blue")),
    ],
)
def test_normals_are_found_under_every_name_and_in_order(tmp_path, layer, components):
    pixels = rgba() | {f"{layer}.{c}": np.full((HEIGHT, WIDTH), i, np.float32) for i, c in enumerate(components)}
    found = exr.find_normals(read(save(tmp_path / "in.exr", (pixels, {}))))
    assert found is not None
    assert found.pixels[0, 0].tolist() == [0, 1, 2]


def test_a_plate_without_normals_or_depth_has_none(tmp_path):
    frame = read(plain(tmp_path / "in.exr"))
    assert exr.find_normals(frame) is None
    assert exr.find_depth(frame) is None


@pytest.mark.parametrize("name", ["Z", "depth.Z", "Depth.V", "zdepth.R", "ViewLayer.Depth.Z"])
def test_depth_is_found_under_every_name(tmp_path, name):
    frame = read(save(tmp_path / "in.exr", (rgba() | {name: np.full((HEIGHT, WIDTH), 3, np.float32)}, {})))
    found = exr.find_depth(frame)
    assert found is not None
    assert (found.pixels == 3).all()


def test_a_part_named_for_a_layer_gives_its_channels_that_name(tmp_path):
    path = save(
        tmp_path / "in.exr",
        (rgba(), {"name": "beauty"}),
        (rgba(1, np.float32, "XYZ"), {"name": "N"}),
        (rgba(2, names="RGB"), {"name": "diffuse"}),
    )
    frame = read(path)
    assert list(frame.layers) == ["N", "diffuse"]
    np.testing.assert_array_equal(frame.layer("diffuse")[..., 2], rgba(2, names="RGB")["B"])
    np.testing.assert_array_equal(read(path, layer="diffuse").rgb[..., 2], rgba(2, names="RGB")["B"])
    assert exr.find_normals(frame) is not None


def test_a_layer_chosen_beside_a_beauty_goes_back_where_it_came_from(tmp_path):
    pixels = rgba() | {f"key.{c}": v for c, v in rgba(5, names="RGB").items()}
    frame = read(save(tmp_path / "in.exr", (pixels, {})), layer="key")
    np.testing.assert_array_equal(frame.alpha, pixels["A"])
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb * 2)
    [(_, after)] = load(tmp_path / "out.exr")
    np.testing.assert_array_equal(after["key.R"], pixels["key.R"] * np.float16(2))
    np.testing.assert_array_equal(after["R"], pixels["R"])


def test_the_other_view_is_carried_and_can_be_chosen(tmp_path):
    path = save(
        tmp_path / "in.exr", (rgba(0), {"name": "left", "view": "left"}), (rgba(1), {"name": "right", "view": "right"})
    )
    np.testing.assert_array_equal(read(path).rgb[..., 0], rgba(0)["R"])
    right = read(path, layer="right")
    np.testing.assert_array_equal(right.rgb[..., 0], rgba(1)["R"])
    exr.write_frame(tmp_path / "out.exr", right, right.rgb * 2)
    left, after = load(tmp_path / "out.exr")
    np.testing.assert_array_equal(left[1]["R"], rgba(0)["R"])
    np.testing.assert_array_equal(after[1]["R"], rgba(1)["R"] * np.float16(2))
    assert after[0].getattribute("view") == "right"


def test_parts_with_other_windows_are_placed_on_the_plate(tmp_path):
    small = {
        "N.X": np.full((4, 6), 2, np.float32),
        "N.Y": np.full((4, 6), 3, np.float32),
        "N.Z": np.full((4, 6), 4, np.float32),
    }
    display = {"full_width": WIDTH, "full_height": HEIGHT}
    path = save(tmp_path / "in.exr", (rgba(), {"name": "rgba"}), (small, {"name": "N", "x": 10, "y": -2, **display}))
    frame = read(path)
    found = exr.find_normals(frame)
    assert found is not None
    assert found.pixels.shape == (HEIGHT, WIDTH, 3)
    assert found.pixels[0, 10].tolist() == [2, 3, 4]
    assert found.pixels[..., 0].sum() == 2 * 2 * 6
    np.testing.assert_array_equal(frame.layer("N"), found.pixels)
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    assert windows(load(tmp_path / "out.exr")[1][0]) == windows(load(path)[1][0])


def test_tiles_are_read_and_scan_lines_written(tmp_path):
    path = save(tmp_path / "in.exr", (rgba(), {"tile_width": 16, "tile_height": 16}))
    frame = read(path)
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    [(spec, after)] = load(tmp_path / "out.exr")
    assert spec.tile_width == 0
    np.testing.assert_array_equal(after["G"], rgba()["G"])


# Mattes and normals of their own


def test_a_matte_is_one_channel_by_choice_or_by_name(tmp_path):
    one = np.full((HEIGHT, WIDTH), 1, np.float16)
    path = save(tmp_path / "m.exr", (rgba() | {"id.A": one, "roto.R": one * 0}, {}))
    np.testing.assert_array_equal(exr.read_matte(path).pixels[..., 0], rgba()["A"])
    assert (exr.read_matte(path, "id.A").pixels == 1).all()
    assert (exr.read_matte(path, "id").pixels == 1).all()
    assert (exr.read_matte(path, "roto").pixels == 0).all()
    with pytest.raises(InputError, match=r"no layer or channel 'hair'; it has R, G, B, A, id\.A"):
        exr.read_matte(path, "hair")


def test_a_matte_without_alpha_is_its_only_or_its_grey_channel(tmp_path):
    grey = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    for names in (("Y",), ("R", "G", "B"), ("matte.A", "x.R")):
        path = save(tmp_path / f"{names[0]}.exr", (dict.fromkeys(names, grey), {}))
        np.testing.assert_array_equal(exr.read_matte(path).pixels[..., 0], grey)
    with pytest.raises(
        InputError, match=r"has channels R, G, B and no alpha; name the matte's channel, as in c\.exr:R"
    ):
        exr.read_matte(save(tmp_path / "c.exr", (rgba(names="RGB"), {})))


def test_an_8_bit_matte_is_taken_as_a_fraction(tmp_path):
    image = oiio.ImageBuf(np.full((HEIGHT, WIDTH, 1), 51, np.uint8))
    image.write(str(tmp_path / "m.png"))
    np.testing.assert_allclose(exr.read_matte(tmp_path / "m.png").pixels, 0.2, atol=1e-6)


def test_a_matte_lies_on_the_plate_by_its_windows_or_is_refused(tmp_path):
    frame = read(plain(tmp_path / "p.exr"))
    display = {"full_width": WIDTH, "full_height": HEIGHT}
    cropped = save(tmp_path / "m.exr", ({"A": np.ones((5, 5), np.float16)}, {"x": 2, "y": 3, **display}))
    over = exr.read_matte(cropped).over(frame)
    assert over.shape == (HEIGHT, WIDTH, 1)
    assert over.sum() == 25
    assert over[3, 2, 0] == 1
    small = save(tmp_path / "s.exr", ({"A": np.ones((5, 5), np.float16)}, {}))
    with pytest.raises(InputError, match=r"s\.exr is 5x5, but the plate p\.exr is 47x33; reformat it"):
        exr.read_matte(small).over(frame)


def test_normals_of_their_own_file_come_by_name_or_plain(tmp_path):
    vector = rgba(3, np.float32, "XYZ")
    for prefix, names in (("N.", "XYZ"), ("", "RGB"), ("", "XYZ"), ("ViewLayer.Normal.", "XYZ")):
        channels = {f"{prefix}{name}": values for name, values in zip(names, vector.values(), strict=True)}
        found = exr.read_normals(save(tmp_path / "n.exr", (channels, {})))
        np.testing.assert_array_equal(found.pixels[..., 2], vector["Z"])
    both = rgba() | {f"bumped.{name}": values for name, values in vector.items()}
    path = save(tmp_path / "b.exr", (both, {}))
    np.testing.assert_array_equal(exr.read_normals(path, "bumped").pixels[..., 0], vector["X"])
    with pytest.raises(InputError, match="normals need X, Y and Z"):
        exr.read_normals(path, "A")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("m.####.exr", ("m.####.exr", None)),
        ("m.####.exr:id.A", ("m.####.exr", "id.A")),
        ("C:\\shots\\m.exr", ("C:\\shots\\m.exr", None)),
        ("C:/shots/m.exr:hair", ("C:/shots/m.exr", "hair")),
        ("a:b.exr", ("a:b.exr", None)),
    ],
)
def test_a_layer_is_named_behind_the_file(text, parts):
    assert exr.split_layer(text) == parts


# What is refused


def make_deep(path):
    spec = oiio.ImageSpec(4, 4, 5, "float")
    spec.deep, spec.channelnames = True, ("R", "G", "B", "A", "Z")
    data = oiio.DeepData()
    data.init(16, 5, (oiio.TypeDesc("float"),) * 5, spec.channelnames)
    out = oiio.ImageOutput.create("exr")
    assert out.open(str(path), spec)
    assert out.write_deep_image(data)
    assert out.close()


def make_mipmap(path):
    assert oiio.ImageBufAlgo.make_texture(
        oiio.MakeTxTexture, oiio.ImageBuf(np.ones((64, 64, 4), np.float32)), str(path)
    )


def make_truncated(path):
    whole = plain(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def make_second_part_truncated(path):
    whole = save(path, (rgba(), {"name": "rgba"}), (rgba(1, np.float32), {"name": "extra"})).read_bytes()
    path.write_bytes(whole[:-5000])


def make_bmp(path):
    oiio.ImageBuf(np.zeros((4, 4, 3), np.uint8)).write(str(path.with_suffix(".bmp")))
    shutil.copy(path.with_suffix(".bmp"), path)


def make_ids(path):
    save(path, ({c: np.zeros((4, 4), np.uint32) for c in "RGB"}, {}))


def make_depth(path):
    save(path, (rgba(names="YZ"), {}))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (make_deep, "holds deep pixels; flatten it"),
        (make_mipmap, "mip-mapped texture"),
        (make_truncated, "cut short or damaged in part 1: .*; copy or render it again"),
        (make_second_part_truncated, "cut short or damaged in part 2"),
        (make_bmp, "is BMP; a plate must be EXR, DPX, TIFF, PNG, JPEG or a movie: convert it to EXR"),
        (make_ids, "hold whole numbers"),
        (make_depth, r"^shot010\.1042\.exr has channels Y, Z but no R, G, B; name a layer with --layer$"),
        (
            lambda path: path.write_bytes(b"hello" * 99),
            "cannot be read as a picture; write the file again .*not an OpenEXR file",
        ),
        (lambda path: path.touch(), "cannot be read as a picture"),
        (lambda path: path.mkdir(), "is a folder, not a picture"),
        (lambda path: None, "does not exist"),
    ],
)
def test_what_is_no_plate_gets_a_sentence(tmp_path, make, sentence):
    path = tmp_path / "shot010.1042.exr"
    make(path)
    with pytest.raises(InputError, match=sentence) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_an_exr_under_another_name_is_still_an_exr(tmp_path):
    plain(tmp_path / "a.exr").rename(tmp_path / "a.tmp2")
    os.rename(tmp_path / "a.tmp2", tmp_path / "a.sxr")
    assert read(tmp_path / "a.sxr").rgb.shape == (HEIGHT, WIDTH, 3)


def test_damage_in_a_part_not_read_yet_is_found_when_it_is_written(tmp_path):
    path = tmp_path / "p.exr"
    make_second_part_truncated(path)
    frame = read(path, carry=False)
    exr.write_frame(tmp_path / "kept.exr", frame, frame.rgb, drop_layers=True)
    with pytest.raises(InputError, match="part 2"):
        exr.write_frame(tmp_path / "out.exr", frame, frame.rgb)
    assert not (tmp_path / "out.exr").exists()


def test_a_missing_layer_is_named_with_what_there_is(tmp_path):
    with pytest.raises(InputError, match="no layer 'key' with R, G, B; it has channels R, G, B, A"):
        read(plain(tmp_path / "p.exr"), layer="key")
    with pytest.raises(InputError, match="has no layer 'x'; it has none"):
        read(tmp_path / "p.exr").layer("x")


def test_verify_finds_damage_the_header_does_not_show(tmp_path):
    path = tmp_path / "p.exr"
    make_truncated(path)
    assert exr.header(path)["PixelAspectRatio"] == 1
    with pytest.raises(InputError, match="cut short"):
        exr.verify(path)
    exr.verify(plain(tmp_path / "whole.exr"))


# Files appear whole or not at all


def test_the_plate_is_never_written_over(tmp_path):
    frame = read(plain(tmp_path / "p.exr"))
    os.link(tmp_path / "p.exr", tmp_path / "same.exr")
    for name in ("p.exr", "same.exr"):
        with pytest.raises(UsageError, match="is the plate itself"):
            exr.write_frame(tmp_path / name, frame, frame.rgb)


def test_only_exr_is_written(tmp_path):
    frame = read(plain(tmp_path / "p.exr"))
    with pytest.raises(UsageError, match=r"must end in \.exr"):
        exr.write_frame(tmp_path / "p.png", frame, frame.rgb)


def test_an_unwritable_place_is_an_output_error(tmp_path):
    frame = read(plain(tmp_path / "p.exr"))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        exr.write_frame(tmp_path / "file" / "o.exr", frame, frame.rgb)
    (tmp_path / "o.exr").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        exr.write_frame(tmp_path / "o.exr", frame, frame.rgb)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "o.exr", "p.exr"]


def _full_disk(folder, free):
    """Runs in a process whose files cannot grow, on a disk said to have `free` bytes: write over a finished frame, and report."""
    import signal
    from types import SimpleNamespace

    shutil.disk_usage = lambda _: SimpleNamespace(free=free)

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    frame = read(folder / "p.exr")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
    try:
        exr.write_frame(
            folder / "out.exr", frame, np.random.default_rng(9).random(frame.rgb.shape, np.float32), data_type="float"
        )
    except OutputError as error:
        return f"OutputError {error}"
    return "written"


@pytest.mark.parametrize(
    ("free", "said"), [(10**9, "cannot write"), (0, "the disk is full, or nearly: 0.0 MB are free")]
)
def test_a_full_disk_leaves_the_finished_frame_and_no_remains(tmp_path, free, said):
    random = np.random.default_rng(0)
    save(tmp_path / "p.exr", ({c: random.random((200, 200)).astype(np.float32) for c in "RGB"}, {}))
    shutil.copy(tmp_path / "p.exr", tmp_path / "out.exr")
    before = (tmp_path / "out.exr").read_bytes()
    code = (
        f"import importlib.util as u, pathlib; s = u.spec_from_file_location('t', {__file__!r}); m = u.module_from_spec(s); "
        f"s.loader.exec_module(m); print(m._full_disk(pathlib.Path({str(tmp_path)!r}), {free}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.stdout.startswith("OutputError cannot write"), told.stdout + told.stderr
    assert said in told.stdout
    assert (tmp_path / "out.exr").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.exr", "p.exr"]


def test_stale_temporaries_of_dead_processes_go_and_others_stay(tmp_path):
    from relamp.core import atomic

    seen = []
    with atomic.replacing(tmp_path / "a.0001.exr") as temporary:
        seen.append(temporary.name)
        temporary.touch()
        assert not temporary.name.endswith(".exr")
        assert temporary.name.startswith(".")
        assert exr.remove_stale(tmp_path) == 0  # this process lives
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    mine = re.sub(r"\d+\.tmp$", f"{dead.stdout.strip()}.tmp", seen[0])
    elsewhere = ".a.0001.exr.otherhost-of-the-farm.1.tmp"
    for name in (mine, elsewhere, ".a.0001.exr.tmp", "keep.tmp"):
        (tmp_path / name).touch()
    assert exr.remove_stale(tmp_path) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [elsewhere, ".a.0001.exr.tmp", "a.0001.exr", "keep.tmp"]
    )
    assert exr.remove_stale(tmp_path / "nowhere") == 0


def test_info_tells_what_an_artist_asks(hard_plate, tmp_path):
    frame = read(hard_plate)
    exr.write_frame(tmp_path / "o.exr", frame, frame.rgb, attributes={"relamp/version": "0.1.0"})
    told = exr.info(tmp_path / "o.exr", COLOUR, pixels=True)
    for expected in (
        "o.exr: openexr, 2 parts",
        "part 1 'rgba': data window 47x33-5+11 in display window 64x48+0+0, pixel aspect 2, zip",
        "depth: Z (float)",
        "colour space: ACEScg (colorInteropID lin_ap1_scene)",
        "timecode: 01:02:03:04",
        "frames per second: 24000/1001",
        "relamp/version: 0.1.0",
        "pixels with NaN 1, with inf 2",
    ):
        assert expected in told


def test_a_black_frame_keeps_windows_and_layers_but_no_timecode(hard_plate, tmp_path):
    black = read(hard_plate).black()
    exr.write_frame(tmp_path / "o.exr", black, black.rgb)
    for (a, before), (b, after) in zip(load(hard_plate), load(tmp_path / "o.exr"), strict=True):
        assert windows(a) == windows(b)
        assert list(before) == list(after)
        assert not any(values.any() for values in after.values())
        assert b.getattribute("smpte:TimeCode") is None


@pytest.mark.parametrize("value", [3, 0.5])
def test_a_multiview_attribute_that_holds_no_names_tells_no_views(value):
    spec = oiio.ImageSpec(2, 2, 3, "half")
    spec.attribute("multiView", value)
    assert views_of([spec]) == ()


def test_info_tells_which_channel_is_depth_and_how_far_it_goes(tmp_path):
    far = np.linspace(4, 9, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    far[0], far[-1] = np.inf, 0
    told = exr.info(save(tmp_path / "in.exr", (rgba() | {"depth.Z": far}, {})), pixels=True)
    assert f"depth: depth.Z, {far[1].min():.4g} to {far[-2].max():.4g} without 0 and infinity" in told
    assert "depth" not in exr.info(plain(tmp_path / "plain.exr"))


@pytest.mark.parametrize("name", ["Pz", "depth", "VRayZDepth.R", "Z"])
def test_a_depth_file_is_read_by_the_names_of_renderers(tmp_path, name):
    path = save(tmp_path / "in.exr", (rgba() | {name: np.full((HEIGHT, WIDTH), 3, np.float32)}, {}))
    assert (exr.read_depth(path).pixels == 3).all()
    assert exr.read_depth(path, "A").names == ("A",)


def test_a_grey_file_is_depth_and_a_coloured_one_asks_for_the_channel(tmp_path):
    grey = {c: np.full((HEIGHT, WIDTH), 2, np.float32) for c in "RGB"}
    assert exr.read_depth(save(tmp_path / "grey.exr", (grey, {}))).pixels.shape == (HEIGHT, WIDTH, 1)
    with pytest.raises(InputError, match=r"no Z or depth\.Z; name the depth's channel, as in in\.exr:R"):
        exr.read_depth(plain(tmp_path / "in.exr"))
