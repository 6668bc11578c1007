"""Small real files for the tests: a lit sphere as an EXR sequence, and environments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from cachetools import LRUCache, cached

from relamp.core.light.environment import directions
from relamp.core.light.irradiance import irradiance, irradiance_table
from relamp.core.light.octahedral import sample_table

QUICK = {"backbone": "ratio", "shadows": 0.0}
"""Parameters of the quickest render, for tests whose claim is about neither networks nor shadows: the analytic light alone."""

QUICK_OPTIONS = ("--backbone", "ratio", "--shadows", "0")
"""The same as options of the command line."""


def write_exr(
    path: Path, pixels: np.ndarray, names: tuple[str, ...], kind: str = "float", **attributes: object
) -> Path:
    """Write (H, W, C) with OpenImageIO alone; `attributes` as the spec takes them, or as (type, value)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    spec.channelnames = names
    spec.attribute("oiio:ColorSpace", "ACEScg")
    for name, value in attributes.items():
        spec.attribute(name, *(value if isinstance(value, tuple) else (value,)))
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(pixels, np.float32)), out.geterror()
    assert out.close()
    return path


def read_exr(path: Path) -> tuple[np.ndarray, oiio.ImageSpec]:
    """Pixels of the first part, (H, W, C) float32, and its spec, with OpenImageIO alone."""
    file = oiio.ImageInput.open(str(path))
    assert file is not None, oiio.geterror()
    spec = file.spec()
    pixels = file.read_image(0, 0, 0, spec.nchannels, "float")
    file.close()
    return np.asarray(pixels).reshape(spec.height, spec.width, spec.nchannels), spec


def layer(path: Path, *names: str) -> np.ndarray:
    """Channels of the first part by full name, (H, W, len(names))."""
    pixels, spec = read_exr(path)
    return pixels[..., [list(spec.channelnames).index(name) for name in names]]


def soft_light(direction: tuple[float, float, float], ambient: float = 0.3, height: int = 32) -> np.ndarray:
    """A lat-long map with one broad light toward `direction` over an even sky."""
    d = directions(height, 2 * height)
    axis = np.asarray(direction, np.float32) / np.linalg.norm(direction)
    lobe = np.exp(8 * (d @ axis - 1))[..., None] * np.array([6.0, 5.0, 4.0], np.float32)
    return (ambient + lobe).astype(np.float32)


def sphere(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Normals (S, S, 3) of a ball that nearly fills a square picture, and its antialiased coverage (S, S)."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis / 0.85, -axis / 0.85)
    r = np.hypot(x, y)
    z = np.sqrt(np.maximum(1 - r * r, 0))
    normals = np.stack([x, y, z], -1) / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-6)[..., None]
    coverage = np.clip((1 - r) * 0.85 * size / 2 + 0.5, 0, 1)
    return normals.astype(np.float32), coverage.astype(np.float32)


def lit_ball(env: np.ndarray, size: int = 48, albedo: float = 0.5) -> np.ndarray:
    """A matte ball under `env`, premultiplied, as (S, S, 7): R G B A and its normals."""
    return _lit_ball(env, size, albedo).copy()


def _content(env: np.ndarray, size: int, albedo: float) -> tuple[object, ...]:
    return env.shape, env.tobytes(), size, albedo


@cached(LRUCache(2**26, lambda ball: ball.nbytes), key=_content)  # most tests ask for the same ball
def _lit_ball(env: np.ndarray, size: int, albedo: float) -> np.ndarray:
    normals, coverage = sphere(size)
    # Every pixel of a large ball by itself takes half a minute.
    light = irradiance(env, normals) if size <= 128 else sample_table(irradiance_table(env), normals)
    light = light / np.pi * albedo
    return np.concatenate([light * coverage[..., None], coverage[..., None], normals * coverage[..., None]], -1)


BALL_CHANNELS = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z")


class Shot:
    """A folder with a plate of a ball, frames 1001 to 1004, and two environments."""

    def __init__(self, folder: Path, kind: str = "half", size: int = 48, frames: int = 4) -> None:
        self.folder = folder
        self.plate = str(folder / "plate.####.exr")
        self.out = str(folder / "out" / "relit.####.exr")
        self.env_a = str(write_exr(folder / "a.exr", soft_light((0.3, 0.4, 1.0)), ("R", "G", "B")))
        self.env_b = str(write_exr(folder / "b.exr", soft_light((-1.0, 0.2, 0.1)), ("R", "G", "B")))
        ball = lit_ball(soft_light((0.3, 0.4, 1.0)), size)
        for frame in range(1001, 1001 + frames):
            picture = ball.copy()
            picture[..., :3] *= np.float32(1 + 0.1 * (frame - 1001))
            write_exr(self.plate_frame(frame), picture, BALL_CHANNELS, kind)

    def plate_frame(self, frame: int) -> Path:
        return Path(self.plate.replace("####", f"{frame:04d}"))

    def out_frame(self, frame: int) -> Path:
        return Path(self.out.replace("####", f"{frame:04d}"))
