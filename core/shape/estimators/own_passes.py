"""The estimator `own`: the networks that ship with Relamp: normals, relief, albedo, a confidence; skin, hair and cloth."""

from __future__ import annotations

import numpy as np
import torch

from ...pictures.curves import encode_log
from ...weights.file import Loaded
from ..seen import PARTS
from . import RELIEF, Passes, Picture
from .own import SEEN, SHIPPED, load, see
from .parts import SHIPPED as PARTS_SHIPPED
from .parts import load as load_parts
from .shape_network import ShapeNetwork

INTRA_OP_THREADS = 1  # on every machine, because another number of threads can change the last bits


class Own:
    """See the module and `Estimator`."""

    name = "own"
    gives = frozenset({"normals", "depth", "albedo", "confidence", *PARTS})
    size = SEEN

    def __init__(self, device: str = "cpu", loaded: Loaded[ShapeNetwork] | None = None) -> None:
        """Load the network that ships, unless one is given. Raises `InputError` where its file is missing or damaged."""
        self.loaded = loaded or load(SHIPPED, device)
        parts = load_parts(PARTS_SHIPPED, self.loaded.digest, device)
        self.digest = f"{self.loaded.digest}+{parts.digest}"
        self._parts = parts.network
        self._device = device

    def estimate(self, picture: Picture) -> Passes:
        """See `Estimator.estimate`; `depth` is relief, `confidence` is exp(-expected error of the normals in radians)."""
        torch.set_num_threads(INTRA_OP_THREADS)
        code = torch.from_numpy(encode_log(picture.light)).permute(2, 0, 1)[None].to(self._device)  # (1, 3, h, w)
        matte = torch.from_numpy(np.ascontiguousarray(picture.matte, np.float32))[None, None].to(self._device)
        with torch.inference_mode():
            found, parts = see(self.loaded.network, code, matte, self._parts)
        return Passes(
            normals=_picture(found.normals),
            depth=_picture(found.relief)[..., 0],
            depth_kind=RELIEF,
            albedo=_picture(found.log_albedo.exp()),
            confidence=_picture((-found.doubt).exp())[..., 0],
            **{name: _picture(parts)[..., k] for k, name in enumerate(PARTS)},
        )


def _picture(plane: torch.Tensor) -> np.ndarray:
    """A plane (1, C, h, w) as a picture (h, w, C)."""
    return plane[0].float().cpu().numpy().transpose(1, 2, 0).copy()
