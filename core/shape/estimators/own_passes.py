"""The estimator `own`: the shape network that ships with Relamp: normals, relief, albedo and a confidence."""

from __future__ import annotations

import numpy as np
import torch

from ...pictures.curves import encode_log
from ...weights.file import Loaded
from . import RELIEF, Passes, Picture
from .own import SEEN, SHIPPED, load, see
from .shape_network import ShapeNetwork

INTRA_OP_THREADS = 1  # on every machine, because another number of threads can change the last bits


class Own:
    """See the module and `Estimator`."""

    name = "own"
    gives = frozenset({"normals", "depth", "albedo", "confidence"})
    size = SEEN

    def __init__(self, device: str = "cpu", loaded: Loaded[ShapeNetwork] | None = None) -> None:
        """Load the network that ships, unless one is given. Raises `InputError` where its file is missing or damaged."""
        self.loaded = loaded or load(SHIPPED, device)
        self._device = device

    def estimate(self, picture: Picture) -> Passes:
        """See `Estimator.estimate`; `depth` is relief, `confidence` is exp(-expected error of the normals in radians)."""
        torch.set_num_threads(INTRA_OP_THREADS)
        code = torch.from_numpy(encode_log(picture.light)).permute(2, 0, 1)[None].to(self._device)  # (1, 3, h, w)
        matte = torch.from_numpy(np.ascontiguousarray(picture.matte, np.float32))[None, None].to(self._device)
        with torch.inference_mode():
            found = see(self.loaded.network, code, matte).shape
        return Passes(
            normals=_picture(found.normals),
            depth=_picture(found.relief)[..., 0],
            depth_kind=RELIEF,
            albedo=_picture(found.log_albedo.exp()),
            confidence=_picture((-found.doubt).exp())[..., 0],
        )


def _picture(plane: torch.Tensor) -> np.ndarray:
    """A plane (1, C, h, w) as a picture (h, w, C)."""
    return plane[0].float().cpu().numpy().transpose(1, 2, 0).copy()
