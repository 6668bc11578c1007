"""What a camera or a DI tool wrote into a header comes out byte by byte, whatever the type and the letters."""

from __future__ import annotations

import struct
import subprocess
import sys

import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.pictures import exr
from relamp.core.pictures.colour import PINNED, Colour
from shots import lit_ball, soft_light, write_exr

NAME = b"Fran\xe7ois"


def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
    return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value


def with_attributes(path, *attributes: bytes):
    """Put attributes first into the header of a file of one part, and its chunk offsets where they belong."""
    data = path.read_bytes()
    more = b"".join(attributes)
    path.write_bytes(data[:8] + more + data[8:])
    return path


def in_file(path, name: bytes) -> tuple[bytes, bytes]:
    """Type and value of an attribute of a file of one part, read by hand."""
    data, at = path.read_bytes(), 8
    while data[at]:
        found, kind = data[at:].split(b"\0", 2)[:2]
        at += len(found) + len(kind) + 2
        (size,) = struct.unpack_from("<i", data, at)
        if found == name:
            return kind, data[at + 4 : at + 4 + size]
        at += 4 + size
    raise AssertionError(f"no {name!r} in {path}")


def channels_in(path) -> list[bytes]:
    _, listed = in_file(path, b"channels")
    names = []
    while listed[0]:
        name, listed = listed.split(b"\0", 1)
        names.append(name)
        listed = listed[16:]
    return names


@pytest.fixture
def plate(tmp_path):
    return write_exr(tmp_path / "plate.1001.exr", lit_ball(soft_light((0.3, 0.4, 1.0)))[..., :4], tuple("RGBA"), "half")


def again(path, tmp_path, **options):
    frame = exr.read_frame(path, colour=Colour(PINNED))
    exr.write_frame(tmp_path / "out.exr", frame, frame.rgb * 2, **options)
    return tmp_path / "out.exr"


@pytest.mark.parametrize(
    ("kind", "layout"), [("double", "d"), ("v2d", "2d"), ("v3d", "3d"), ("m33d", "9d"), ("m44d", "16d"), ("m33f", "9f")]
)
def test_numbers_of_every_precision_are_carried(plate, tmp_path, kind, layout):
    count = int(layout[:-1] or 1)
    value = struct.pack(f"<{layout}", *(1 / (i + 3) for i in range(count)))
    out = again(with_attributes(plate, attribute(b"tracker/solve", kind.encode(), value)), tmp_path)
    assert in_file(out, b"tracker/solve") == (kind.encode(), value)


def test_text_that_is_not_utf8_comes_back_as_it_was(plate, tmp_path):
    lists = struct.pack("<i", 1) + b"a" + struct.pack("<i", len(NAME)) + NAME
    with_attributes(
        plate,
        attribute(b"owner", b"string", NAME),
        attribute(b"cam\xe9ra", b"string", b"A"),
        attribute(b"crew", b"stringvector", lists),
        attribute(b"colorInteropID", b"string", b"studio:caf\xe9"),
    )
    out = again(plate, tmp_path)
    assert in_file(out, b"owner") == (b"string", NAME)
    assert in_file(out, b"cam\xe9ra") == (b"string", b"A")
    assert in_file(out, b"crew") == (b"stringvector", lists)
    assert in_file(out, b"colorInteropID") == (b"string", b"studio:caf\xe9")


@pytest.mark.parametrize("options", [{}, {"compression": "dwaa:45"}, {"multipart": True}])
def test_a_channel_name_that_is_not_utf8_comes_back_as_it_was(tmp_path, options):
    pixels = lit_ball(soft_light((0.3, 0.4, 1.0)))
    names = ("R", "G", "B", "A", "ca_.X", "N.Y", "id.Z")
    path = write_exr(tmp_path / "plate.exr", pixels, names, "half")
    path.write_bytes(path.read_bytes().replace(b"ca_.X\0", b"ca\xe9.X\0"))
    ratio = np.full((*pixels.shape[:2], 3), 2, np.float16)
    out = again(path, tmp_path, new_layers={"ratio": ratio}, **options)
    if not options:
        assert sorted(channels_in(out)) == sorted([*channels_in(path), b"ratio.R", b"ratio.G", b"ratio.B"])
    frame = exr.read_frame(out, colour=Colour(PINNED))
    before = exr.read_frame(path, colour=Colour(PINNED))
    assert set(frame.layers) == {"ca\udce9", "N", "id", "ratio"}
    for layer in ("ca\udce9", "N", "id"):
        np.testing.assert_array_equal(frame.layer(layer), before.layer(layer))
    np.testing.assert_array_equal(frame.layer("ratio"), ratio)


def test_a_shot_with_such_a_header_is_relit_and_told_of(plate, tmp_path):
    with_attributes(plate, attribute(b"owner", b"string", NAME))
    env = str(write_exr(tmp_path / "env.exr", soft_light((-1.0, 0.2, 0.1)), ("R", "G", "B")))
    out = tmp_path / "relit.exr"
    assert main(["render", str(plate), "--env", env, "--backbone", "ratio", "--out", str(out), "-q"]) == 0
    assert in_file(out, b"owner") == (b"string", NAME)


def test_a_damaged_file_with_such_a_name_fails_in_a_sentence(tmp_path):
    path = write_exr(tmp_path / "cut.exr", np.random.default_rng(0).random((64, 64, 4)), ("R", "G", "B", "ca_.X"))
    whole = path.read_bytes().replace(b"ca_.X\0", b"ca\xe9.X\0")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut short or damaged in part 1"):
        exr.read_frame(path, colour=Colour(PINNED))
    path.write_bytes(whole.replace(b"G\0\2\0", b"Q\0\2\0", 1))
    run = [sys.executable, "-m", "relamp.core.cli", "info", str(path)]
    told = subprocess.run(run, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "ca\u00e9: X" in told.stdout.decode()
    with pytest.raises(InputError, match=r"has channels .*ca\u00e9\.X but no R, G, B"):
        exr.read_frame(path, colour=Colour(PINNED))
