"""Makes the environments of `examples/environments`: the light of the example plate, and four others to put in its place.

    python examples/make_environments.py [FOLDER]

They come from `relamp.training.environments` with fixed seeds, turned so that the weight of their light stands where the
table below says. Latitude-longitude, +Y up, image centre = +Z (behind the default camera), 384 x 192 float, Linear Rec.709.
"""

from __future__ import annotations

# An installed relamp is found when this runs; pyright sees only the folders.
# pyright: reportMissingImports=false
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from relamp.core.errors import OutputError
from relamp.core.light.canvas import Canvas, bearing
from relamp.core.light.environment import directions, mean_radiance, solid_angles
from relamp.core.light.sky import LUMINANCE, blackbody
from relamp.training.environments import paint, room

HEIGHT = 192
MANTISSA_BITS = 9  # 0.1 %, and suns of 1e5 fit; what is rounded away need not be stored

# name: kind, seed, heading of the lamps in degrees from +Z (the camera's back) towards +X (the camera's right),
# luminance of the mean radiance over the sphere, the share of its saturation that it keeps, and the red and the blue of its
# mean light to its green, as a camera balanced it. Of 18 photographed maps (CC0, npm's @pmndrs/assets 1.7.0) the middle
# half has red 0.89 to 1.17 and blue 0.91 to 1.29 of green in the mean; two streets at night have 1.17 and 0.82, 1.23 and 0.86.
PLACES = {
    "low_sun": ("clear_sky", 331, 60.0, 0.6, 0.7, (1.16, 0.85)),
    "overcast": ("overcast", 7, -20.0, 0.6, 0.3, (1.01, 0.99)),
    "softbox_studio": ("softbox_studio", 6, 38.0, 0.5, 0.45, (1.03, 0.95)),
    "neon_night": ("neon_night", 63, -40.0, 0.35, 0.5, (1.18, 1.0)),
}


def source() -> np.ndarray:
    """The room in which the example plate is shot: a large window on the camera's left, a warm fill, a small rim."""
    canvas = Canvas(HEIGHT)
    canvas.panel(bearing(-58.0, 22.0), (46.0, 52.0), blackbody(6200.0) * 8.0, soft_deg=2.0, hot=0.35, bars=(2, 3))
    canvas.panel(bearing(75.0, 5.0), (50.0, 45.0), blackbody(4300.0) * 0.4, soft_deg=10.0, hot=0.5)
    canvas.panel(bearing(152.0, 32.0), (12.0, 36.0), blackbody(5200.0) * 9.0, roll_deg=12.0, soft_deg=2.0)
    room(np.random.default_rng(5), canvas, albedo=(0.12, 0.4), ambient=0.06)
    return canvas.pixels


def place(
    kind: str, seed: int, heading: float, level: float, saturation: float, balance: tuple[float, float]
) -> np.ndarray:
    """An environment of the named kind, (H, W, 3): heading, level, saturation and balance as in `PLACES`."""
    pixels = paint(kind, seed, HEIGHT)
    luminance = pixels @ LUMINANCE
    lamps = np.where(luminance > 5.0 * luminance.mean(), luminance, 0.0) * solid_angles(HEIGHT, 2 * HEIGHT)[:, None]
    x, _, z = np.tensordot(lamps, directions(HEIGHT, 2 * HEIGHT), 2)
    turned = paint(kind, seed, HEIGHT, yaw=heading - float(np.degrees(np.arctan2(x, z))))
    grey = (turned @ LUMINANCE)[..., None]  # (H, W, 1)
    paler = (grey + np.float32(saturation) * (turned - grey)).astype(np.float32)
    red, green, blue = mean_radiance(paler)
    balanced = paler * np.array((balance[0] * green / red, 1.0, balance[1] * green / blue), np.float32)
    return balanced * np.float32(level / float(mean_radiance(balanced) @ LUMINANCE))


def write(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 3) radiance as a tagged float EXR."""
    step = np.uint32(1 << (23 - MANTISSA_BITS))
    rounded = (pixels.astype(np.float32).view(np.uint32) + step // 2) & ~(step - np.uint32(1))
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "float")
    spec.attribute("compression", "zip")
    spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    spec.attribute("Software", "examples/make_environments.py")
    image = oiio.ImageBuf(spec)
    image.set_pixels(image.roi, rounded.view(np.float32))
    if not image.write(str(path)):
        raise OutputError(f"{path} cannot be written: {image.geterror()}")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    maps = {"source": source(), **{name: place(*recipe) for name, recipe in PLACES.items()}}
    for name, pixels in maps.items():
        write(folder / f"{name}.exr", pixels)
        mean = float(mean_radiance(pixels) @ LUMINANCE)
        print(f"{name}: brightest {pixels.max():.4g}, mean luminance {mean:.4g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "environments")
