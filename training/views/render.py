"""Renders views of people and of things, in shards that can be stopped, resumed and made again from their seeds.

    python -m relamp.training.views.render --out data/views --bodies data/bodies --count 6000 --workers 2

Needs `embreex`, numpy and scipy. A shard is `views-SEED.npz` with an array a field of `view.View`, `PER_SHARD` views each,
and is written
whole or not at all; one that exists is not made again. Odd seeds show people, even ones things. A worker is a process.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .bodies import UNIT
from .cast import Scene
from .person import Body, make_person
from .things import make_scene, random_shapes
from .view import FIELDS, View, look, people_together, person_camera, scene_camera

PER_SHARD = 24
SIZE = 256
PER_SUBJECT = 3  # views of one person or scene
TOGETHER = 0.1  # chance of several persons
WITH_GROUND = 0.4  # chance that the ground belongs to the subject


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/views"))
    parser.add_argument("--bodies", type=Path, default=Path("data/bodies"))
    parser.add_argument("--shapes", type=Path, default=Path("data/shapes"))
    parser.add_argument("--count", type=int, default=6000, help="views")
    parser.add_argument("--seed", type=int, default=1, help="of the first shard")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of a side")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    seeds = range(given.seed, given.seed + -(-given.count // PER_SHARD))
    job = functools.partial(render_shard, out=given.out, bodies=given.bodies, shapes=given.shapes, size=given.size)
    began, done = time.time(), 0
    with multiprocessing.get_context("spawn").Pool(given.workers, initializer=_alone) as pool:
        for made in pool.imap_unordered(job, seeds):
            done += made
            print(f"{done} views, {(time.time() - began) / max(done, 1):.3f} s each", flush=True)


def render_shard(seed: int, out: Path, bodies: Path, shapes: Path, size: int) -> int:
    """Make one shard where it is missing; the number of views that were made."""
    path = out / f"views-{seed:06d}.npz"
    if path.exists():
        return 0
    views = people(seed, bodies, size) if seed % 2 else things(seed, shapes, size)
    part = out / f"views-{seed:06d}.{os.getpid()}.part"
    with open(part, "wb") as file:  # uncompressed: read far more often than written
        np.savez(file, **{name: np.stack([getattr(v, name) for v in views]) for name in FIELDS})
    part.rename(path)
    return len(views)


def people(seed: int, folder: Path, size: int) -> list[View]:
    """A shard of people."""
    rng, views = np.random.default_rng(seed), []
    body, files = _bodies(tuple(sorted(folder.glob("bodies-*.npz"))))
    while len(views) < PER_SHARD:
        count = 1 if rng.random() > TOGETHER else int(rng.integers(2, 4))
        persons = [make_person(rng, body, _vertices(rng, files)) for _ in range(count)]
        mesh, paints, first = people_together(rng, persons)
        scene = Scene(mesh)
        for _ in range(PER_SUBJECT):
            view = look(rng, mesh, paints, person_camera(rng, first), size, ground=True, scene=scene)
            if view is not None:
                views.append(view)
    return views[:PER_SHARD]


def things(seed: int, folder: Path, size: int) -> list[View]:
    """A shard of things."""
    rng, views = np.random.default_rng(seed), []
    shapes = random_shapes(folder)
    while len(views) < PER_SHARD:
        mesh, paints = make_scene(rng, shapes)
        scene = Scene(mesh)
        for _ in range(PER_SUBJECT):
            view = look(
                rng, mesh, paints, scene_camera(rng, mesh), size, ground=bool(rng.random() < WITH_GROUND), scene=scene
            )
            if view is not None:
                views.append(view)
    return views[:PER_SHARD]


@functools.lru_cache(maxsize=1)
def _bodies(paths: tuple[Path, ...]) -> tuple[Body, list[dict[str, np.ndarray]]]:
    if not paths:
        raise SystemExit("there are no bodies; make some with python -m relamp.training.views.bodies")
    loaded = []
    for path in paths:
        with np.load(path) as file:
            loaded.append({name: file[name] for name in file.files})
    first = loaded[0]
    return Body(first["reference"], first["faces"], first["segment"]), loaded


def _vertices(rng: np.random.Generator, files: list[dict[str, np.ndarray]]) -> np.ndarray:
    file = files[int(rng.integers(len(files)))]
    which = int(rng.integers(len(file["vertices"])))
    return file["vertices"][which].astype(np.float32) * UNIT + file["centre"][which]


def _alone() -> None:
    """One thread a worker: the workers are the parallel part."""
    threadpool_limits(1)


if __name__ == "__main__":
    main()
