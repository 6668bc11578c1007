"""Relamp's own relighter: a small denoiser of the residual log gain over the analytic hint, trained on its light stage.

Deterministic: the same conditions, steps and seed give the same answer, and every frame of a shot starts from the same
noise. One step is the mean and does not depend on the seed. Floor 2.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...errors import DeviceError
from ..conditions import Conditions
from ..sampling import sample
from ..weights import SHIPPED, load

INTRA_OP_THREADS = 2  # always: other counts can give other last bits
WORKING_SIZE = 160  # px of the longer side it does best at


@dataclass(frozen=True)
class Answer:
    """What the network says of one frame at the working size.

    `residual` is (h, w, 3) float32, log gain over `hint`, itself (h, w, 3) between lights at unit level. `normals` is
    (h, w, 3) unit camera-space vectors: those given, and the network's own where none were.
    """

    residual: np.ndarray
    hint: np.ndarray
    normals: np.ndarray


class Relamp:
    """See the module. `weights` is the SHA-256 of the weights' file in hex."""

    name = "relamp"
    wants_source = False

    def __init__(self, device: str = "cpu", path: Path = SHIPPED) -> None:
        """Load the weights onto `device`; raises `InputError` without them, `DeviceError` without the device."""
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("there is no CUDA device here; use --device cpu")
        loaded = load(path, device)
        self.weights, self.card = loaded.digest, loaded.card
        self._network, self._device = loaded.network, device
        self._alone = threading.Lock()

    @property
    def network(self) -> Relamp:
        """Itself: the part of a backbone that looks at pictures."""
        return self

    def relight(self, conditions: Conditions, *, steps: int = 1, seed: int = 0) -> Answer:
        """Relight one frame.

        Args:
            conditions: of `conditions.build`, one frame.
            steps: of denoising; 1 is the mean.
            seed: of the shot's one noise.
        """
        # One frame at a time: frames are parallel elsewhere, and torch's threads are shared by the whole process.
        with self._alone, torch.inference_mode():
            torch.set_num_threads(INTRA_OP_THREADS)
            c = conditions.to(self._device)
            f = self._network.told(c, self._network.see(c))
            noise = torch.randn(f.hint.shape, generator=torch.Generator().manual_seed(seed)).to(self._device)
            residual = sample(lambda estimate, level: self._network.denoiser(f, estimate, level), noise, steps)
        return Answer(_picture(residual), _picture(f.hint), _picture(f.planes[:, 4:7]))


def _picture(planes: torch.Tensor) -> np.ndarray:
    return planes[0].float().cpu().numpy().transpose(1, 2, 0).copy()
