"""`relamp passes`: layers that lie over the plate, the same however the frames are split, steadier than each frame alone."""

import cv2
import numpy as np
import PyOpenColorIO as ocio
import pytest
import small_estimators

from moving import pan
from relamp.core.cli import main
from relamp.core.job import from_json
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.interchange import PINNED
from relamp.core.relighter.models.ledger import DAVID, MOGE
from relamp.core.temporal.align import RADIUS, Aligner
from relamp.core.temporal.average import robust_mean, steadied
from shots import Shot, layer, read_exr, sphere, write_exr


class Seen:
    """A frame of a pan with what was seen of it."""

    def __init__(self, code, planes):
        self.code, self.planes, self.matte = code, planes, np.ones(code.shape[:2], np.float32)


@pytest.fixture
def models(tmp_path) -> str:
    folder = tmp_path / "models"
    folder.mkdir()
    small_estimators.moge(folder / MOGE[-1])
    small_estimators.david(folder / DAVID["multi"][0])
    return str(folder)


@pytest.fixture
def shot(tmp_path) -> Shot:
    return Shot(tmp_path, size=48, frames=3)


def passes(shot: Shot, models: str, out: str, *more: str, estimator: str = "moge") -> int:
    accept = ["--accept", "moge-2-vits-normal"]
    return main(["passes", shot.plate, "--out", out, "--estimator", estimator, "--models", models, *accept, *more])


def test_passes_lie_over_the_plate_with_their_names_and_its_picture(shot, models, tmp_path):
    assert passes(shot, models, str(tmp_path / "p.####.exr"), "--sheet", str(tmp_path / "sheet.png")) == 0
    _, spec = read_exr(tmp_path / "p.1002.exr")
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z", "matte.A")
    assert set(spec.channelnames) == set(names)
    plate = layer(shot.plate_frame(1002), "R", "G", "B", "A")
    assert np.array_equal(layer(tmp_path / "p.1002.exr", "R", "G", "B", "A"), plate)
    normals, depth = layer(tmp_path / "p.1002.exr", "N.X", "N.Y", "N.Z"), layer(tmp_path / "p.1002.exr", "depth.Z")
    inside = plate[..., 3] > 0
    assert not normals[~inside].any()
    np.testing.assert_allclose(np.linalg.norm(normals[inside], axis=-1), 1, atol=2e-3)
    np.testing.assert_allclose(
        depth[inside], 3.0, rtol=1e-3
    )  # the toy's wall, in metres, from the camera's field of view
    assert spec.getattribute("relamp/ai") == "passes"
    assert "moge-2-vits-normal.onnx" in spec.getattribute("relamp/models")
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_a_frame_has_the_same_bits_however_the_shot_is_split(shot, models, tmp_path):
    assert passes(shot, models, str(tmp_path / "whole" / "p.####.exr")) == 0
    for frame in ("1003", "1001-1002"):
        assert passes(shot, models, str(tmp_path / "parts" / "p.####.exr"), "--frames", frame, "--threads", "1") == 0
    for frame in (1001, 1002, 1003):
        one, two = (read_exr(tmp_path / where / f"p.{frame}.exr")[0] for where in ("whole", "parts"))
        assert np.array_equal(one, two)


def test_finished_frames_are_kept_until_the_estimator_changes(shot, models, tmp_path, caplog):
    out = str(tmp_path / "p.####.exr")
    assert passes(shot, models, out) == 0
    before = (tmp_path / "p.1001.exr").stat().st_mtime_ns
    assert passes(shot, models, out) == 2  # refused: they are there
    assert passes(shot, models, out, "--skip-existing") == 0
    assert (tmp_path / "p.1001.exr").stat().st_mtime_ns == before
    assert passes(shot, models, out, "--skip-existing", estimator="david") == 0
    assert layer(tmp_path / "p.1001.exr", "matte.A").any()
    assert (tmp_path / "p.1001.exr").stat().st_mtime_ns != before


def test_a_layer_the_estimator_does_not_give_is_refused_with_those_it_gives(shot, models, tmp_path, capsys):
    assert passes(shot, models, str(tmp_path / "p.####.exr"), "--layers", "albedo") == 2
    assert "--estimator moge gives normals, depth, matte" in capsys.readouterr().err
    assert passes(shot, models, str(tmp_path / "p.####.exr"), "--layers", "shine") == 2
    assert "--layers must be of normals, depth" in capsys.readouterr().err


