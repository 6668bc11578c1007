"""What cast shadows are worth, against truth that a ray caster knows, and on the validation shots.

    python benchmarks/shadows.py scene [--size 512] [--only exact] [--picture shadows.png]
    python benchmarks/shadows.py turn [--size 256] [--picture turn.png]
    python benchmarks/shadows.py shots [--data data/validation] [--shots head,cloth]
    python benchmarks/shadows.py removed [--data data/removed] [--picture removed.jpg]
    python benchmarks/shadows.py example --picture docs/shadows_example.jpg
    python benchmarks/shadows.py cost [--size 1920]

`scene`: balls, boxes and ground, seen by a 40 degree camera, lit by one small lamp. The shadow that a render traces on its
depth is compared with the true one: overlap (intersection over union) of what is less than half lit, among surfaces that face the
lamp, and the distance of edges; by the quality and the kind of the depth, and by the thickness that is assumed.
`turn`: the lamp goes round in 48 steps; differences of frames, and differences of those, beside the truth's.
`shots`: the first frame of each validation shot by `ratio`, both maps and true normals: PSNR as in `validation/table.py`.
`removed`: how much of a hard shadow is left under soft light, on what `validation/render_shadow.py` renders.
`example`: the example plate under two maps, without shadows and with them.
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
import OpenImageIO as oiio
from shadow_scene import FOV, LAMPS, View, cast_by_the_seen, edges, in_camera, truth, view
from validation.table import command, read

from relamp.core.atomic import replacing
from relamp.core.cli import main as relamp
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.gain import arrival
from relamp.core.gain.analytic import between
from relamp.core.gain.arrival import TracedLights
from relamp.core.gain.finish import FinishInput, finish
from relamp.core.gain.law import Law
from relamp.core.gain.subject import Shading, Subject
from relamp.core.gain.traced import Fine, Shape
from relamp.core.light.backdrop import camera_rays
from relamp.core.light.environment import AP1_LUMINANCE, directions
from relamp.core.light.irradiance import Light
from relamp.core.light.parcels import Parcels, parcels_of
from relamp.core.light.sheet import write_png
from relamp.core.parameters import WORKING_SIZE
from relamp.core.pictures import exr
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb
from relamp.core.pictures.frame import place
from relamp.core.pictures.resample import resize, shrink_normals, working_shape
from relamp.core.shape import shadow
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
    """PSNR by `ratio` with both maps and true normals, a row a shot: by the quality of the depth, and by what is traced."""
    ways: dict[str, tuple[str, ...]] = {
        "none": ("--shadows", "0"),
        "normals": (),
        **dict.fromkeys(QUALITIES, ("--depth",)),
    }
    ways |= {"endless": ("--depth",), "no bounce": ("--depth",)}
    print(f"| shot | {' | '.join(ways)} |\n| --- |{' ---: |' * len(ways)}")
    scores = []
    for folder in (data / name for name in names):
        row = []
        for way, options in ways.items():
            with tempfile.TemporaryDirectory() as out, altered(way):
                more = ()
                if options == ("--depth",):
                    depth = read(folder / "depth.1001.exr")
                    write_depth(Path(out) / "depth.1001.exr", QUALITIES.get(way, QUALITIES["depth"])(depth[..., 0]))
                    more = ("--depth", str(Path(out) / "depth.####.exr"))
                got, truths, matte = relit(folder, Path(out), ("normals", "source"), *(more or options))
                inside = matte > 0.5
                one, other = (shown(p)[inside] for p in (got, truths))
                row.append(-10 * np.log10(((one - other) ** 2).mean()))
        scores.append(row)
        print(f"| {folder.name} | {' | '.join(f'{v:.2f}' for v in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{v:.2f}' for v in np.mean(scores, axis=0))} |")


def relit(folder: Path, out: Path, extra: tuple[str, ...], *more: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame 1001 of a shot by `ratio`: what was made of it, the truth (H, W, 3) and the matte (H, W)."""
    made = str(out / "relit.####.exr")
    assert relamp([*command(folder, made, "ratio", extra), *more, "--frames", "1001"]) == 0
    truths, matte = (read(folder / f"{name}.1001.exr") for name in ("truth", "matte"))
    return read(Path(made.replace("####", "1001")))[..., :3], truths[..., :3], matte[..., 0]


