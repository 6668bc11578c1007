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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from validation.table import command, pattern, read

from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.gain import arrival
from relamp.core.gain.analytic import between
from relamp.core.gain.arrival import TracedLights
from relamp.core.gain.finish import FinishInput, Shading, Subject, finish
from relamp.core.gain.law import Law
from relamp.core.gain.traced import Depth, Fine, Shape
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import AP1_LUMINANCE, directions
from relamp.core.light.irradiance import Light
from relamp.core.light.parcels import Placed, parcels_of
from relamp.core.light.sheet import write_png
from relamp.core.parameters import WORKING_SIZE
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.resample import resize, shrink_normals, working_shape
from relamp.core.shape.shadow import Surface, lamp_visibility

FOV = 40.0
PITCH = -22.0
EYE = (0.0, 1.6, 5.0)
BALLS = (((-0.9, 0.55, 0.0), 0.55), ((0.9, 0.3, 0.9), 0.3), ((0.35, 0.2, -0.6), 0.2))
BOXES = (
    ((0.5, 0.0, -0.6), (1.2, 1.1, 0.0)),
    ((-0.35, 0.0, 0.8), (0.05, 0.4, 1.2)),
    ((-0.2, 0.0, -0.9), (-0.14, 1.3, -0.84)),
)
LAMPS = ((0.8, 0.7, 0.25), (-0.7, 0.6, 0.45), (0.4, 0.9, -0.5), (-0.85, 0.35, 0.1))  # world, toward them
BLOCK = 1 << 16


@dataclass(frozen=True)
class View:
    """The scene as its camera sees it: `points` (h, w, 3) in the world, `normals` (h, w, 3) and `z` (h, w) in camera space."""

    points: np.ndarray
    normals: np.ndarray
    z: np.ndarray
    turn: np.ndarray

    @property
    def focal(self) -> float:
        """Pixels."""
        return self.z.shape[1] / 2 / np.tan(np.radians(FOV / 2))

    def surface(self, z: np.ndarray | None = None, thickness: float = 1.0) -> Surface:
        """What shadows are traced on, of the true depth or another one (h, w)."""
        z = self.z if z is None else z
        there = np.isfinite(self.z)
        middle = float(np.median(self.z[there]))
        height = np.where(there, self.focal * (middle / np.where(there, z, 1) - 1), 0).astype(np.float32)
        centre = (z.shape[1] / 2, z.shape[0] / 2)
        return Surface(height, self.normals, there, focal=self.focal, centre=centre, thickness=thickness)


