"""The ray-cast views that the shape network is trained on."""

import dataclasses

import numpy as np
import pytest
import torch

from relamp.core.shape.estimators.shape_network import Shape
from relamp.training.shape.train import held_out, losses_of
from relamp.training.views.light import LAMPS, LOBES, Draw, Light, Views, draw_light, resized, shade
from relamp.training.views.mesh import GROUND, THING, Mesh, grid, join
from relamp.training.views.paint import Surface, skin_colour
from relamp.training.views.person import sphere
from relamp.training.views.plate import plate
from relamp.training.views.render import things
from relamp.training.views.things import make_scene
from relamp.training.views.view import DIRECTIONS, FIELDS, Camera, View, look

SIZE = 48


def white(points, part):
    """A white matte surface."""
    return Surface(np.full((len(points), 3), 0.8), np.full(len(points), 0.9), np.zeros(len(points)), part)


def ball_before_a_wall(distance=0.5):
    """A ball of half a metre before a wall that faces the camera, which looks along +Y."""
    points, faces = sphere(64, 48)
    side = np.linspace(-3, 3, 20)
    x, z = np.meshgrid(side, side)
    wall = np.stack([x, np.full_like(x, 0.5 + distance), z], -1).reshape(-1, 3)
    # Seen from -Y, so its faces turn that way.
    ball = Mesh.of(points * 0.5, faces, THING)
    mesh = join([ball, Mesh.of(wall, grid(20, 20, closed=False), GROUND).numbered(1)])
    return mesh, [white, white]


def seen(mesh, paints, *, ground=True, half=1.2):
    camera = Camera.looking(np.zeros(3), 0.0, 0.0, 0.0, half, np.deg2rad(20))
    view = look(np.random.default_rng(0), mesh, paints, camera, SIZE, ground=ground)
    assert view is not None
    return view


def tensors(*views: View) -> Views:
    return Views.of({n: torch.from_numpy(np.stack([getattr(v, n) for v in views])) for n in FIELDS})


def even_light(count=1):
    """White light of radiance 1 from everywhere."""
    sharpness = torch.full((count, LOBES), 1e-4)
    colour = torch.zeros(count, LOBES, 3)
    colour[:, 0] = 1.0
    axis = torch.tensor([0.0, 1.0, 0.0]).expand(count, LOBES, 3)
    return Light(axis, sharpness, colour, torch.zeros(count, LAMPS, 3))


@pytest.fixture
def draw():
    return Draw(torch.Generator().manual_seed(0), torch.device("cpu"))