def shown(light: np.ndarray) -> np.ndarray:
    """Working-space light (H, W, 3) as sRGB."""
    return encode_srgb(Colour().from_working(light.astype(np.float32), SPACE))


def write_depth(path: Path, depth: np.ndarray) -> None:
    """A depth (H, W) as the channel Z."""
    spec = oiio.ImageSpec(depth.shape[1], depth.shape[0], 1, "float")
    spec.channelnames = ("Z",)
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(buffer.roi, depth[..., None].astype(np.float32))
    assert buffer.write(str(path)), buffer.geterror()


def _halved(depth: np.ndarray) -> np.ndarray:
    return cv2.resize(depth[::2, ::2], depth.shape[::-1], interpolation=cv2.INTER_NEAREST)


def _noisy(share: float, wide: float, depth: np.ndarray) -> np.ndarray:
    """A depth with noise of a share of its relief, blurred by `wide` of the picture's width."""
    there = depth > 0
    noise = np.random.default_rng(1).standard_normal(depth.shape)
    noise = cv2.GaussianBlur(noise, (0, 0), wide * depth.shape[1]) if wide else noise
    relief = np.ptp(np.percentile(depth[there], (5, 95)))
    return np.where(there, np.maximum(depth + share * relief * noise / noise.std(), 1e-3), 0)


QUALITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "depth": lambda depth: depth,
    "half": lambda depth: depth.astype(np.float16).astype(np.float64),
    "half size": _halved,
    "noise 1 %": partial(_noisy, 0.01, 0.0),
    "smooth noise 15 %": partial(_noisy, 0.15, 1 / 40),
}


@contextmanager
def altered(way: str) -> Iterator[None]:
    """The tracing without the bounce, or with things of endless thickness."""
    kept, thick = arrival.BOUNCE, shadow.round_thickness
    arrival.BOUNCE = 0.0 if way == "no bounce" else kept
    shadow.round_thickness = (lambda within: np.float32(1e4) * within) if way == "endless" else thick
    yield
    arrival.BOUNCE, shadow.round_thickness = kept, thick


def removed(data: Path, picture: Path | None) -> None:
    """What is left of a hard shadow on a wall under soft light, in stops against the truth; see `validation/render_shadow.py`.

    The wall's pixels are split by how much darker the plate is there than the wall's lit part, in units of the truth: the core
    of shadows, their edges, and the lit surroundings.
    """
    print("| shot | way | depth of the shadow | left, median | 10 % | 90 % | PSNR |\n| --- | --- |" + " ---: |" * 5)
    rows = []
    for folder in sorted(f for f in data.iterdir() if (f / "shot.json").is_file()):
        plate, normals, matte = (read(folder / f"{name}.1001.exr") for name in ("plate", "normals", "matte"))
        tiles = [plate[..., :3]]
        for way, options in {"--shadows 0": ("--shadows", "0"), "traced": ()}.items():
            with tempfile.TemporaryDirectory() as out:
                got, true, _ = relit(folder, Path(out), ("normals", "source", "depth"), *options)
            core, lit = _on_the_wall(normals, matte[..., 0], stops(plate) - stops(true))
            deep = np.median((stops(plate) - stops(true))[lit]) - np.median((stops(plate) - stops(true))[core])
            error = stops(got) - stops(true)
            low, left, high = np.percentile(error[core] - np.median(error[lit]), (10, 50, 90))
            psnr = -10 * np.log10(np.square(shown(got) - shown(true))[matte[..., 0] > 0.5].mean())
            print(
                f"| {folder.name} | {way} | {deep:.2f} | {left:.2f} | {low:.2f} | {high:.2f} | {psnr:.2f} |", flush=True
            )
            tiles.append(got)
        rows.append(np.concatenate([*tiles, true], axis=1))
    if picture:
        jpeg(picture, shown(np.concatenate(rows)))