def hit(origin: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (N,), infinite for a miss, and normals (N, 3) of what rays (N, 3) meet first; `towards` is unit."""
    found, facing = np.full(len(origin), np.inf), np.zeros((len(origin), 3))

    def keep(t: np.ndarray, normal: np.ndarray, valid: np.ndarray) -> None:
        nearer = valid & (t > 1e-4) & (t < found)
        found[nearer], facing[nearer] = t[nearer], np.broadcast_to(normal, facing.shape)[nearer]

    with np.errstate(divide="ignore", invalid="ignore"):
        keep(-origin[:, 1] / towards[:, 1], np.array([0.0, 1, 0]), np.abs(towards[:, 1]) > 1e-9)
        for centre, radius in BALLS:
            from_centre = origin - centre
            b = (from_centre * towards).sum(1)
            inside = b**2 - (from_centre**2).sum(1) + radius**2
            t = -b - np.sqrt(np.maximum(inside, 0))
            keep(t, (from_centre + t[:, None] * towards) / radius, inside > 0)
        for low, high in BOXES:
            one, other = (np.array(low) - origin) / towards, (np.array(high) - origin) / towards
            near, far = np.fmin(one, other), np.fmax(one, other)
            axis = near.argmax(1)
            normal = np.zeros_like(origin)
            normal[np.arange(len(origin)), axis] = -np.sign(towards[np.arange(len(origin)), axis])
            keep(near.max(1), normal, near.max(1) < far.min(1))
    return found, facing


def view(size: int) -> View:
    """The scene at `size` by three quarters of it."""
    width, height = size, size * 3 // 4
    focal = width / 2 / np.tan(np.radians(FOV / 2))
    x, y = np.meshgrid((np.arange(width) + 0.5 - width / 2) / focal, (height / 2 - np.arange(height) - 0.5) / focal)
    camera = np.stack([x, y, -np.ones_like(x)], -1).reshape(-1, 3)
    length = np.linalg.norm(camera, axis=1)
    pitch = np.radians(PITCH)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )  # camera to world
    towards = camera / length[:, None] @ turn.T
    eye = np.broadcast_to(np.array(EYE), towards.shape)
    t, normals = hit(eye, towards)
    t = np.where(t < 14, t, np.inf)  # the ground ends
    shape = (height, width)
    points = (eye + np.where(np.isfinite(t), t, 0)[:, None] * towards).reshape(*shape, 3)
    return View(points, (normals @ turn).reshape(*shape, 3).astype(np.float32), (t / length).reshape(shape), turn)


def truth(seen: View, lamp: np.ndarray, radius: float = 0.01, rays: int = 8) -> np.ndarray:
    """The share of a lamp's disc that each point sees, (h, w)."""
    side = np.cross(lamp, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(lamp, side)
    origin = (seen.points + 2e-3 * (seen.normals @ seen.turn.T)).reshape(-1, 3)
    open_ = np.zeros(len(origin))
    for k in range(rays):
        r, angle = radius * np.sqrt((k + 0.5) / rays), 2.4 * k
        towards = lamp + r * (np.cos(angle) * side + np.sin(angle) * other)
        towards /= np.linalg.norm(towards)
        for start in range(0, len(origin), BLOCK):
            part = slice(start, start + BLOCK)
            t, _ = hit(origin[part], np.broadcast_to(towards, origin[part].shape))
            open_[part] += np.isinf(t) / rays
    return open_.reshape(seen.z.shape)


def overlap(found: np.ndarray, true: np.ndarray, facing: np.ndarray) -> float:
    """Intersection over union of what is less than half lit, among what faces the lamp."""
    one, other = (found < 0.5) & facing, (true < 0.5) & facing
    return float((one & other).sum() / max((one | other).sum(), 1))


def in_camera(seen: View, toward: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A lamp's direction in the world and before the camera, unit, (3,) each."""
    lamp = np.array(toward) / np.linalg.norm(toward)
    return lamp, (lamp @ seen.turn).astype(np.float32)


def depths(seen: View) -> dict[str, Surface]:
    """The scene by depths of several qualities."""
    z, rng = seen.z, np.random.default_rng(1)
    relief = float(np.ptp(np.percentile(z[np.isfinite(z)], (5, 95))))
    half = cv2.resize(np.where(np.isfinite(z), z, 0)[::2, ::2], z.shape[::-1], interpolation=cv2.INTER_NEAREST)
    smooth = cv2.GaussianBlur(rng.standard_normal(z.shape), (0, 0), z.shape[1] / 40)
    noisy = np.where(np.isfinite(z), z + smooth / smooth.std() * 0.02 * relief, 0).astype(np.float32)
    known = np.isfinite(z)
    rays = camera_rays(z.shape[1], z.shape[0], FOV)
    held, _ = Depth(noisy, "z").heights(rays, seen.normals, known.astype(np.float32), known)
    return {
        "exact": seen.surface(),
        "half float": seen.surface(z.astype(np.float16).astype(np.float64)),
        "half size": seen.surface(np.where(half > 0, half, z)),
        "smooth noise, 2 % of the relief": seen.surface(np.where(known, noisy, z)),
        "the same, held to the normals as a render does": replace(seen.surface(), height=held),
        **{f"thickness x {t:g}": seen.surface(thickness=t) for t in (0.25, 0.5, 2.0, 4.0, 100.0)},
    }


def scene(size: int, picture: Path | None) -> None:
    """Overlaps, a row a depth, a column a lamp."""
    seen = view(size)
    there, surfaces = np.isfinite(seen.z), depths(seen)
    scores: dict[str, list[float]] = {name: [] for name in surfaces}
    rows = []
    for toward in LAMPS:
        lamp, before = in_camera(seen, toward)
        true, facing = truth(seen, lamp), there & (seen.normals @ before > 0.05)
        for name, surface in surfaces.items():
            found = lamp_visibility(surface, before, 0.01)
            scores[name].append(overlap(found, true, facing))
            if name == "exact":
                cosine = np.maximum(seen.normals @ before, 0) * there
                rows.append(np.concatenate([true * cosine, found * cosine, np.abs(true - found) * facing], 1))
    for name, values in scores.items():
        print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + f" | {np.mean(values):.3f} |")
    save(np.concatenate(rows), picture)


def turn(size: int, picture: Path | None, frames: int = 48) -> None:
    """How shadows move while the lamp goes round."""
    seen = view(size)
    there, surface = np.isfinite(seen.z), seen.surface()
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
    height, scale = seen.surface().height, max(small) / max(matte.shape)
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
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", default="head,portrait,cloth,still_life,orbit,textures,metal")
    given = parser.parse_args()
    if given.what == "shots":
        shots(given.data, given.shots.split(","))
    elif given.what == "cost":
        cost(given.size)
    else:
        {"scene": scene, "turn": turn}[given.what](given.size, given.picture)


if __name__ == "__main__":
    main()
