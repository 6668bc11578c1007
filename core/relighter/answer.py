"""What a relighter is asked and what it answers: the protocols every one keeps to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..temporal.windows import Span

if TYPE_CHECKING:
    import numpy as np

    from ..shape.seen import SeenShape
    from .own.conditions import Conditions


@dataclass(frozen=True)
class Answer:
    """What a network says of one frame at the working size, float32.

    `residual` is (h, w, 3) log gain over `hint`, (h, w, 3), the analytic log gain between lights at unit level on
    `normals`, (h, w, 3) unit camera-space vectors: the given ones where they were known, else the network's own.
    `albedo` is (h, w, 3) from 0 to 1, of networks that delight; `confidence` (h, w) from 0 to 1. `height` is (h, w) toward the
    viewer in pixels and `doubt` (h, w) the expected error of the shape in radians, of relighters that trace their lights on it:
    `share` (h, w, 3) is what tracing adds to the log gain, which is in the residual as well. `own` (h, w) is the natural log of
    the plate's own light, its mean over the matte 0, of relighters that read it off the plate where its source is not known.
    `level` (1,) is what of the residual is one number over the whole picture, by which the subject keeps its brightness.
    `parts` (h, w, 3) are the shares of skin, hair and cloth, 0 to 1 each, of relighters that tell them apart.
    """

    residual: np.ndarray
    hint: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray | None = None
    confidence: np.ndarray | None = None
    height: np.ndarray | None = None
    doubt: np.ndarray | None = None
    share: np.ndarray | None = None
    own: np.ndarray | None = None
    level: np.ndarray | None = None
    parts: np.ndarray | None = None


class Network(Protocol):
    """A relighter that looks at the picture.

    `gives` says what its answers hold beside residual and normals (`albedo`, `confidence`), and `ensemble` when it
    averages over exposures itself. `levelled` says that its answers know no level of their own and keep the hint's in each frame.
    `steps` says that it denoises, in as many steps as it is told. `sees_background` says that what stands behind the subject
    changes its answers beside the light. `any_working_space` says that it answers in the space of its conditions,
    whatever that is (`Conditions.to_acescg`); else they must be in ACEScg.
    """

    @property
    def span(self) -> Span:
        """How many frames it takes in one call."""
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

    @property
    def any_working_space(self) -> bool:
        """See the class."""
        ...

    @property
    def sees_background(self) -> bool:
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
            conditions: one of B = 1 a frame, all of one size: any number for a span of `frame`, the shot or the take for `shot`.
            frames: their absolute numbers; a frame that stands in for a hole keeps its own.
            steps: of denoising, None for as many as it was made for.
            seed: of the shot's one noise, the same for every frame.
        """
        ...


@runtime_checkable
class Seeing(Protocol):
    """A network that sees the shape of the subject before it relights, one frame at a time.

    What it sees is steadied over neighbouring frames and comes back in the conditions, as `shape`.
    """

    def see(self, code: np.ndarray, matte: np.ndarray) -> SeenShape:
        """The shape in a log proxy in ACEScg (h, w, 3) inside its matte (h, w)."""
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
