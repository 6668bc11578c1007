"""The network's conditions for a frame: proxy, matte, normals, both lights on those normals, background.

Everything but the proxy and the matte may be missing; flags state what is given. Training and inference use the same code, so
that the analytic gain (`hint`) means the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ...light.environment import AP1_LUMINANCE
from ...light.octahedral import octahedral_directions
from ...light.parcels import Parcels
from ...pictures.curves import decode_log_tensor, encode_log
from ...shape.estimators.own import Seen
from ...shape.estimators.shape_network import Shape
from ...shape.seen import SeenShape
from .light_tables import LightTables
from .lobes import EVIDENCE_CHANNELS, LOBES, evidence
from .occlusion import OCCLUSION_CHANNELS, occlusion

LIGHT_CHANNELS = 3 * LOBES
FEATURE_CHANNELS = 3 + 1 + 3 + 2 * LIGHT_CHANNELS + 3 + 3 + OCCLUSION_CHANNELS + EVIDENCE_CHANNELS
FLAGS = 3
MAP_SIZE = 16  # a side of the octahedral map the HDR encoder reads
LOG_SCALE = 2.0  # divisor of logs of light in the network's input


@dataclass
class LightBatch:
    """B lights: `diffuse` (B, 3, S, S), `glossy` (B, 3 R, S', S'), both logs, `to_map` (B, 3, 3) from camera to map.

    Tables may be of half precision, which is faster to transfer. `parcels` (B, N, 7) are those of `LightTables`. `glossy` and
    `parcels` are None where there are none.
    """

    diffuse: torch.Tensor
    glossy: torch.Tensor | None
    to_map: torch.Tensor
    parcels: torch.Tensor | None = None

    def to(self, device: torch.device | str) -> LightBatch:
        """The same on another device."""
        glossy, parcels = (None if a is None else a.to(device) for a in (self.glossy, self.parcels))
        return LightBatch(self.diffuse.to(device), glossy, self.to_map.to(device), parcels)

    def required_glossy(self) -> torch.Tensor:
        """`glossy`; raises `ValueError` for a light without it."""
        if self.glossy is None:
            raise ValueError("a light without glossy tables has no reflections; make its tables with glossy=True")
        return self.glossy

    def in_camera(self, index: int = 0) -> Parcels:
        """One light as distant lights in camera space, for tracing; raises `ValueError` for a light of tables alone."""
        if self.parcels is None:
            raise ValueError("a light of tables alone cannot be traced; make its tables with LightTables.of")
        return Parcels.of(self.parcels[index].float().cpu().numpy(), self.to_map[index].float().cpu().numpy())


@dataclass
class Conditions:
    """B frames at the working size, float32.

    code: (B, 3, h, w) the log-encoded proxy. matte: (B, 1, h, w). rays: (B, 3, h, w) unit, from the eye outward.
    normals: (B, 3, h, w) unit camera-space, and normals_known: (B, 1, h, w), 1 where they are given.
    target, source: the lights; source_known: (B,), 0 where the source is not known and its tables are meaningless.
    background: (B, 3, h, w) log-encoded view of the new background, and background_known: (B,).
    depth: (B, 1, h, w), cleaned, of `depth_kind` (`shape.depth_pass`), 0 where there is no surface; None where none was given.
    shadows: strength of shadows and of light reflected by the subject, 0 to 1.
    keeps_level: whether a subject whose source light is not known keeps its brightness; else its level follows the new light.
    to_acescg: (3, 3), on column vectors, from the space that the plate, the lights and the background are in to ACEScg.
    seen: the shape and the parts that a network estimated, smoothed over the neighbouring frames; None where it is not
        estimated yet.
    """

    code: torch.Tensor
    matte: torch.Tensor
    rays: torch.Tensor
    normals: torch.Tensor
    normals_known: torch.Tensor
    target: LightBatch
    source: LightBatch
    source_known: torch.Tensor
    background: torch.Tensor
    background_known: torch.Tensor
    depth: torch.Tensor | None = None
    depth_kind: str = "z"
    shadows: float = 1.0
    to_acescg: torch.Tensor = field(default_factory=lambda: torch.eye(3))
    seen: Seen | None = None
    keeps_level: bool = True

    @property
    def luminance_weights(self) -> torch.Tensor:
        """(3,): relative luminance of red, green and blue in the space of the plate and the lights."""
        return self.to_acescg.new_tensor(AP1_LUMINANCE) @ self.to_acescg

    def to(self, device: torch.device | str) -> Conditions:
        """The same on another device."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in held.items() if isinstance(value, torch.Tensor | LightBatch)
        }
        if self.seen is not None:
            moved["seen"] = Seen(Shape(*(plane.to(device) for plane in self.seen.shape)), self.seen.parts.to(device))
        return replace(self, **moved)


