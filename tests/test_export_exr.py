import json
import os
import subprocess
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.cli import main
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from shots import QUICK_OPTIONS, read_exr

LAYERS = ("ratio", "lamp1", "rest", "N")


@pytest.fixture
def relit(shot):
    arguments = ["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out, "-q"]
    assert main([*arguments, *QUICK_OPTIONS, "--layers", "ratio,lamps", "--lamps", "2", "-F", "1001-1002"]) == 0
    return shot


def parts(path):
    """Each part's name, channels and their types, by OpenImageIO alone."""
    found, index = [], 0
    file = oiio.ImageInput.open(str(path))
    assert file is not None
    while file.seek_subimage(index, 0):
        spec = file.spec()
        kinds = [str(spec.channelformat(i)) for i in range(spec.nchannels)]
        found.append((spec.getattribute("name"), tuple(spec.channelnames), kinds))
        index += 1
    file.close()
    return found


def everything(path):
    """Every channel of a file by its full name, and its windows."""
    frame = exr.read_frame(path, colour=Colour())
    pixels = {name: frame.channel(name) for part in frame.source.parts for name in part.names}
    return pixels, (frame.data_window, frame.display_window)


@pytest.mark.parametrize("options", [[], ["--multipart"], ["--compression", "dwaa:45"], ["--compression", "piz"]])
def test_layers_are_the_same_numbers_however_they_are_laid_out(relit, tmp_path, options):
    out = tmp_path / "again.####.exr"
    assert main(["export", "exr", relit.out, "--out", str(out), *options]) == 0
    for frame in (1001, 1002):
        before, windows = everything(relit.out_frame(frame))
        after, same = everything(tmp_path / f"again.{frame}.exr")
        assert after.keys() == before.keys()
        assert same == windows
        for name, pixels in before.items():
            if name in "RGBA" and "dwaa:45" in options:
                np.testing.assert_allclose(after[name], pixels, atol=0.03)
            else:
                assert after[name].tobytes() == pixels.tobytes(), name


def test_one_part_holds_all_or_each_layer_has_its_own(relit, tmp_path):
    for option, name in (("--single-part", "one"), ("--multipart", "many")):
        assert main(["export", "exr", relit.out, "--out", str(tmp_path / f"{name}.####.exr"), option]) == 0
    names = [part[0] for part in parts(tmp_path / "many.1001.exr")]
    assert names[0] == "rgba"
    assert sorted(names[1:]) == sorted(LAYERS)
    (only,) = parts(tmp_path / "one.1001.exr")
    assert {"R", "A", "ratio.R", "lamp1.B", "N.X"} <= set(only[1])


def test_many_parts_come_back_as_one(relit, tmp_path):
    assert main(["export", "exr", relit.out, "--out", str(tmp_path / "many.####.exr"), "--multipart"]) == 0
    assert main(["export", "exr", str(tmp_path / "many.####.exr"), "--out", str(tmp_path / "one.####.exr")]) == 0
    (only,) = parts(tmp_path / "one.1001.exr")
    (first,) = parts(relit.out_frame(1001))
    assert dict(zip(only[1], only[2], strict=True)) == dict(zip(first[1], first[2], strict=True))
    before, after = everything(relit.out_frame(1001))[0], everything(tmp_path / "one.1001.exr")[0]
    assert all(after[name].tobytes() == before[name].tobytes() for name in before)


@pytest.mark.parametrize(
    ("names", "kept"),
    [("ratio", ["ratio"]), ("lamps", ["lamp1", "rest"]), ("N,ratio", ["N", "ratio"]), ("none", [])],
)
def test_only_the_layers_chosen_are_there(relit, tmp_path, names, kept):
    assert main(["export", "exr", relit.out, "--out", str(tmp_path / "a.####.exr"), "--layers", names]) == 0
    found = {name.partition(".")[0] for name in parts(tmp_path / "a.1001.exr")[0][1] if "." in name}
    assert found == set(kept)


def test_how_it_was_made_is_kept_and_a_render_does_not_take_it_for_its_own(relit, tmp_path, capsys):
    out = tmp_path / "a.####.exr"
    assert main(["export", "exr", relit.out, "--out", str(out), "--layers", "ratio"]) == 0
    before, after = exr.header(relit.out_frame(1001)), exr.header(tmp_path / "a.1001.exr")
    for name in ("relamp/version", "relamp/epsilon", "relamp/env", "relamp/ai"):
        assert after[name] == before[name]
    assert after["relamp/job"] != before["relamp/job"]
    _, spec = read_exr(tmp_path / "a.1001.exr")
    assert spec.getattribute("colorInteropID") == read_exr(relit.out_frame(1001))[1].getattribute("colorInteropID")


def test_what_cannot_be_done_is_said(relit, tmp_path, capsys):
    out = ["--out", str(tmp_path / "a.####.exr")]
    assert main(["export", "exr", relit.out, *out, "--layers", "depth"]) == 2
    assert "no layer depth; it has N, lamp1" in capsys.readouterr().err
    assert main(["export", "exr", relit.out, *out, "-F", "1001-1003"]) == 3
    assert "1003 are not there" in capsys.readouterr().err
    assert main(["export", "exr", relit.out, *out]) == 2
    assert "1001-1002 are already there" in capsys.readouterr().err
    assert main(["export", "exr", relit.out, *out, "--overwrite"]) == 0
    assert main(["export", "exr", relit.out, "--out", str(tmp_path / "one.exr")]) == 2
    assert "####" in capsys.readouterr().err


BLENDER = """
import bpy, sys, json
scene = bpy.context.scene
image = bpy.data.images.load(sys.argv[-1])
tree = bpy.data.node_groups.new("comp", "CompositorNodeTree")
scene.compositing_node_group = tree
node = tree.nodes.new("CompositorNodeImage")
node.image = image
print("FOUND " + json.dumps({"space": image.colorspace_settings.name, "size": list(image.size),
                             "sockets": [s.name for s in node.outputs if s.enabled], "type": image.type}))
"""


@pytest.mark.blender
@pytest.mark.parametrize("option", ["--single-part", "--multipart"])
def test_blender_opens_the_layers_by_name(relit, tmp_path, option):
    assert main(["export", "exr", relit.out, "--out", str(tmp_path / "a.####.exr"), option]) == 0
    (tmp_path / "look.py").write_text(BLENDER)
    python = os.environ["RELAMP_BPY_PYTHON"]
    command = [python, str(tmp_path / "look.py"), str(tmp_path / "a.1001.exr")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))
    found = json.loads(line[6:])
    assert found["space"] == "ACEScg"
    assert {*LAYERS} <= set(found["sockets"]), found


