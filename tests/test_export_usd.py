"""The rig as OpenUSD reads it back, and as another renderer sees it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdLux

from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.job import RelightJob
from relamp.core.light.environment import directions, rotate, rotation_matrix
from relamp.core.light.irradiance import irradiance
from relamp.core.light.map_file import load_environment
from relamp.core.parameters import Curve, RelightParameters
from relamp.core.pictures.colour import Colour
from shots import read_exr, soft_light, sphere, write_exr

EXAMPLES = Path(__file__).parent.parent / "examples"
NORMALS = directions(24, 48).reshape(-1, 3)


def export(shot, *options, **more) -> Path:
    """The stage of a job on the test shot."""
    given: dict[str, Any] = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "out": shot.out, **more}
    jobs.save(RelightJob(RelightParameters(**given)), shot.folder / "shot.relamp.json", overwrite=True)
    out = shot.folder / "light.usda"
    assert main(["export", "usd", str(shot.folder / "shot.relamp.json"), "--out", str(out), *options]) == 0
    return out


def lights(stage_file, variant, frame=None):
    """What a renderer needs of the stage: domes as (file, rotation, scale), suns as (where the light goes, irradiance)."""
    stage = Usd.Stage.Open(str(stage_file))
    stage.GetPrimAtPath("/Relamp/Rig").GetVariantSet("light").SetVariantSelection(variant)
    time = Usd.TimeCode.Default() if frame is None else frame
    found, cache = {"domes": [], "suns": []}, UsdGeom.XformCache(time)
    for prim in stage.Traverse():
        turn = np.array(cache.GetLocalToWorldTransform(prim)).T
        if prim.IsA(UsdLux.DomeLight):
            dome = UsdLux.DomeLight(prim)
            scale = dome.GetIntensityAttr().Get(time) * 2 ** dome.GetExposureAttr().Get(time)
            file = dome.GetTextureFileAttr().Get(time).resolvedPath
            found["domes"].append({"file": file, "to_world": turn.tolist(), "scale": scale})
        elif prim.IsA(UsdLux.DistantLight):
            sun = UsdLux.DistantLight(prim)
            assert sun.GetNormalizeAttr().Get()
            scale = sun.GetIntensityAttr().Get(time) * 2 ** sun.GetExposureAttr().Get(time)
            received = np.array(sun.GetColorAttr().Get(time)) * scale
            for toward, share in disc(np.radians(sun.GetAngleAttr().Get(time) / 2)):
                to = turn[:3, :3] @ -toward
                found["suns"].append({"to": to.tolist(), "irradiance": (received * share).tolist()})
    return found


def disc(radius):
    """A DistantLight as lights without size: directions about +Z, and what each gives a surface that faces it, of 1."""
    count = 1 if radius < np.radians(3) else 64
    height = 1 - (np.arange(count) + 0.5) / count * (1 - np.cos(radius))
    turn = np.arange(count) * np.pi * (3 - 5**0.5)
    across = np.sqrt(1 - height * height)
    directions = np.stack([across * np.cos(turn), across * np.sin(turn), height], -1) if count > 1 else np.eye(3)[2:]
    # The same radiance all over the disc: pi sin^2 of it fall on what faces it, 2 pi (1 - cos) is its solid angle.
    share = 2 * (1 - np.cos(radius)) / np.sin(radius) ** 2 / count if count > 1 else 1.0
    return [(direction, share) for direction in directions]


def received(rig):
    """Irradiance on `NORMALS` under what `lights` found, in the space of the maps."""
    total = np.zeros_like(NORMALS, np.float64)
    for dome in rig["domes"]:
        pixels, _ = read_exr(Path(dome["file"]))
        turn = np.array(dome["to_world"])[:3, :3]
        total += irradiance(pixels[..., :3], NORMALS @ turn) * dome["scale"]
    for sun in rig["suns"]:
        total += np.maximum(NORMALS @ -np.array(sun["to"]), 0)[:, None] * sun["irradiance"]
    return total


def sunny(shot):
    """A map with a small sun, a softbox and an even sky."""
    env = soft_light((1.0, 0.3, 0.2), 0.2, 64)
    env[14:16, 70:72] = (900, 700, 400)
    return str(write_exr(shot.folder / "sunny.exr", env, ("R", "G", "B")))


def test_both_variants_give_what_the_map_gives(shot):
    stage = export(shot, "--lamps", "2", env=sunny(shot), env_level="absolute")
    whole, lamps = (lights(stage, variant) for variant in ("whole", "lamps"))
    assert (len(whole["domes"]), len(whole["suns"])) == (1, 0)
    assert (len(lamps["domes"]), len(lamps["suns"])) == (1, 1 + 64)  # the sun has no size to speak of, the softbox has
    pixels, _ = read_exr(shot.folder / "sunny.exr")
    truth = irradiance(pixels, NORMALS)
    np.testing.assert_allclose(received(whole), truth, rtol=1e-5)
    assert abs(received(lamps).mean() / truth.mean() - 1) < 0.01
    assert np.abs(received(lamps) - truth).mean() < 0.02 * truth.mean()
    brightest = [NORMALS[np.argmax(light.sum(-1))] for light in (received(lamps), truth)]
    assert np.degrees(np.arccos(np.clip(brightest[0] @ brightest[1], -1, 1))) < 8  # one step of NORMALS


@pytest.mark.parametrize("angles", [(0.0, 90.0, 0.0), (20.0, -35.0, 10.0)])
def test_the_rig_turns_as_the_environment_does(shot, angles):
    stage = export(shot, "--lamps", "1", env=sunny(shot), env_rotate=angles, env_level="absolute")
    pixels = load_environment(shot.folder / "sunny.exr", colour=Colour()).pixels
    truth = irradiance(rotate(pixels, rotation_matrix(*angles)), NORMALS)
    for variant in ("whole", "lamps"):
        assert np.abs(received(lights(stage, variant)) - truth).mean() < 0.02 * truth.mean()


def test_a_cg_ball_under_the_rig_is_as_bright_as_the_relit_plate(shot):
    """The plate's ball has an albedo of 0.5: lit by the rig it must read what Relamp made of it, under both levels."""
    normals, coverage = sphere(48)
    for level in ("match", "absolute"):
        stage = export(shot, "--overwrite", env_level=level, env_exposure=1.0)
        job = [
            "render",
            "--job",
            str(shot.folder / "shot.relamp.json"),
            "--overwrite",
            "-q",
            "--grain",
            "off",
            "--backbone",
            "ratio",
            "-F",
            "1001",
        ]
        assert main(job) == 0
        relit = read_exr(shot.out_frame(1001))[0]
        rig = lights(stage, "whole")
        pixels, _ = read_exr(Path(rig["domes"][0]["file"]))
        cg = irradiance(pixels, normals) / np.pi * 0.5 * rig["domes"][0]["scale"]
        inside = coverage > 0.999
        assert abs(relit[inside][:, :3].mean() / cg[inside].mean() - 1) < 0.02, level


