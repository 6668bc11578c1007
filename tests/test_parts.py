"""The network of parts that ships, on photographs."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from relamp.core.gain.proxy import exposure_anchor
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_log
from relamp.core.shape.estimators import own, parts
from relamp.core.shape.seen import PARTS

pytest.importorskip("skimage", reason="the photographs come with scikit-image: pip install 'relamp[test]'")

SKIN, HAIR, CLOTH = map(PARTS.index, ("skin", "hair", "cloth"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Plates of the photographs by name, and (h, w) masks of their skin."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    try:
        plates = importlib.import_module("photographs.plates")
    finally:
        sys.path.pop(0)
    folder = tmp_path_factory.mktemp("photographs")
    return {p.name: plates.make(p, folder) for p in plates.PHOTOGRAPHS if p.name in ("head", "coffee")}


def shares_of(rgb, matte):
    """(h, w, 3) as the network that ships tells them apart in a picture with Rec.709 primaries."""
    colour = Colour()
    light = colour.to_working(np.ascontiguousarray(rgb, np.float32), "lin_rec709_scene")
    anchor = exposure_anchor(light, matte, colour.luminance_weights)
    code = torch.from_numpy(encode_log(np.maximum(light * anchor, 0).astype(np.float32))).permute(2, 0, 1)[None]
    shape = own.load()
    network = parts.load(parts.SHIPPED, shape.digest).network
    with torch.inference_mode():
        found = own.see(shape.network, code, torch.from_numpy(matte.astype(np.float32))[None, None], network).parts
    return found[0].permute(1, 2, 0).numpy()


def test_a_face_is_skin_and_what_is_above_it_is_hair(photographs):
    head = photographs["head"]
    shares = shares_of(head.rgb, head.matte)
    rows, columns = np.nonzero(head.skin)
    top, left, right = rows.min(), columns.min(), columns.max()
    crown = np.zeros_like(head.skin)
    crown[: top - (np.ptp(rows) // 8), left:right] = True
    crown &= head.matte > 0.9
    assert crown.sum() > 5000
    assert shares[head.skin].mean(0)[SKIN] > 0.8
    assert shares[crown].mean(0)[HAIR] > 0.7
    assert shares[head.matte == 0].max() == 0


def test_a_cup_of_coffee_has_no_skin(photographs):
    coffee = photographs["coffee"]
    assert shares_of(coffee.rgb, coffee.matte)[coffee.matte > 0.5].mean(0).max() < 0.1


def test_a_mirrored_picture_has_the_mirrored_parts(photographs):
    head = photographs["head"]
    here = shares_of(head.rgb, head.matte)
    there = shares_of(np.ascontiguousarray(head.rgb[:, ::-1]), np.ascontiguousarray(head.matte[:, ::-1]))
    np.testing.assert_allclose(there[:, ::-1], here, atol=1e-3)
    assert np.abs(here - here[:, ::-1]).max() > 0.5
