"""The light of each frame of a shot in camera space: its tables, its lamps, and the light the plate was shot under."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from cachetools import LRUCache

from ..errors import InputError
from ..gain.analytic import Hint, alone, between, mean_over, over_even
from ..gain.law import Law
from ..gain.subject import Shading
from ..light.camera import Camera
from ..light.environment import resize
from ..light.glossy import Mirror
from ..light.irradiance import Light
from ..light.parcels import Parcels, parcels_of
from ..light.sources import Illumination, camera_to_map
from ..parameters import at_frame
from ..relighter.answer import Seeing
from .kept_level import kept_level, light_by_facing
from .plan import Plan
from .shared_cache import SharedCache

if TYPE_CHECKING:
    from ..relighter.own.light_tables import LightTables

log = logging.getLogger("relamp")

# The epsilon of the law, at the proxy's exposure, where middle grey is 0.18; see docs/decisions/picture.md.
EPSILON = 0.002
VIEW_ROWS = 256  # rows of the map from which a background is made
VIEW_PEAK = 30.0  # its brightest radiance at unit level; the backgrounds in training showed no suns
_KEPT_MAPS = 4


@dataclass(frozen=True)
class FrameLight:
    """The light of one frame in camera space: tables for the analytic gain, and for the network where there is one.

    `target_to_map` and `source_to_map` (3, 3) turn camera-space directions into the two maps.
    """

    shading: Shading
    law: Law
    camera: Camera
    target_to_map: np.ndarray
    source_to_map: np.ndarray
    target: LightTables | None = None
    source: LightTables | None = None


@dataclass(frozen=True)
class LightParcels:
    """The lights of a frame as lamps and small parcels in camera space; `lamps` are the parts for the requested layers."""

    target: Parcels
    source: Parcels | None
    lamps: tuple[Parcels, ...]


class LightMaps:
    """A cache of results computed from whole environment maps, for the maps used last. Hold the lock `computing` to compute.

    It is keyed by the light itself and not by its file alone, so that it can outlive a plan: one made anew reads its files anew.
    """

    def __init__(self) -> None:
        self.computing = threading.RLock()
        self._tables: LRUCache[Hashable, LightTables] = LRUCache(_KEPT_MAPS)
        self._views: LRUCache[Hashable, np.ndarray] = LRUCache(_KEPT_MAPS)
        self._parcels: LRUCache[Hashable, np.ndarray] = LRUCache(_KEPT_MAPS)
        self._mirrors: LRUCache[Hashable, Mirror] = LRUCache(_KEPT_MAPS)

    def tables(self, illumination: Illumination, frame: int, glossy: bool) -> LightTables:
        """The tables a network is conditioned on, in the axes of the map; computed once for a still map.

        `glossy` is whether the network reads those of glossy surfaces.
        """
        from ..relighter.own.light_tables import LightTables

        key = (ref(illumination), illumination.key(frame), glossy)
        with self.computing:
            if key not in self._tables:
                pixels, light = illumination.environment(frame).pixels, illumination.light(frame)  # (h, 2h, 3)
                self._tables[key] = LightTables.of(pixels, light, self.parcels(illumination, frame), glossy)
            return self._tables[key]

    def parcels(self, illumination: Illumination, frame: int) -> np.ndarray:
        """The map as distant lights at unit level, (PARCELS, 7), in its own axes; computed once for a still map."""
        key = (ref(illumination), illumination.key(frame))
        with self.computing:
            if key not in self._parcels:
                pixels = illumination.environment(frame).pixels  # (h, 2h, 3)
                self._parcels[key] = parcels_of(pixels, illumination.light(frame))
            return self._parcels[key]

    def mirror(self, illumination: Illumination, frame: int) -> Mirror:
        """The map at unit level, prepared for reflections, in its own axes; computed once for a still map."""
        key = (ref(illumination), illumination.key(frame))
        with self.computing:
            if key not in self._mirrors:
                pixels = illumination.environment(frame).pixels  # (h, 2h, 3)
                self._mirrors[key] = Mirror.of(pixels, illumination.light(frame).level)
            return self._mirrors[key]

    def view(self, illumination: Illumination, frame: int) -> np.ndarray:
        """The map at unit level, at most (256, 512, 3), with its suns clipped (`VIEW_PEAK`)."""
        key = (ref(illumination), illumination.key(frame))
        with self.computing:
            if key not in self._views:
                pixels = illumination.environment(frame).pixels  # (h, 2h, 3)
                small = resize(pixels, VIEW_ROWS) if pixels.shape[0] > VIEW_ROWS else pixels
                level = np.float32(illumination.light(frame).level)
                self._views[key] = np.minimum(small / level, np.float32(VIEW_PEAK))
            return self._views[key]


class Lights:
    """The lights of a plan's frames, by absolute frame number; from any number of threads.

    Args:
        maxsize: how many frames' lights are kept.
        maps: the cache of another plan with the same maps.
    """

    def __init__(self, plan: Plan, maxsize: int, maps: LightMaps | None = None) -> None:
        self._plan = plan
        self.maps = maps or LightMaps()
        self._frames: SharedCache[int, FrameLight] = SharedCache(maxsize)

    def light(self, frame: int) -> FrameLight:
        """The light of one frame, without its lamps. Raises `InputError` where a map cannot be read."""
        return self._frames.get(frame, self._compute)

    def with_lamps(self, frame: int) -> FrameLight:
        """The light of one frame, with its lamps where the plan's layers ask for them."""
        light, p = self.light(frame), self._plan.parameters
        if "lamps" not in p.layers or p.keeps_light():  # the lights of a rig already are lamps
            return light
        with self.maps.computing:
            tables = self._plan.target.lamps(frame, p.lamps)
        lamps = tuple(lamp.turned(light.target_to_map) for lamp in tables.lights)  # (S, S, 3) each
        return replace(light, shading=replace(light.shading, lamps=lamps))

    def parcels(self, frame: int, light: FrameLight) -> LightParcels:
        """The lights of one frame as lamps and small parcels, and its parts by lamp where `light` has them."""
        plan = self._plan
        target = Parcels.of(self.maps.parcels(plan.target, frame), light.target_to_map)
        rows, source = plan.job.measured.source_light, None
        if plan.source is not None:
            source = Parcels.of(self.maps.parcels(plan.source, frame), light.source_to_map)
        elif rows is not None:
            source = Parcels.of(_fitted_parcels(rows, tuple(plan.colour.luminance_weights)), light.source_to_map)
        lamps: tuple[Parcels, ...] = ()
        if light.shading.lamps:
            with self.maps.computing:
                parts = plan.target.lamps(frame, plan.parameters.lamps).parcels
            lamps = tuple(Parcels.of(part, light.target_to_map) for part in parts)
        return LightParcels(target, source, lamps)

    def hint(self, light: FrameLight, normals: np.ndarray, matte: np.ndarray) -> Hint:
        """The analytic log gain that residuals are added to, as a table (S, S, 3).

        Args:
            light: of the frame.
            normals: (h, w, 3) of the working frame.
            matte: (h, w).
        """
        if self._plan.parameters.keeps_light():
            return Hint(np.zeros_like(light.shading.target))
        network = self._plan.backbone.network
        # A source light that was fitted only to find the level is not used as a divisor.
        if network is None or light.source is not None:
            return light.shading.hint
        if network.levelled:
            # Lights at their own levels: a fitted source gives the brightness of the subject.
            source = light.shading.source if self._plan.parameters.level_mode() == "absolute" else None
            return alone(light.shading.target, normals, matte, self._plan.colour.luminance_weights, source)
        return over_even(light.shading.target)

    def removed_level(self, light: FrameLight, normals: np.ndarray, matte: np.ndarray) -> float:
        """The mean natural log gain over the matte by which `hint` exceeds the analytic gain in the network's conditions.

        Without a source light a network is conditioned on each frame's light minus its mean over the subject. That mean changes
        when a light turns. If it stayed in the residual, the deflicker would treat the change as flicker.
        """
        network = self._plan.backbone.network
        assert network is not None
        if light.source is not None or network.levelled or self._plan.parameters.keeps_light():
            return 0.0
        return mean_over(light.shading.target, normals, matte, self._plan.colour.luminance_weights)

    def _compute(self, frame: int) -> FrameLight:
        plan, p = self._plan, self._plan.parameters
        network = plan.backbone.network
        glossy = not isinstance(network, Seeing)  # a network that sees the shape traces the lights themselves
        camera = plan.camera.at(frame)
        turned = (0.0, 0.0, 0.0) if p.keeps_light() else at_frame(p.env_rotate, frame)  # degrees
        to_target = camera_to_map(turned, camera.rotation)
        to_source = camera_to_map((0.0, 0.0, 0.0), camera.rotation)
        with self.maps.computing:  # one thread tabulates a still map while the other threads wait
            light = plan.target.light(frame)
            source_light = self._source_light(frame)
            tables = self.maps.tables(plan.target, frame, glossy) if network is not None else None
            source_tables = None
            if network is not None and plan.source is not None:
                source_tables = self.maps.tables(plan.source, frame, glossy)
        target = light.turned(to_target)  # (S, S, 3)
        source = None if source_light is None else source_light.turned(to_source)  # (S, S, 3)
        source_level = 1.0 if source_light is None else source_light.level
        hint = between(target, target if source is None or p.keeps_light() else source)
        shading = Shading(hint, target, source, source_level)
        law = self._law(frame, light, source_light)
        return FrameLight(shading, law, camera, to_target, to_source, tables, source_tables)

    def _law(self, frame: int, light: Light, source: Light | None) -> Law:
        p = self._plan.parameters
        stops = at_frame(p.env_exposure, frame)
        if p.lit_by() == "background":  # then the background's exposure is that of the light
            stops += at_frame(p.background_exposure, frame)
        if p.level_mode() != "absolute":
            stops += self._plan.target.stops
        if p.level_mode() == "background":
            stops += self._plan.job.measured.behind or 0.0
        level = 2.0**stops * self.kept
        if p.level_mode() == "absolute" and source is not None:
            level *= light.level / source.level
        anchor = self._plan.job.measured.anchor or 1.0
        return Law(float(level), float(at_frame(p.mix, frame)), EPSILON / anchor, p.grain)

    @cached_property
    def kept(self) -> float:
        """The factor of the whole shot by which the subject keeps its exposure (`kept_level`); 1 where the relighter keeps it."""
        plan, held = self._plan, self._plan.job.measured
        if not plan.keeps_by_facing:
            return 1.0
        shares, gains = [], []
        for frame, share in zip(held.frames, held.facing, strict=True):
            try:
                gain = self._gain_by_facing(frame)
            except InputError as error:
                log.warning("the level is not measured on frame %d: %s", frame, error)
                continue
            shares.append(share)
            gains.append(gain)
        return kept_level(shares, gains)

    def _gain_by_facing(self, frame: int) -> np.ndarray:
        """The new light over the source light on the grid of facings, (SIDE * SIDE,), at a frame. Raises `InputError`."""
        plan, weights = self._plan, self._plan.colour.luminance_weights
        turned = camera_to_map(at_frame(plan.parameters.env_rotate, frame), np.eye(3))
        with self.maps.computing:
            target, source = plan.target.light(frame), self._source_light(frame)
        assert source is not None
        after = light_by_facing(target.table, turned, weights)
        return after / light_by_facing(source.table, camera_to_map((0.0, 0.0, 0.0), np.eye(3)), weights)

    def _source_light(self, frame: int) -> Light | None:
        if self._plan.source is not None:
            return self._plan.source.light(frame)
        rows = self._plan.job.measured.source_light
        return None if rows is None else _fitted_light(rows, tuple(self._plan.colour.luminance_weights))


@lru_cache(maxsize=2)
def _fitted_light(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> Light:
    return Light.of(np.array(rows, np.float32), np.array(weights))


@lru_cache(maxsize=2)
def _fitted_parcels(rows: tuple[tuple[tuple[float, float, float], ...], ...], weights: tuple[float, ...]) -> np.ndarray:
    return parcels_of(np.array(rows, np.float32), _fitted_light(rows, weights))