def test_what_moves_in_the_job_moves_in_the_rig(shot):
    turn = Curve(((1001, (0.0, 0.0, 0.0)), (1004, (0.0, 90.0, 0.0))))
    stage = export(shot, "--lamps", "1", env_rotate=turn, env_exposure=Curve(((1001, 0.0), (1004, 3.0))))
    first, last = (lights(stage, "lamps", frame) for frame in (1001, 1004))
    assert last["suns"][0]["irradiance"][0] == pytest.approx(8 * first["suns"][0]["irradiance"][0], rel=1e-5)
    turned = rotation_matrix(0, 90, 0) @ first["suns"][0]["to"]
    np.testing.assert_allclose(last["suns"][0]["to"], turned, atol=1e-5)
    opened = Usd.Stage.Open(str(stage))
    assert (opened.GetStartTimeCode(), opened.GetEndTimeCode()) == (1001, 1004)
    assert UsdGeom.GetStageUpAxis(opened) == "Y"


def test_a_sequence_of_maps_gives_each_frame_its_own(shot):
    for frame in range(1001, 1005):
        env = soft_light((frame - 1002.5, 0.3, 1.0), 0.3)
        write_exr(shot.folder / f"env.{frame}.exr", env, ("R", "G", "B"))
    stage = export(shot, "--lamps", "1", env=str(shot.folder / "env.####.exr"), env_level="absolute")
    for frame in (1001, 1004):
        pixels, _ = read_exr(shot.folder / f"env.{frame}.exr")
        np.testing.assert_allclose(received(lights(stage, "whole", frame)), irradiance(pixels, NORMALS), rtol=1e-5)
        assert lights(stage, "lamps", frame)["domes"][0]["file"].endswith(f"light.rest.{frame}.exr")


