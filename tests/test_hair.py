"""Hair takes light as fibres do, and what is seen as skin or hair mirrors lights; what is neither keeps its numbers."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from relamp.core.gain.arrival import Arrival, Lamp
from relamp.core.gain.hair import spread
from relamp.core.gain.seen_materials import SHINE, materials_of
from relamp.core.job import RelightJob
from relamp.core.light.fibres import fibre_table, light_on_fibres
from relamp.core.light.octahedral import octahedral_directions, sample_table
from relamp.core.light.parcels import Parcels
from relamp.core.parameters import RelightParameters
from relamp.core.shape.seen import PARTS
from relamp.core.shot import relight
from shots import layer, sphere

BEHIND = np.array([-0.6, 0.0, -0.8], np.float32)
SIDE = 48


def even(count: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """An even light of radiance 1 as distant lights: directions and energies, (count, 3)."""
    i = np.arange(count) + 0.5
    z, turn = 1 - 2 * i / count, i * np.pi * (1 + 5**0.5)
    ring = np.sqrt(1 - z * z)
    directions = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], -1).astype(np.float32)
    return directions, np.full((count, 3), 4 * np.pi / count, np.float32)


def lamp(toward: np.ndarray) -> tuple[Arrival, Parcels]:
    """A lamp of irradiance pi in the dark, on a ball of `SIDE` px, and the same as parcels."""
    facing = octahedral_directions(32)
    light = np.ones(3, np.float32)
    table = np.maximum(facing @ toward, 0)[..., None] * light
    open_ = np.ones((SIDE, SIDE, 1), np.float32)
    broad = np.ones((SIDE, SIDE, 3), np.float32)
    arrival = Arrival(table, (Lamp(toward, light, 0.01, open_),), broad, 0 * open_, (SIDE, SIDE))
    return arrival, Parcels(toward[None], np.pi * light[None], np.array([0.01], np.float32))


def half_hair() -> np.ndarray:
    """A share of hair, (SIDE, SIDE): the upper half."""
    return np.repeat((np.arange(SIDE) < SIDE // 2)[:, None], SIDE, 1).astype(np.float32)


def test_hair_under_an_even_light_is_as_bright_as_a_matte_surface():
    seen = octahedral_directions(32)[..., 2] >= 0
    np.testing.assert_allclose(fibre_table(*even())[seen], 1, atol=0.02)


def test_the_light_on_hair_adds_up_and_doubles():
    directions, energy = even(64)
    whole, parts = fibre_table(directions, energy), [fibre_table(directions[k::2], energy[k::2]) for k in (0, 1)]
    np.testing.assert_allclose(whole, parts[0] + parts[1], atol=2e-3)
    np.testing.assert_array_equal(fibre_table(directions, 2 * energy), 2 * whole)  # exactly


def test_a_light_from_behind_reaches_the_outline_of_hair_and_not_of_a_matte_surface():
    normals, matte = sphere(SIDE)
    arrival, parcels = lamp(BEHIND)
    plain, hairy = (a.received(normals, slice(None))[..., 0] for a in (arrival, arrival.on_hair(half_hair(), parcels)))
    facing = normals @ BEHIND
    rim = (matte > 0.5) & (facing < -0.05) & (facing > -0.2)  # turned a little away from the light
    assert plain[rim].max() < 0.02  # the rounding of a table
    assert hairy[: SIDE // 2][rim[: SIDE // 2]].min() > 0.02
    front = (matte > 0.5) & (normals[..., 2] > 0.95)
    assert hairy[front].max() < 1e-4  # nothing shines through a head


def test_pixels_without_hair_keep_their_bits_and_half_of_it_is_half_way():
    normals, _ = sphere(SIDE)
    arrival, parcels = lamp(np.array([0.0, 0.6, 0.8], np.float32))
    plain, whole, half = (
        a.received(normals, slice(None))
        for a in (arrival, arrival.on_hair(half_hair(), parcels), arrival.on_hair(0.5 * half_hair(), parcels))
    )
    np.testing.assert_array_equal(whole[SIDE // 2 :], plain[SIDE // 2 :])
    np.testing.assert_allclose(half, (plain + whole) / 2, atol=1e-6)
    assert np.abs(whole - plain).max() > 0.1


def test_rows_of_hair_are_those_of_the_whole_picture():
    normals, _ = sphere(SIDE)
    arrival, parcels = lamp(np.array([0.6, 0.0, 0.8], np.float32))
    hairy = arrival.on_hair(half_hair(), parcels)
    whole = hairy.received(normals, slice(None))
    rows = [hairy.received(normals[k : k + 8], slice(k, k + 8)) for k in range(0, SIDE, 8)]
    np.testing.assert_array_equal(np.concatenate(rows), whole)


def test_a_shadow_on_and_beside_hair_is_soft_and_elsewhere_as_it_was():
    dots = np.indices((SIDE, SIDE)).sum(0)[..., None].astype(np.float32) % 2  # as strands would throw it
    soft = spread(half_hair(), dots)
    assert np.ptp(soft[: SIDE // 2]) < 0.3
    far = slice(SIDE - 8, SIDE)
    np.testing.assert_array_equal(soft[far], dots[far])


def test_the_table_is_the_kernel():
    directions, energy = BEHIND[None], np.pi * np.ones((1, 3), np.float32)
    normals = np.array([[-1.0, 0, 0], [-0.8, 0, 0.6], [0, 0, 1]], np.float32)
    read = sample_table(fibre_table(directions, energy), normals[None])[0, :, 0]
    np.testing.assert_allclose(read, light_on_fibres(normals, BEHIND), rtol=0.25, atol=0.05)


def test_skin_and_hair_shine_and_cloth_and_things_do_not():
    parts = np.zeros((1, 4, 3), np.float32)
    parts[0, range(3), range(3)] = 1  # skin, hair, cloth, and something else
    made = materials_of(parts)
    np.testing.assert_allclose(made.shine[0], [*(SHINE[name] for name in PARTS), 0])
    assert made.seen
    assert not made.metallic.any()
    assert made.albedo is None


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """The photograph of a head with its matte, on disk at 320 px, and where its hair and its face are."""
    pytest.importorskip("skimage", reason="the photographs come with scikit-image: pip install 'relamp[test]'")
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    try:
        plates = importlib.import_module("photographs.plates")
    finally:
        sys.path.pop(0)
    folder = tmp_path_factory.mktemp("head")
    plate = plates.make(next(p for p in plates.PHOTOGRAPHS if p.name == "head"), folder)
    across = np.abs(np.linspace(-1, 1, plate.matte.shape[1]))[None] < 0.3
    hair = across & (plate.matte > 0.9) & (np.linspace(0, 1, len(plate.matte))[:, None] < 0.25)
    return plate, hair, plate.skin


def test_a_rim_light_of_a_rig_is_seen_on_the_hair_of_a_photograph(head, tmp_path):
    plate, hair, face = head
    rig = tmp_path / "rig.json"
    rig.write_text(
        '{"schema": "relamp.rig/1", "space": "camera", "lights": '
        '[{"name": "rim", "kind": "distant", "direction": [-0.4, 0.6, -0.7], "stops": 1, "size": 10}]}'
    )
    out = tmp_path / "relit.exr"
    given = RelightParameters(
        plate=str(plate.path), matte=str(plate.matte_path), rig=str(rig), out=str(out), layers=("lamps",)
    )
    relight(RelightJob(given))
    relit, added = layer(out, "R", "G", "B"), layer(out, "lamp1.R", "lamp1.G", "lamp1.B")
    stops = np.log2(np.maximum(relit, 1e-3) / np.maximum(plate.rgb, 1e-3)).mean(-1)
    assert stops[hair].mean() > 0.3
    assert np.abs(stops[face]).mean() < 0.1
    assert added[hair].mean() > 0.1 * plate.rgb[hair].mean()  # and it dims with its light