def test_what_is_missing_and_not_allowed_is_said_with_its_exit_code(shot, models, tmp_path, capsys):
    assert (
        main(["passes", shot.plate, "--out", str(tmp_path / "p.####.exr"), "--estimator", "moge", "--models", models])
        == 2
    )
    assert "--accept moge-2-vits-normal" in capsys.readouterr().err
    assert passes(shot, str(tmp_path / "empty"), str(tmp_path / "p.####.exr")) == 4
    assert "download it" in capsys.readouterr().err
    assert passes(shot, models, shot.plate) == 2  # never over the plate


def test_the_network_that_ships_sees_a_ball_at_the_distance_of_the_camera(shot, tmp_path):
    assert main(["passes", shot.plate, "--out", str(tmp_path / "p.####.exr"), "--frames", "1001"]) == 0
    path = tmp_path / "p.1001.exr"
    truth, coverage = sphere(48)
    inside = coverage > 0.99
    seen = layer(path, "N.X", "N.Y", "N.Z")
    assert (seen * truth).sum(-1)[inside].mean() > 0.9
    depth = layer(path, "depth.Z")[..., 0]
    assert depth[24, 24] < depth[24, 8]  # the middle is nearer than the side
    assert depth[inside].mean() == pytest.approx(1 / (2 * np.tan(np.radians(20))), rel=0.05)
    assert 0.3 < np.median(layer(path, "shape_confidence.A")[inside]) <= 1


def test_a_frame_seen_wrongly_does_not_pull_its_neighbours():
    values = np.zeros((7, 2, 2, 1), np.float32)
    values[2] = 10
    assert np.abs(robust_mean(values, np.ones((7, 2, 2), np.float32))).max() < 1e-3


def test_what_flickers_is_averaged_along_the_plates_motion():
    codes = pan(step=2.0)
    rng = np.random.default_rng(0)
    seen = []
    for code in codes:
        flicker = rng.normal(0, 0.05, (1, 1)).astype(np.float32)
        seen.append(Seen(code, {"albedo": code.mean(-1) + flicker}))
    steady = steadied(seen, Aligner())["albedo"]
    inner = (slice(8, -8), slice(12, -12))
    truth = codes[RADIUS].mean(-1)
    alone = np.abs(seen[RADIUS].planes["albedo"] - truth)[inner].mean()
    assert np.abs(steady - truth)[inner].mean() < 0.6 * alone + 0.01


def test_old_jobs_count_of_ic_lights_passes_keeps_its_meaning():
    text = '{"schema": "relamp.job/1", "parameters": {"plate": "a.exr", "passes": 1}}'
    assert from_json(text).parameters.ic_light_passes == 1
    assert from_json(text.replace("1}}", '"p.exr"}}')).parameters.ic_light_passes == 2


def test_an_estimator_on_render_gives_the_light_that_its_passes_give(shot, models, tmp_path):
    david = ["--estimator", "david", "--models", models]
    light = ["--env", shot.env_b, "--source-env", shot.env_a, "--backbone", "ratio", "--frames", "1002"]
    assert main(["passes", shot.plate, "--out", str(tmp_path / "p.####.exr"), *david, "-d", "float"]) == 0
    bare = shot.folder / "bare.####.exr"  # the plate without normals of its own, which would win
    for frame in (1001, 1002, 1003):
        write_exr(
            shot.folder / f"bare.{frame}.exr", layer(shot.plate_frame(frame), "R", "G", "B", "A"), ("R", "G", "B", "A")
        )
    assert main(["render", str(bare), *light, *david, "--out", str(tmp_path / "fly.####.exr")]) == 0
    given = ["--passes", str(tmp_path / "p.####.exr"), "--out", str(tmp_path / "given.####.exr")]
    assert main(["render", str(bare), *light, *given]) == 0
    fly, passed = (layer(tmp_path / f"{name}.1002.exr", "R", "G", "B") for name in ("fly", "given"))
    np.testing.assert_allclose(fly, passed, rtol=0.02, atol=2e-3)
    assert not np.allclose(fly, layer(shot.plate_frame(1002), "R", "G", "B"), atol=1e-2)


