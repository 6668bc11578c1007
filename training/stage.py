# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""A virtual light stage in Cycles: every frame once, with every light of a sphere of lights in a group of its own.

    python -m relamp.training.stage --out data/stage --seed 0 --count 1000

Runs in a Python that has `bpy` (Blender 5) and `pyoidn` (Open Image Denoise). Seeds that the shards in --out already hold
are skipped, so the same command continues after a stop. A seed gives one scene; pictures go into shards (`training/shards.py`).

The sphere of cells is a closed dome of flat, uniformly bright panes far away, one for each cell of
`light_rig.cell_corners`, so it covers every direction once and mirrors see no gaps; it is hidden from the camera.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DeviceError, OutputError, RelampError, UsageError
from .light_rig import CELLS, SUNS, cell_corners, cell_solid_angles, fibonacci_directions, random_rotation
from .shards import StageFrame, encode_log, finished_seeds, shard_paths, write_shard

SHARD_FRAMES = 8
DOME_RADIUS = 1000.0
BOUNCES = 4
SIZES = (128, 128, 128, 192)


def _blender() -> Any:
    try:
        import bpy  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise DeviceError(
            "the light stage needs Blender's Python module; run it with a Python 3.11 that has `bpy` 5"
        ) from error
    return bpy


# --- lights --------------------------------------------------------------------------------------------------------


def _light_group(thing: Any, name: str) -> None:
    _blender().context.view_layer.lightgroups.add(name=name)
    thing.lightgroup = name


def add_dome(centres: np.ndarray) -> list[str]:
    """One pane of radiance 1 for each cell; centres (N, 3) in Blender's world. Returns the light groups."""
    bpy = _blender()
    material = bpy.data.materials.new("pane")
    nodes = material.node_tree.nodes
    nodes.clear()
    emission, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(emission.outputs[0], output.inputs["Surface"])
    names = []
    for i, corners in enumerate(cell_corners(centres)):
        mesh = bpy.data.meshes.new("pane")
        mesh.from_pydata((corners * DOME_RADIUS).tolist(), [], [list(range(len(corners)))])
        mesh.materials.append(material)
        pane = bpy.data.objects.new("pane", mesh)
        bpy.context.scene.collection.objects.link(pane)
        pane.visible_camera = pane.visible_shadow = False
        names.append(f"cell{i:02d}")
        _light_group(pane, names[-1])
    return names


def add_suns(directions: np.ndarray, diameters: np.ndarray) -> list[str]:
    """One sun of perpendicular irradiance 1 for each direction (world, toward the sun); diameters in deg."""
    bpy = _blender()
    from mathutils import Vector  # pyright: ignore[reportMissingImports]

    names = []
    for i, (direction, diameter) in enumerate(zip(directions, diameters, strict=True)):
        light = bpy.data.lights.new("sun", "SUN")
        light.energy, light.angle = 1.0, float(np.radians(diameter))
        sun = bpy.data.objects.new("sun", light)
        bpy.context.scene.collection.objects.link(sun)
        sun.rotation_euler = Vector(direction.tolist()).to_track_quat("Z", "Y").to_euler()
        sun.visible_camera = False
        names.append(f"sun{i:02d}")
        _light_group(sun, names[-1])
    return names


# --- rendering -----------------------------------------------------------------------------------------------------


def _configure(size: int, samples: int, threads: int, seed: int) -> None:
    bpy = _blender()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples, scene.cycles.seed = samples, seed % 2**31
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    # With one dome of equal panes a light tree costs 30 % of the time and gains nothing (measured, seed 6).
    scene.cycles.use_light_tree = False
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = BOUNCES, 8
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.sample_clamp_indirect = 20.0
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.use_compositing = True
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_diffuse_color = layer.use_pass_glossy_color = True
    layer.cycles.denoising_store_passes = True
    layer.aovs.add().name = "surface"


PASSES = {
    "normal": "Normal",
    "albedo": "Diffuse Color",
    "gloss": "Glossy Color",
    "depth": "Depth",
    "alpha": "Alpha",
    "surface": "surface",
    "guide_normal": "Denoising Normal",
    "guide_albedo": "Denoising Albedo",
}


OUTPUT = "frame"  # node that writes the files, and their name