def test_a_balls_normals_point_right_up_and_to_the_viewer():
    view = seen(*ball_before_a_wall(), ground=False)
    normals, inside = view.normals / 127.0, view.matte > 250
    rows, columns = np.nonzero(inside)
    x, y = (columns - SIZE / 2 + 0.5) / SIZE, -(rows - SIZE / 2 + 0.5) / SIZE
    assert np.corrcoef(x, normals[inside][:, 0])[0, 1] > 0.98
    assert np.corrcoef(y, normals[inside][:, 1])[0, 1] > 0.98
    assert normals[SIZE // 2, SIZE // 2, 2] > 0.98


def test_relief_is_higher_where_it_is_nearer_and_in_units_of_the_picture():
    view = seen(*ball_before_a_wall(distance=0.5))
    relief = view.relief.astype(float)
    # From the ball's front to the wall it is 1.5 m, and the picture is 2.4 m wide at the ball's middle; perspective adds a
    # little.
    assert relief[SIZE // 2, SIZE // 2] - relief[2, 2] == pytest.approx(1.5 / 2.4, rel=0.15)


def test_a_ball_hides_the_light_behind_it_from_the_wall():
    mesh, paints = ball_before_a_wall(distance=0.05)
    view = seen(mesh, paints)
    bits = np.unpackbits(view.open, axis=-1, bitorder="little").astype(bool)
    toward = view.directions @ np.array([0, 0, 1.0])
    front = np.flatnonzero(toward > 0.8)
    assert bits[2, 2][front].all(), "the far corner of the wall sees every light before it"
    beside = (view.part == GROUND) & (np.hypot(*np.mgrid[-1:1:48j, -1:1:48j]) < 0.5)
    assert bits[beside][:, front].mean() < 0.9, "close to the ball some of it is hidden"
    assert not bits[view.matte == 0].any()


def test_light_from_behind_a_surface_never_reaches_it():
    view = seen(*ball_before_a_wall())
    bits = np.unpackbits(view.open, axis=-1, bitorder="little").astype(bool)[..., :DIRECTIONS]
    facing = (view.normals / 127.0) @ view.directions.T
    edge = view.part != np.roll(view.part, 1, 0)  # there a pixel's mean normal is that of two surfaces
    edge |= np.roll(edge, -1, 0) | (view.part != np.roll(view.part, 1, 1)) | (view.part != np.roll(view.part, -1, 1))
    assert not bits[(facing < -0.3) & ~edge[..., None]].any()


def test_even_light_reads_one_on_an_open_surface(draw):
    view = seen(*ball_before_a_wall(distance=40), ground=False)
    _, irradiance = shade(tensors(view), even_light(), draw)
    inside = torch.from_numpy(view.matte > 250)
    assert irradiance[0, :, inside].mean() == pytest.approx(1.01, abs=0.05)


def test_twice_the_light_is_twice_the_picture(draw):
    views = tensors(seen(*ball_before_a_wall()))
    light = draw_light(draw, 1)
    brighter = dataclasses.replace(light, colour=light.colour * 2, lamp=light.lamp * 2)
    pictures = [
        shade(views, x, Draw(torch.Generator().manual_seed(3), torch.device("cpu")))[0] for x in (light, brighter)
    ]
    torch.testing.assert_close(pictures[1], pictures[0] * 2, rtol=1e-4, atol=1e-5)


def test_a_plate_is_anchored_whatever_its_level(draw):
    views = tensors(seen(*ball_before_a_wall()))
    picture, irradiance = shade(views, even_light(), draw)
    made = [
        plate(picture * f, irradiance * f, views.matte, Draw(torch.Generator().manual_seed(5), torch.device("cpu")))
        for f in (1, 40)
    ]
    torch.testing.assert_close(made[0][0], made[1][0], rtol=1e-3, atol=1e-3)
    assert torch.isfinite(made[0][0]).all()
    assert ((made[0][1] >= 0) & (made[0][1] <= 1)).all()


def test_plates_are_finite_where_nothing_is_in_the_matte(draw):
    picture = torch.zeros(2, 3, 32, 32)
    code, matte = plate(picture, picture, torch.zeros(2, 1, 32, 32), draw)
    assert torch.isfinite(code).all()
    assert torch.isfinite(matte).all()


def test_a_seed_gives_the_same_scene_again():
    first, again = (make_scene(np.random.default_rng(4), [])[0] for _ in range(2))
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.item, again.item)


def test_a_shard_of_things_holds_every_field_at_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr("relamp.training.views.render.PER_SHARD", 2)
    views = things(2, tmp_path, 32)
    assert len(views) == 2
    for view in views:
        assert view.normals.shape == (32, 32, 3)
        assert view.open.shape == (32, 32, DIRECTIONS // 8)
        assert (view.matte > 0).mean() > 0.05


def test_skin_is_never_grey_or_green():
    rng = np.random.default_rng(1)
    colours = np.stack([skin_colour(rng) for _ in range(400)])
    assert (colours[:, 0] > 1.15 * colours[:, 1]).all()
    assert (colours[:, 1] > colours[:, 2]).all()


def test_the_true_shape_has_no_loss_but_its_doubt(draw):
    views = tensors(seen(*ball_before_a_wall()))
    truth = Shape(
        torch.nn.functional.normalize(views.normals, dim=1),
        views.relief,
        views.colour.clamp_min(0.01).log(),
        torch.zeros_like(views.matte),
    )
    terms = losses_of(truth, views, draw)
    assert terms["relief"] < 1e-4
    assert terms["albedo"] < 1e-4
    assert terms["normals"] < 0.01


def test_shards_that_are_held_out_are_named_by_seed():
    assert [seed for seed in range(1, 60) if held_out(seed)] == [1, 2, 3]


def test_resizing_keeps_the_mean():
    planes = torch.rand(1, 2, 64, 64)
    assert resized(planes, 32).mean() == pytest.approx(float(planes.mean()), abs=1e-5)