def test_an_estimator_can_be_given_with_a_network(shot, models, tmp_path):
    bare = shot.folder / "bare.####.exr"  # the plate without normals of its own
    write_exr(shot.folder / "bare.1001.exr", layer(shot.plate_frame(1001), "R", "G", "B", "A"), ("R", "G", "B", "A"))
    david = ["--estimator", "david", "--models", models]
    assert main(["render", str(bare), "--env", shot.env_b, *david, "--out", str(tmp_path / "r.####.exr")]) == 0
    relit = layer(tmp_path / "r.1001.exr", "R", "G", "B")
    assert not np.allclose(relit, layer(shot.plate_frame(1001), "R", "G", "B"), atol=1e-2)


def test_ic_lights_count_in_its_old_place_is_told_where_it_went(shot, capsys):
    assert (
        main(["render", shot.plate, "--env", shot.env_b, "--backbone", "ratio", "--passes", "2", "--out", shot.out])
        == 2
    )
    assert "IC-Light's count is --ic-light-passes 2" in capsys.readouterr().err


def test_the_given_matte_lies_among_the_passes_and_no_estimate_replaces_it(shot, models, tmp_path):
    half = np.linspace(0, 1, 48, dtype=np.float32)[None].repeat(48, 0)
    for frame in (1001, 1002, 1003):
        write_exr(tmp_path / f"roto.{frame}.exr", half[..., None], ("A",))
    for estimator, matte in (("own", ()), ("moge", ()), ("own", ("--matte", str(tmp_path / "roto.####.exr")))):
        out = tmp_path / f"{estimator}{len(matte)}.####.exr"
        assert passes(shot, models, str(out), *matte, "--frames", "1002", "--layers", "matte", estimator=estimator) == 0
        written = layer(str(out).replace("####", "1002"), "matte.A")
        alpha = layer(shot.plate_frame(1002), "A")
        expected = np.where(alpha > 0, np.minimum(half[..., None], alpha), half[..., None]) if matte else alpha
        np.testing.assert_allclose(written, expected, atol=2e-3)


@pytest.mark.parametrize("space", ["Linear Rec.709 (sRGB)", "ACES2065-1"])
def test_passes_under_a_config_that_works_in_another_space_are_those_of_acescg(tmp_path, space):
    rng = np.random.default_rng(3)
    normals, coverage = sphere(48)
    light = (0.2 + 0.5 * np.clip(normals @ np.float32([0.6, 0.3, 0.7]), 0, 1))[..., None] * np.float32([0.9, 0.5, 0.3])
    light = (light + 0.02 * rng.random((48, 48, 1))).astype(np.float32) * coverage[..., None]
    other = ocio.Config.CreateFromFile(PINNED)
    other.setRole(ocio.ROLE_SCENE_LINEAR, space)
    config = tmp_path / "other.ocio"
    config.write_text(other.serialize())
    there = Colour(str(config))
    assert there.working_space == space
    plate = write_exr(
        tmp_path / "plate.1001.exr", np.dstack([light, coverage]), ("R", "G", "B", "A")
    )  # tagged as ACEScg
    out = {}
    for name, more in (("cg", ()), ("other", ("--config", str(config)))):
        out[name] = tmp_path / f"{name}_p.1001.exr"
        given = ["--out", str(out[name]), "--anchor", "1", "-d", "float", *more]
        assert main(["passes", str(plate), *given, "--sheet", str(tmp_path / f"{name}.png")]) == 0
    cg, seen = (layer(path, "N.X", "N.Y", "N.Z", "albedo.R", "albedo.G", "albedo.B") for path in out.values())
    np.testing.assert_allclose(seen[..., :3], cg[..., :3], atol=2e-3)
    inside = coverage > 0.99
    np.testing.assert_allclose(seen[..., 3:][inside], cg[..., 3:][inside], rtol=0.02, atol=2e-3)


def test_the_sheet_shows_bright_light_through_the_display_transform(tmp_path):
    """A plate of 8 and one of 16 times middle grey are two different greys, where clipping makes both white."""
    step = np.full((32, 64, 3), 0.18 * 8, np.float32)
    step[:, 32:] *= 2
    plate = write_exr(tmp_path / "p.1001.exr", step, ("R", "G", "B"))
    sheet = tmp_path / "s.png"
    assert main(["passes", str(plate), "--out", str(tmp_path / "o.exr"), "--anchor", "1", "--sheet", str(sheet)]) == 0
    drawn = cv2.imread(str(sheet))[26:58, :64]  # the plate's tile, under its caption
    left, right = (int(drawn[16, x, 1]) for x in (16, 48))
    assert left + 5 < right < 255
