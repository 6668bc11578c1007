"""What cast shadows are worth, against truth that a ray caster knows, and on the validation shots.

    python benchmarks/shadows.py scene [--size 512] [--picture shadows.png]
    python benchmarks/shadows.py turn [--size 256] [--picture turn.png]
    python benchmarks/shadows.py shots [--data data/validation] [--shots head,cloth]
    python benchmarks/shadows.py cost [--size 1920]

`scene`: balls, boxes and ground, seen by a 40 degree camera, lit by one small lamp. The shadow that `core/shape/shadow` walks on
the scene's depth is compared with the true one: overlap (intersection over union) of what is less than half lit, among
surfaces that face the lamp, by the thickness that is assumed, and on a depth that is quantised, halved or noisy.
`turn`: the lamp goes round in 48 steps; differences of frames, and differences of those, beside the truth's.
`shots`: the first frame of each validation shot by `ratio`, both maps and true normals: PSNR as in `validation/table.py`.
`cost`: processor seconds of a frame from light to finished pixels, with shadows and without.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from shadow_scene import FOV, LAMPS, View, cast_by_the_seen, edges, in_camera, truth, view
from validation.table import command, pattern, read

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.gain import arrival
from relamp.core.gain.analytic import between
from relamp.core.gain.arrival import TracedLights
from relamp.core.gain.finish import FinishInput, Shading, Subject, finish
from relamp.core.gain.law import Law
from relamp.core.gain.traced import Fine, Shape
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import AP1_LUMINANCE, directions
from relamp.core.light.irradiance import Light
from relamp.core.light.parcels import Placed, parcels_of
from relamp.core.light.sheet import write_png
from relamp.core.parameters import WORKING_SIZE
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.resample import resize, shrink_normals, working_shape
from relamp.core.shape.shadow import Surface, lamp_visibility, mixed_at_outlines


def overlap(found: np.ndarray, true: np.ndarray, facing: np.ndarray) -> float:
    """Intersection over union of what is less than half lit, among what faces the lamp."""
    one, other = (found < 0.5) & facing, (true < 0.5) & facing
    return float((one & other).sum() / max((one | other).sum(), 1))


def depths(seen: View) -> dict[str, Callable[[], Surface]]:
    """What a render traces on, of depths of several qualities and kinds, and of the true depth with other thicknesses."""
    z, known = seen.z, np.isfinite(seen.z)
    rng = np.random.default_rng(1)
    near, far = float(z[known].min()), float(z[known].max())
    relief = float(np.ptp(np.percentile(z[known], (5, 95))))
    small = cv2.resize(np.where(known, z, 0)[::2, ::2], z.shape[::-1], interpolation=cv2.INTER_NEAREST)
    smooth = cv2.GaussianBlur(rng.standard_normal(z.shape), (0, 0), z.shape[1] / 40)
    smooth *= relief / smooth.std()
    white = relief * rng.standard_normal(z.shape)
    surface = seen.surface
    return {
        "exact": lambda: surface(z),
        "half float": lambda: surface(z.astype(np.float16).astype(np.float64)),
        "half size": lambda: surface(np.where(small > 0, small, z)),
        "inverse, of unknown scale and shift": lambda: surface(3 / z + 0.2, "inverse"),
        "normalised, 0 to 1": lambda: surface((z - near + 0.01) / (far - near + 0.02), "normalised"),
        "white noise, 0.1 % of the relief": lambda: surface(z + 0.001 * white),
        "white noise, 0.3 %": lambda: surface(z + 0.003 * white),
        "white noise, 1 %": lambda: surface(z + 0.01 * white),
        "smooth noise, 0.5 %": lambda: surface(z + 0.005 * smooth),
        "smooth noise, 2 %": lambda: surface(z + 0.02 * smooth),
        "smooth noise, 15 %": lambda: surface(np.maximum(z + 0.15 * smooth, near / 2)),
        "no depth, normals alone": lambda: surface(None),
        "no shadows": lambda: replace(surface(z), standing=np.zeros_like(known)),
        **{f"thickness x {t:g}": partial(_as_thick, seen, t) for t in (0.25, 0.5, 2.0, 4.0, 100.0)},
    }


def _as_thick(seen: View, thickness: float) -> Surface:
    return replace(seen.surface(seen.z), thickness=thickness)


def off(seen: View, found: np.ndarray, true: np.ndarray, facing: np.ndarray, lamp: np.ndarray) -> np.ndarray:
    """How far the true edges that are drawn by what the camera sees are from the nearest traced edge, (P,) px."""
    traced = edges(seen, found, facing)
    away = cv2.distanceTransform((~traced).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return away[cast_by_the_seen(seen, lamp, edges(seen, true, facing))]


def scene(size: int, picture: Path | None, only: str) -> None:
    """A row a depth: overlap by lamp and in the mean, mean error of visibility, and how far edges are off (median, 90 %)."""
    seen = view(size)
    there = np.isfinite(seen.z)
    lamps = [in_camera(seen, toward) for toward in LAMPS]
    truths = [truth(seen, lamp) for lamp, _ in lamps]
    rows = []
    for name, made in depths(seen).items():
        if only not in name:
            continue
        surface, overlaps, errors, away = made(), [], [], []
        for (lamp, before), true in zip(lamps, truths, strict=True):
            facing = there & (seen.normals @ before > 0.05)
            found = mixed_at_outlines(surface, lamp_visibility(surface, before, 0.01))
            overlaps.append(overlap(found, true, facing))
            errors.append(np.abs(found - true)[facing])
            away.append(off(seen, found, true, facing, lamp))
            if name == "exact":
                cosine = np.maximum(seen.normals @ before, 0) * there
                rows.append(np.concatenate([true * cosine, found * cosine, np.abs(true - found) * facing], 1))
        middle, most = np.percentile(np.concatenate(away), (50, 90))
        print(
            f"| {name} | {' | '.join(f'{v:.3f}' for v in overlaps)} | {np.mean(overlaps):.3f} |"
            f" {np.concatenate(errors).mean():.3f} | {middle:.1f} | {most:.1f} |",
            flush=True,
        )
    save(np.concatenate(rows), picture)


def turn(size: int, picture: Path | None, frames: int = 48) -> None:
    """How shadows move while the lamp goes round."""
    seen = view(size)
    there, surface = np.isfinite(seen.z), seen.surface(seen.z)
    true, found, lit = [], [], []
    for k in range(frames):
        angle = 2 * np.pi * k / frames
        lamp, before = in_camera(seen, (np.cos(angle), 0.8, np.sin(angle)))
        cosine = np.maximum(seen.normals @ before, 0) * there
        true.append(truth(seen, lamp) * cosine)
        found.append(lamp_visibility(surface, before, 0.01) * cosine)
        lit.append(cosine)
    for name, film in (("true", true), ("found", found), ("without shadows", lit)):
        moved = np.diff(np.array(film + film[:1]), axis=0)
        print(
            f"| {name} | {np.abs(moved).mean():.4f} | {np.abs(moved).mean((1, 2)).max():.4f} |"
            f" {np.abs(np.diff(moved, axis=0)).mean():.4f} |"
        )
    save(np.concatenate([np.concatenate(found[k : k + 8], 1) for k in range(0, frames, 8)]), picture)


def save(grey: np.ndarray, path: Path | None) -> None:
    """A linear grey picture as PNG."""
    if path:
        shown = np.round(255 * np.clip(grey, 0, 1) ** 0.45).astype(np.uint8)
        write_png(path, np.repeat(shown[..., None], 3, -1), overwrite=True)


def shots(data: Path, names: list[str]) -> None:
    """PSNR by `ratio` with both maps and true normals: without shadows, traced on normals, on depth, and without the bounce."""
    ways = {"none": ("--shadows", "0"), "normals": (), "depth": ("--depth",), "depth, no bounce": ("--depth",)}
    print(f"| shot | {' | '.join(ways)} |\n| --- |{' ---: |' * len(ways)}")
    for folder in (data / name for name in names):
        cells = []
        for way, options in ways.items():
            with tempfile.TemporaryDirectory() as out, without_bounce(way.endswith("no bounce")):
                relit = str(Path(out) / "relit.####.exr")
                more = [*options, *([pattern(folder, "depth")] if "--depth" in options else [])]
                asked = command(folder, relit, "ratio", ("normals", "source"))
                assert relamp([*asked, *more, "--frames", "1001"]) == 0
                truths, matte = (read(folder / f"{name}.1001.exr") for name in ("truth", "matte"))
                got = read(Path(relit.replace("####", "1001")))
                inside = matte[..., 0] > 0.5
                one, other = (
                    encode_srgb(Colour().from_working(p[..., :3].astype(np.float32), SPACE))[inside]
                    for p in (got, truths)
                )
                cells.append(f"{-10 * np.log10(((one - other) ** 2).mean()):.2f}")
        print(f"| {folder.name} | {' | '.join(cells)} |", flush=True)


@contextmanager
def without_bounce(wanted: bool) -> Iterator[None]:
    """Light as if nothing that hides the sky gave any back."""
    kept = arrival.BOUNCE
    arrival.BOUNCE = 0.0 if wanted else kept
    yield
    arrival.BOUNCE = kept


def cost(width: int) -> None:
    """Processor seconds of a frame of the scene, by its lights: traced and finished, and finished alone."""
    seen = view(width)
    there = np.isfinite(seen.z)
    _, sun = in_camera(seen, LAMPS[0])
    d = directions(128, 256)
    sky = np.full((128, 256, 3), 0.3, np.float32) + (np.exp(3000 * (d @ sun - 1)) * 3000)[..., None].astype(np.float32)
    soft = np.full((128, 256, 3), 0.3, np.float32) + np.exp(8 * (d[..., 2] - 1))[..., None].astype(np.float32)
    lights = [Light.of(p, AP1_LUMINANCE) for p in (sky, soft)]
    target, source = (light.turned(np.eye(3)) for light in lights)
    placed = [Placed.of(parcels_of(p, light), np.eye(3)) for p, light in zip((sky, soft), lights, strict=True)]
    normals = np.where(there[..., None], seen.normals, np.float32([0, 0, 1]))
    matte = there.astype(np.float32)
    shading = Shading(between(target, source), target, source)
    subject = Subject(np.full((*matte.shape, 3), 0.2, np.float32), None, matte, normals, there, guessed=False)
    small = working_shape(*matte.shape, WORKING_SIZE)
    rays = camera_rays(small[1], small[0], FOV)
    facing, _ = shrink_normals(normals, there, small, least=0.5)
    height, scale = seen.surface(seen.z).height, max(small) / max(matte.shape)
    coarse = cv2.resize(height, small[::-1], interpolation=cv2.INTER_NEAREST) * np.float32(scale)
    for fine in (Fine(normals, matte), Fine(normals, matte, height)):
        begun = time.process_time()
        shape = Shape.of(facing, resize(matte, small), coarse, np.zeros(small, np.float32), rays, fine)
        made = time.process_time() - begun
        begun = time.process_time()
        traced = TracedLights(
            *(shape.lit(t, p, 1.0, matte.shape) for t, p in zip((target, source), placed, strict=True))
        )
        lit = time.process_time() - begun
        seconds = []
        for lights_ in (None, traced):
            begun = time.process_time()
            finish(FinishInput(subject, shading, traced=lights_), Law(1.0, 1.0, 0.002, "off"))
            seconds.append(time.process_time() - begun)
        what = "with depth" if fine.height is not None else "from normals"
        print(
            f"| {matte.shape[1]} x {matte.shape[0]}, {what} | {made:.2f} | {lit:.2f} | {seconds[1]:.2f} | {seconds[0]:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scene", "turn", "shots", "cost"))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--only", default="", help="of `scene`: the depths whose names hold this")
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", default="head,portrait,cloth,still_life,orbit,textures,metal")
    given = parser.parse_args()
    if given.what == "shots":
        shots(given.data, given.shots.split(","))
    elif given.what == "cost":
        cost(given.size)
    elif given.what == "turn":
        turn(given.size, given.picture)
    else:
        scene(given.size, given.picture, given.only)


if __name__ == "__main__":
    main()