def test_the_camera_and_the_colour_space_come_along(shot):
    (shot.folder / "camera.json").write_text('{"fov": 60, "rotate": [0, 30, 0]}')
    opened = Usd.Stage.Open(str(export(shot, camera=str(shot.folder / "camera.json"))))
    camera = UsdGeom.Camera(opened.GetPrimAtPath("/Relamp/Camera"))
    assert camera.GetCamera().GetFieldOfView(camera.GetCamera().FOVHorizontal) == pytest.approx(60, abs=1e-3)
    turn = np.array(camera.GetLocalTransformation()).T[:3, :3]
    np.testing.assert_allclose(turn, rotation_matrix(0, 30, 0), atol=1e-6)
    texture = UsdLux.DomeLight(opened.GetPrimAtPath("/Relamp/Rig/Environment")).GetTextureFileAttr()
    assert texture.GetColorSpace() == "lin_ap1_scene"
    assert texture.Get().path == "./b.exr"


def test_a_light_in_words_has_to_be_a_map_first(shot, capsys):
    given = {"plate": shot.plate, "prompt": "warm sunset from the left", "out": shot.out}
    jobs.save(RelightJob(RelightParameters(**given)), shot.folder / "shot.relamp.json")
    out = str(shot.folder / "light.usda")
    assert main(["export", "usd", str(shot.folder / "shot.relamp.json"), "--out", out]) == 2
    assert "save this light with relamp env --out" in capsys.readouterr().err


def test_another_ending_is_refused(shot, capsys):
    jobs.save(RelightJob(RelightParameters(plate=shot.plate, env=shot.env_b)), shot.folder / "shot.relamp.json")
    job = str(shot.folder / "shot.relamp.json")
    assert main(["export", "usd", job, "--out", str(shot.folder / "light.fbx")]) == 2
    assert "must end in .usda" in capsys.readouterr().err


@pytest.mark.mitsuba
def test_mitsuba_sees_the_map_in_the_rig(shot, tmp_path):
    """A grey ball under the examples' low sun: the map alone, and the rig as read back with OpenUSD."""
    sky = EXAMPLES / "environments" / "low_sun.exr"
    stage = export(shot, "--lamps", "3", env=str(sky), env_level="absolute")
    alone = {"domes": [{"file": str(sky), "to_world": np.eye(4).tolist(), "scale": 1}], "suns": []}
    balls = [render(rig, tmp_path / f"{i}.exr") for i, rig in enumerate((alone, lights(stage, "lamps")))]
    means = [ball[0].mean() for ball in balls]
    assert abs(means[1] / means[0] - 1) < 0.02
    angle = np.degrees(np.arccos(np.clip(balls[0][1] @ balls[1][1], -1, 1)))
    print(f"mean {100 * (means[1] / means[0] - 1):+.2f} %, brightest {angle:.2f} degrees")
    assert angle < 2


def render(rig, out):
    """Luminance inside the ball, and the direction its brightest three in a hundred face."""
    out.with_suffix(".json").write_text(json.dumps(rig))
    script = Path(__file__).with_name("usd_in_mitsuba.py")
    command = [os.environ["RELAMP_MITSUBA_PYTHON"], str(script), str(out.with_suffix(".json")), str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    pixels = read_exr(out)[0]
    size = pixels.shape[0]
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, -axis)
    inside = np.hypot(x, y) < 0.97
    light = pixels[..., :3].mean(-1)[inside]
    normals = np.stack([x, y, np.sqrt(np.maximum(1 - x * x - y * y, 0))], -1)[inside]
    top = light > np.quantile(light, 0.97)
    direction = light[top] @ normals[top]
    return light, direction / np.linalg.norm(direction)


def test_a_rig_and_its_maps_that_are_there_are_not_written_over(shot, capsys):
    out = export(shot)
    command = ["export", "usd", str(shot.folder / "shot.relamp.json"), "--out", str(out), "--light", "lamps"]
    before = out.read_text()
    assert main(command) == 2
    said = capsys.readouterr().err
    for path in (out, out.with_name("light.rest.exr")):
        assert str(path) in said
    assert "--overwrite" in said
    assert out.read_text() == before
    assert main([*command, "--overwrite"]) == 0
    assert out.read_text() != before
