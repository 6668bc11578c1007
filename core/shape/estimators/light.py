"""Relamp's own network of light: the light that a plate was shot under, seen in its picture and its shape.

Weights are half-precision safetensors whose header holds the architecture and the origin of the weights.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from ...errors import InputError
from ...light.source_fit import LOBE_ROWS, lobe_directions
from ...weights import file
from ...weights.file import LICENCE, Loaded, write
from .light_network import SIZE, LightArchitecture, LightNetwork, planes_of

SCHEMA = "relamp.light/1"
SHIPPED = Path(__file__).parents[1] / "weights" / "light-1.safetensors"
BLACK = 1e-4  # least reflectance
STUMP = 0.3  # length of a mean of normals below which a pixel faces nowhere
MARGIN = 0.05  # of the subject's longer side, left around it


def save(network: LightNetwork, path: Path, card: dict) -> None:
    """Write a network in half precision with its card (anything JSON holds) in the header."""
    about = {"schema": SCHEMA, "licence": LICENCE, "architecture": network.architecture.as_dict()}
    write(network, path, {**about, **card})


@lru_cache(maxsize=2)
def load(path: Path = SHIPPED) -> Loaded[LightNetwork]:
    """Load a network from its file, in float32 on the processor, ready for `see_light`.

    Raises:
        InputError: the file is missing, damaged, not the one in its ledger, of another schema, or does not fit its
            own architecture.
    """
    if not path.is_file():
        raise InputError(f"the weights {path.name} are not in {path.parent}; reinstall Relamp, or give --source-env")
    return file.load(path, SCHEMA, lambda architecture: LightNetwork(LightArchitecture(**architecture)), "cpu")


def see_light(
    network: LightNetwork,
    code: np.ndarray,
    matte: np.ndarray,
    normals: np.ndarray,
    albedo: np.ndarray,
    doubt: np.ndarray,
) -> np.ndarray:
    """The light of one picture: amounts of the lobes of `source_fit` before the camera, (N,) float32, with mean 1.

    The amounts of the picture and those of its mirror image, mirrored, are averaged, so that a mirrored plate has the mirrored
    light. The subject is looked at alone, at one size, wherever it stands in the picture.

    Args:
        code: (h, w, 3) of `curves.encode_log`, in ACEScg.
        matte: (h, w), 0 to 1, somewhere above 0.5.
        normals: (h, w, 3) unit, camera space.
        albedo: (h, w, 3) reflectance in ACEScg.
        doubt: (h, w) expected error of the normals in radians, 0 where they are given.
    """
    box = _around(matte)
    pictures = (code, matte[..., None], normals, np.log(np.maximum(albedo, BLACK)), doubt[..., None])
    small = [_small(picture[box]) for picture in pictures]
    length = small[2].norm(dim=1, keepdim=True)
    small[2] = small[2] / length.clamp_min(1e-3) * (length > STUMP)
    mirrored = [plane.flip(3) for plane in small]
    mirrored[2] = mirrored[2] * torch.tensor([-1.0, 1.0, 1.0])[:, None, None]
    torch.set_num_threads(1)  # on every machine, because another number can change the last bits
    with torch.inference_mode():
        straight, turned = (network(planes_of(*seen), seen[2], seen[1]) for seen in (small, mirrored))
    return ((straight + turned[:, _mirror_image()]) / 2)[0].numpy()


def _around(matte: np.ndarray) -> tuple[slice, slice]:
    """The part of the picture that holds the subject, with a margin."""
    down, across = (np.flatnonzero((matte > 0.5).any(axis)) for axis in (1, 0))
    margin = int(MARGIN * max(np.ptp(down), np.ptp(across)) + 1)
    spans = zip((down, across), matte.shape, strict=True)
    top, left = (slice(max(0, at[0] - margin), min(side, at[-1] + 1 + margin)) for at, side in spans)
    return top, left


def _small(picture: np.ndarray) -> torch.Tensor:
    """(h, w, C) with its longer side at the size of the network, (1, C, h', w')."""
    plane = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]
    scale = SIZE / max(plane.shape[2:])
    size = [max(1, round(side * scale)) for side in plane.shape[2:]]
    return interpolate(plane, size=size, mode="area")


@lru_cache(maxsize=1)
def _mirror_image() -> torch.Tensor:
    """For every lobe the one that is its mirror image, (N,)."""
    directions = lobe_directions(LOBE_ROWS)
    return torch.from_numpy(((directions * (-1, 1, 1)) @ directions.T).argmax(1))
