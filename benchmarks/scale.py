"""How cost and memory grow: with the length of a shot, its size, the lamps, the frames in a chunk, and a second worker.

    python benchmarks/scale.py [length size lamps chunk workers] [--out benchmarks/scale] [--backbone relamp] [--most 1000]

Each point is one process that renders a grainy plate with normals and both maps (`plate_io.py`) as a farm's warm process
does, in one thread: processor seconds for each frame, start included, and the largest memory. Lengths and chunks are of frames
96 px wide, lamps of HD. Chunks and workers share one storage of residuals, with the deflicker on. Writes OUT_measured.md and
a plot of each table, OUT_*.svg.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from plate_io import PEAK, write_environments, write_plate
from plot import write_plot
from report import Report

from relamp.core.job import RelightJob, save
from relamp.core.parameters import RelightParameters

WORKER = f"""
import json, sys, threading, time
from relamp.core.process import set_up
set_up()
from relamp.core.farm.warm import WarmShot
shot = WarmShot({{"job": sys.argv[1]}})
for part in json.loads(sys.argv[2]):
    shot.render(tuple(part), lambda event: None, threading.Event())
print(json.dumps([time.process_time(), {PEAK}]))
"""

FIRST, SMALL, HD = 1001, (96, 54), (1920, 1080)
SIZES = {"HD": HD, "UHD": (3840, 2160), "8K": (7680, 4320)}
Chunks = list[list[int]]


class Bench:
    """Renders in processes of their own, in a folder for all plates."""

    def __init__(self, folder: Path, backbone: str) -> None:
        self._folder, self._backbone = folder, backbone

    def job(self, size: tuple[int, int], frames: int, **more: Any) -> Path:
        """The job file of a plate of `size` (width, height) with that many frames, none of them rendered yet."""
        folder = self._folder / f"{size[0]}x{size[1]}x{frames}"
        if not folder.exists():
            folder.mkdir()
            write_plate(folder, *size, frames)
            write_environments(folder)
        shutil.rmtree(folder / "out", ignore_errors=True)
        p = RelightParameters(
            plate=str(folder / "plate.####.exr"), normals=str(folder / "normals.exr"), env=str(folder / "target.exr"),
            source_env=str(folder / "source.exr"), out=str(folder / "out" / "relit.####.exr"), overwrite=True,
            backbone=self._backbone, threads=1, **more,
        )  # fmt: skip
        save(RelightJob(p), folder / "job.json", overwrite=True)
        return folder / "job.json"

    def run(self, job: Path, *workers: Chunks) -> tuple[float, float, float]:
        """Wall seconds of all workers at once, their processor seconds together, and the largest memory of one in GB."""
        begun = time.perf_counter()
        given = [[sys.executable, "-c", WORKER, str(job), json.dumps(chunks)] for chunks in workers]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in given]
        said = [process.communicate()[0] for process in running]
        if any(process.returncode for process in running):
            raise SystemExit("a worker failed; its error is above")
        spent = [json.loads(words.splitlines()[-1]) for words in said]
        return time.perf_counter() - begun, sum(cpu for cpu, _ in spent), max(peak for _, peak in spent)


def main() -> None:
    """Measure what is asked for; print and write the tables and plots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[*MEASURES], metavar="|".join(MEASURES))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/scale"))
    parser.add_argument("--backbone", default="relamp")
    parser.add_argument("--most", type=int, default=1000, help="frames of the longest shot")
    given = parser.parse_args()
    say = Report(Path(f"{given.out}_measured.md"))
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.backbone)
        for what in given.what:
            MEASURES[what](bench, say, given)


def by_length(bench: Bench, say: Report, given: argparse.Namespace) -> None:
    """One process renders shots of 1 frame to `--most`."""
    rows = []
    for frames in [n for n in (1, 10, 100, 1000) if n <= given.most]:
        rows.append((frames, *bench.run(bench.job(SMALL, frames), [_frames(frames)])[1:]))
    table(say, given.out, "length", "frames", [(f, cpu / f, peak) for f, cpu, peak in rows])


def by_size(bench: Bench, say: Report, given: argparse.Namespace) -> None:
    """One frame and two: the difference is what a frame costs without the start."""
    rows = []
    for width, height in SIZES.values():
        less, more = (bench.run(bench.job((width, height), 2), [_frames(n)]) for n in (1, 2))
        rows.append((width * height / 1e6, more[1] - less[1], more[2]))
    table(say, given.out, "size", "megapixels", rows)


def by_lamps(bench: Bench, say: Report, given: argparse.Namespace) -> None:
    """HD frames with layers for that many lamps."""
    rows = []
    for lamps in (1, 2, 4, 8):
        less, more = (bench.run(bench.job(HD, 4, layers=("lamps",), lamps=lamps), [_frames(n)]) for n in (2, 4))
        rows.append((lamps, (more[1] - less[1]) / 2, more[2]))
    table(say, given.out, "lamps", "lamps", rows)


def by_chunk(bench: Bench, say: Report, given: argparse.Namespace) -> None:
    """48 frames in chunks of a size, by one process."""
    rows = []
    for size in (2, 6, 24, 48):
        job = bench.job(SMALL, 48, deflicker=True)
        rows.append((size, *[v / d for v, d in zip(bench.run(job, _chunks(48, size))[1:], (48, 1), strict=True)]))
    table(say, given.out, "chunk", "frames in a chunk", rows)


def by_workers(bench: Bench, say: Report, given: argparse.Namespace) -> None:
    """48 frames in chunks of 6: by one process, and by two at once that take turns and share one storage."""
    chunks = _chunks(48, 6)
    say("\n## Workers on one storage\n\n| workers | seconds | processor s | GB |\n| ---: | ---: | ---: | ---: |")
    for parts in ([chunks], [chunks[::2], chunks[1::2]]):
        wall, cpu, peak = bench.run(bench.job(SMALL, 48, deflicker=True), *parts)
        say(f"| {len(parts)} | {wall:.1f} | {cpu:.1f} | {peak:.2f} |")


def table(say: Report, out: Path, what: str, unit: str, rows: list[tuple[float, float, float]]) -> None:
    """Say rows of (x, processor seconds for a frame, largest memory in GB), and plot them."""
    say(f"\n## By {what}\n\n| {unit} | processor s a frame | GB |\n| ---: | ---: | ---: |")
    for x, cpu, peak in rows:
        say(f"| {x:.3g} | {cpu:.3f} | {peak:.2f} |" if x < 1000 else f"| {x:.0f} | {cpu:.3f} | {peak:.2f} |")
    series = {"processor s a frame": [row[:2] for row in rows], "largest memory, GB": [(x, gb) for x, _, gb in rows]}
    write_plot(Path(f"{out}_{what}.svg"), f"Cost by {what}", unit, "seconds, gigabytes", series)


def _frames(count: int) -> list[int]:
    return list(range(FIRST, FIRST + count))


def _chunks(count: int, size: int) -> Chunks:
    return [_frames(count)[start : start + size] for start in range(0, count, size)]


MEASURES = {"length": by_length, "size": by_size, "lamps": by_lamps, "chunk": by_chunk, "workers": by_workers}

if __name__ == "__main__":
    main()
