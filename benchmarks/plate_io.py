"""Full pipeline against only reading and writing the same frames with OpenImageIO: time as a ratio, and peak memory.

    python benchmarks/plate_io.py [--frames 8] [--size 4096x2160] [--repeats 3] [--backbone ratio]

The light path is what is timed, so no network works unless one is named. The plate is half-float RGBA with photographic grain
and a normals layer in a file of its own; both sides write zip. Each side runs in a process of its own, in turn, so that the
machine's drift hits both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

# The peak is VmHWM, not ru_maxrss: Linux lets a child inherit its parent's ru_maxrss.
PEAK = "[int(l.split()[1]) / 1e6 for l in open('/proc/self/status') if l.startswith('VmHWM')][0]"

IO_ONLY = f"""
import json, sys, time, OpenImageIO as oiio
plate, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
begun = time.perf_counter()
for frame in range(1001, 1001 + count):
    source = oiio.ImageInput.open(plate % frame)
    spec = source.spec()
    pixels = source.read_image(0, 0, 0, spec.nchannels, "half")
    source.close()
    target = oiio.ImageOutput.create(out % frame)
    target.open(out % frame, spec)
    target.write_image(pixels)
    target.close()
print(json.dumps([time.perf_counter() - begun, {PEAK}]))
"""

RELAMP = f"""
import json, sys, time
from relamp.core.cli import main
begun = time.perf_counter()
code = main(["render", *sys.argv[1:], "--overwrite", "-q"])
assert code == 0, code
print(json.dumps([time.perf_counter() - begun, {PEAK}]))
"""


def write_plate(folder: Path, width: int, height: int, frames: int) -> None:
    """A grainy ball over a textured ground; frames after the first are links, which reads the same and fits a disk."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    nx, ny = (x / width - 0.5) * 3, -(y / height - 0.5) * 2
    r2 = nx * nx + ny * ny
    nz = np.sqrt(np.maximum(1 - r2, 0))
    normals = np.where((r2 < 1)[..., None], np.stack([nx, ny, nz], -1), (0, 0.6, 0.8)).astype(np.float32)
    light = 0.2 + np.maximum(normals @ np.array((0.5, 0.6, 0.6), np.float32), 0) * (
        0.6 + 0.4 * np.sin(x / 37) * np.sin(y / 23)
    )
    rgb = light[..., None] * np.array((0.8, 0.6, 0.5), np.float32)
    rgb += rng.normal(0, 1, rgb.shape).astype(np.float32) * (0.01 + 0.03 * np.sqrt(rgb))
    rgba = np.concatenate([rgb, np.ones_like(rgb[..., :1])], -1)
    _write(folder / "plate.1001.exr", rgba, ("R", "G", "B", "A"))
    _write(folder / "normals.exr", normals, ("N.X", "N.Y", "N.Z"))
    for frame in range(1002, 1001 + frames):
        (folder / f"plate.{frame}.exr").symlink_to(folder / "plate.1001.exr")


def write_environments(folder: Path) -> None:
    """Two small maps with a key light each."""
    rng = np.random.default_rng(1)
    for name in ("source", "target"):
        pixels = np.full((64, 128, 3), 0.3, np.float32)
        row, column = rng.integers(5, 30), rng.integers(10, 118)
        pixels[row : row + 6, column : column + 8] = rng.uniform(10, 40, 3)
        _write(folder / f"{name}.exr", pixels, ("R", "G", "B"), "float")


def _write(path: Path, pixels: np.ndarray, names: tuple[str, ...], kind: str = "half") -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(names), kind)
    spec.channelnames = names
    spec.attribute("compression", "zip")
    spec.attribute("oiio:ColorSpace", "ACEScg")
    file: Any = oiio.ImageOutput.create(str(path))
    file.open(str(path), spec)
    file.write_image(pixels.astype(np.float32))
    file.close()


def _run(code: str, *arguments: str) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, gigabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, gigabytes


def main() -> None:
    """Run both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", default="4096x2160")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--grain", default="match")
    parser.add_argument("--backbone", default="ratio")
    arguments = parser.parse_args()
    width, height = (int(part) for part in arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_plate(folder, width, height, arguments.frames)
        write_environments(folder)
        relamp = [str(folder / "plate.####.exr"), "--normals", str(folder / "normals.exr")]
        relamp += ["--env", str(folder / "target.exr"), "--source-env", str(folder / "source.exr")]
        relamp += ["--out", str(folder / "relit.####.exr"), "--threads", arguments.threads, "--grain", arguments.grain]
        relamp += ["--backbone", arguments.backbone]
        ratios = []
        print(f"{width} x {height}, {arguments.frames} frames, {arguments.threads} threads")
        for _ in range(arguments.repeats):
            io, io_memory = _run(
                IO_ONLY, str(folder / "plate.%04d.exr"), str(folder / "io.%04d.exr"), str(arguments.frames)
            )
            full, full_memory = _run(RELAMP, *relamp)
            ratios.append(full / io)
            per_frame = f"{io / arguments.frames:.2f} s and {full / arguments.frames:.2f} s a frame"
            print(f"i/o only {io:.1f} s, full {full:.1f} s ({per_frame}), ratio {full / io:.2f}", end="; ")
            print(f"peak memory {io_memory:.2f} and {full_memory:.2f} GB")
        print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
