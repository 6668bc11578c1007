"""The ground under a subject, given and found, and the subject's shadow on it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shadow_shot import SUN, sunny

import shots
from relamp.core import job as jobs
from relamp.core.cli import main
from relamp.core.errors import UsageError
from relamp.core.gain.ground import GroundShadow, Near, Standing
from relamp.core.light.backdrop import camera_rays, focal_of
from relamp.core.light.parcels import Parcels
from relamp.core.parameters import RelightParameters
from relamp.core.pictures import bands
from relamp.core.shape.ground import Ground, Plane, found_ground, given_ground
from relamp.core.shape.placed import PlacedLight
from relamp.core.shape.placing import View
from relamp.core.shape.shadow import Surface

SIZE, FOV = 128, 40.0
CENTRE, RADIUS, FLOOR = np.array([0.1, -0.5, -5.0]), 0.5, -1.0  # a ball that lies on the ground
LIES = np.array([0.1, FLOOR, -5.0])  # the point it lies on
LOW = np.array([0.1, -1.2, -3.8])  # the middle of a ball that the lower edge of the picture cuts off
SUNS = [(-0.8, 0.7, 0.1), (0.5, 0.6, 0.6), (-0.3, 0.7, -0.65)]  # from the left, from the front and from behind


def ball(centre=CENTRE, size=SIZE):
    """The ball seen by a camera at the origin: z (h, w), 0 beside it, and normals (h, w, 3)."""
    rays = camera_rays(size, size, FOV).astype(np.float64)
    along = rays @ centre
    inside = along**2 - centre @ centre + RADIUS**2
    near = along - np.sqrt(np.maximum(inside, 0))
    z = np.where(inside > 0, near * -rays[..., 2], 0)
    normals = np.where(inside[..., None] > 0, (rays * near[..., None] - centre) / RADIUS, 0)
    return z.astype(np.float32), normals.astype(np.float32)


def standing(cut=(False,) * 4, centre=CENTRE, ground="1,0"):
    z, normals = ball(centre)
    there, rays = z > 0, camera_rays(SIZE, SIZE, FOV)
    focal, z0 = focal_of(rays), float(np.median(z[z > 0]))
    heights = np.where(there, focal * (z0 / np.where(there, z, 1) - 1), 0).astype(np.float32)
    surface = Surface(heights, normals, there, focal=focal, centre=(SIZE / 2, SIZE / 2))
    view = View(focal, surface.centre, z0, (1, 1), (0, 0), np.eye(3), np.zeros(3))
    return Standing.of(surface, Plane.of(given_ground(ground), view, focal / z0, surface), cut)


def ground_points(size=SIZE):
    """The points of the ground behind the pixels, (h, w, 3), and where the ground is seen beside the ball, (h, w)."""
    rays = camera_rays(size, size, FOV).astype(np.float64)
    down = rays[..., 1] < -0.02
    return rays * (FLOOR / np.where(down, rays[..., 1], 1))[..., None], down & (ball()[0] == 0)


def hidden_by_the_ball(toward):
    """Where the ball is between the ground and lights in directions (..., 3), (h, w)."""
    points, seen = ground_points()
    away = CENTRE - points
    unit = toward / np.linalg.norm(toward, axis=-1, keepdims=True)
    along = (away * unit).sum(-1)
    return ((away**2).sum(-1) - along**2 < RADIUS**2) & (along > 0) & seen


def sun_alone(toward):
    return Parcels(np.array([toward], np.float32), np.ones((1, 3), np.float32), np.array([0.005], np.float32))


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("toward", SUNS)
def test_a_ball_throws_its_shadow_on_the_ground_where_geometry_has_it(toward):
    toward = np.array(toward) / np.linalg.norm(toward)
    share = GroundShadow(standing(), (SIZE, SIZE), 1.0).lit(sun_alone(toward), 1.0).picture()[..., 0]
    _, seen = ground_points()
    assert overlap((share < 0.5) & seen, hidden_by_the_ball(toward)) > 0.75


def test_a_lamp_of_a_rig_throws_its_shadow_from_where_it_stands():
    stood = standing()
    scale = stood.plane.focal / float(np.median(ball()[0][ball()[0] > 0]))
    at = np.array([-0.9, 0.6, -4.2])
    position = (*(at[:2] * scale), stood.plane.focal + at[2] * scale)
    light = PlacedLight("lamp", (1.0, 1.0, 1.0), position=position, radius=0.5)
    share = GroundShadow(stood, (SIZE, SIZE), 1.0, near=(Near.of(light, stood),)).picture()[..., 0]
    points, seen = ground_points()
    assert overlap((share < 0.5) & seen, hidden_by_the_ball(at - points)) > 0.8
    silent = GroundShadow(stood, (SIZE, SIZE), 1.0, near=(Near.of(replace(light, shadows=False), stood),))
    assert (silent.picture() == 1).all(), "a light without shadows throws none"


def test_a_larger_light_throws_a_softer_shadow_and_the_sky_darkens_where_the_ball_lies():
    toward = np.array([-0.8, 0.6, 0.2]) / np.linalg.norm([-0.8, 0.6, 0.2])
    light = sun_alone(toward)
    between = []
    for radius in (0.005, 0.15):
        soft = replace(light, radius=np.array([radius], np.float32))
        share = GroundShadow(standing(), (SIZE, SIZE), 1.0).lit(soft, 1.0).picture()
        between.append(((share > 0.2) & (share < 0.8)).sum())
    assert between[1] > 2 * between[0]
    k = np.arange(500) + 0.5
    flat = np.sqrt(1 - (k / 500) ** 2)
    sky = np.stack([flat * np.cos(2.4 * k), k / 500, flat * np.sin(2.4 * k)], -1).astype(np.float32)
    even = Parcels(sky, np.ones((500, 3), np.float32), np.empty(0, np.float32))
    share = GroundShadow(standing(), (SIZE, SIZE), 1.0).lit(even, 1.0).picture()[..., 0]
    points, seen = ground_points()
    away = np.linalg.norm((points - (LIES))[..., [0, 2]], axis=-1)
    assert share[seen & (away < 0.35)].mean() < 0.7
    # The ball's share of what a level matte surface gets of an even sky: a disc of its size at its height over the ground.
    ring = seen & (away > 1.0) & (away < 1.3)
    far = np.hypot(away[ring], RADIUS)
    assert share[ring].mean() == pytest.approx(1 - float((RADIUS**2 / far**2 * RADIUS / far).mean()), abs=0.015)


def test_what_the_picture_cuts_off_fades_and_what_is_far_throws_nothing():
    whole, cut = (GroundShadow(standing(sides), (SIZE, SIZE), 1.0) for sides in ((False,) * 4, (True,) * 4))
    light = sun_alone(np.array(SUNS[0]) / np.linalg.norm(SUNS[0]))
    np.testing.assert_array_equal(whole.lit(light, 1.0).picture(), cut.lit(light, 1.0).picture())  # nothing is cut off
    whole, cut = (
        GroundShadow(standing(sides, LOW, "1.7,0"), (SIZE, SIZE), 1.0)
        for sides in ((False,) * 4, (False, False, False, True))
    )
    assert cut.standing.fine.sure.min() < 0.1 < whole.standing.fine.sure.min()
    horizon = SIZE // 2
    assert (whole.lit(light, 1.0).picture()[: horizon + 1] == 1).all(), "nothing is known beyond the horizon"


def test_bands_of_rows_give_the_same_bits(monkeypatch):
    shadow = GroundShadow(standing(), (SIZE, SIZE), 1.0).lit(sun_alone(np.array(SUNS[1])), 1.0)
    banded = shadow.picture()
    np.testing.assert_array_equal(banded, np.concatenate([shadow.share(slice(r, r + 1)) for r in range(SIZE)]))
    assert len(list(bands.bands(SIZE))) > 1


def test_a_ground_is_a_height_and_a_tilt_or_three_points():
    tilted = given_ground("1.5,10")
    assert tilted.normal[2] == pytest.approx(np.sin(np.radians(10)))
    corners = [
        np.array([x, (tilted.offset - tilted.normal[2] * z) / tilted.normal[1], z])
        for x, z in ((0, -3), (1, -3), (0, -5))
    ]
    same = given_ground(",".join(f"{v:.9f}" for v in np.concatenate(corners)))
    np.testing.assert_allclose((*same.normal, same.offset), (*tilted.normal, tilted.offset), atol=1e-6)
    with pytest.raises(UsageError, match="three points on one line"):
        given_ground("0,0,0,1,1,1,2,2,2")


def test_the_ground_is_found_under_the_subject_and_inclined_as_its_surroundings():
    rays, (z, _) = camera_rays(SIZE, SIZE, FOV), ball()
    subject = rays / -rays[..., 2:] * z[..., None]
    up = np.array([0.0, 1.0, 0.0])
    alone = found_ground(subject, z > 0, np.zeros_like(z, bool), up)
    assert alone.normal == (0.0, 1.0, 0.0)
    # The camera sees the ball from above, and not the point on which it lies.
    lowest = subject[z > 0][:, 1].min()
    assert alone.offset == pytest.approx(lowest, abs=0.04)
    plane = Ground(tuple(np.array([0.0, 0.995, 0.1]) / np.linalg.norm([0.995, 0.1])), -1.5)
    normal = np.array(plane.normal)
    slope = rays @ normal
    around = (slope < -0.02) & (z == 0)
    points = np.where(
        (z > 0)[..., None], subject, rays * (plane.offset / np.where(slope < -0.02, slope, -1))[..., None]
    )
    found = found_ground(points, z > 0, around, up)
    np.testing.assert_allclose(found.normal, plane.normal, atol=0.01)
    assert found.offset == pytest.approx(plane.offset, abs=0.02)


class BallShot:
    """One frame of the ball with alpha, normals and depth, a map with a sun, and an even background."""

    def __init__(self, folder: Path):
        z, normals = ball()
        alpha = (z > 0).astype(np.float32)[..., None]
        grey = 0.3 * alpha
        pixels = np.concatenate([grey, grey, grey, alpha, normals, z[..., None]], -1)
        names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
        self.folder, self.plate = folder, str(shots.write_exr(folder / "plate.1001.exr", pixels, names))
        self.env = str(shots.write_exr(folder / "sun.exr", sunny(), ("R", "G", "B")))
        back = np.full((SIZE, SIZE, 3), 0.5, np.float32)
        self.background = str(shots.write_exr(folder / "back.exr", back, ("R", "G", "B")))

    def render(self, name: str, *more: str) -> np.ndarray:
        """R, G and B of a render; its file is `name`."""
        out = self.folder / name
        given = ["render", self.plate, "--backbone", "ratio", "--out", str(out), "-q", "-d", "float", *more]
        assert main(given) == 0
        return shots.layer(out, "R", "G", "B")


@pytest.fixture
def ball_shot(tmp_path):
    return BallShot(tmp_path)


def test_the_shadow_layer_of_a_render_is_on_the_ground_that_its_depth_shows(ball_shot):
    ball_shot.render("a.exr", "--env", ball_shot.env, "--layers", "shadow")
    share = shots.layer(ball_shot.folder / "a.exr", *(f"shadow.{c}" for c in "RGB"))
    _, seen = ground_points()
    true = hidden_by_the_ball(SUN)
    assert overlap((share[..., 0] < 0.7) & seen, true) > 0.7
    assert (share[: SIZE // 2] == 1).all()
    # The sun is warmer than the sky that still lights its shadow.
    assert share[true][:, 2].mean() > share[true][:, 0].mean() + 0.02


def test_over_a_background_the_subject_throws_its_shadow_and_the_rest_keeps_its_bits(ball_shot):
    over = ["--env", ball_shot.env, "--background", ball_shot.background, "--over"]
    comp, bare = (
        ball_shot.render("a.exr", *over, "--layers", "shadow"),
        ball_shot.render("b.exr", *over, "--ground", "none"),
    )
    share = shots.layer(ball_shot.folder / "a.exr", *(f"shadow.{c}" for c in "RGB"))
    beside = ball()[0] == 0
    assert (bare[beside] == 0.5).all()
    np.testing.assert_allclose(comp[beside], 0.5 * share[beside], atol=1e-3)
    untouched = beside & (share == 1).all(-1)
    assert untouched.any()
    assert (comp[untouched] == 0.5).all()
    half = ball_shot.render("c.exr", *over, "--shadows", "0.5")
    np.testing.assert_allclose(1 - half[beside] / 0.5, (1 - share[beside]) / 2, atol=2e-3)


def test_a_rig_that_is_added_throws_its_own_shadow_alone(ball_shot):
    rig = ball_shot.folder / "rig.json"
    key = {"kind": "distant", "direction": [-0.8, 0.6, 0.2], "stops": 1}
    rig.write_text(json.dumps({"schema": "relamp.rig/1", "lights": [key]}))
    ball_shot.render("a.exr", "--rig", str(rig), "--layers", "shadow")
    share = shots.layer(ball_shot.folder / "a.exr", "shadow.R")[..., 0]
    dark = hidden_by_the_ball(np.array(key["direction"]))
    # The ground gets 1 of the plate's own light, and twice the sine of the key's height of the key.
    left = 1 / (1 + 2 * 0.6 / np.linalg.norm(key["direction"]))
    assert np.median(share[dark]) == pytest.approx(left, abs=0.03)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--ground", "1,0"], "nothing asks for it: give --over, or --layers shadow"),
        (["--layers", "shadow", "--ground", "none"], "leave one of them out"),
        (["--layers", "shadow", "--shadows", "0"], "throws none"),
        (["--layers", "shadow", "--backbone", "ic-light"], "does not work out"),
        (["--layers", "shadow", "--ground", "low"], "ground must be found, none"),
    ],
)
def test_a_ground_that_cannot_be_used_is_refused(ball_shot, capsys, options, what):
    given = [
        "render",
        ball_shot.plate,
        "--backbone",
        "ratio",
        "--env",
        ball_shot.env,
        "--out",
        str(ball_shot.folder / "a.exr"),
    ]
    assert main([*given, *options]) == 2
    assert what in capsys.readouterr().err


def test_a_subject_whose_foot_is_not_seen_needs_a_ground(ball_shot, capsys):
    z, normals = ball(LOW)
    alpha = (z > 0).astype(np.float32)[..., None]
    assert alpha[-1].any()
    pixels = np.concatenate([0.3 * alpha] * 3 + [alpha, normals, z[..., None]], -1)
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z", "depth.Z")
    ball_shot.plate = str(shots.write_exr(ball_shot.folder / "cut.1001.exr", pixels, names))
    given = ["--env", ball_shot.env, "--layers", "shadow"]
    out = str(ball_shot.folder / "no.exr")
    assert main(["render", ball_shot.plate, "--backbone", "ratio", "--out", out, "-q", *given]) == 2
    assert "give --ground HEIGHT,TILT" in capsys.readouterr().err
    ball_shot.render("a.exr", *given, "--ground", "2.4,0")


def test_a_found_ground_is_part_of_the_job(tmp_path):
    measured = jobs.Measured((1,), 1.0, None, (0.0, 1.0, 0.0, -1.5))
    job = jobs.RelightJob(RelightParameters(plate="a.exr"), measured)
    assert jobs.from_json(jobs.to_json(job)).measured == measured
