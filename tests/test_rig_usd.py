"""Rigs as UsdLux lights, written and read back."""

import math

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdLux
from test_rig import rig_text

from relamp.core.cli import main
from relamp.core.errors import InputError
from relamp.core.light.rig import from_json, to_json
from relamp.core.light.rig_file import load

KEY = {"name": "key", "kind": "distant", "direction": [-0.6, 0.5, 0.62], "kelvin": 3200, "stops": 1, "size": 4}
LAMP = {
    "name": "lamp",
    "kind": "sphere",
    "position": [0.4, 0.1, -1.5],
    "colour": [1, 0.6, 0.3],
    "stops": -1,
    "size": 0.05,
}
TORCH = {
    "name": "torch",
    "kind": "spot",
    "position": [0.2, -0.4, -0.5],
    "aim": [-0.2, 0.4, -1.5],
    "angle": 30,
    "softness": 0.4,
}
WINDOW = {
    "name": "window",
    "kind": "area",
    "position": [-1, 0.5, -2],
    "aim": [1, -0.3, 0],
    "size": [0.5, 0.8],
    "shadows": False,
}


def written(folder, *lights, **more):
    """The stage of a rig."""
    (folder / "rig.json").write_text(rig_text(*lights, **more))
    out = folder / "lights.usda"
    assert main(["export", "usd", str(folder / "rig.json"), "--out", str(out), "--overwrite"]) == 0
    return out


def flat(light):
    """The numbers of a light."""
    values = [vars(light)[k] for k in ("direction", "position", "aim", "kelvin", "stops", "size", "angle", "softness")]
    return np.concatenate([np.ravel(v) for v in values if v is not None])


def test_the_lights_of_a_rig_come_back_from_a_stage(tmp_path):
    stage = written(tmp_path, KEY, LAMP, TORCH, WINDOW, {**LAMP, "on": False})
    before, after = load(tmp_path / "rig.json"), load(stage)
    assert [light.kind for light in after.lights] == [light.kind for light in before.lights]
    assert [(light.on, light.shadows) for light in after.lights] == [
        (light.on, light.shadows) for light in before.lights
    ]
    assert [light.name for light in after.lights] == ["key", "lamp", "torch", "window", "lamp_2"]
    for one, other in zip(before.lights, after.lights, strict=True):
        for key in ("direction", "aim"):  # their lengths mean nothing
            if getattr(one, key) is not None:
                unit = np.array(getattr(one, key)) / np.linalg.norm(getattr(one, key))
                np.testing.assert_allclose(getattr(other, key), unit, atol=1e-5)
        assert other.stops == pytest.approx(one.stops, abs=1e-3)
        assert other.kelvin == one.kelvin
        if one.colour:
            np.testing.assert_allclose(other.colour, one.colour, rtol=1e-5)
        if one.position:
            np.testing.assert_allclose(other.position, one.position, atol=1e-5)
        np.testing.assert_allclose(other.size, one.size, rtol=1e-5)
        assert (other.angle, other.softness) == pytest.approx((one.angle, one.softness))


def test_values_over_frames_come_back(tmp_path):
    moving = {
        **LAMP,
        "position": {"keys": [[1001, [0, 0, -1]], [1010, [1, 0, -1]]]},
        "stops": {"keys": [[1001, 0], [1010, 2]]},
    }
    after = load(written(tmp_path, moving)).lights[0]
    for frame, x, stops in ((1001, 0.0, 0.0), (1010, 1.0, 2.0)):
        now = after.at_frame(frame)
        assert now.position[0] == pytest.approx(x, abs=1e-5)
        assert now.stops == pytest.approx(stops, abs=1e-3)


def test_a_light_of_a_stage_gives_the_subject_what_its_emission_says(tmp_path):
    stage = written(tmp_path, LAMP)
    opened = Usd.Stage.Open(str(stage))
    light = UsdLux.SphereLight(opened.GetPrimAtPath("/Relamp/Lights/lamp"))
    radiance = light.GetIntensityAttr().Get() * 2 ** light.GetExposureAttr().Get()
    radiance *= float(np.array(light.GetColorAttr().Get()) @ (0.2126, 0.7152, 0.0722))
    away = math.dist(LAMP["position"], (0, 0, -2))
    received = math.pi * radiance * light.GetRadiusAttr().Get() ** 2 / away**2
    assert received / math.pi == pytest.approx(2.0 ** LAMP["stops"], rel=1e-4)


def test_lights_of_another_program_stand_in_the_axes_of_its_camera(tmp_path):
    stage = Usd.Stage.CreateNew(str(tmp_path / "set.usda"))
    camera = UsdGeom.Camera.Define(stage, "/cam")
    camera.AddTranslateOp().Set(Gf.Vec3d(0, 1.6, 5))
    disk = UsdLux.DiskLight.Define(stage, "/set/window")
    disk.AddTranslateOp().Set(Gf.Vec3d(1, 1.6, 3))
    disk.CreateRadiusAttr(0.5)
    UsdLux.DomeLight.Define(stage, "/set/dome")
    stage.Save()
    (light,) = load(tmp_path / "set.usda").lights
    assert light.kind == "area"
    np.testing.assert_allclose(light.position, (1, 0, -2), atol=1e-5)
    np.testing.assert_allclose(light.aim, (0, 0, -1), atol=1e-5)
    assert light.size[0] ** 2 == pytest.approx(math.pi * 0.25, rel=1e-4)
    assert from_json(to_json(load(tmp_path / "set.usda"))).lights == (light,)


def test_what_cannot_be_written_or_read_is_refused(tmp_path, capsys):
    (tmp_path / "rig.json").write_text(rig_text({"kind": "sphere", "at": [10, 10]}))
    assert main(["export", "usd", str(tmp_path / "rig.json"), "--out", str(tmp_path / "a.usda")]) == 2
    assert "give it a position" in capsys.readouterr().err
    assert main(["export", "usd", str(tmp_path / "rig.json"), "--out", str(tmp_path / "a.json")]) == 2
    with pytest.raises(InputError, match="cannot read this stage"):
        load(tmp_path / "none.usda")
    Usd.Stage.CreateNew(str(tmp_path / "empty.usda")).Save()
    with pytest.raises(InputError, match="has 0 distant, sphere, disk and rect lights"):
        load(tmp_path / "empty.usda")


def test_the_verb_turns_a_stage_into_a_rig_file(tmp_path, capsys):
    stage = written(tmp_path, KEY)
    assert main(["rig", str(stage), "--out", str(tmp_path / "back.json")]) == 0
    assert "key: distant" in capsys.readouterr().out
    assert load(tmp_path / "back.json").lights[0].kelvin == 3200
