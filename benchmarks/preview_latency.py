"""How long an artist waits for a preview of an HD frame, from the front end's side: python benchmarks/preview_latency.py

A warm worker process is asked for the relit picture at 960 px after each kind of change, ten times: median and worst in
milliseconds, the processor time the worker took for one (on a machine that is busy the waiting says little), and what it
then holds in memory. `--backbone` measures another relighter than `relamp`, `--out FILE` writes the page.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
from report import Report

from relamp.core.light.environment import directions
from relamp.core.rpc import Client

WIDTH, HEIGHT = 1920, 1080
FRAMES = 32
PAUSE = 2.0  # s between frames, in which the worker prepares the next one; its processor time counts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="relamp")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--out", type=Path, help="write the page here, too")
    parser.add_argument("--size", type=int, default=960, help="px of the preview's longer side")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parameters = hd_shot(Path(folder)) | {"backbone": options.backbone}
        client = Client(sys.executable)
        try:
            _measure(client, parameters, options.times, options.size, Report(options.out))
        finally:
            client.close()


def _measure(client: Client, parameters: dict[str, Any], times: int, size: int, say: Report) -> None:
    def ask(
        stage: str = "relit", frame: int = 1, more: dict[str, Any] | None = None, wait: float = 0, **changed: Any
    ) -> float:
        time.sleep(wait)
        job = {"schema": "relamp.job/1", "parameters": {**parameters, **changed}}
        begun = time.perf_counter()
        params = {"job": job, "stage": stage, "frame": frame, "size": size, **(more or {})}
        client.call("preview", params).result(600)
        return 1000 * (time.perf_counter() - begun)

    say(
        f"A grained plate of {WIDTH} x {HEIGHT}, previewed at {size} px; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.\n"
    )
    say("| what | median, ms | worst, ms | processor, ms |\n| --- | ---: | ---: | ---: |")
    begun = time.perf_counter()
    client.call("status").result(600)
    say(f"| worker started, once | {1000 * (time.perf_counter() - begun):.0f} | | |")
    say(f"| first picture, once | {ask():.0f} | | {1000 * _status(client)['cpu_seconds']:.0f} |")
    maps = (parameters["source_env"], parameters["env"])
    plates = (parameters["plate"].replace("plate.", "other."), parameters["plate"])
    kinds = {
        "turn the light": lambda i: ask(env_rotate=[0.0, 3.0 * i, 0.0]),
        "brighten the light": lambda i: ask(env_exposure=0.05 * i),
        "dim a lamp": lambda i: ask(more={"dim": [0.03 * i, 1.0, 1.0, 1.0, 1.0]}),
        "brighten the view": lambda i: ask(more={"exposure": 0.05 * i}),
        "a new frame": lambda i: ask(frame=2 + i % (FRAMES - 1)),
        "a new frame, after a pause": lambda i: ask(frame=FRAMES - times - 1 + i, wait=PAUSE),
        "other words": lambda i: ask(env=None, prompt=f"warm key {20 + i} degrees left"),
        "another strength of shadows": lambda i: ask(shadows=0.5 + 0.04 * i),
        "another share of the relight": lambda i: ask(mix=1.0 - 0.05 * i),
        "a new environment": lambda i: ask(env=maps[i % 2]),
        "a new plate": lambda i: ask(plate=plates[i % 2], anchor=1.0 + 0.01 * i),
    }
    for name, kind in kinds.items():
        before = _status(client)["cpu_seconds"]
        taken = [kind(i) for i in range(times)]
        busy = 1000 * (_status(client)["cpu_seconds"] - before) / times
        say(f"| {name} | {statistics.median(taken):.0f} | {max(taken):.0f} | {busy:.0f} |")
    say(f"\nThe worker then holds {_status(client)['memory'] / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f}.")


def _status(client: Client) -> dict[str, Any]:
    return client.call("status").result(60).result


def hd_shot(folder: Path, frames: int = FRAMES) -> dict[str, Any]:
    """A grained HD plate of a large ball with its normals, and two maps: the parameters that name them."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x, y = (x - WIDTH / 2) / 500, (HEIGHT / 2 - y) / 500
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    inside = (z > 0).astype(np.float32)
    normals = np.stack([x, y, z], -1) * inside[..., None]
    grain = np.random.default_rng(1).normal(0, 0.01, (HEIGHT, WIDTH, 3)).astype(np.float32)
    rgb = (0.2 + 0.15 * normals + grain) * inside[..., None]
    picture = np.concatenate([rgb, inside[..., None], normals], -1)
    names = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z")
    _write(folder / "plate.0001.exr", picture, names)
    for frame in range(1, frames + 1):  # files of their own, but written once
        for name in ("plate", "other"):
            copy = folder / f"{name}.{frame:04d}.exr"
            if not copy.exists():
                shutil.copyfile(folder / "plate.0001.exr", copy)
    for name, axis in (("env", (-1, 0.3, 0.2)), ("source_env", (0.4, 0.5, 1))):
        d = directions(512, 1024)
        lobe = np.exp(20 * (d @ (np.array(axis, np.float32) / np.linalg.norm(axis)) - 1))
        _write(folder / f"{name}.exr", 0.3 + 8 * lobe[..., None] * np.ones(3, np.float32), ("R", "G", "B"))
    files = {name: str(folder / f"{name}.exr") for name in ("env", "source_env")}
    return {"plate": str(folder / "plate.####.exr"), **files}


def _write(path: Path, pixels: np.ndarray, names: tuple[str, ...]) -> None:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "half")
    spec.channelnames = names
    out: Any = oiio.ImageOutput.create(str(path))
    if not (out and out.open(str(path), spec) and out.write_image(np.ascontiguousarray(pixels)) and out.close()):
        raise SystemExit(f"cannot write {path}: {oiio.geterror()}")


if __name__ == "__main__":
    main()