def _compositor(groups: list[str]) -> None:
    """One File Output node that writes all light groups and passes as one multi-part EXR."""
    bpy = _blender()
    scene = bpy.context.scene
    tree = bpy.data.node_groups.new("compositor", "CompositorNodeTree")
    scene.compositing_node_group = tree
    layers = tree.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.name = output.file_name = OUTPUT
    output.format.media_type, output.format.file_format = "MULTI_LAYER_IMAGE", "OPEN_EXR_MULTILAYER"
    output.format.color_depth, output.format.exr_codec = "32", "NONE"
    for name, source in {**{g: f"Combined_{g}" for g in groups}, **PASSES}.items():
        output.file_output_items.new("FLOAT" if name in ("depth", "alpha") else "RGBA", name)
        tree.links.new(layers.outputs[source], output.inputs[name])


def _denoise(layers: dict[str, np.ndarray], groups: list[str]) -> None:
    """Denoise each light group, guided by the noisy normals and albedo.

    By Open Image Denoise itself, at its fast quality and one thread: 60 Denoise nodes of the compositor took 7 s of
    processor time at 128 px, most of it threads that waited for each other; this takes 1.3 s.
    """
    import pyoidn  # pyright: ignore[reportMissingImports]

    guides = {"albedo": layers["guide_albedo"], "normal": layers["guide_normal"]}
    for group in groups:
        layers[group] = pyoidn.denoise(layers[group], hdr=True, quality="fast", **guides)


def _read_layers(path: Path) -> dict[str, np.ndarray]:
    import OpenImageIO as oiio

    picture: Any = oiio.ImageInput.open(str(path))
    if picture is None:
        raise OutputError(f"Blender left no readable EXR at {path} ({oiio.geterror()}); is the disk full?")
    layers: dict[str, np.ndarray] = {}
    while picture.seek_subimage(len(layers), 0):
        spec = picture.spec()
        name, channels = spec.channelnames[0].split(".")[0], min(spec.nchannels, 3)
        pixels = picture.read_image(len(layers), 0, 0, channels, "float")
        layers[name] = np.ascontiguousarray(pixels.reshape(spec.height, spec.width, -1))
    picture.close()
    return layers


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what Blender prints on the standard output to nowhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _to_byte(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255.0).astype(np.uint8)


@dataclass(frozen=True)
class Rig:
    """The lights of a scene in Blender's world: cells (48, 3), suns (12, 3), their diameters in deg, all light groups."""

    cells: np.ndarray
    suns: np.ndarray
    diameters: np.ndarray
    groups: list[str]


def _toward_world() -> np.ndarray:
    """(3, 3) from the camera's axes to Blender's world."""
    return np.array(_blender().context.scene.camera.matrix_world.to_3x3().normalized())


def prepare(seed: int, size: int, samples: int, threads: int) -> Rig:
    """Make the scene that stands in Blender ready to render, with the lights of a seed around it as its camera sees it now."""
    _configure(size, samples, threads, seed)
    _blender().context.view_layer.update()
    rng, turn = np.random.default_rng([seed, 1]), _toward_world()
    cells = fibonacci_directions(CELLS) @ random_rotation(rng).T
    suns = fibonacci_directions(SUNS) @ random_rotation(rng).T + rng.normal(0, 0.15, (SUNS, 3))
    suns /= np.linalg.norm(suns, axis=1, keepdims=True)
    diameters = np.exp(rng.uniform(np.log(0.3), np.log(3.0), SUNS))
    groups = add_dome(cells @ turn.T) + add_suns(suns @ turn.T, diameters)
    _compositor(groups)
    return Rig(cells @ turn.T, suns @ turn.T, diameters, groups)


