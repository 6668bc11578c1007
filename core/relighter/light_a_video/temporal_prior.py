"""A video model without weights: the light on a pixel is constant or drifts slowly.

The log gain of every pixel over the source clip is modelled as a Gaussian process in time: a constant with a wide prior,
and a drift that is forgotten (Ornstein-Uhlenbeck). The best prediction of a clean clip from a noisy one is then a known
linear combination of its frames (Wiener 1949), which is what a denoiser computes. Motion is not modelled: light on a moving
subject is slightly reduced.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

CONSTANT, DRIFT = 2.0, 0.3  # standard deviations of the two parts, natural log
MEMORY = 8.0  # frames after which the drift is forgotten to 1 / e
_LEVELS = 1000  # timesteps of a flow from noise to the clip

Coding = Callable[[torch.Tensor], torch.Tensor]


class TemporalPrior:
    """`light_fusion.VideoModel` on a source clip; latents are (F, 3, h, w) natural-log gains over it.

    `log` takes a clip to natural logs of light, and `clip` takes them back. For a flow-matching course of shift 1.
    """

    def __init__(self, source: torch.Tensor, log: Coding, clip: Coding) -> None:
        self._log, self._clip = log, clip
        self._source = log(source)
        frames = torch.arange(len(source), dtype=torch.float64)
        apart = (frames[:, None] - frames).abs()
        self._covariance = CONSTANT**2 + DRIFT**2 * torch.exp(-apart / MEMORY)

    def predict(self, sample: torch.Tensor, t: torch.Tensor, step: int, *, guided: bool = True) -> torch.Tensor:
        """The velocity of the flow; see `light_fusion.VideoModel`. There is no prompt, so there is no guidance."""
        level = float(t) / _LEVELS
        clean = torch.einsum("fg,gchw->fchw", self._mix(level).to(sample), sample)
        return (sample - clean) / max(level, 1e-6)

    def encode(self, clip: torch.Tensor) -> torch.Tensor:
        """See `light_fusion.VideoModel`."""
        return self._log(clip) - self._source

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See `light_fusion.VideoModel`."""
        return self._clip(self._source + latents)

    def _mix(self, level: float) -> torch.Tensor:
        """(F, F): the mean of the clean frames given (1 - level) clean + level noise."""
        signal = 1 - level
        noisy = signal**2 * self._covariance + level**2 * torch.eye(len(self._covariance), dtype=torch.float64)
        return torch.linalg.solve(noisy, signal * self._covariance).T
