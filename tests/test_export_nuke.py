"""The script as text, and as the strict fake of Nuke works it out."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nuke import _nodes, _pixels, _tables
from nuke._state import state
from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.job import RelightJob
from relamp.core.parameters import Curve, RelightParameters
from shots import Shot, layer, write_exr

GOLDEN = Path(__file__).parent / "goldens" / "nuke" / "shot.nk"
RGB = ("rgba.red", "rgba.green", "rgba.blue")


# Node classes the plugin's own node has no use for


def _shuffle(node, frame, view):
    """The old Shuffle, as far as it is used: a layer into rgba, alpha black or that of `in2`."""
    picture = _pixels.render(node.ins[0], frame, view)
    source = node.text("in")
    out = {f"rgba.{c}": picture[f"{source}.{c}"] for c in ("red", "green", "blue")}
    black = np.zeros_like(out["rgba.red"])
    alpha = {"black": black, "alpha2": picture.get(f"{node.text('in2')}.alpha", black)}
    return {**picture, **out, "rgba.alpha": alpha[node.text("alpha")]}


def _multiply(node, frame, view):
    assert node.text("channels") == "rgb"
    picture = _pixels.render(node.ins[0], frame, view)
    return {name: p * np.float32(node.number("value", frame)) if name in RGB else p for name, p in picture.items()}


def _merge2(node, frame, view):
    b, a = (_pixels.render(source, frame, view) for source in node.ins)
    under = {"plus": 1, "over": 1 - a["rgba.alpha"]}[node.text("operation")]
    return {**b, **{name: a[name] + b[name] * under for name in (*RGB, "rgba.alpha")}}


def _dissolve(node, frame, view):
    which = np.float32(node.number("which", frame))
    first, second = (_pixels.render(source, frame, view) for source in node.ins)
    names = (*RGB, "rgba.alpha")
    return {name: first[name] + which * (second[name] - first[name]) if which < 1 else second[name] for name in names}


KNOBS: dict[str, dict[str, tuple[object, object]]] = {
    "Shuffle": {"in": (_tables.TEXT, "rgba"), "in2": (_tables.TEXT, "none"), "alpha": (_tables.TEXT, "alpha")},
    "Multiply": {"channels": (_tables.TEXT, "all"), "value": (_tables.NUMBER, 1.0)},
    "Merge2": {"operation": (("over", "plus"), "over")},
    "Dissolve": {"which": (_tables.NUMBER, 0.0)},
    "StickyNote": {},
    "Root": {**_tables.KNOBS["Root"], "fps": (_tables.NUMBER, 24.0), "format": (_tables.TEXT, "")},
}


@pytest.fixture
def host(monkeypatch):
    """The fake, knowing these classes too."""
    for kind, knobs in KNOBS.items():
        monkeypatch.setitem(_tables.KNOBS, kind, knobs)
    for kind in ("Merge2", "Dissolve"):
        monkeypatch.setitem(_tables.INPUTS, kind, 2)
    for make in (_shuffle, _multiply, _merge2, _dissolve):
        monkeypatch.setattr(_pixels, make.__name__, make, raising=False)
    state.reset()
    import nuke

    nuke.scriptClear()
    return nuke


def rendered(shot: Shot, *options: str, **more: Any) -> Path:
    """The shot rendered with lamps and ratio; its job file."""
    given: dict[str, Any] = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "out": shot.out,
                             "layers": ("ratio", "lamps"), "lamps": 2, "grain": "off", "data_type": ("float",),
                             **more}  # fmt: skip
    job = shot.folder / "shot.relamp.json"
    jobs.save(RelightJob(RelightParameters(**given)), job)
    assert main(["render", "--job", str(job), "-q"]) == 0
    return job


def opened(host, job: Path, *options: str):
    """The script of a job, exported and read; a function from a node's name to its picture on a frame."""
    out = job.parent / "shot.nk"
    assert main(["export", "nuke", str(job), "--out", str(out), *options]) == 0
    _nodes.read_script(out.read_text())

    def picture(name: str, frame: int = 1002) -> np.ndarray:
        found = _pixels.render(host.toNode(name), frame)
        return np.stack([found[channel] for channel in RGB], -1)

    return picture


def test_a_script_is_what_it_was(shot):
    job = rendered(shot)
    out = shot.folder / "shot.nk"
    assert main(["export", "nuke", str(job), "--out", str(out), "--background", shot.plate]) == 0
    text = out.read_text().replace(str(shot.folder), "/show")
    # Measured numbers may differ in their last digit from machine to machine.
    text = re.sub(r"^ (scale|epsilon) (\S+)$", lambda m: f" {m[1]} {float(m[2]):.3g}", text, flags=re.M)
    assert text == GOLDEN.read_text()


def test_at_rest_it_shows_what_was_rendered(host, shot):
    picture = opened(host, rendered(shot))
    stored = layer(shot.out_frame(1002), *"RGB")
    np.testing.assert_allclose(picture("Mix"), stored, rtol=1e-6, atol=1e-7)
    assert host.toNode("Mix").number("which") == 1