@dataclass
class Features:
    """The network's input: `planes` (B, C, h, w), `hint` (B, 3, h, w) log gain, maps and flags.

    `target` and `source` are the two lights' parts of the planes, (B, LIGHT_CHANNELS, h, w) logs.
    """

    planes: torch.Tensor
    hint: torch.Tensor
    target_map: torch.Tensor
    source_map: torch.Tensor
    flags: torch.Tensor
    target: torch.Tensor
    source: torch.Tensor


def build(
    light: np.ndarray,
    matte: np.ndarray,
    rays: np.ndarray,
    target: tuple[LightTables, np.ndarray],
    *,
    normals: np.ndarray | None = None,
    known: np.ndarray | None = None,
    source: tuple[LightTables, np.ndarray] | None = None,
    background: np.ndarray | None = None,
    depth: np.ndarray | None = None,
    depth_kind: str = "z",
    shadows: float = 1.0,
    keeps_level: bool = True,
    to_acescg: np.ndarray | None = None,
) -> Conditions:
    """The conditions of one frame, B = 1.

    Args:
        light: (h, w, 3) anchored, un-premultiplied scene-linear proxy.
        matte: (h, w), 0 to 1.
        rays: (h, w, 3) of the camera (`light.backdrop.camera_rays`).
        target, source: tables of a light and the (3, 3) rotation from camera axes into its map.
        normals, known: (h, w, 3) unit camera-space normals and (h, w) bool, where they are given.
        background: (h, w, 3) scene-linear view of the environment at unit level.
        depth: (h, w), cleaned, of the kind `depth_kind` (`shape.depth_pass`).
        shadows: strength of shadows and of light reflected by the subject, 0 to 1.
        keeps_level: whether the subject keeps its brightness where its source light is not known.
        to_acescg: (3, 3), on column vectors, from the space of all of these to ACEScg; None where that is ACEScg.
    """
    shape = matte.shape
    facing = np.broadcast_to(np.array([0, 0, 1], np.float32), (*shape, 3)) if normals is None else normals
    there = np.zeros(shape, np.float32) if normals is None else np.ones(shape, np.float32)
    if known is not None:
        there = there * known
    behind = np.zeros((*shape, 3), np.float32) if background is None else encode_log(background)
    lights = _light_batch(*target)
    return Conditions(
        code=_planes(encode_log(light)),
        matte=torch.from_numpy(np.ascontiguousarray(matte, np.float32))[None, None],
        rays=_planes(rays),
        normals=_planes(facing),
        normals_known=torch.from_numpy(np.ascontiguousarray(there, np.float32))[None, None],
        target=lights,
        source=lights if source is None else _light_batch(*source),
        source_known=torch.tensor([0.0 if source is None else 1.0]),
        background=_planes(behind),
        background_known=torch.tensor([0.0 if background is None else 1.0]),
        depth=None if depth is None else torch.from_numpy(np.ascontiguousarray(depth, np.float32))[None, None],
        depth_kind=depth_kind,
        shadows=shadows,
        keeps_level=keeps_level,
        to_acescg=torch.eye(3) if to_acescg is None else torch.from_numpy(np.array(to_acescg, np.float32)),
    )


def with_shape(c: Conditions, seen: SeenShape) -> Conditions:
    """The conditions of one frame with its estimated shape."""
    normals, albedo, parts = (_planes(picture) for picture in (seen.normals, seen.log_albedo, seen.parts))
    relief, doubt = (_planes(picture[..., None]) for picture in (seen.relief, seen.doubt))
    return replace(c, seen=Seen(Shape(normals, relief, albedo, doubt), parts))


