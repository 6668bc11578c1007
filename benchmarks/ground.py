"""The subject's shadow on the ground, beside that of a path tracer: a table for docs/ground.md, and its picture.

    python benchmarks/validation/ground.py --out data/ground      # with an interpreter that has Mitsuba
    python benchmarks/ground.py --data data/ground [--picture docs/ground.jpg]

Each light of each scene is rendered with `relamp render --layers shadow --backbone ratio`, once with the ground that was rendered
and once with the one that is found. Overlap is intersection over union of where the ground loses more than half of what it loses
most; difference is the mean absolute difference of both shares over the ground that is seen.
"""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from channels import channels

from relamp.core.atomic import replacing
from relamp.core.cli import main as relamp
from relamp.core.pictures.curves import encode_srgb

GIVEN = "0"  # the ground of the scenes: y = 0 in the world of their cameras
SHOWN = ("sun left", "sun front left", "sun behind", "window")
TITLE = 18  # px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/ground"))
    parser.add_argument("--picture", type=Path, help="draw what the table compares, JPEG or PNG")
    given = parser.parse_args()
    print(
        "| scene | light | overlap | difference | overlap, ground found | difference |\n| --- | --- | ---: | ---: | ---: | ---: |"
    )
    rows = []
    for scene in sorted(path for path in given.data.iterdir() if path.is_dir()):
        tiles = []
        for env in sorted(scene.glob("*.env.exr")):
            name = env.name.removesuffix(".env.exr")
            truth = channels(scene / f"{name}.truth.exr", "R", "G", "B", "A")
            shares = [shadow(scene, env, ground) for ground in (GIVEN, "found")]
            scores = [f"{value:.2f} | {off:.4f}" for value, off in (compared(share, truth) for share in shares)]
            print(f"| {scene.name} | {name} | {' | '.join(scores)} |", flush=True)
            if name in SHOWN:
                tiles.append(tile(scene, name, truth, shares[1]))
        rows.append(np.concatenate(tiles, axis=1))
    if given.picture:
        _, encoded = cv2.imencode(given.picture.suffix, np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        with replacing(given.picture, overwrite=True) as temporary:
            temporary.write_bytes(encoded.tobytes())


def shadow(scene: Path, env: Path, ground: str) -> np.ndarray:
    """The layer (H, W, 3) that Relamp writes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shadow.exr"
        command = [
            "render",
            str(scene / "plate.exr"),
            "--camera",
            str(scene / "camera.json"),
            "--env",
            str(env),
            "--backbone",
            "ratio",
        ]
        if relamp([*command, "--layers", "shadow", "--ground", ground, "--out", str(out), "-q"]) != 0:
            raise SystemExit(f"{scene.name}, {env.name}: relamp render failed")
        return channels(out, "shadow.R", "shadow.G", "shadow.B")


def compared(share: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Overlap and mean absolute difference, of a share (H, W, 3) and the truth (H, W, 4)."""
    seen, true = truth[..., 3] > 0.5, truth[..., :3].mean(-1)
    edge = 1 - (1 - np.quantile(true[seen], 0.002)) / 2
    ours, theirs = ((picture < edge) & seen for picture in (share.mean(-1), true))
    return float((ours & theirs).sum() / max((ours | theirs).sum(), 1)), float(
        np.abs(share - truth[..., :3])[seen].mean()
    )


def tile(scene: Path, name: str, truth: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The subject on a light ground with the path tracer's shadow above and Relamp's below, (2 (TITLE + H), W, 3) uint8."""
    plate = channels(scene / "plate.exr", "R", "G", "B", "A")
    shown = []
    for title, light in ((f"{name}: path tracer", truth[..., :3]), (f"{name}: Relamp, ground found", share)):
        picture = plate[..., :3] * 0.8 + (1 - plate[..., 3:]) * 0.75 * light
        head = np.full((TITLE, picture.shape[1], 3), 24, np.uint8)
        cv2.putText(head, title, (4, TITLE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (235, 235, 235), 1, cv2.LINE_AA)
        shown += [head, np.round(encode_srgb(np.clip(picture, 0, 1)) * 255).astype(np.uint8)]
    return np.concatenate(shown)


if __name__ == "__main__":
    main()