def test_a_file_of_somebody_else_keeps_its_ids(tmp_path):
    """Whole numbers beside half floats are not rounded."""
    ids = np.array([[1, 2**31 + 1], [3, 2**24 + 1]], np.uint32)
    path = tmp_path / "in.1.exr"
    write_mixed(path, ids)
    assert main(["export", "exr", str(path), "--out", str(tmp_path / "out.exr")]) == 0
    frame = exr.read_frame(tmp_path / "out.exr", colour=Colour())
    part = next(part for part in frame.source.parts if "id.I" in part.names)
    np.testing.assert_array_equal(part.pixels.channel(part.names.index("id.I")), ids)


def write_mixed(path: Path, ids: np.ndarray) -> None:
    """A file with a part of colour and a part of whole numbers."""
    colour, numbers = oiio.ImageSpec(2, 2, 3, "half"), oiio.ImageSpec(2, 2, 1, "uint")
    colour.attribute("name", "rgba")
    numbers.attribute("name", "id")
    numbers.channelnames = ("id.I",)
    out = oiio.ImageOutput.create("exr")
    assert out is not None
    assert out.open(str(path), (colour, numbers))
    assert out.write_image(np.full((2, 2, 3), 0.5, np.float32))
    assert out.open(str(path), numbers, "AppendSubimage")
    assert out.write_image(ids[..., None])
    assert out.close()