def test_a_dimmed_lamp_takes_its_layer_away_and_nothing_else(host, shot):
    picture = opened(host, rendered(shot))
    host.toNode("Lamp1")["value"].setValue(0.25)
    lamp = layer(shot.out_frame(1002), "lamp1.R", "lamp1.G", "lamp1.B")
    assert lamp.max() > 0.01
    np.testing.assert_allclose(picture("Mix"), layer(shot.out_frame(1002), *"RGB") - 0.75 * lamp, atol=1e-6)


def test_mix_goes_back_to_the_plate(host, shot):
    picture = opened(host, rendered(shot))
    host.toNode("Mix")["which"].setValue(0)
    np.testing.assert_array_equal(picture("Mix"), layer(shot.plate_frame(1002), *"RGB"))


@pytest.mark.parametrize("matte", ["own alpha", "file", "layer of a file"])
def test_the_road_over_the_ratio_comes_to_the_same_picture(host, shot, matte):
    more: dict[str, Any] = {"env_exposure": Curve(((1001, -1.0), (1004, 1.0))), "mix": 0.8}
    if matte != "own alpha":
        half = layer(shot.plate_frame(1001), "A") * (np.arange(48) > 20)[None, :, None]
        name = "A" if matte == "file" else "id.A"
        for frame in range(1001, 1005):
            write_exr(shot.folder / f"matte.{frame}.exr", half.astype(np.float32), (name,))
        more["matte"] = str(shot.folder / "matte.####.exr") + ("" if matte == "file" else ":id.A")
    picture = opened(host, rendered(shot, **more))
    host.toNode("Way")["which"].setValue(1)
    for frame in (1002, 1004):
        stored = layer(shot.out_frame(frame), *"RGB")
        np.testing.assert_allclose(picture("Mix", frame), stored, rtol=2e-5, atol=2e-6)
        assert np.abs(stored - layer(shot.plate_frame(frame), *"RGB")).max() > 0.05


def test_the_background_lies_under_it(host, shot):
    for frame in range(1001, 1005):
        write_exr(shot.folder / f"bg.{frame}.exr", np.full((48, 48, 4), 0.5, np.float32), ("R", "G", "B", "A"))
    picture = opened(host, rendered(shot), "--background", str(shot.folder / "bg.####.exr"))
    relit, alpha = layer(shot.out_frame(1002), *"RGB"), layer(shot.out_frame(1002), "A")
    np.testing.assert_allclose(picture("Over"), relit + 0.5 * (1 - alpha), atol=1e-6)


def test_without_layers_there_is_still_a_mix(host, shot):
    picture = opened(host, rendered(shot, layers=()))
    np.testing.assert_array_equal(picture("Mix"), layer(shot.out_frame(1002), *"RGB"))
    assert host.toNode("Way") is None


def test_frames_rate_format_and_colour_are_set(host, shot):
    opened(host, rendered(shot, frames="1002-1004"))
    root = host.root()
    assert (root["first_frame"].value(), root["last_frame"].value()) == (1002, 1004)
    assert root["format"].value() == "48 48 0 0 48 48 1 relamp"
    assert root["colorManagement"].value() == "OCIO"
    assert all(host.toNode(name)["raw"].value() for name in ("Plate", "Relit"))


def test_a_script_that_is_there_is_not_written_over(shot, capsys):
    job, out = rendered(shot), shot.folder / "shot.nk"
    out.write_text("somebody's comp")
    assert main(["export", "nuke", str(job), "--out", str(out)]) == 2
    assert f"{out} is already there; --overwrite writes over it" in capsys.readouterr().err
    assert out.read_text() == "somebody's comp"
    assert main(["export", "nuke", str(job), "--out", str(out), "--overwrite"]) == 0
    assert "Plate" in out.read_text()


def test_a_plate_in_another_space_meets_the_ratio_in_the_working_space(shot):
    job = rendered(shot, colorspace="Linear Rec.709 (sRGB)")
    assert main(["export", "nuke", str(job), "--out", str(shot.folder / "shot.nk")]) == 0
    text = (shot.folder / "shot.nk").read_text()
    assert 'in_colorspace "Linear Rec.709 (sRGB)"\n out_colorspace ACEScg' in text
    assert 'in_colorspace ACEScg\n out_colorspace "Linear Rec.709 (sRGB)"' in text


def test_what_is_not_rendered_cannot_be_rebuilt(shot, capsys):
    jobs.save(RelightJob(RelightParameters(plate=shot.plate, env=shot.env_b, out=shot.out)), shot.folder / "a.json")
    assert main(["export", "nuke", str(shot.folder / "a.json"), "--out", str(shot.folder / "shot.nk")]) == 4
    assert "there is no folder" in capsys.readouterr().err
    assert main(["export", "nuke", str(shot.folder / "a.json"), "--out", str(shot.folder / "shot.txt")]) == 2
    assert "must end in .nk" in capsys.readouterr().err
