"""What a frame costs in processor seconds: python benchmarks/frame_cost.py [WORDS ...]

Renders, in one thread, the example shot by the default relighter with three lamps, and grainy HD and UHD plates with normals and
both maps (those of `plate_io.py`) with and without shadows. The first frame also pays for what is made once a shot; then the
median of the others. Processor time, because it says the same on a machine that is busy. WORDS choose rows by their names.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import os

from relamp.core.process import set_up

set_up()

import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from itertools import pairwise  # noqa: E402
from pathlib import Path  # noqa: E402

from plate_io import write_environments, write_plate  # noqa: E402

from relamp.core.job import RelightJob  # noqa: E402
from relamp.core.parameters import RelightParameters  # noqa: E402
from relamp.core.progress import Event  # noqa: E402
from relamp.core.shot import relight  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZES = {"HD": (1920, 1080), "UHD": (3840, 2160)}
FRAMES = 4


def main(words: list[str]) -> None:
    """Measure and print a row for each kind of frame."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row, parameters in _kinds(folder).items():
            if not words or any(word in row for word in words):
                if parameters.plate and not parameters.plate.startswith(str(EXAMPLES)):
                    _make(Path(parameters.plate).parent)
                first, others = _cost(parameters)
                print(f"{row:28} first frame {first:5.2f} s, then {others:5.2f} s a frame", flush=True)
        print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


def _kinds(folder: Path) -> dict[str, RelightParameters]:
    always = {"out": str(folder / "relit.####.exr"), "overwrite": True, "threads": 1}
    maps = EXAMPLES / "environments"
    kinds = {
        "example relamp, 3 lamps": RelightParameters(
            plate=str(EXAMPLES / "plate" / "plate.####.exr"), env=str(maps / "low_sun.exr"),
            source_env=str(maps / "source.exr"), layers=("ratio", "lamps"), lamps=3, frames=f"1012-{1011 + FRAMES}",
            working_size=256, **always,
        )
    }  # fmt: skip
    for size in SIZES:
        plate, normals, target, source = (
            str(folder / size / f"{n}.exr") for n in ("plate.####", "normals", "target", "source")
        )
        for shadows in (1.0, 0.0):
            kinds[f"{size} ratio, shadows {shadows:g}"] = RelightParameters(
                plate=plate, normals=normals, env=target, source_env=source, backbone="ratio", shadows=shadows, **always
            )
    return kinds


def _make(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir()
        write_plate(folder, *SIZES[folder.name], FRAMES)
        write_environments(folder)


def _cost(parameters: RelightParameters) -> tuple[float, float]:
    """Processor seconds of the first frame, with all that comes before it, and of one of the others."""
    ends = [time.process_time()]

    def ended(_: Event) -> None:
        ends.append(time.process_time())

    relight(RelightJob(parameters), on_event=ended)
    taken = [after - before for before, after in pairwise(ends)]
    return taken[0], statistics.median(taken[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
