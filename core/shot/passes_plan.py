"""The plan of making passes, as data: frames, files, the estimator, the layers, and each frame's fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import VERSION
from .. import job as jobs
from ..atomic import file_state
from ..job import RelightJob
from ..light.camera import CameraMove
from ..parameters import RelightParameters
from ..pictures.colour import Colour
from ..relighter.models.estimator_files import LoadedEstimator
from ..shape.seen import PARTS
from ..temporal.align import RADIUS
from ..temporal.windows import depends_on
from .plan import BLACK, FrameTask, Inputs

LAYERS = ("normals", "depth", "albedo", "roughness", "metallic", *PARTS, "matte", "shape_confidence")
"""The passes that can be written, by the names of `--layers`."""
FILE_NAMES = {"normals": "N"}
"""The layer's name in a file, where it differs from the option; depth is written as `depth.Z`."""
MATTE = "matte"
"""The pass that is the given matte, or the plate's alpha, where there is one; else the estimator's."""
PLANES = {"shape_confidence": "confidence"}
"""The name of the estimator's plane, where it differs from the option."""
# Parameters that decide the pixels of passes.
_LOOK = ("layer", "views", "colorspace", "data_type", "seed", "estimator")


@dataclass(frozen=True)
class PassesPlan:
    """A job of passes, checked and measured. Nothing in it depends on the pixels of the frames to make.

    `layers` are of `LAYERS`; `found` holds the state, by frame, of the output files that existed when the plan was made.
    """

    job: RelightJob
    inputs: Inputs
    colour: Colour
    camera: CameraMove
    tasks: tuple[FrameTask, ...]
    on_disk: tuple[int, ...]
    layers: tuple[str, ...]
    loaded: LoadedEstimator
    found: Mapping[int, list[int]] = field(default_factory=dict)

    @property
    def parameters(self) -> RelightParameters:
        """The job's parameters."""
        return self.job.parameters

    def near(self, frame: int) -> frozenset[int]:
        """The frames that can serve as neighbours of `frame` in time, with `frame` itself; a still plate has no others."""
        return frozenset((frame,)) if self.inputs.plate.is_still else frozenset(self.on_disk)

    def fingerprint(self, task: FrameTask) -> str:
        """SHA-256 of everything that decides the pixels of a frame: settings, estimator, and the state of its inputs."""
        p, frame = self.parameters, task.plate_frame
        camera = self.camera.at(frame)
        facts: dict[str, Any] = {
            "passes": list(self.layers),
            "version": ".".join(VERSION.split(".")[:2]),
            "config": self.colour.config_id,
            "parameters": {name: jobs.plain(getattr(p, name)) for name in _LOOK},
            "anchor": self.job.measured.anchor,
            "estimator": [self.loaded.estimator.name, self.loaded.digest],
            "fov": camera.fov,
            "channels": [self.inputs.matte_channel, *p.views],
            "black": task.action == BLACK,
            "files": [[n, *self._states(n)] for n in depends_on(frame, "frame", RADIUS, self.near(frame))],
        }
        return jobs.fingerprint(facts)

    def _states(self, frame: int) -> list[list[int] | None]:
        return [file_state(s.path(frame)) if s else None for s in (self.inputs.plate, self.inputs.matte)]
