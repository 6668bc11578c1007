import json

import numpy as np
import pytest

from relamp.core.camera import default_camera, load_camera
from relamp.core.errors import InputError


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
        ("c.chan", "1001 0 0\n", "line 1"),
        ("c.chan", "# nothing\n", "no frames"),
    ],
)
def test_a_file_that_is_no_camera_is_refused_with_its_reason(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        load_camera(tmp_path / name)
