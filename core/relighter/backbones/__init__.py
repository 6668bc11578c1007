"""Backbones by name. A new one is a module here and a line in `load`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...errors import DeviceError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from ..conditions import Conditions


class Answer(Protocol):
    """What a network says of one frame at the working size.

    `residual` is (h, w, 3) float32 log gain over the hint on `normals`, (h, w, 3) unit camera-space vectors: the given ones
    where they were known, else the network's own.
    """

    @property
    def residual(self) -> np.ndarray: ...

    @property
    def normals(self) -> np.ndarray: ...


class Network(Protocol):
    """A relighter that looks at the picture."""

    def relight(self, conditions: Conditions, *, steps: int = 1, seed: int = 0) -> Answer:
        """The answer for one frame: the same for the same conditions, steps and seed."""
        ...


class Backbone(Protocol):
    """What the shot loop knows of a relighter.

    `name` and `weights` (hex digest of the weights, empty when there are none) are written into every frame.
    `wants_source` says that it needs some light to come from, fitted to the plate when none is given. `network` is None
    for a backbone whose answer is the hint itself.
    """

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str: ...

    @property
    def wants_source(self) -> bool: ...

    @property
    def network(self) -> Network | None: ...


def resolve_device(name: str) -> str:
    """The torch device that `--device` means: auto is the first GPU, else the processor. Raises `DeviceError`."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda:0" if count else "cpu"
    index = int(name.partition(":")[2] or 0) if name.startswith("cuda") else -1
    if index >= count:
        raise DeviceError(f"there is no device {name} here ({count} CUDA devices); use --device cpu or auto")
    return name


def load(name: str, device: str) -> Backbone:
    """The backbone `name`, ready on `device`. Raises `UsageError` for a name that is none."""
    if name == "ratio":
        from .ratio import Ratio

        return Ratio()
    if name == "relamp":
        from .relamp import Relamp

        return Relamp(resolve_device(device))
    raise UsageError(f"there is no backbone {name!r}")
