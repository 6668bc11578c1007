"""Frames of the virtual light stage on disk: what they hold, how light is coded, and how shards are written and read.

A shard is one safetensors file of about sixteen frames. Radiance is stored for covered pixels only (alpha above 0) as
one byte a channel on a logarithmic curve with a scale of its own for each light (`encode_log`). A shard is written
beside its name and renamed, so a file that has its name is whole. numpy and safetensors only: trainers need no bpy.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..core.errors import InputError, OutputError

SCHEMA = "relamp.stage/1"
DARK = 2e-3  # of a light's mean: below it the curve is linear, above it logarithmic
GLARE = 300.0  # of a light's mean: what is brighter is cut off


def encode_log(light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radiance to bytes: code = 255 log(1 + x/e) / log(1 + m/e), one pair (e, m) for each light.

    Between e and m a step is log(1 + m/e)/255, 2.5 to 4.7 %, so the error is at most half of that, and at most e/100
    in what is darker. Light above m (300 times the mean of its picture: mirrored suns) is cut to m.

    Args:
        light: (G, P, 3) float, radiance of G lights at P pixels; negative and non-finite values count as 0.

    Returns:
        codes (G, P, 3) uint8 and curve (G, 2) float32 with the columns e, m.
    """
    x = np.where(np.isfinite(light), np.maximum(light, 0.0), 0.0).astype(np.float32)
    mean = x.reshape(len(x), -1).mean(axis=1) if x[0].size else np.zeros(len(x), np.float32)
    e = np.maximum(mean * DARK, 1e-9)
    m = np.minimum(x.reshape(len(x), -1).max(axis=1, initial=0.0), mean * GLARE)
    m = np.maximum(m, e)
    scale = 255.0 / np.log1p(m / e)
    codes = np.log1p(np.minimum(x, m[:, None, None]) / e[:, None, None]) * scale[:, None, None]
    return np.rint(codes).astype(np.uint8), np.stack([e, m], axis=1).astype(np.float32)


def log_table(curve: np.ndarray) -> np.ndarray:
    """(G, 256) float32: the radiance of every code under each light's curve, the inverse of `encode_log`."""
    e, m = curve[:, :1].astype(np.float64), curve[:, 1:].astype(np.float64)
    return (e * np.expm1(np.arange(256) / 255.0 * np.log1p(m / e))).astype(np.float32)


