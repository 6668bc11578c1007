"""How long `relamp render` takes for one HD frame, from the shell's side: python benchmarks/start.py [--times 10]

A grainy plate with normals and both maps (`plate_io.py`), by the default relighter and by the ratio alone, each time in a process
of its own with files in the disk's cache: median and worst seconds, and processor seconds. `relamp --help` beside them.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plate_io import write_environments, write_plate

PROGRAM = [sys.executable, "-c", "import sys; from relamp.core.cli import main; sys.exit(main())"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_plate(folder, 1920, 1080, 1)
        write_environments(folder)
        render = ["render", str(folder / "plate.1001.exr"), "--normals", str(folder / "normals.exr")]
        render += ["--env", str(folder / "target.exr"), "--source-env", str(folder / "source.exr")]
        render += ["--out", str(folder / "relit.1001.exr"), "--overwrite", "-q"]
        kinds = {"--help": ["--help"], "relamp": render, "ratio": [*render, "--backbone", "ratio"]}
        for kind, arguments in kinds.items():
            row(kind, [measured(arguments) for _ in range(given.times + 1)][1:])  # the first one fills the cache
    print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


def measured(arguments: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(kind: str, taken: list[tuple[float, float]]) -> None:
    """Print a row."""
    wall, cpu = zip(*taken, strict=True)
    print(
        f"{kind:8} {statistics.median(wall):6.2f} s, worst {max(wall):6.2f}, processor {statistics.median(cpu):6.2f} s"
    )


if __name__ == "__main__":
    main()
