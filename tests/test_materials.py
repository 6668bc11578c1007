"""Materials given: the old reflection leaves and the new one comes, sharp where it is; equal lights change nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from relamp.core.cli import main
from relamp.core.job import RelightJob
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import lookup, rotation_matrix
from relamp.core.light.glossy import Mirror, specular
from relamp.core.light.irradiance import irradiance
from relamp.core.light.reflection import prefilter, reflected
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.layers import ALBEDO, GLOSSINESS, METALLIC, ROUGHNESS
from relamp.core.pictures.makers import MAKERS
from relamp.core.pictures.rec709 import display_code
from relamp.core.shape.mirrored import followed
from relamp.core.shape.shadow import Surface
from relamp.core.shot.prepare import prepare
from shots import layer, soft_light, sphere, write_exr

SIZE = 96
FINE = 4  # times finer the ball is rendered than its picture


def street(seed: int) -> np.ndarray:
    """A map with hard edges and small bright things, (128, 256, 3)."""
    rng = np.random.default_rng(seed)
    blocks = cv2.resize(
        rng.random((12, 24, 3)).astype(np.float32) ** 3 * 2, (256, 128), interpolation=cv2.INTER_NEAREST
    )
    blocks[30:36, 40:46] += 12
    return blocks + 0.05


def chrome(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mirror ball before the default camera under a map: light (S, S, 3), its coverage, its mean normals; by ray casting."""
    rays = camera_rays(SIZE * FINE, SIZE * FINE)
    centre, radius = np.array([0, 0, -4.0]), 1.2
    b = (rays @ centre)[..., None]
    inside = b**2 - (centre @ centre - radius**2)
    hit = inside[..., 0] > 0
    points = rays * (b - np.sqrt(np.maximum(inside, 0)))
    normals = np.where(hit[..., None], (points - centre) / radius, 0).astype(np.float32)
    light = np.where(hit[..., None], lookup(pixels, reflected(rays, normals)), 0)

    def smaller(picture):
        return cv2.resize(picture.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    return smaller(light), smaller(hit.astype(np.float32)), smaller(normals)


@pytest.fixture
def ball(tmp_path):
    """A plate of a chrome ball, its passes, both maps and the truth under the second."""
    a, b = street(1), street(2)
    was, coverage, normals = chrome(a)
    write_exr(tmp_path / "a.exr", a, ("R", "G", "B"))
    write_exr(tmp_path / "b.exr", b, ("R", "G", "B"))
    plate = np.concatenate([was, coverage[..., None]], -1)
    write_exr(tmp_path / "plate.1001.exr", plate, ("R", "G", "B", "A"))
    ones, zeros = np.ones_like(coverage), np.zeros_like(coverage)
    passes = np.dstack([normals, ones, ones, ones, zeros, ones])
    names = ("N.X", "N.Y", "N.Z", "DiffCol.R", "DiffCol.G", "DiffCol.B", "roughness.Y", "metallic.Y")
    write_exr(tmp_path / "passes.1001.exr", passes, names)
    return tmp_path, chrome(b)[0], coverage


def render(folder, out, *more, env="b.exr"):
    files = {"--env": env, "--source-env": "a.exr", "--passes": "passes.####.exr", "--out": out}
    given = [part for option, name in files.items() for part in (option, str(folder / name))]
    return main(["render", str(folder / "plate.####.exr"), "--backbone", "ratio", "--grain", "off", *given, *more])


def psnr(picture, truth, inside):
    error = (display_code(picture) - display_code(truth))[inside]
    return -10 * np.log10(np.square(error).mean())


def test_a_chrome_ball_under_a_new_map_shows_the_new_map(ball):
    folder, truth, coverage = ball
    assert render(folder, "o.####.exr", "--env-level", "absolute") == 0
    relit = layer(folder / "o.1001.exr", "R", "G", "B")
    inside = coverage > 0.99
    assert psnr(relit, truth, inside) > 25
    assert psnr(layer(folder / "plate.1001.exr", "R", "G", "B"), truth, inside) < 18


def test_equal_lights_give_the_plate_back_bit_for_bit(ball):
    folder, _, _ = ball
    assert render(folder, "o.####.exr", env="a.exr") == 0
    same = (layer(folder / name, "R", "G", "B", "A") for name in ("o.1001.exr", "plate.1001.exr"))
    assert np.array_equal(*same)


def test_a_stop_of_light_is_a_factor_of_two_on_a_mirror_too(ball):
    folder, _, coverage = ball
    assert render(folder, "o.####.exr") == 0
    assert render(folder, "p.####.exr", "--env-exposure", "1") == 0
    one, two = (layer(folder / name, "R", "G", "B")[coverage > 0.99] for name in ("o.1001.exr", "p.1001.exr"))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5)


