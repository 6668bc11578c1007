"""What works out the new light: relighters by name. A new one is a folder here and a line in `load`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DeviceError, UsageError

if TYPE_CHECKING:
    from ..parameters import RelightParameters
    from .answer import Backbone


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
        from .own.backbone import Relamp

        return Relamp(resolve_device(p.device))
    if p.backbone == "ic-light":
        from .ic_light.backbone import ICLightFrames

        return ICLightFrames(p, resolve_device(p.device))
    if p.backbone == "relightvid":
        from .relightvid.backbone import RelightVidShot

        return RelightVidShot(p, resolve_device(p.device))
    if p.backbone == "light-a-video":
        from .light_a_video.backbone import LightAVideo

        return LightAVideo(p, resolve_device(p.device))
    raise UsageError(f"--backbone {p.backbone!r} is none that Relamp has; relamp render --help-all lists them")
