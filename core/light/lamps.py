"""Lamps: the strongest compact lights of an environment, separated so that each can be dimmed on its own.

A lamp is a region of the map: a sun, a softbox, a window, a neon tube. Regions are found with a falling
threshold, as in a watershed: a new maximum is a new lamp, a lamp grows while the added pixels are nearly as bright as the lamp,
and it stops where it would meet another one. Thresholds are relative to the mean radiance, which does not change when the map is
turned, and areas are solid angles, so the same lamps are found in any orientation.

Each pixel belongs to one lamp or to the rest, whole: the parts sum to the map exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from ..errors import ParameterError
from .environment import AP1_LUMINANCE, directions, directions_at, mean_radiance, resize, solid_angles

ROWS = 128  # of the map in which lamps are searched: 1.4 degrees per pixel
STEP = 2**0.5  # ratio between thresholds
CONTRAST = 3.0  # least ratio of a lamp to the upper quartile of the sphere
DENSITY = 0.2  # least radiance of added pixels, as a share of the lamp's own mean radiance
PROMINENCE = 2.0  # least ratio of a lower maximum to the saddle for it to be a lamp of its own
NEAR_DEGREES = 6.0  # maxima closer than this are one lamp
GAP_DEGREES = 4.0  # across which pieces of one lamp are joined
ALIKE = 3.0  # largest ratio of mean luminance between pieces of one lamp
LARGEST = 4 * np.pi / 8  # steradians; growth ends there, because a larger region is a sky
SMALLEST_SHARE = 0.01  # share of the map's light


@dataclass(frozen=True)
class Lamp:
    """One compact light.

    `direction` is its centre of light, unit, (3,) float64. `energy` is radiance times solid angle, (3,) RGB: the
    irradiance on a surface that faces it. `colour` is `energy` over its luminance. `solid_angle` (steradians) and
    `angular_radius` (degrees) are those of a disc of even radiance with the same light and the same concentration.
    """

    direction: np.ndarray
    energy: np.ndarray
    colour: np.ndarray
    solid_angle: float
    angular_radius: float
    share: float  # of the luminance of the whole map, 0 to 1


@dataclass(frozen=True)
class Lamps:
    """A map split into lamps, strongest first, and the rest.

    `labels` is (H, W) uint8: 0 the rest, k the lamp `lamps[k - 1]`. There are at most as many lamps as requested,
    and none in an even sky.
    """

    pixels: np.ndarray
    labels: np.ndarray
    lamps: tuple[Lamp, ...]

    def part(self, index: int) -> np.ndarray:
        """The map with only lamp `index` (from 0), (H, W, 3) float32; black for an index beyond the lamps found."""
        return self._only(index + 1)

    @property
    def rest(self) -> np.ndarray:
        """The map without its lamps, (H, W, 3) float32."""
        return self._only(0)

    def parts(self) -> list[np.ndarray]:
        """The map of each lamp found; with `rest` they sum to the map bit for bit."""
        return [self.part(index) for index in range(len(self.lamps))]

    def _only(self, label: int) -> np.ndarray:
        return np.where((self.labels == label)[..., None], self.pixels, np.float32(0))


def split(pixels: np.ndarray, count: int, luminance_weights: ArrayLike = AP1_LUMINANCE) -> Lamps:
    """Split a map into its `count` strongest compact lights and the rest.

    Args:
        pixels: (H, W, 3) float32 radiance, latitude-longitude.
        count: 0 to 255; fewer are found where there are fewer.
    """
    if not 0 <= count <= 255:
        raise ParameterError(f"the number of lamps must be 0 to 255; got {count}")
    weights = np.asarray(luminance_weights, np.float32)
    small = np.zeros((ROWS, 2 * ROWS), np.uint8)
    if count:
        for number, region in enumerate(_regions(resize(pixels, ROWS) @ weights)[:count], start=1):
            small[region] = number
    enlarged = cv2.resize(small, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_NEAREST_EXACT)
    labels = np.asarray(enlarged, np.uint8)
    total = float(mean_radiance(pixels) @ weights) * 4 * np.pi
    lamps = [_describe(pixels, labels == number, weights, total) for number in range(1, int(small.max()) + 1)]
    order = sorted(range(len(lamps)), key=lambda k: -lamps[k].share)
    rank = np.zeros(256, np.uint8)
    rank[[k + 1 for k in order]] = np.arange(1, len(order) + 1)
    return Lamps(pixels, rank[labels], tuple(lamps[k] for k in order))


@dataclass(eq=False)
class _Summit:
    """A lamp while the threshold falls: its region of the small map, until it is frozen."""

    region: np.ndarray
    top: float
    energy: float
    area: float
    frozen: bool = False


class _Sea:
    """The falling threshold over a small luminance map (ROWS, 2 ROWS), and the maxima found so far."""

    def __init__(self, luminance: np.ndarray) -> None:
        self.luminance = luminance.astype(np.float64)
        self.omega = np.repeat(solid_angles(*luminance.shape)[:, None], luminance.shape[1], axis=1)
        self.energy = self.luminance * self.omega
        self.total = float(self.energy.sum())
        self.summits: list[_Summit] = []

    def fall_to(self, threshold: float) -> None:
        islands, number = _islands(self.luminance > threshold)
        summits: list[list[_Summit]] = [[] for _ in range(number + 1)]
        for summit in self.summits:
            summits[islands.ravel()[np.argmax(summit.region)]].append(summit)
        energy = np.bincount(islands.ravel(), self.energy.ravel(), number + 1)
        for index in range(1, number + 1):
            if summits[index] or energy[index] > SMALLEST_SHARE / 10 * self.total:
                self._settle(islands == index, summits[index], threshold)

    def _settle(self, island: np.ndarray, summits: list[_Summit], threshold: float) -> None:
        """Grow, merge or freeze the summits of one connected region above the threshold; a region without one becomes one."""
        if not summits:
            self.summits.append(self._summit(island))
            return
        first = max(summits, key=lambda summit: summit.energy)
        apart = [other for other in summits if other is not first and not self._absorbed(other, first, threshold)]
        if apart:
            for summit in (first, *apart):
                summit.frozen = True
        elif not first.frozen:
            self._grow(first, island)

    def _absorbed(self, other: _Summit, first: _Summit, threshold: float) -> bool:
        """Merge a summit into another if it is very close to it, or hardly higher than the saddle; returns whether it did."""
        near = self._angle(other, first) < np.radians(NEAR_DEGREES)
        shallow = not other.frozen and other.top < PROMINENCE * threshold
        if near or (shallow and not first.frozen):
            self._merge(first, other)
        elif shallow:
            self.summits.remove(other)
        return near or shallow

    def _merge(self, first: _Summit, other: _Summit) -> None:
        self.summits.remove(other)
        merged = self._summit(first.region | other.region)
        first.region, first.energy, first.area = merged.region, merged.energy, merged.area

    def join_panes(self) -> None:
        """Make one lamp of pieces that are as bright as each other with hardly a gap: panes of a window, letters of a sign."""
        worth = [summit for summit in self.summits if summit.energy > SMALLEST_SHARE / 10 * self.total]
        waiting = sorted(worth, key=lambda summit: -summit.energy)
        while waiting:
            first = waiting.pop(0)
            alike = [other for other in waiting if _alike(first, other)]
            near = _widened(first.region, GAP_DEGREES) if alike else first.region
            panes = [other for other in alike if near[other.region].any()]
            if panes:
                self._merge(first, panes[0])
                waiting.remove(panes[0])
                waiting.insert(0, first)  # check again, because it is larger now

    def _grow(self, summit: _Summit, island: np.ndarray) -> None:
        grown = self._summit(island)
        gained = grown.area - summit.area
        if gained <= 0:
            return
        dim = (grown.energy - summit.energy) / gained < DENSITY * summit.energy / summit.area
        if dim or grown.area > LARGEST:
            summit.frozen = True
        else:
            summit.region, summit.energy, summit.area = island, grown.energy, grown.area

    def _summit(self, region: np.ndarray) -> _Summit:
        top = float(self.luminance[region].max())
        return _Summit(region, top, float(self.energy[region].sum()), float(self.omega[region].sum()))

    def _angle(self, one: _Summit, other: _Summit) -> float:
        a, b = (self.energy[s.region] @ _GRID[s.region] for s in (one, other))
        return float(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)))


def _alike(one: _Summit, other: _Summit) -> bool:
    """Whether two regions may be pieces of one lamp: about as bright, and not a whole sky together."""
    contrast = one.energy / one.area / (other.energy / other.area)
    return 1 / ALIKE < contrast < ALIKE and one.area + other.area < LARGEST


_GRID = directions(ROWS, 2 * ROWS).astype(np.float64)
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _regions(luminance: np.ndarray) -> list[np.ndarray]:
    """Masks of the compact lights of a (ROWS, 2 ROWS) luminance map, strongest first, disjoint."""
    sea = _Sea(luminance)
    if sea.total <= 0:
        return []
    mean = sea.total / (4 * np.pi)
    floor = max(CONTRAST * _quantile(sea.luminance, sea.omega, 0.75), 0.1 * mean)
    threshold = mean * STEP ** np.floor(np.log(sea.luminance.max() / mean) / np.log(STEP))
    while threshold >= floor:
        sea.fall_to(threshold)
        threshold /= STEP
    sea.join_panes()
    lamps = [s for s in sea.summits if s.energy > SMALLEST_SHARE * sea.total and s.area < LARGEST]
    return _with_rims([s.region for s in sorted(lamps, key=lambda s: -s.energy)])


def _quantile(values: np.ndarray, weights: np.ndarray, fraction: float) -> float:
    order = np.argsort(values, axis=None)
    running = np.cumsum(weights.ravel()[order])
    return float(values.ravel()[order[np.searchsorted(running, fraction * running[-1])]])


def _with_rims(regions: list[np.ndarray]) -> list[np.ndarray]:
    """Regions with one more pixel around them, because a lamp's edge covers its pixels only partly."""
    taken = np.zeros((ROWS, 2 * ROWS), bool)
    for region in regions:
        taken |= region
    out = []
    for region in regions:
        wider = region | (_widened(region, 1.5 * 180 / ROWS) & ~taken)
        taken = taken | wider
        out.append(wider)
    return out


