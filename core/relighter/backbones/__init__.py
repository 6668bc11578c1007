"""Backbones by name. A new one is a module here and a line in `load`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ...errors import DeviceError, UsageError
from ...temporal.windows import Span

if TYPE_CHECKING:
    import numpy as np

    from ...parameters import RelightParameters
    from ..conditions import Conditions


@dataclass(frozen=True)
class Answer:
    """What a network says of one frame at the working size, float32.

    `residual` is (h, w, 3) log gain over `hint`, (h, w, 3), the analytic log gain between lights at unit level on
    `normals`, (h, w, 3) unit camera-space vectors: the given ones where they were known, else the network's own.
    `albedo` is (h, w, 3) from 0 to 1, of networks that delight; `confidence` (h, w) from 0 to 1.
    """

    residual: np.ndarray
    hint: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray | None = None
    confidence: np.ndarray | None = None


class Network(Protocol):
    """A relighter that looks at the picture.

    `gives` says what its answers hold beside residual and normals (`albedo`, `confidence`), and `ensemble` when it
    averages over exposures itself. `levelled` says that its answers know no level of their own and keep the hint's in each frame.
    `steps` says that it denoises, in as many steps as it is told.
    """

    @property
    def span(self) -> Span:
        """How many frames it looks at together. With a number, it is always given windows of just so many."""
        ...

    @property
    def gives(self) -> frozenset[str]:
        """See the class."""
        ...

    @property
    def levelled(self) -> bool:
        """See the class."""
        ...

    @property
    def steps(self) -> bool:
        """See the class."""
        ...

    def seeded(self, steps: int | None) -> bool:
        """Whether its answers depend on the seed."""
        ...

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """One answer a frame: the same for the same conditions, steps and seed.

        Args:
            conditions: one of B = 1 a frame, all of one size: any number for a span of `frame`, the window for a number
                (holes repeat their neighbour), the shot or the take for `shot`.
            frames: their absolute numbers; a frame that stands in for a hole keeps its own.
            steps: of denoising, None for as many as it was made for.
            seed: of the shot's one noise, the same for every frame.
        """
        ...


class Backbone(Protocol):
    """What the shot loop knows of a relighter.

    `name` and `weights` (hex digest of the weights, empty when there are none) are written into every frame, and so is
    `used`: a line with hash, licence tag and terms for each downloaded model.
    `wants_source` says that it needs some light to come from, fitted to the plate when none is given. `network` is None
    for a backbone whose answer is the hint itself.
    """

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str: ...

    @property
    def used(self) -> tuple[str, ...]: ...

    @property
    def wants_source(self) -> bool: ...

    @property
    def network(self) -> Network | None: ...


@runtime_checkable
class Demanding(Protocol):
    """A backbone whose networks are big enough to say beforehand what they need."""

    def memory(self, width: int, height: int, frames: int) -> float:
        """About how many gigabytes the networks and one call need on their device, for frames of a working size."""
        ...


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


def load(parameters: RelightParameters) -> Backbone:
    """The backbone that the parameters ask for, ready on its device.

    Raises `UsageError` for a name that is none, `DeviceError` for a named GPU that is not there.
    """
    p = parameters
    if p.backbone == "ratio":
        from .ratio import Ratio

        if p.device.startswith("cuda"):  # it needs none, but who names one should hear that it is not there
            resolve_device(p.device)
        return Ratio()
    if p.backbone == "relamp":
        from .traced import Relamp

        return Relamp(resolve_device(p.device))
    if p.backbone == "ic-light":
        from .ic_light import ICLightFrames

        return ICLightFrames(p, resolve_device(p.device))
    if p.backbone == "relightvid":
        from .relightvid import RelightVidShot

        return RelightVidShot(p, resolve_device(p.device))
    if p.backbone == "light-a-video":
        from .light_a_video import LightAVideo

        return LightAVideo(p, resolve_device(p.device))
    raise UsageError(f"there is no backbone {p.backbone!r}")
