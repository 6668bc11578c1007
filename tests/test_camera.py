import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.job import RelightJob
from relamp.core.light.camera import default_camera, load_camera
from relamp.core.parameters import RelightParameters
from relamp.core.shot.prepare import prepare
from relamp.core.shot.preview import Previewer
from relamp.core.shot.render import render
from shots import layer, soft_light, write_exr


def test_the_default_camera_stands_in_the_world_as_it_is():
    camera = default_camera().at(1001)
    np.testing.assert_array_equal(camera.rotation, np.eye(3))
    assert camera.fov == 40


def test_a_json_camera_turned_left_sees_minus_x_ahead(tmp_path):
    file = tmp_path / "camera.json"
    file.write_text(json.dumps({"fov": 30, "rotate": [0, 90, 0]}))
    camera = load_camera(file).at(1)
    np.testing.assert_allclose(camera.rotation @ (0, 0, -1), (-1, 0, 0), atol=1e-12)
    assert camera.fov == 30


def test_a_matrix_and_angles_say_the_same(tmp_path):
    angles, matrix = tmp_path / "a.json", tmp_path / "m.json"
    angles.write_text(json.dumps({"rotate": [10, 20, 30]}))
    rotation = load_camera(angles).at(1).rotation
    full = np.eye(4)
    full[:3, :3] = rotation * 2.5  # an even scale is no rotation, and harmless
    full[:3, 3] = (1, 2, 3)
    matrix.write_text(json.dumps({"matrix": full.ravel().tolist()}))
    np.testing.assert_allclose(load_camera(matrix).at(1).rotation, rotation, atol=1e-9)


