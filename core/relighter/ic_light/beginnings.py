"""The pictures that a run of IC-Light begins with.

The published runs begin with one of four gradients. Here the light of the target environment on the subject's shape
replaces them, so that turning the map turns the picture (`proxies.lit_surface`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..own.conditions import Conditions
from ..stable_diffusion import pixels
from ..stable_diffusion.proxies import Clip, lit_surface

ENVIRONMENT, NOISE = "environment", "none"


def beginning(
    choice: str, clip: Clip, seen: Sequence[Conditions], normals: Sequence[torch.Tensor]
) -> list[np.ndarray] | None:
    """The pictures that a run begins with, one for all frames or one for each, (H, W, 3) uint8 of the clip's size; None for
    noise alone.

    Args:
        choice: the value of `--initial-light`.
        normals: (1, 3, h, w) of the subject of each frame.
    """
    if choice == NOISE:
        return None
    if choice == ENVIRONMENT:
        lit = np.stack([lit_surface(c, n) for c, n in zip(seen, normals, strict=True)])
        return list(clip.pad(lit))
    return [pixels.gradient(choice, *clip.size)]
