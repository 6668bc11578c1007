"""What glossy surfaces mirror of a rig's lights: closed forms beside sums over many points, and a render with materials."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shots
from relamp.core.cli import main
from relamp.core.light.rig import straight_ahead
from relamp.core.shape.highlight import Sheen, _of_disc, _of_polygon
from relamp.core.shape.placed import PlacedLight

VIEWER = np.array([0.0, 0.0, 1.0], np.float32)


def density(x, y):
    return 1 / (np.pi * (1 + x**2 + y**2) ** 2)


def facing(*normals):
    n = np.array(normals, np.float32)
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


def sheen(normals, roughness):
    none = np.zeros_like(normals)
    return Sheen.of(normals, np.broadcast_to(-VIEWER, normals.shape), np.full(len(normals), roughness), none, none)


@pytest.mark.parametrize(("away", "radius"), [(0.0, 0.5), (0.4, 2.0), (3.0, 0.7), (1.5, 1e-4)])
def test_the_density_of_slopes_over_a_disc_is_its_sum_over_points(away, radius):
    r, phi = (np.arange(400) + 0.5) / 400 * radius, (np.arange(400) + 0.5) / 400 * 2 * np.pi
    x, y = away + r[:, None] * np.cos(phi), r[:, None] * np.sin(phi)
    mean = (np.pi * density(x, y) * r[:, None]).sum() / (r.sum() * len(phi))
    found = _of_disc(np.array(away**2, np.float32), np.array(radius**2, np.float32))
    assert found == pytest.approx(mean, rel=2e-3)


def test_the_density_of_slopes_over_a_polygon_is_its_sum_over_points():
    corners = [np.array(c, np.float32) for c in ((-0.4, -0.2), (1.7, -0.6), (2.2, 1.1), (0.1, 0.9))]
    line = (np.arange(3000) + 0.5) / 1000 - 0.7
    x, y = np.meshgrid(line, line)
    inside = np.ones(x.shape, bool)
    for one, other in zip(corners, (*corners[1:], corners[0]), strict=True):
        inside &= (other[0] - one[0]) * (y - one[1]) > (other[1] - one[1]) * (x - one[0])
    assert _of_polygon(corners) == pytest.approx(density(x, y)[inside].sum() * 1e-6, rel=2e-3)
    assert _of_polygon(corners[::-1]) == pytest.approx(-_of_polygon(corners))


def test_a_point_is_mirrored_as_the_ggx_formula_says():
    surface, to = facing((0.3, 0.2, 0.9)), facing((0.6, 0.1, 0.8))[0]
    alpha, half = 0.4**2, facing(to + VIEWER)[0]
    lit, seen, middle = (float(surface[0] @ v) for v in (to, VIEWER, half))
    spread = alpha**2 / (np.pi * (middle**2 * (alpha**2 - 1) + 1) ** 2)

    def smith(cosine):
        return 2 * cosine / (cosine + math.sqrt(cosine**2 * (1 - alpha**2) + alpha**2))

    expected = np.pi * spread * smith(lit) * smith(seen) / (4 * lit * seen)
    first, second = sheen(surface, 0.4).of_disc(to, 1e-4)[0]
    assert first + second == pytest.approx(expected, rel=1e-3)
    assert second / (first + second) == pytest.approx((1 - float(half @ to)) ** 5, rel=1e-3)


@pytest.mark.parametrize("roughness", [0.2, 0.5])
def test_an_area_is_mirrored_as_the_sum_of_many_points(roughness):
    light = PlacedLight("window", (1, 1, 1), position=(-60, 30, 90), aim=(0.55, -0.27, -0.79), sides=(50.0, 70.0))
    light = replace(light, aim=tuple(np.array(light.aim) / np.linalg.norm(light.aim)))
    surface = facing((-0.2, 0.1, 0.95), (-0.3, 0.2, 0.9), (0.1, 0.0, 1.0), (-0.5, 0.0, 0.8))
    points = np.zeros_like(surface)
    found = light.mirrored(sheen(surface, roughness), points).sum(-1)
    side, total = 40, np.zeros(len(surface))
    for position in light.emitters(side):
        way = position - points
        to = (way / np.linalg.norm(way, axis=-1, keepdims=True)).astype(np.float32)
        total += light.from_point(position, surface, points, side) * sheen(surface, roughness).of_disc(to, 1e-3).sum(-1)
    np.testing.assert_allclose(found, total / light._reference(side), rtol=0.06)


@pytest.mark.parametrize("sides", [(4.0, 4.0), (60.0, 90.0), (200.0, 200.0)])
def test_an_area_of_any_size_gives_the_middle_what_its_stops_say(sides):
    light = PlacedLight("window", (1, 1, 1), position=(0, 0, 100), aim=(0, 0, -1), sides=sides)
    assert light.given(VIEWER[None], np.zeros((1, 3), np.float32))[0, 0] == pytest.approx(1, abs=0.02)


def test_an_area_straight_ahead_gives_less_the_larger_it_is_seen():
    x = ((np.arange(500) + 0.5) / 500 - 0.5) * 1.5
    assert straight_ahead(1.5, 1.5, 1.0) == pytest.approx((1 / (1 + x[:, None] ** 2 + x**2) ** 2).mean(), rel=1e-4)


LAMP = {"name": "lamp", "kind": "sphere", "position": [0.6, 0.5, -0.6], "size": 0.05}


def rendered(shot, name, roughness, metallic, *lights, out="relit"):
    """The first frame with a rig on a subject of one material: its file."""
    one = np.ones((48, 48, 1), np.float32)
    given = []
    for kind, value in (("roughness", roughness), ("metallic", metallic)):
        file = shots.write_exr(shot.folder / f"{out}_{kind}.exr", one * value, ("Y",))
        given += [f"--{kind}", str(file)]
    rig = shot.folder / f"{name}.json"
    rig.write_text(json.dumps({"schema": "relamp.rig/1", "lights": list(lights)}))
    path = str(shot.folder / out / "relit.####.exr")
    command = ["render", shot.plate, "--rig", str(rig), "--backbone", "ratio", "--layers", "lamps", "--grain", "off"]
    assert main([*command, *given, "--out", path, "-q", "-F", "1001", "-d", "float"]) == 0
    return Path(path.replace("####", "1001"))


def test_a_glossy_subject_shows_the_highlight_of_a_rig_light_in_its_layer(shot):
    glossy = rendered(shot, "one", 0.25, 0.0, LAMP)
    rough = rendered(shot, "one", 1.0, 0.0, LAMP, out="rough")
    lamp, matte = (shots.layer(file, "lamp1.R", "lamp1.G", "lamp1.B") for file in (glossy, rough))
    y, x = np.unravel_index((lamp - matte).mean(-1).argmax(), lamp.shape[:2])
    assert lamp[y, x].mean() > 1.5 * matte[y, x].mean()
    assert x > 24, "the lamp stands on the right"
    assert y < 24, "and above"
    beauty = shots.layer(glossy, "R", "G", "B")
    np.testing.assert_array_equal(beauty - lamp, shots.layer(glossy, "rest.R", "rest.G", "rest.B"))


def test_a_stop_doubles_a_highlight_and_what_faces_away_keeps_its_bits(shot):
    one = rendered(shot, "one", 0.25, 0.0, LAMP)
    two = rendered(shot, "two", 0.25, 0.0, {**LAMP, "stops": 1}, out="two")
    inside = shots.layer(shot.plate_frame(1001), "A")[..., 0] == 1
    lamp, doubled = (shots.layer(file, "lamp1.R", "lamp1.G", "lamp1.B")[inside] for file in (one, two))
    np.testing.assert_allclose(doubled, 2 * lamp, rtol=0.03, atol=4e-3)
    behind = {**LAMP, "position": [3.0, 0.0, -2.0]}
    away = rendered(shot, "away", 0.25, 0.0, behind, out="away")
    out, plate = (shots.layer(file, "R", "G", "B")[24, 8:11] for file in (away, shot.plate_frame(1001)))
    np.testing.assert_array_equal(out, plate)


def test_metal_mirrors_a_light_and_does_not_get_brighter_as_chalk_does(shot):
    metal = rendered(shot, "one", 0.3, 1.0, LAMP)
    chalk = rendered(shot, "one", 1.0, 0.0, LAMP, out="chalk")
    inside = shots.layer(shot.plate_frame(1001), "A")[..., 0] == 1
    shiny, dull = (shots.layer(file, "lamp1.G")[..., 0] for file in (metal, chalk))
    assert shiny[inside].max() > dull[inside].max()
    assert np.median(shiny[inside]) < 0.3 * np.median(dull[inside])