def _on_the_wall(normals: np.ndarray, matte: np.ndarray, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cores of shadows, and what is lit near them, (H, W) bool each, of the log2 of plate over truth (H, W)."""
    wall = cv2.erode(((normals[..., 2] > 0.995) & (matte > 0.99)).astype(np.uint8), np.ones((3, 3))) > 0
    full = np.percentile(light[wall], 80)
    side = round(0.027 * light.shape[1]) | 1
    dark, bright = ((wall & where).astype(np.uint8) for where in (light < full - 0.8, light > full - 0.3))
    core, lit = (cv2.erode(mask, np.ones((side, side))) > 0 for mask in (dark, bright))
    return core, lit & (cv2.dilate(dark, np.ones((6 * side, 6 * side))) > 0)


def stops(light: np.ndarray) -> np.ndarray:
    """log2 of luminance, (H, W)."""
    return np.log2(np.maximum(light[..., :3] @ np.asarray(AP1_LUMINANCE), 1e-4))


def jpeg(path: Path, picture: np.ndarray, width: int | None = None) -> None:
    """An encoded picture (H, W, 3), 0 to 1, as a JPEG `width` pixels wide."""
    if width:
        size = width, round(picture.shape[0] * width / picture.shape[1])
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(
        ".jpg", np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88]
    )
    with replacing(path, overwrite=True) as temporary:
        temporary.write_bytes(encoded.tobytes())


def example(picture: Path, frame: int = 1012) -> None:
    """The example plate under a sun 45 degrees high, without and with shadows, side by side in a JPEG."""
    examples, colour, tiles = Path(__file__).parents[1] / "examples", Colour(), []
    maps = examples / "environments"
    asked = ["render", str(examples / "plate" / "plate.####.exr"), "--env", str(maps / "low_sun.exr")]
    asked += ["--env-rotate", "-30,0,0", "--source-env", str(maps / "source.exr"), "--env-level", "match"]
    asked += ["--backbone", "ratio", "--frames", str(frame), "-q"]
    for strength in ("0", "1"):
        with tempfile.TemporaryDirectory() as out:
            made = str(Path(out) / "relit.####.exr")
            assert relamp([*asked, "--shadows", strength, "--out", made]) == 0
            found = exr.read_frame(Path(made.replace("####", str(frame))), colour=colour)
        light = place(colour.to_working(found.rgb, found.colorspace), found.data_window, found.display_window)
        tiles.append(colour.display(light))
    jpeg(picture, np.concatenate(tiles, axis=1), 1000)


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
    placed = [Parcels.of(parcels_of(p, light), np.eye(3)) for p, light in zip((sky, soft), lights, strict=True)]
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
    parser.add_argument("what", choices=("scene", "turn", "shots", "removed", "example", "cost"))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--only", default="", help="of `scene`: the depths whose names hold this")
    parser.add_argument("--data", type=Path, default=Path("data/validation"))
    parser.add_argument("--shots", default="head,portrait,cloth,still_life,orbit,textures,metal,porch")
    given = parser.parse_args()
    if given.what == "shots":
        shots(given.data, given.shots.split(","))
    elif given.what == "cost":
        cost(given.size)
    elif given.what == "removed":
        removed(given.data, given.picture)
    elif given.what == "example":
        example(given.picture or Path("shadows_example.jpg"))
    elif given.what == "turn":
        turn(given.size, given.picture)
    else:
        scene(given.size, given.picture, given.only)


if __name__ == "__main__":
    main()