def _widened(region: np.ndarray, degrees: float) -> np.ndarray:
    """All pixels within an angle of the region; near a pole these are many columns."""
    rows = np.flatnonzero(region.any(axis=1))
    reach = int(np.ceil(degrees * ROWS / 180)) + 1
    band = slice(max(rows[0] - reach, 0), rows[-1] + reach + 1)
    around = np.pad(region, ((0, 0), (1, 1)), mode="wrap").astype(np.uint8)
    eroded = cv2.erode(around, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)) > 0
    edge = _GRID[region & ~eroded[:, 1:-1]].astype(np.float32)
    near = region.copy()
    for part in np.array_split(edge, len(edge) // 64 + 1):
        near[band] |= (_GRID[band].astype(np.float32) @ part.T > np.cos(np.radians(degrees))).any(axis=-1)
    return near


def _islands(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected regions on the sphere, numbered from 1: 8 neighbours, joined over the seam and at the poles."""
    number, found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    labels = np.asarray(found, np.int32)
    left, right = labels[:, 0], labels[:, -1]
    links = [(left, right), (left[1:], right[:-1]), (left[:-1], right[1:])]
    links += [(pole, np.full_like(pole, pole.max())) for pole in (labels[0], labels[-1])]
    one, other = (np.concatenate(side) for side in zip(*links, strict=True))
    both = (one > 0) & (other > 0)
    joined = np.arange(number)  # each region's number; 0 is what is in none
    for a, b in np.unique(np.stack((one[both], other[both]), 1), axis=0):
        joined[joined == joined[a]] = joined[b]
    names, joined = np.unique(joined, return_inverse=True)
    return joined[labels], len(names) - 1


def _describe(pixels: np.ndarray, mask: np.ndarray, weights: np.ndarray, total: float) -> Lamp:
    rows, columns = np.nonzero(mask)
    radiance, omega = pixels[rows, columns].astype(np.float64), solid_angles(*mask.shape)[rows]
    luminance = radiance @ weights
    energy, strength = omega @ radiance, float(omega @ luminance)
    direction = (omega * luminance) @ directions_at(rows, columns, mask.shape)
    solid_angle = strength**2 / float(omega @ luminance**2)
    radius = float(np.degrees(np.arccos(np.clip(1 - solid_angle / (2 * np.pi), -1, 1))))
    unit = direction / np.linalg.norm(direction)
    return Lamp(unit, energy, energy / strength, solid_angle, radius, strength / total)