def features(c: Conditions, normals: torch.Tensor) -> Features:
    """Both lights on `normals`, (B, 3, h, w), the analytic gain, and everything as planes for the network."""
    target, source = shade(c.target, normals, c.rays), shade(c.source, normals, c.rays)
    known = c.source_known[:, None, None, None]
    hint = analytic_hint(target[:, :3], source[:, :3], known, c.matte, c.luminance_weights)
    behind = c.background * c.background_known[:, None, None, None]
    target_map, source_map = light_map(c.target), light_map(c.source)
    shares = occlusion(normals, torch.maximum(c.matte, c.normals_known), target_map, source_map)
    shares[:, 3:6] *= known
    speaks = evidence(decode_log_tensor(c.code), source, c.matte) * known / LOG_SCALE
    lights = [target / LOG_SCALE, source * known / LOG_SCALE]
    planes = torch.cat([c.code, c.matte, normals, *lights, behind, hint / LOG_SCALE, shares, speaks], dim=1)
    given = (c.normals_known * c.matte).sum((1, 2, 3)) / c.matte.sum((1, 2, 3)).clamp_min(1e-3)
    flags = torch.stack([c.source_known, c.background_known, given], dim=1)
    return Features(planes, hint, target_map, source_map * known, flags, target, source)


def analytic_hint(
    target: torch.Tensor,
    source: torch.Tensor,
    source_known: torch.Tensor,
    matte: torch.Tensor,
    luminance_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """The log gain of a matte surface, (B, 3, h, w): `analytic.between` where the source is known, else `analytic.alone`.

    Args:
        target, source: (B, 3, h, w) logs of the light on the normals.
        source_known: (B, 1, 1, 1), 0 or 1.
        matte: (B, 1, h, w).
        luminance_weights: (3,) of the lights' space; None for those of ACEScg.
    """
    weights = target.new_tensor(AP1_LUMINANCE) if luminance_weights is None else luminance_weights.to(target)
    luminance = (target.exp() * weights[:, None, None]).sum(1, keepdim=True).log()
    mean = (luminance * matte).sum((2, 3), keepdim=True) / matte.sum((2, 3), keepdim=True).clamp_min(1e-6)
    return target - torch.where(source_known > 0, source, mean)


def shade(light: LightBatch, normals: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """The light that each pixel receives, and reflects at R roughnesses, (B, 3 + 3 R, h, w) logs."""
    mirrored = rays - 2 * (rays * normals).sum(1, keepdim=True) * normals
    return torch.cat([lit(light, normals), _read(light.required_glossy(), light.to_map, mirrored)], dim=1)


def lit(light: LightBatch, normals: torch.Tensor) -> torch.Tensor:
    """The unoccluded light on a white matte surface, (B, 3, h, w) logs: the first part of `shade`."""
    return _read(light.diffuse, light.to_map, normals)


def light_map(light: LightBatch) -> torch.Tensor:
    """The light in camera space, blurred by the middle roughness, (B, 3, 16, 16) logs by octahedral direction."""
    d = torch.from_numpy(octahedral_directions(MAP_SIZE)).to(light.to_map).permute(2, 0, 1)
    middle = light.required_glossy()[:, 3:6]
    return _read(middle, light.to_map, d[None].expand(len(middle), -1, -1, -1))


def _read(table: torch.Tensor, to_map: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """`octahedral.sample_table` for a batch: tables (B, C, S, S) along camera-space directions (B, 3, h, w)."""
    d = torch.einsum("bij,bjhw->bihw", to_map, d)
    p = d[:, :2] / d.abs().sum(1, keepdim=True).clamp_min(1e-6)
    sign = torch.where(p < 0, -1.0, 1.0)
    folded = (1 - p.abs().flip(1)) * sign
    p = torch.where(d[:, 2:] < 0, folded, p)
    size = table.shape[-1]
    grid = (p * (size / (size + 2))).permute(0, 2, 3, 1)
    return grid_sample(_bordered(table.float()), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _bordered(table: torch.Tensor) -> torch.Tensor:
    """The table with one more cell on each side. On an octahedral map, the same edge, mirrored, continues each edge."""
    tall = torch.cat([table[:, :, :1].flip(3), table, table[:, :, -1:].flip(3)], dim=2)
    mirrored = tall.flip(2)
    return torch.cat([mirrored[..., :1], tall, mirrored[..., -1:]], dim=3)


def _light_batch(tables: LightTables, to_map: np.ndarray) -> LightBatch:
    glossy, parcels = None, None
    if tables.glossy is not None:
        channels = tables.glossy.transpose(0, 3, 1, 2).reshape(-1, *tables.glossy.shape[1:3])
        glossy = torch.from_numpy(np.ascontiguousarray(channels))[None]
    if tables.parcels is not None:
        parcels = torch.from_numpy(tables.parcels)[None]
    turn = torch.from_numpy(np.asarray(to_map, np.float32).copy())[None]
    return LightBatch(_planes(tables.diffuse), glossy, turn, parcels)


def _planes(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]
