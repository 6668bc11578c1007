"""What wrong mattes do to the edge of a relit subject, for any weights of the shape network: sharpness, halo, and how far
the answer inside moves.

    python benchmarks/validation/render.py --out data/validation     (with Mitsuba)
    python benchmarks/boundaries.py [--weights shipped exact=A.safetensors] [--inputs d] [--out t.md] [--png p.png]

Each shot is relit by its true map over its true background (`relamp render --backbone relamp --over`), under the exact matte and
under eroded, dilated, blurred and binary ones, with plate and matte alone or (`--inputs d`) with normals and source environment.
Everything is measured against the rendered truth, means over the shots:

- *band*: PSNR in dB, sRGB, 8 px on both sides of the exact matte's edge;
- *Laplacian*, *Tenengrad*: variance of the Laplacian and mean squared gradient there over the truth's, 1 is as sharp;
- *halo*: RMS error of display luma in the outer half of the band, in hundredths: light that stands beside the subject;
- *rim*: how far the log error within 3 px of the edge is off that of 4 to 10 px inside, mean absolute, stops: a light or dark
  line along the edge, whatever the level;
- *moved*: RMS of log2 of the comp over that with the exact matte, deeper than 4 px inside: what a wrong matte does to the
  light where it is not wrong.

`--weights` takes `shipped` and any number of `name=FILE`, weights of the shape network as `relamp.training.shape.ship`
writes them.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from harmonise import mattes
from report import Report
from scipy.ndimage import distance_transform_edt, gaussian_filter
from validation.table import pattern, read, shot_folders, write

from relamp.core.evaluation.constancy import BAND, sharpness
from relamp.core.evaluation.evaluate import SPACE
from relamp.core.evaluation.metrics import luminance, psnr, rms, stops
from relamp.core.job import RelightJob
from relamp.core.light.sheet import write_png
from relamp.core.parameters import RelightParameters
from relamp.core.pictures.colour import Colour
from relamp.core.pictures.curves import encode_srgb
from relamp.core.relighter.own.backbone import Relamp
from relamp.core.shape.estimators.own import SHIPPED
from relamp.core.shot import render as shot
from relamp.core.shot.prepare import prepare

MEASURES = {"band": 2, "Laplacian": 3, "Tenengrad": 3, "halo": 2, "rim": 3, "moved": 3}  # digits
RIM, CORE = 3, 10  # px inside the edge: the rim lies before the first, what it is held against between both
LOCAL = 4.0  # px, sigma of the neighbourhoods that rim and core are compared in
ZOOM = 3

Scores = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/validation"), help="what render.py wrote")
    parser.add_argument("--shots", default="head,portrait,cloth,still_life", help="names, separated by commas")
    parser.add_argument("--frame", type=int, default=1002)
    parser.add_argument("--inputs", choices=("a", "d"), default="a", help="plate and matte, or everything")
    parser.add_argument("--px", type=int, default=2, help="how many pixels the mattes are wrong by")
    parser.add_argument("--weights", nargs="+", default=["shipped"], metavar="NAME[=FILE]")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    parser.add_argument(
        "--png", type=Path, help="the edge under every matte, a row for each weights, of the first shot"
    )
    given = parser.parse_args()
    say = Report(given.out)
    networks = {}
    for named in given.weights:
        name, _, path = named.partition("=")
        if not path and name != "shipped":
            parser.error(f"--weights {named}: give {named}=FILE, or shipped")
        networks[name] = Relamp(path=Path(path) if path else SHIPPED)
    folders = shot_folders(parser, given.data, given.shots)
    made_of = ", ".join(f"{name} {network.weights[:12]}" for name, network in networks.items())
    say(
        f"{', '.join(f.name for f in folders)}; inputs ({given.inputs}); mattes wrong by {given.px} px; weights {made_of}\n"
    )
    say(f"| matte | weights | {' | '.join(MEASURES)} |\n| --- | --- |{' ---: |' * len(MEASURES)}")
    found: dict[tuple[str, str], list[Scores]] = {}
    drawn: list[list[np.ndarray]] = []
    with tempfile.TemporaryDirectory() as out:
        for folder in folders:
            for name, network in networks.items():
                comps = render(folder, Path(out) / name / folder.name, network, given)
                for matte, scores in score(folder, comps, given.frame).items():
                    found.setdefault((matte, name), []).append(scores)
                if folder == folders[0]:
                    drawn.append(list(comps.values()))
    for (matte, name), scores in sorted(
        found.items(), key=lambda item: list(found).index((item[0][0], next(iter(networks))))
    ):
        cells = [f"{np.mean([s[m] for s in scores]):.{digits}f}" for m, digits in MEASURES.items()]
        say(f"| {matte} | {name} | {' | '.join(cells)} |")
    if given.png:
        write_png(given.png, sheet(folders[0], drawn, given.frame), overwrite=True)


def render(folder: Path, out: Path, network: Relamp, given: argparse.Namespace) -> dict[str, np.ndarray]:
    """The comps of one frame under every matte, (H, W, 3) linear Rec.709."""
    out.mkdir(parents=True)
    exact = read(folder / f"matte.{given.frame}.exr")[..., 0]
    still = folder / "env_b.exr"
    everything = given.inputs == "d"
    comps = {}
    for name, matte in mattes(exact, given.px).items():
        path = out / f"{name}.{given.frame}.exr"
        write(path, matte[..., None].repeat(3, -1))
        parameters = RelightParameters(
            plate=pattern(folder, "plate"),
            matte=f"{path}:R",
            env=str(still) if still.exists() else pattern(folder, "env_b"),
            background=pattern(folder, "background_b"),
            normals=pattern(folder, "normals") if everything else None,
            source_env=str(folder / "env_a.exr") if everything else None,
            camera=str(folder / "camera.json"),
            backbone="relamp",
            env_level="absolute",
            over=True,
            frames=str(given.frame),
            out=str(out / name / "comp.####.exr"),
        )
        shot.render(prepare(RelightJob(parameters), network))
        comps[name] = linear(read(out / name / f"comp.{given.frame}.exr")[..., :3])
    return comps


def score(folder: Path, comps: dict[str, np.ndarray], frame: int) -> dict[str, Scores]:
    """Every measure of every comp."""
    truth = linear(read(folder / f"truth.{frame}.exr")[..., :3])
    inside = read(folder / f"matte.{frame}.exr")[..., 0] > 0.5
    depth = np.asarray(distance_transform_edt(inside))
    away = np.asarray(distance_transform_edt(~inside))
    band = np.maximum(depth, away) <= BAND
    true = sharpness(truth, inside)
    assert true is not None
    scores = {}
    for name, comp in comps.items():
        ours = sharpness(comp, inside)
        assert ours is not None
        off = encode_srgb(luminance(comp)) - encode_srgb(luminance(truth))
        apart = np.log2(luminance(comp) + 1e-3) - np.log2(luminance(comps["exact"]) + 1e-3)
        scores[name] = {
            "band": psnr(comp, truth, band),
            "Laplacian": ours.laplacian / true.laplacian,
            "Tenengrad": ours.tenengrad / true.tenengrad,
            "halo": 100 * rms(off[band & ~inside]),
            "rim": rim(stops(luminance(comp)) - stops(luminance(truth)), depth),
            "moved": rms(apart[depth > 4]),
        }
    return scores


def rim(error: np.ndarray, depth: np.ndarray) -> float:
    """How far an error (H, W) along the edge is off that further inside, `depth` px from it: mean absolute."""
    edge, core = (depth > 0) & (depth <= RIM), (depth > RIM) & (depth <= CORE)
    means, masses = zip(*(_local(error, part) for part in (edge, core)), strict=True)
    there = edge & (masses[1] > 1e-3)
    return float(np.abs(means[0] - means[1])[there].mean())


def linear(pixels: np.ndarray) -> np.ndarray:
    """Working space to what is measured in."""
    return Colour().from_working(pixels.astype(np.float32), SPACE)


def sheet(folder: Path, drawn: list[list[np.ndarray]], frame: int) -> np.ndarray:
    """Truth and comps around a piece of edge, a row for each weights, (H, W, 3) uint8."""
    truth = linear(read(folder / f"truth.{frame}.exr")[..., :3])
    inside = read(folder / f"matte.{frame}.exr")[..., 0] > 0.5
    rows, columns = np.nonzero(inside)
    top, left = int(rows.min()), int(np.median(columns[rows < rows.min() + 20]))
    height, width = (min(side, n) for side, n in zip((96, 96), inside.shape, strict=True))
    window = (
        slice(max(top - 12, 0), max(top - 12, 0) + height),
        slice(max(left - width // 2, 0), max(left - width // 2, 0) + width),
    )
    lines = [np.concatenate([encode_srgb(picture[window]) for picture in (truth, *row)], axis=1) for row in drawn]
    shown = np.round(255 * np.concatenate(lines)).astype(np.uint8)
    return cv2.resize(shown, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)


def _local(values: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of `values` over the near pixels of a part, and how much of it is near."""
    mass = gaussian_filter(part.astype(np.float64), LOCAL)
    return gaussian_filter(values * part, LOCAL) / np.maximum(mass, 1e-9), mass


if __name__ == "__main__":
    main()