def render(rig: Rig, size: int, **told: Any) -> StageFrame:
    """Render and encode the scene that stands in Blender as `prepare` left it; the camera gives the axes of all that is stored.

    `told` is what only the caller knows of the frame: seed, kind, scene_version and frame.
    """
    bpy, turn = _blender(), _toward_world()
    cells, suns, groups = rig.cells @ turn, rig.suns @ turn, rig.groups
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        bpy.context.scene.compositing_node_group.nodes[OUTPUT].directory = folder
        with _quiet():
            bpy.ops.render.render()
        layers = _read_layers(next(Path(folder).glob("*.exr")))
    _denoise(layers, groups)
    alpha = np.clip(layers["alpha"][..., 0], 0.0, 1.0)
    covered = alpha > 0.5 / 255.0
    a = alpha[covered][:, None]
    codes, curve = encode_log(np.stack([layers[g][covered][:, :3] for g in groups]))
    normals = layers["normal"][covered] @ turn  # world to camera
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    surface = layers["surface"][covered]
    # Blender's +Z up to a world with +Y up: (x, y, z) becomes (x, z, -y).
    world = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ turn
    return StageFrame(
        **told, height=size, width=size,
        hfov=float(np.degrees(bpy.context.scene.camera.data.angle)),
        camera_to_world=world.astype(np.float32), cells=cells.astype(np.float32),
        cell_solid_angles=cell_solid_angles(cells).astype(np.float32),
        suns=suns.astype(np.float32), sun_diameters=rig.diameters.astype(np.float32),
        codes=codes, curve=curve, alpha=_to_byte(a[:, 0]), covered=covered.astype(np.uint8),
        matte=_to_byte(np.minimum(surface[:, 0], a[:, 0])),
        normals=np.rint(normals * 127.0).astype(np.int8),
        albedo=_to_byte(np.sqrt(np.maximum(layers["albedo"][covered] / a, 0.0))),
        gloss=_to_byte(np.sqrt(np.maximum(layers["gloss"][covered] / a, 0.0))),
        surface=_to_byte(surface[:, 1:] / a),
        depth=np.minimum(layers["depth"][covered][:, 0], 6e4).astype(np.float16),
    )  # fmt: skip


def render_seed(seed: int, sizes: Sequence[int], samples: int, threads: int = 1, clip: int = 1) -> list[StageFrame]:
    """The frames of one seed, one or a clip of several: the same scene, lights and size on every machine."""
    from . import scenes
    from .moves import Moves

    kind = scenes.build(seed)
    size = int(np.random.default_rng([seed, 2]).choice(sizes))
    rig = prepare(seed, size, samples, threads)
    moves = Moves(seed, kind) if clip > 1 else None
    frames = []
    for frame in range(clip):
        if moves:
            moves.at(frame)
        frames.append(render(rig, size, seed=seed, kind=kind, scene_version=scenes.SCENE_VERSION, frame=frame))
    return frames


# --- the long run --------------------------------------------------------------------------------------------------


def _told_to_stop() -> bool:
    """Whether the parent has closed our standard input, which it does to stop us, or by dying.

    A signal would not do: Blender takes the handlers over when it is imported.
    """
    return bool(select.select([sys.stdin], [], [], 0)[0])


def work(options: argparse.Namespace) -> None:
    """Render the seeds of --only in this process and write one shard; when the parent says stop, with what is done by then.

    Prints one JSON line a frame, which is how the parent knows where a crash happened.
    """
    frames: list[StageFrame] = []
    for seed in options.only:
        if options.supervised and _told_to_stop():
            break
        print(json.dumps({"begun": seed}), flush=True)
        start = time.monotonic()
        try:
            rendered = render_seed(seed, options.size, options.samples, clip=options.clip)
        except (RuntimeError, ValueError, KeyError, IndexError) as error:  # one odd scene must not cost the shard
            print(json.dumps({"failed": seed, "why": f"{type(error).__name__}: {error}"}), flush=True)
            continue
        first = rendered[0]
        coverage = min(f.matte.sum() / 255.0 / f.height / f.width for f in rendered)
        if coverage < 0.03 or not first.curve[:, 1].max() > 0:
            print(json.dumps({"failed": seed, "why": "the matte is nearly empty"}), flush=True)
            continue
        frames += rendered
        print(json.dumps({"done": seed, "kind": first.kind, "seconds": round(time.monotonic() - start, 2)}), flush=True)
    if frames:
        write_shard(options.out / f"stage-{frames[0].seed:09d}.safetensors", frames)


