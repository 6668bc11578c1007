"""Which neighbours of a frame are under another light than it, told from the residuals alone. Torch; training and export.

A lamp that is switched where no environment tells of it steps the residual; flicker comes and goes. For every place the
residual over the window is explained in nine ways: it stays, it drifts steadily, the middle frame alone is off, or it steps
between two frames (six ways). Each way leaves a sum of squares, and with it has a likelihood, as of normal noise of unknown
size; a neighbour that is beyond a likely step has no say.

A lamp is switched at one time for every place and every colour, but flicker of whole frames leaves the shape of the light as
it is, and most flicker is grey. So whole frames, surroundings of each scale, brightness and colour of each are told apart, and
their likelihoods multiplied: a step that shows in one of them is found, however much the others flicker.
"""

from __future__ import annotations

import torch

from .align import NEIGHBOURS, RADIUS

LOUDEST = 2.0
"""Log gain at which differences are cut off, so that half precision holds their squares."""
QUIET = 0.01
"""Log gain, root mean square: what is explained better than this counts as explained."""
DRIFTS, MIDDLE_OFF, STEPS = -1.5, -1.0, -4.0
"""Log odds of each way before anything was seen, against that it stays."""
LEAST = 1e-4  # weight of a neighbour that is surely under another light

_TIMES = tuple(range(-RADIUS, RADIUS + 1))
_PRIOR = (0.0, DRIFTS, MIDDLE_OFF, *(STEPS,) * (2 * RADIUS))
_SMALL = 1e-3


def apart(
    whole: torch.Tensor, parts: list[torch.Tensor], sure: torch.Tensor, inside: torch.Tensor, there: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The log weights, 0 or below, that neighbours keep since they may be under another light than the middle frame.

    Args:
        whole: (T, N, 3, 1, 1) differences of whole frames to the middle one, log gain.
        parts: of each scale, (T, N, 3, h, w) differences on top of that.
        sure: (T, N, 1, h, w) confidences. inside: (T, 1, h, w) matte. there: (T, N, 1, 1, 1) how much of the frame is seen.

    Returns:
        Of whole frames (T, N, 1, 1, 1), and of each scale (T, N, 1, h, w).
    """
    of_whole, *of_parts = [
        [left_over(plane, seen) for plane in _grey_and_colour(difference)]
        for difference, seen in [(whole, there), *((part, sure) for part in parts)]
    ]
    share = inside[:, None]
    # A lamp is switched for all places at once, so each starts from what the whole picture says.
    shared = _likely(of_whole)  # (T, 9, 1, 1, 1)
    for planes in of_parts:
        shared = shared + _likely([(_over(share, left), _over(share, count)) for left, count in planes])
    shared = shared - shared.amax(1, keepdim=True)
    return _weights(shared), [_weights(shared + _likely(planes)) for planes in of_parts]


def _grey_and_colour(difference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log gains (T, N, 3, h, w) as the mean of the channels, (T, N, 1, h, w), and what each has besides."""
    grey = difference.mean(2, keepdim=True)
    return grey, difference - grey


def left_over(difference: torch.Tensor, sure: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What each way of explaining a window leaves, and of how many frames.

    Args:
        difference: (T, N, C, h, w) to the middle frame, log gain. sure: (T, N, 1, h, w).

    Returns:
        (T, 9, 1, h, w) weighted sums of squares, mean over the channels: it stays, drifts, the middle is off, it steps after
        the first frame, and so on to before the last; and (T, 1, 1, h, w) the sum of the weights.
    """
    values, weights = (_with_middle(p, m) for p, m in ((difference.clamp(-LOUDEST, LOUDEST), 0.0), (sure, 1.0)))
    weighted = weights * values
    mass, first, square = (p.sum(1, keepdim=True) for p in (weights, weighted, weighted * values))
    stays = square - first * first / mass
    time = torch.tensor(_TIMES, dtype=values.dtype)[None, :, None, None, None]
    moment, inertia = (p.sum(1, keepdim=True) for p in (weights * time, weights * time * time))
    slope = (weighted * time).sum(1, keepdim=True) - moment * first / mass
    drifts = stays - slope * slope / (inertia - moment * moment / mass + _SMALL)
    before, begun = (torch.cumsum(p, 1)[:, :-1] for p in (weights, weighted))
    steps = square - begun * begun / (before + _SMALL) - (first - begun) ** 2 / (mass - before + _SMALL)
    # The middle frame is 0 and counts as 1, so all sums but that of the weights are those of the others.
    others = square - first * first / (mass - 1 + _SMALL)
    ways = torch.cat([stays, drifts, others, steps], 1)
    return ways.mean(2, keepdim=True).clamp_min(0), mass


def _weights(likely: torch.Tensor) -> torch.Tensor:
    """Log weights of the neighbours (T, N, 1, h, w) from log likelihoods of the ways (T, 9, 1, h, w)."""
    prior = torch.tensor(_PRIOR, dtype=likely.dtype)[None, :, None, None, None]
    way = torch.softmax(likely + prior, 1)
    gone = torch.tensor(_gone(), dtype=likely.dtype)  # (N, 9)
    beyond = torch.matmul(gone, way.flatten(2)).reshape(likely.shape[0], len(NEIGHBOURS), 1, *likely.shape[3:])
    return torch.log((1 - beyond).clamp_min(LEAST))


def _likely(planes: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Log likelihoods of the ways from what they leave of several planes, and of how many frames: (T, 9, 1, h, w)."""
    each = [-0.5 * count * torch.log(left / count + QUIET * QUIET) for left, count in planes]
    return sum(each[1:], each[0])


def _gone() -> list[list[float]]:
    """Of each neighbour in which ways it has no say, (N, 9)."""
    rows = []
    for time in NEIGHBOURS:
        steps = [float((time <= last) != (last >= 0)) for last in _TIMES[:-1]]
        rows.append([0.0, 0.0, 0.0, *steps])
    return rows


def _with_middle(planes: torch.Tensor, middle: float) -> torch.Tensor:
    here = torch.full_like(planes[:, :1], middle)
    return torch.cat([planes[:, :RADIUS], here, planes[:, RADIUS:]], 1)


def _over(share: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """Means over the picture, by the share of each cell."""
    return (share * planes).mean((3, 4), keepdim=True) / (share.mean((3, 4), keepdim=True) + _SMALL)