def decode_log(codes: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Bytes of `encode_log` to radiance (G, P, 3) float32."""
    table = log_table(curve)
    return np.stack([row[code] for row, code in zip(table, codes, strict=True)])


@dataclass(frozen=True)
class StageFrame:
    """One frame of the light stage. P covered pixels, G = cells + suns lights; camera space is X right, Y up, Z to us.

    Pixel arrays hold the covered pixels in row order; `image` puts them back on the (height, width) picture.
    Radiance is premultiplied (what the camera saw); normals, albedo, gloss, roughness and metallic are not.
    """

    seed: int
    kind: str  # head, objects, cloth, hard
    scene_version: int
    height: int
    width: int
    hfov: float  # deg, horizontal field of view
    camera_to_world: np.ndarray  # (3, 3) columns: camera axes in a world with +Y up
    cells: np.ndarray  # (48, 3) centres of the cells
    cell_solid_angles: np.ndarray  # (48,) sr
    suns: np.ndarray  # (12, 3) directions toward the suns
    sun_diameters: np.ndarray  # (12,) deg
    codes: np.ndarray  # (G, P, 3) uint8, `encode_log`; cells of radiance 1, then suns of perpendicular irradiance 1
    curve: np.ndarray  # (G, 2) float32
    alpha: np.ndarray  # (P,) uint8, 255 = 1; ground included
    covered: np.ndarray  # (height, width) uint8, 1 where P pixels are
    matte: np.ndarray  # (P,) uint8, 255 = 1; the subject alone, never above alpha
    normals: np.ndarray  # (P, 3) int8, 127 = 1
    albedo: np.ndarray  # (P, 3) uint8, square-root coded diffuse reflectance
    gloss: np.ndarray  # (P, 3) uint8, square-root coded specular reflectance
    surface: np.ndarray  # (P, 2) uint8, roughness and metallic, 255 = 1
    depth: np.ndarray  # (P,) float16, distance along the view axis in scene units
    frame: int = 0  # of a clip, all of whose frames have the same seed and the same lights in the world

    def image(self, values: np.ndarray) -> np.ndarray:
        """Covered pixels (P,) or (P, C) back on the picture (H, W) or (H, W, C); 0 elsewhere."""
        picture = np.zeros((self.height, self.width, *values.shape[1:]), values.dtype)
        picture[self.covered > 0] = values
        return picture

    def relight(self, weights: np.ndarray) -> np.ndarray:
        """The frame under a weighted sum of its lights.

        Args:
            weights: (..., G, 3): mean radiance over each cell (`light_rig.cell_radiance`), then irradiance
                perpendicular to each sun (its radiance times its solid angle).

        Returns:
            (..., H, W, 3) float32 scene-linear radiance, premultiplied.
        """
        flat = weights.reshape(-1, *weights.shape[-2:]).astype(np.float32)
        light = np.zeros((len(flat), *self.codes.shape[1:]), np.float32)
        for g, row in enumerate(log_table(self.curve)):
            picture = row[self.codes[g]]
            for k, w in enumerate(flat[:, g]):
                if w.any():
                    light[k] += picture * w
        pictures = np.stack([self.image(np.asarray(p)) for p in light])
        return pictures.reshape(*weights.shape[:-2], self.height, self.width, 3)

    def normal_image(self) -> np.ndarray:
        """(H, W, 3) float32 unit normals in camera space, 0 outside the alpha."""
        n = self.normals.astype(np.float32)
        length = np.sqrt((n * n).sum(axis=1, keepdims=True))
        return self.image(n / np.maximum(length, 1e-6))

    def albedo_image(self) -> np.ndarray:
        """(H, W, 3) float32 diffuse reflectance, 0 to 1."""
        return self.image((self.albedo.astype(np.float32) / 255.0) ** 2)

    def gloss_image(self) -> np.ndarray:
        """(H, W, 3) float32 specular reflectance, 0 to 1; a metal's colour stands here and not in the albedo."""
        return self.image((self.gloss.astype(np.float32) / 255.0) ** 2)

    def alpha_image(self) -> np.ndarray:
        """(H, W) float32 coverage of everything, ground included."""
        return self.image(self.alpha.astype(np.float32) / 255.0)

    def matte_image(self) -> np.ndarray:
        """(H, W) float32 coverage of the subject alone."""
        return self.image(self.matte.astype(np.float32) / 255.0)

    def depth_image(self) -> np.ndarray:
        """(H, W) float32 distance along the view axis, 0 outside the alpha."""
        return self.image(self.depth.astype(np.float32))


ARRAYS = tuple(f.name for f in fields(StageFrame) if f.type == "np.ndarray")
SCALARS = tuple(f.name for f in fields(StageFrame) if f.type != "np.ndarray")


def write_shard(path: Path, frames: list[StageFrame]) -> None:
    """Write frames as one safetensors file, beside its name and then renamed; raises OutputError."""
    tensors = {
        f"{_key(f.seed, f.frame)}/{name}": np.ascontiguousarray(getattr(f, name)) for f in frames for name in ARRAYS
    }
    index = [{name: getattr(f, name) for name in SCALARS} for f in frames]
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, str(beside), {"schema": SCHEMA, "frames": json.dumps(index)})
        beside.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written ({error}); free some space or choose another --out") from error


def read_index(path: Path) -> list[dict]:
    """What a shard says of its frames (seed, kind, size, camera) without reading their pixels."""
    try:
        with safe_open(str(path), framework="numpy") as shard:
            metadata = shard.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a readable shard ({error}); delete it and run the stage again") from error
    if metadata.get("schema") != SCHEMA:
        raise InputError(f"{path} has schema {metadata.get('schema')}, expected {SCHEMA}; render it again")
    return json.loads(metadata["frames"])


def read_shard(path: Path, seeds: set[int] | None = None) -> Iterator[StageFrame]:
    """The frames of a shard one after the other, or those of `seeds`; raises InputError."""
    index = read_index(path)
    with safe_open(str(path), framework="numpy") as shard:
        for scalars in index:
            if seeds is None or scalars["seed"] in seeds:
                key = _key(scalars["seed"], scalars.get("frame", 0))
                arrays = {name: shard.get_tensor(f"{key}/{name}") for name in ARRAYS}
                yield StageFrame(**scalars, **arrays)


def _key(seed: int, frame: int) -> str:
    return f"{seed}.{frame}" if frame else str(seed)


def shard_paths(folder: Path) -> list[Path]:
    """The whole shards of a folder, in the order of their names (of their first seeds)."""
    return sorted(folder.glob("stage-*.safetensors"))


def finished_seeds(folder: Path) -> set[int]:
    """The seeds of every frame that the shards of a folder hold."""
    return {frame["seed"] for path in shard_paths(folder) for frame in read_index(path)}