def test_a_chan_file_moves_and_its_vertical_view_is_widened(tmp_path):
    file = tmp_path / "shot.chan"
    file.write_text("1001 0 0 0 0 0 0 22.0\n1002 1 2 3 0 45 0 22.0\n")
    move = load_camera(file, aspect=2.0)
    np.testing.assert_array_equal(move.at(1001).rotation, np.eye(3))
    assert move.at(1002).rotation[0, 0] == pytest.approx(np.sqrt(0.5))
    assert move.at(1001).fov == pytest.approx(np.degrees(2 * np.arctan(2 * np.tan(np.radians(11)))))
    assert move.at(1500).rotation[0, 0] == move.at(1002).rotation[0, 0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.json", "{", "not a camera"),
        ("c.json", '{"fov": 400}', "fov must be"),
        ("c.json", '{"matrix": [1, 2, 3]}', "not a camera"),
        ("c.json", json.dumps({"matrix": [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}), "not a rotation"),
        ("c.json", '{"frames": {}}', "without frames"),
        ("c.json", '{"rotate": [NaN, 0, 0]}', "finite"),
        ("c.json", '{"rotat": [0, 90, 0]}', "rotat"),
        ("c.json", "{}", "nothing"),
        ("c.json", json.dumps({"matrix": [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}), "not a rotation"),
        ("c.json", json.dumps({"matrix": [0] * 16}), "not a rotation"),
        ("c.chan", "1001 0 0 0 0 nan 0 22\n", "finite"),
        ("c.chan", "1001 0 0 0 0 0 0 0\n", "fov"),
        ("c.chan", "1001 0 0 0 0 0 0 22\n", "needs the format"),
        ("c.chan", "1001 0 0\n", "line 1"),
        ("c.chan", "# nothing\n", "no frames"),
    ],
)
def test_a_file_that_is_no_camera_is_refused_with_its_reason(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        load_camera(tmp_path / name)


WIDENED = 2.39  # display width over height of the anamorphic plate in square pixels
VERTICAL = 75.0  # degrees
HORIZONTAL = float(np.degrees(2 * np.arctan(WIDENED * np.tan(np.radians(VERTICAL / 2)))))


class Anamorphic:
    """A plate of squeezed pixels, and its camera twice: as Nuke's vertical field of view and as the horizontal one it means."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        height, width = 60, 72
        self.env = str(write_exr(folder / "env.exr", soft_light((-1.0, 0.2, 0.1)), ("R", "G", "B")))
        y, x = np.mgrid[:height, :width].astype(np.float32)
        inside = np.hypot((x - 45) / 15, (y - 28) / 24) < 1
        pixels = np.zeros((height, width, 4), np.float32)
        pixels[inside] = (0.3, 0.25, 0.2, 1)
        pixels[inside, :3] *= (1 - x / width)[inside, None]
        spec = oiio.ImageSpec(width, height, 4, "float")
        spec.channelnames = ("R", "G", "B", "A")
        spec.attribute("PixelAspectRatio", WIDENED * height / width)
        self.plate = str(folder / "plate.1001.exr")
        file = oiio.ImageOutput.create(self.plate)
        assert file.open(self.plate, spec)
        assert file.write_image(pixels)
        assert file.close()
        self.cameras = {"chan": str(folder / "shot.chan"), "json": str(folder / "shot.json")}
        Path(self.cameras["chan"]).write_text(f"1001 0 0 0 0 10 0 {VERTICAL}\n")
        Path(self.cameras["json"]).write_text(json.dumps({"fov": HORIZONTAL, "rotate": [0, 10, 0]}))

    def parameters(self, camera: str) -> RelightParameters:
        given = {"plate": self.plate, "env": self.env, "camera": self.cameras[camera], "backbone": "ratio"}
        return RelightParameters(
            **given, out=str(self.folder / f"{camera}.exr"), layers=("normals",), data_type=("float",)
        )

    def same_for_both(self, make) -> None:
        chan, same = make("chan"), make("json")
        np.testing.assert_allclose(chan, same, atol=1e-5)


def test_a_render_widens_the_view_by_the_pixel_aspect_and_a_preview_shows_the_same_normals(tmp_path):
    shot = Anamorphic(tmp_path)
    names = ("N.X", "N.Y", "N.Z")

    def rendered(camera: str) -> np.ndarray:
        render(prepare(RelightJob(shot.parameters(camera))))
        return layer(tmp_path / f"{camera}.exr", *names)

    shot.same_for_both(rendered)
    alpha, normals = layer(shot.plate, "A")[..., 0] > 0, layer(tmp_path / "chan.exr", *names)
    for camera in shot.cameras:
        previewer = Previewer()
        job = RelightJob(shot.parameters(camera))
        previewer.picture(job, "normals", 1001, longer=0)
        rows, columns = np.nonzero(alpha)
        for row, column in list(zip(rows, columns, strict=True))[::97]:
            value = previewer.values("normals", (column + 0.5) / alpha.shape[1], (row + 0.5) / alpha.shape[0])
            np.testing.assert_allclose(2 * np.array(value) - 1, normals[row, column], atol=1e-5)


@pytest.mark.parametrize("light", ["--from", "--background"])
def test_relamp_env_sees_through_the_camera_of_the_render(tmp_path, light):
    shot = Anamorphic(tmp_path)

    def made(camera: str) -> np.ndarray:
        out = tmp_path / f"{camera}.light.exr"
        more = ["--mirror"] if light == "--from" else []
        assert main(["env", light, shot.plate, *more, "--camera", shot.cameras[camera], "--out", str(out)]) == 0
        return layer(out, "R", "G", "B")

    shot.same_for_both(made)


def test_deflicker_sees_through_the_camera_of_the_render(tmp_path, monkeypatch):
    shot, seen = Anamorphic(tmp_path), []
    monkeypatch.setattr("relamp.core.temporal.elsewhere.steady", lambda given, *_, **__: seen.append(given.camera) or 0)
    for camera in shot.cameras.values():
        out = str(tmp_path / "steady.exr")
        assert main(["deflicker", shot.plate, shot.plate, "--out", out, "--camera", camera]) == 0
    assert [move.at(1001).fov for move in seen] == pytest.approx([HORIZONTAL] * 2)


def test_the_dial_of_the_panel_looks_through_the_camera_of_the_render(tmp_path):
    shot = Anamorphic(tmp_path)
    background = {"env": None, "background": shot.plate}
    jobs = [RelightJob(replace(shot.parameters(camera), **background)) for camera in shot.cameras]
    chan, same = (Previewer().environment(job, 1001, 2).pixels.astype(int) for job in jobs)
    assert np.abs(chan - same).max() <= 1