def test_what_cannot_be_a_material_is_said(ball, capsys):
    folder, _, _ = ball
    bright = np.full((SIZE, SIZE, 3), 4.0, np.float32)
    write_exr(folder / "lit.1001.exr", bright, ("R", "G", "B"))
    assert render(folder, "o.####.exr", "--albedo", str(folder / "lit.####.exr")) == 4
    assert "holds values above 1" in capsys.readouterr().err
    write_exr(folder / "small.1001.exr", bright[:40], ("R", "G", "B"))
    assert render(folder, "o.####.exr", "--roughness", str(folder / "small.####.exr")) == 4
    assert "reformat it to the plate" in capsys.readouterr().err
    assert render(folder, "o.####.exr", "--metallic", str(folder / "other.####.exr")) == 4
    assert "--metallic" in capsys.readouterr().err


def test_a_reflection_that_meets_the_subject_shows_the_point_that_it_meets():
    height = np.zeros((32, 64), np.float32)
    height[:, 40:] = 50  # a wall, seen from above, that rises at column 40
    normals = np.broadcast_to(np.float32([0, 0, 1]), (32, 64, 3))
    surface = Surface(height, normals, np.ones((32, 64), bool))
    for towards, hidden in (((1, 0, 0.2), True), ((-1, 0, 0.2), False), ((0, 0, 1), False), ((0.2, 0, 1), False)):
        d = np.broadcast_to(np.float32(towards) / np.linalg.norm(towards).astype(np.float32), (32, 64, 3))
        met = followed(surface, d, np.zeros((32, 64), np.float32))
        assert (met.hidden[:, 10:29] == hidden).all()
        shown = met.place[:, 10:29]
        assert np.array_equal(shown, np.full((32, 19), -1)) if not hidden else ((shown % 64 >= 40).all())
        assert not hidden or (shown // 64 == np.arange(32)[:, None]).all()  # the ray goes along its row


def test_a_metal_floor_mirrors_the_wall_behind_it_under_the_new_light(tmp_path):
    size, floor, wall = 64, -0.8, -4.0
    rays = camera_rays(size, size)  # (h, w, 3)
    near = np.where(rays[..., 1] < 0, floor / np.minimum(rays[..., 1], -1e-6), np.inf)
    far = wall / rays[..., 2]
    below = near < far
    normals = np.where(below[..., None], np.float32([0, 1, 0]), np.float32([0, 0, 1])).astype(np.float32)
    depth = -(rays[..., 2] * np.minimum(near, far))
    red = np.where(below[..., None], 1.0, np.float32([0.6, 0.15, 0.1]))
    plate = np.broadcast_to(
        np.float32([0.6, 0.15, 0.1]), (size, size, 3)
    )  # in even light a mirror shows the wall's albedo
    passes = np.dstack([normals, depth, red, np.full_like(depth, 0.02), below])
    names = ("N.X", "N.Y", "N.Z", "Z", "albedo.R", "albedo.G", "albedo.B", "roughness.Y", "metallic.Y")
    write_exr(tmp_path / "passes.1001.exr", passes.astype(np.float32), names)
    write_exr(tmp_path / "plate.1001.exr", plate, ("R", "G", "B"))
    write_exr(tmp_path / "a.exr", np.ones((64, 128, 3), np.float32), ("R", "G", "B"))
    write_exr(tmp_path / "b.exr", soft_light((0, 0.3, 1.0)), ("R", "G", "B"))
    assert render(tmp_path, "o.####.exr", "--env-level", "absolute") == 0
    assert render(tmp_path, "flat.####.exr", "--env-level", "absolute", "--shadows", "0") == 0
    one, flat = (layer(tmp_path / name, "R", "G", "B") for name in ("o.1001.exr", "flat.1001.exr"))
    mirrored = below & (normals[..., 1] > 0) & (depth > 3.2)
    seen, lit = one[mirrored].mean(0), one[~below].mean(0)
    np.testing.assert_allclose(seen, lit, rtol=0.2)  # the corner is darker than the mean of the wall
    # Without the subject's shape it would mirror the map ahead, which is dark and grey.
    assert flat[mirrored].mean(0)[0] / flat[mirrored].mean(0)[1] < 1.5


@pytest.mark.parametrize("roughness", [0.0, 0.05, 0.1, 0.3, 1.0])
def test_a_uniform_light_is_mirrored_uniform(roughness):
    mirror = Mirror.of(np.ones((64, 128, 3), np.float32), 1.0)
    d = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    seen = mirror.seen(d, np.full((5, 7), roughness, np.float32), 0.01 * d[::-1], 0.01 * d[:, ::-1])
    np.testing.assert_allclose(seen, 1, atol=0.02)


def test_rough_surfaces_mirror_the_blurred_map_and_sharp_ones_the_map():
    pixels = soft_light((0.3, 0.4, 1.0), height=64)
    mirror = Mirror.of(pixels, 1.0)
    d = np.float32([[[0.3, 0.4, 1.0], [0, 1, 0]]])
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    sharp = np.zeros((1, 2), np.float32)
    np.testing.assert_allclose(mirror.seen(d, sharp, 0 * d, 0 * d), lookup(pixels, d), rtol=1e-5)
    np.testing.assert_allclose(mirror.seen(d, sharp + 0.5, 0 * d, 0 * d), lookup(prefilter(pixels, 0.5), d), rtol=1e-4)


def test_the_split_sum_keeps_within_what_arrives():
    cosine, rough = np.meshgrid(np.linspace(0, 1, 11), np.linspace(0.05, 1, 11))
    scale, bias = specular(cosine.astype(np.float32), rough.astype(np.float32))
    assert (scale + bias).max() < 1.05
    assert scale.min() >= -0.05
    # A mirror that faces the viewer gives back its colour (Karis 2013, figure 4).
    at_right_angles = specular(np.float32([[1.0]]), np.float32([[0.1]]))
    assert at_right_angles[0][0, 0] + at_right_angles[1][0, 0] == pytest.approx(1, abs=0.08)


def test_names_of_every_maker_are_read():
    assert {"Arnold", "V-Ray", "Redshift", "Karma", "RenderMan", "Cycles", "Beeble", "Nuke"} <= {
        m.program for m in MAKERS
    }
    assert all(m.source and m.notes for m in MAKERS)
    assert "DiffCol" in ALBEDO
    assert "VRayMtlReflectGlossiness" in GLOSSINESS
    assert "roughness" in ROUGHNESS
    assert "metalness" in METALLIC


def test_the_page_shows_the_table_of_names():
    page = (Path(__file__).parents[1] / "docs" / "passes.md").read_text("utf-8")
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    for maker in MAKERS:
        names = (*maker.normals, *maker.depth, *maker.albedo, *maker.roughness, *maker.glossiness, *maker.metallic)
        assert all(f"`{name}`" in rows[maker.program] for name in names)
        assert maker.notes in rows[maker.program]
        assert maker.source in rows[maker.program]


def test_normals_in_world_space_are_told(tmp_path, capsys):
    normals, coverage = sphere(48)
    turn = rotation_matrix(0, 70, 0).astype(np.float32)  # a camera that looks along another axis than the world's
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z")
    for name, seen in (("camera", normals), ("world", normals @ turn.T)):
        pixels = np.dstack([np.full((48, 48, 3), 0.2) * coverage[..., None], coverage, seen * coverage[..., None]])
        plate = write_exr(tmp_path / f"{name}.1001.exr", pixels.astype(np.float32), names)
        env = write_exr(tmp_path / "e.exr", soft_light((1, 0, 0)), ("R", "G", "B"))
        out = str(tmp_path / f"{name}_out.exr")
        assert main(["render", str(plate), "--env", str(env), "--backbone", "ratio", "--out", out]) == 0
        said = capsys.readouterr().err
        assert ("--normals-space world" in said) == (name == "world")


def test_whatever_decides_a_pixel_is_in_the_fingerprint_of_its_frame(ball):
    folder, _, _ = ball
    (folder / "r.json").write_text(
        '{"schema": "relamp.rig/1", "lights": [{"kind": "distant", "direction": [0, 1, 1]}]}'
    )
    files = {"plate": "plate.####.exr", "env": "b.exr", "out": "o.####.exr"}
    given = {name: str(folder / file) for name, file in files.items()}

    def fingerprint(**more) -> str:
        plan = prepare(RelightJob(RelightParameters(**given, backbone="ratio", anchor=1.0, **more)))
        return plan.fingerprint(plan.tasks[0])

    passes = str(folder / "passes.####.exr")
    assert fingerprint(roughness=passes) != fingerprint(metallic=passes)
    rig = {"rig": str(folder / "r.json"), "shadows": 0.0}
    assert fingerprint(**rig, working_size=64) != fingerprint(**rig, working_size=96)
    assert fingerprint(estimator="own", seed=1) != fingerprint(estimator="own", seed=2)
    assert fingerprint(seed=1) == fingerprint(seed=2)


@pytest.fixture
def cards(tmp_path):
    """A wall of cards of six greys and colours under a light from the left, with its true passes; lit by what is written."""
    rng = np.random.default_rng(5)
    size = 96
    albedo = cv2.resize(
        0.04 + 0.5 * rng.random((8, 8, 3)).astype(np.float32) ** 2, (size, size), interpolation=cv2.INTER_NEAREST
    )
    x = np.linspace(-0.9, 0.9, size, dtype=np.float32)[None].repeat(size, 0)
    normals = np.dstack([x, 0 * x, np.sqrt(1 - x**2)])
    matte = np.zeros((size, size), np.float32)
    matte[8:-8, 8:-8] = 1
    light = soft_light((-1, 0.2, 1))
    received = irradiance(light, normals.astype(np.float32))
    for name, pixels, names in (
        ("plate", np.dstack([albedo * received, matte]), ("R", "G", "B", "A")),
        ("normals", normals * matte[..., None], ("X", "Y", "Z")),
        ("albedo", albedo, ("R", "G", "B")),
        ("coded", encode_srgb(albedo), ("R", "G", "B")),
        ("other", 0.02 + 0.9 * rng.random((size, size, 3)) ** 4, ("R", "G", "B")),
        ("rough", np.ones((size, size, 1)), ("Y",)),
        ("part", normals * (matte * (x < 0.3))[..., None], ("X", "Y", "Z")),
    ):
        write_exr(tmp_path / f"{name}.1001.exr", np.asarray(pixels, np.float32), names)
    write_exr(tmp_path / "a.exr", light, ("R", "G", "B"))
    write_exr(tmp_path / "b.exr", soft_light((1, 0.2, 1)), ("R", "G", "B"))
    return tmp_path


@pytest.mark.parametrize(
    ("albedo", "said"),
    [("albedo", None), ("coded", "looks encoded for a display"), ("other", "does not fit the plate")],
)
def test_an_albedo_that_is_encoded_or_of_another_shot_is_told(cards, capsys, albedo, said):
    files = {"albedo": albedo, "roughness": "rough", "normals": "normals"}
    given = [part for name, file in files.items() for part in (f"--{name}", str(cards / f"{file}.1001.exr"))]
    lights = ["--env", str(cards / "b.exr"), "--source-env", str(cards / "a.exr"), "--shadows", "0"]
    plate = str(cards / "plate.1001.exr")
    assert main(["render", plate, "--backbone", "ratio", "--out", str(cards / "o.exr"), *lights, *given]) == 0
    told = capsys.readouterr().err
    assert ("the albedo is used as it is" in told) == (said is not None)
    assert said is None or said in told


def test_normals_that_lack_a_part_of_the_matte_and_an_unused_albedo_are_told(cards, capsys):
    given = [
        "--normals",
        str(cards / "part.1001.exr"),
        "--albedo",
        str(cards / "albedo.1001.exr"),
        "--env",
        str(cards / "b.exr"),
    ]
    plate = str(cards / "plate.1001.exr")
    assert main(["render", plate, "--backbone", "ratio", "--out", str(cards / "o.exr"), *given]) == 0
    told = capsys.readouterr().err
    assert "the normals are empty in" in told
    assert "the albedo is not used" in told
