"""Every benchmark of cost with one command, on one page: python benchmarks/all.py [WORDS ...] [--out all.md] [--quick]

Each row is a program of this folder, run by itself and one after the other; WORDS choose rows by their names, and `--quick` takes
fewer frames and repeats. The page holds the machine, and of each row its command, its cost, and what it printed.
Peers are measured inside the rows, in turn with Relamp: bare copies by OpenImageIO (plate), ffmpeg's deflicker (deflicker; where
there is no `ffmpeg` its row is missing), and networks of Stable Diffusion 1.5's size (published). A row whose data is not there
says what makes it. Benchmarks of quality against a renderer's truth are listed in `docs/training.md`; they need Mitsuba.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import os
import platform
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relamp.core import VERSION
from relamp.core.atomic import replacing

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """A benchmark: `quick` are options of a short run, `needs` a folder of data that `made_by` makes."""

    name: str
    command: str
    quick: str = ""
    needs: str = ""
    made_by: str = ""


ROWS = (
    Row("start", "start.py", "--times 3"),
    Row("plate", "plate_io.py --size 3840x2160 --frames 8 --backbone relamp", "--frames 2 --repeats 1"),
    Row("frame", "frame_cost.py", "example HD"),
    Row("preview", "preview_latency.py --backbone relamp", "--times 5"),
    Row("panel", "panel_open.py"),
    Row("scale", "scale.py", "length lamps chunk workers --most 100"),
    Row("farm", "farm_overhead.py renders/overhead", "--chunks 12"),
    Row("published", "published_speed.py", "--steps 2 --size 256"),
    Row("estimators", "estimators.py", "--only own,moge-s"),
    Row(
        "deflicker", "deflicker.py --out renders/deflicker", "--tables speed", "data/flicker",
        "benchmarks/validation/render_flicker.py (with Mitsuba)",
    ),
)  # fmt: skip


def main() -> None:
    """Run the rows and write the page, again after each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("all.md"))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    page = ["# Benchmarks", f"`{shlex.join(['python', 'benchmarks/all.py', *sys.argv[1:]])}`", *machine()]
    for row in ROWS:
        if not given.words or any(word in row.name for word in given.words):
            page += section(row, given.quick)
            with replacing(given.out, overwrite=True) as temporary:
                temporary.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(given.out)


def machine() -> Iterator[str]:
    """The facts that numbers of speed depend on."""
    model, memory = (_line(file, key) for file, key in (("cpuinfo", "model name"), ("meminfo", "MemTotal")))
    yield f"Relamp {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield f"{model or platform.processor()}, {os.cpu_count()} cores, memory {memory}"
    yield f"Load at the start {os.getloadavg()[0]:.1f}; wall times say little where it is near the number of cores."


def _line(file: str, key: str) -> str:
    path = Path("/proc", file)
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def section(row: Row, quick: bool) -> Iterator[str]:
    """Run a row; its command, what it cost, and what it printed."""
    command = f"{row.command} {row.quick}".strip() if quick else row.command
    yield f"## {row.name.capitalize()}"
    yield f"`python benchmarks/{command}`"
    if row.needs and not Path(row.needs).exists():
        yield f"Not run: there is no {row.needs}, which {row.made_by} makes."
        return
    print(f"{row.name}: {command}", flush=True)
    begun, before = time.perf_counter(), _children()
    done = subprocess.run(
        [sys.executable, str(HERE / shlex.split(command)[0]), *shlex.split(command)[1:]], capture_output=True, text=True
    )
    cost = f"{time.perf_counter() - begun:.0f} s, {_children() - before:.0f} processor seconds"
    yield cost if done.returncode == 0 else f"{cost}. It failed with exit code {done.returncode}:"
    yield f"```text\n{(done.stdout if done.returncode == 0 else done.stdout + done.stderr).rstrip()}\n```"


def _children() -> float:
    """Processor seconds of all processes started so far that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
