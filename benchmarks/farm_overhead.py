"""What cutting a shot into chunks costs: python benchmarks/farm_overhead.py FOLDER [--backbone relamp] [--chunks 4,12,24].

Renders the example's first frames in chunks of each size, as the warm process of a farm session does, with and without the
residuals that chunks keep for each other. Says processor seconds a frame (of this process, all threads), how often a network
was asked, what was read and written, and the largest memory. Processor seconds hold still where others use the machine too.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
from pathlib import Path

from relamp.core.process import set_up

set_up()

EXAMPLES = Path(__file__).parent.parent / "examples"


def main() -> int:
    """Measure and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--backbone", default="relamp")
    arguments.add_argument("--chunks", default="4,12,24")
    arguments.add_argument("--frames", type=int, default=24)
    given = arguments.parse_args()
    print("chunk  kept  cpu s/frame  wall s/frame  asked  hits  read MB/frame  written MB/frame  peak MB")
    for chunk in (int(size) for size in given.chunks.split(",")):
        for keep in (False, True):
            measure(given.folder, given.backbone, given.frames, chunk, keep)
    return 0


def measure(folder: Path, backbone: str, count: int, chunk: int, keep: bool) -> None:
    """Render `count` frames in chunks and print a line."""
    from relamp.core.farm import warm
    from relamp.core.job import RelightJob, save
    from relamp.core.parameters import RelightParameters
    from relamp.core.temporal.residual_store import ResidualStore

    shutil.rmtree(folder / "out", ignore_errors=True)
    frames = range(1001, 1001 + count)
    job = RelightJob(
        RelightParameters(
            plate=str(EXAMPLES / "plate" / "plate.####.exr"),
            env=str(EXAMPLES / "environments" / "low_sun.exr"),
            source_env=str(EXAMPLES / "environments" / "source.exr"),
            out=str(folder / "out" / "relit.####.exr"),
            frames=f"{frames[0]}-{frames[-1]}",
            backbone=backbone,
            deflicker=True,
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    save(job, folder / "job.json")
    shot = warm.WarmShot({"job": str(folder / "job.json")})
    stores: list[ResidualStore] = []

    def counted(plan: object) -> ResidualStore | None:
        made = own(plan)  # type: ignore[arg-type]
        if made is None or not keep:
            return None
        stores.append(made)
        return made

    own = warm._store
    warm._store = counted
    asked = count_network(shot)
    before, begun = usage(), time.monotonic()
    try:
        import threading

        for first in range(frames[0], frames[-1] + 1, chunk):
            part = tuple(range(first, min(first + chunk, frames[-1] + 1)))
            shot.render(part, lambda event: None, threading.Event())
    finally:
        warm._store = own
    wall, after = time.monotonic() - begun, usage()
    cpu, read, written = ((b - a) / count for a, b in zip(before, after, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    hits = sum(store.hits for store in stores)
    print(
        f"{chunk:5}  {'yes' if keep else 'no':4}  {cpu:11.2f}  {wall / count:12.2f}  {asked[0]:5}  {hits:4}"
        f"  {read / 1e6:13.2f}  {written / 1e6:16.2f}  {peak:7.0f}",
        flush=True,
    )


def count_network(shot: object) -> list[int]:
    """How many frames the network of a shot is asked for from now on."""
    asked = [0]
    for plan in shot._plans:  # type: ignore[attr-defined]
        network = plan.backbone.network
        if network is None:
            continue
        relight = network.relight

        def counting(conditions, *args, relight=relight, **kwargs):  # type: ignore[no-untyped-def]
            asked[0] += len(conditions)
            return relight(conditions, *args, **kwargs)

        network.relight = counting
    return asked


def usage() -> tuple[float, float, float]:
    """Processor seconds, and bytes asked for and handed over by system calls, of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return used.ru_utime + used.ru_stime, float(io["rchar"]), float(io["wchar"])


if __name__ == "__main__":
    sys.exit(main())