class Worker:
    """One child process that renders a shard, and what it last said."""

    def __init__(self, seeds: list[int], options: argparse.Namespace):
        self.seeds, self.begun, self.done, self.failed = seeds, None, [], []
        command = [sys.executable, "-W", "ignore", "-m", "relamp.training.stage", "--supervised"]
        command += ["--out", str(options.out), "--samples", str(options.samples), "--clip", str(options.clip)]
        command += ["--size", ",".join(map(str, options.size)), "--only", ",".join(map(str, seeds))]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        alone = os.environ | {"OIDN_NUM_THREADS": "1", "OIDN_SET_AFFINITY": "0"}  # else workers share one core
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, start_new_session=True, env=alone
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    def stop(self) -> None:
        """Let it finish its frame and write its shard."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def listen(self) -> None:
        """Take in the lines that came since the last call."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                self.begun = said.get("begun", self.begun)
                if "done" in said:
                    self.done.append(said)
                if "failed" in said:
                    self.failed.append(said["failed"])
                    print(f"seed {said['failed']}: {said['why']}", flush=True)


def _write_text(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text)
    beside.replace(path)


def run(options: argparse.Namespace) -> None:
    """Keep workers busy until every seed is done, time is up or a signal comes; a crash costs the seed it happened on."""
    held = finished_seeds(options.out)
    skipped_file = options.out / "skipped.json"
    skipped = set(json.loads(skipped_file.read_text())) if skipped_file.exists() else set()
    todo = [s for s in range(options.seed, options.seed + options.count) if s not in held and s not in skipped]
    share = max(1, SHARD_FRAMES // options.clip)
    queue = [todo[i : i + share] for i in range(0, len(todo), share)][::-1]
    print(
        f"{options.out}: {len(held)} frames in {len(shard_paths(options.out))} shards, {len(todo)} to render",
        flush=True,
    )
    start, stopping, workers, count, spent, told = time.monotonic(), [], [], 0, 0.0, 0.0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    while queue or workers:
        if options.minutes and time.monotonic() - start > options.minutes * 60:
            stopping.append(True)
        if stopping:
            queue.clear()
            for worker in workers:
                worker.stop()
        while queue and len(workers) < options.workers:
            workers.append(Worker(queue.pop(), options))
        time.sleep(0.5)
        for worker in list(workers):
            code = worker.process.poll()
            worker.listen()
            if code is None:
                continue
            workers.remove(worker)
            count += len(worker.done)
            spent += sum(d["seconds"] for d in worker.done)
            if code and worker.begun is None:
                raise DeviceError(f"a worker ended with code {code} before its first frame; run one seed with --only")
            if code:  # Blender itself crashed; what the worker held is lost and rendered again without that seed
                print(f"seed {worker.begun} ended its worker with code {code}", flush=True)
                worker.failed.append(worker.begun)
                rest = [s for s in worker.seeds if s not in worker.failed]
                if rest and not stopping:
                    queue.append(rest)
            if worker.failed:
                skipped.update(worker.failed)
                _write_text(skipped_file, json.dumps(sorted(skipped)))
        if count and time.monotonic() - told > 60:
            told = time.monotonic()
            pace = 3600 * count / (told - start)
            print(f"{count} scenes, {spent / count:.1f} s each in a worker, {pace:.0f} an hour", flush=True)
    print(f"{count} scenes rendered", flush=True)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line of the stage."""
    parser = argparse.ArgumentParser(
        prog="python -m relamp.training.stage", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first frame; the others count on")
    parser.add_argument("--count", type=int, default=1000, help="how many seeds")
    parser.add_argument("--size", default=",".join(map(str, SIZES)), help="px; one number, or several to draw from")
    parser.add_argument("--samples", type=int, default=24, help="samples a pixel before denoising")
    parser.add_argument("--clip", type=int, default=1, help="frames of each scene, which moves when there are several")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so long; 0 goes on to the last seed")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--only", default="", help="render just these seeds, here, as one shard")
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    try:
        options.size = [int(s) for s in options.size.split(",")]
        options.only = [int(s) for s in options.only.split(",") if s]
    except ValueError as error:
        raise UsageError(f"--size and --only take whole numbers with commas between; got {error}") from error
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Render; returns the exit code."""
    try:
        options = parse(argv)
        options.out.mkdir(parents=True, exist_ok=True)
        if options.only:
            work(options)
        else:
            for name in ("bpy", "pyoidn"):
                if importlib.util.find_spec(name) is None:
                    raise DeviceError(
                        f"the light stage needs the package {name}, which this Python lacks; run it with a Python 3.11 "
                        "that has `bpy` 5 and `pyoidn`"
                    )
            run(options)
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
