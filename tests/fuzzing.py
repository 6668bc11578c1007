"""Thousands of broken inputs, one seed one list: `python tests/fuzzing.py KIND SEED COUNT FOLDER`, run by `test_fuzz.py`.

A process of its own, so that a library that crashes is seen; what was being tried then lies in FOLDER/trying. The exit code is
0 when every input was read or refused with a sentence, in time and with nothing half-written beside it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import random
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from relamp.core import process

process.set_up()

import numpy as np  # noqa: E402
import OpenImageIO as oiio  # noqa: E402

from relamp.core.cli import main  # noqa: E402
from relamp.core.errors import RelampError  # noqa: E402
from relamp.core.frames import parse_frames  # noqa: E402
from relamp.core.parameters import knobs  # noqa: E402
from relamp.core.rpc import read_message, write_message  # noqa: E402
from relamp.core.worker import Worker  # noqa: E402
from shots import Shot, soft_light, write_exr  # noqa: E402

SECONDS = 30  # for one input, on a busy machine
CODECS = ("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab")
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**400, 1e308, float("inf"), float("-inf"), float("nan"), -0.0, 1.5)
TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "/",
    "..",
    "~",
    "~nobody/x",
    "%V",
    "%s",
    "%0999999999d",
    "####",
    "#@%d",
    "$F",
    "x" * 5000,
    "a/" * 3000,
)
TEXTS += (
    "\ud800",
    "é",
    "日本",
    "-",
    "--",
    "'",
    '"',
    "{",
    "[",
    "\n",
    "1-",
    "x=1",
    "1=1",
    "file://x",
    "cuda:99999999999999999999",
)
TEXTS += (
    "dwaa:99999999999999",
    "dwaa:0",
    "zip:0",
    "half,half",
    "ratio=",
    "*",
    "a.exr:",
    "a.exr:x.y",
    "NaN",
    "1e999",
    "1=nan",
)
TEXTS += (
    "1=1;1=1",
    "2=1;1=1",
    "9999999999=1",
    "1,2",
    "1,2,3,4",
    "nan,nan,nan",
    "inf,0,0",
    "left,left",
    "C:\\x",
    "\\\\a\\b",
)
NASTY = (None, True, False, [], {}, [[]], {"keys": []}, {"keys": None}, {"keys": [[None, 1]]}, {"keys": [[1, None]]})
NASTY += ({"keys": [[float("inf"), 0]]}, {"keys": [[1, [0, 0]]]}, {"keys": {"a": 1}}, *NUMBERS, *TEXTS)
FRAMES = "0123456789-xX:, \t\n#.eE+_٣"


wrong: dict[str, str] = {}
"""By what was said, the first input that was not dealt with as it has to be."""


def note(said: str, tried: str) -> None:
    """Remember what went wrong, once for each thing said."""
    wrong.setdefault(re.sub(r"[0-9]+", "N", said), f"{tried}\n  {said}")


def calls(arguments: list[str], allowed: tuple[int, ...] = (0, 2, 3, 4)) -> None:
    """Run the command in its time; anything but the `allowed` exit codes is wrong."""
    code, _ = _run(arguments)
    if code > 128:
        sys.exit(code)  # somebody stops the whole run
    if code not in allowed:
        verb, *rest = arguments
        code, said = _run([verb, "-v", *rest])
        note(f"exit code {code}: {said[-1500:]}", repr(arguments)[:2000])


def _run(arguments: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with in_time(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = main(arguments)
    return code, said.getvalue()


def mutated(whole: bytes, rng: random.Random) -> bytes:
    """Some bytes other, gone, doubled or put elsewhere; the header of a file is hit more often than its pixels."""
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        reach = max(min(len(data), rng.choice((16, 400, len(data)))), 1)
        at = rng.randrange(reach)
        what = rng.randrange(6)
        if what == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif what == 1:
            data[at : at + 4] = rng.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000)).to_bytes(4, "little")
        elif what == 2:
            del data[at : at + rng.choice((1, 4, 100, len(data)))]
        elif what == 3:
            data[at:at] = data[at : at + rng.choice((1, 8, 200))]
        elif what == 4 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        else:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 64)))
        if not data:
            break
    return bytes(data)


def pictures(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """EXR of every compression, flat and tiled, and HDR: looked at, read, and taken for a light."""
    light = soft_light((0.3, 0.4, 1.0))
    sources = [
        write_exr(folder / f"{codec}.exr", light, ("R", "G", "B"), "half", compression=codec) for codec in CODECS
    ]
    spec = oiio.ImageSpec(64, 32, 3, "half")
    spec.tile_width = spec.tile_height = 16
    for name, made in (("tiled.exr", spec), ("map.hdr", oiio.ImageSpec(64, 32, 3, "float"))):
        out = oiio.ImageOutput.create(str(folder / name))
        assert out is not None
        assert out.open(str(folder / name), made), out.geterror()
        assert out.write_tiles(0, 64, 0, 32, 0, 1, light) if made.tile_width else out.write_image(light), out.geterror()
        out.close()
        sources.append(folder / name)
    wholes = [(source.suffix, source.read_bytes()) for source in sources]
    for suffix, whole in wholes:
        path = folder / f"whole{suffix}"
        path.write_bytes(whole)
        calls(["env", str(path)], (0,))
    for n in range(count):
        suffix, whole = wholes[n % len(wholes)]
        path = folder / f"trying{suffix}"
        path.write_bytes(mutated(whole, rng))
        trying.write_bytes(path.read_bytes())
        if suffix == ".exr":
            calls(["info", "--pixels", str(path)], (0, 4))
        calls(["env", str(path)], (0, 4, 5))


def headers(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Attributes that programs know, of other types than theirs."""
    light = soft_light((0.3, 0.4, 1.0))
    names = (
        "colorInteropID",
        "oiio:ColorSpace",
        "chromaticities",
        "smpte:TimeCode",
        "FramesPerSecond",
        "worldToCamera",
    )
    names += (
        "PixelAspectRatio",
        "view",
        "multiView",
        "relamp/job",
        "relamp/epsilon",
        "relamp/scale",
        "relamp/frame",
        "lens",
    )
    names += ("oiio:subimagename", "ImageDescription", "compression", "renderscene", "relamp/version", "envmap", "name")
    values = ("", "x", "é", "lin_ap1_scene", 0, -1, 7, 0.5, float("nan"), 1e300, "x" * 4000)
    arrays = [
        (oiio.TypeDesc(kind), tuple(number for number in range(16))) for kind in ("float[16]", "int[16]", "matrix")
    ]
    for _ in range(count):
        path = folder / "trying.exr"
        spec = oiio.ImageSpec(64, 32, 3, "half")
        for name in rng.sample(names, 3):
            if rng.random() < 0.5:
                spec.attribute(name, rng.choice(values))
            else:
                spec.attribute(name, *rng.choice(arrays))
        out = oiio.ImageOutput.create(str(path))
        if out is None or not out.open(str(path), spec) or not out.write_image(light):
            oiio.geterror()
            continue
        out.close()
        trying.write_bytes(path.read_bytes())
        calls(["info", "--pixels", str(path)], (0, 4))
        calls(["env", str(path)], (0, 4))
        dry = ["--env", str(path), "--source-env", str(path), "--out", str(folder / "out.exr"), "--backbone", "ratio"]
        calls(["render", str(path), *dry, "-q", "--dry-run"], (0, 2, 4))


def jobs(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Job files with other values, other shapes and other bytes."""
    shot = Shot(folder, frames=2)
    path = folder / "shot.relamp.json"
    arguments = [
        "render",
        shot.plate,
        "--env",
        shot.env_b,
        "--source-env",
        shot.env_a,
        "--out",
        shot.out,
        "-q",
        "--dry-run",
    ]
    calls([*arguments, "--backbone", "ratio", "--save-job", str(path)], (0,))
    whole = path.read_text()
    for n in range(count):
        data = json.loads(whole)
        for _ in range(rng.choice((1, 1, 2, 5))):
            target = rng.choice((data, data["parameters"], data["parameters"], data["parameters"], data["measured"]))
            if isinstance(target, dict) and target:
                key = rng.choice([*target, "new"])
                if key not in ("schema", "parameters", "measured") or rng.random() < 0.1:
                    target[key] = rng.choice(NASTY)
            if not all(isinstance(data.get(key), dict) for key in ("parameters", "measured")):
                break
        text = json.dumps(data).encode()
        if n % 4 == 0:
            text = mutated(text, rng)
        trying.write_bytes(text)
        path.write_bytes(text)
        calls(["render", "--job", str(path), "--backbone", "ratio", "--device", "cpu", "-q", "--dry-run"], (0, 2, 4))
    nothing_written(folder / "out")


def frames(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Frame ranges of the letters that ranges have, alone and as an option."""
    shot = Shot(folder, frames=2)
    for n in range(count):
        text = "".join(rng.choice(FRAMES) for _ in range(rng.choice((1, 3, 6, 12, 40))))
        trying.write_text(text)
        with in_time(), contextlib.suppress(RelampError):
            parse_frames(text)
        if n % 50 == 0:
            arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, f"--frames={text}"]
            calls([*arguments, "--backbone", "ratio", "-q", "--dry-run"], (0, 2, 4))


def options(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Every option with texts that are none of its values."""
    shot = Shot(folder, frames=2)
    names = [name for name, k in knobs() if k.kind != "bool" and name not in ("plate", "models")]
    for _ in range(count):
        given = {name: rng.choice([*TEXTS, *map(str, NUMBERS)]) for name in rng.sample(names, rng.choice((1, 1, 2)))}
        plate = shot.plate if rng.random() < 0.9 else rng.choice(TEXTS)
        usual = {"env": shot.env_b, "source_env": shot.env_a, "out": shot.out, "backbone": "ratio", "device": "cpu"}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in {**usual, **given}.items()]
        trying.write_text(repr((plate, arguments)))
        calls(["render", "-q", "--dry-run", *arguments, "--", plate], (0, 2, 4, 5))
    nothing_written(folder / "out")


def cameras(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Camera files of both kinds."""
    shot = Shot(folder, frames=2)
    whole = {
        ".json": b'{"frames": {"1001": {"fov": 40, "rotate": [0, 10, 0]}, "1002": {"fov": 41, "rotate": [0, 11, 0]}}}',
        ".chan": b"1001 0 0 0 0 10 0 30\n1002 0 0 0 0 11 0 31\n",
    }
    values = [json.dumps(value) for value in NASTY if not (isinstance(value, str) and "\ud800" in value)]
    for n in range(count):
        suffix = rng.choice((".json", ".chan"))
        data = mutated(whole[suffix], rng)
        if n % 2 and suffix == ".json":
            field = rng.choice(
                (b"40", b"[0, 10, 0]", b'{"fov": 40, "rotate": [0, 10, 0]}', b'"1001"', b'"fov"', b'"rotate"')
            )
            data = whole[suffix].replace(field, rng.choice(values).encode(), 1)
        path = folder / f"camera{suffix}"
        path.write_bytes(data)
        trying.write_bytes(data)
        arguments = ["render", shot.plate, "--env", shot.env_b, "--source-env", shot.env_a, "--out", shot.out]
        calls([*arguments, "--camera", str(path), "--backbone", "ratio", "-q", "--dry-run"], (0, 2, 4))


def rigs(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """Rig files with other values, other shapes and other bytes; one in fifty lights a frame."""
    shot = Shot(folder, frames=1)
    whole = {
        "schema": "relamp.rig/1",
        "space": "camera",
        "lights": [
            {"name": "key", "kind": "distant", "direction": [1, 0, 1], "kelvin": 3200, "size": 2, "shadows": True},
            {"kind": "sphere", "at": [20, 20], "out": 0.2, "stops": {"keys": [[1001, 0], [1002, 1]]}, "size": 0.05},
            {"kind": "spot", "position": [0, 0, 0], "aim": [0, 0, -1], "angle": 30, "softness": 0.2, "on": True},
            {"kind": "area", "position": [-1, 0, -1], "aim": [1, 0, -1], "size": [0.5, 1], "colour": [1, 0.5, 0.2]},
        ],
    }
    path = folder / "rig.json"
    for n in range(count):
        data = json.loads(json.dumps(whole))
        for _ in range(rng.choice((1, 1, 2))):
            target = rng.choice((data, *data["lights"])) if isinstance(data.get("lights"), list) else data
            if isinstance(target, dict):
                target[rng.choice([*target, "new"])] = rng.choice(NASTY)
        text = json.dumps(data).encode()
        if n % 4 == 0:
            text = mutated(text, rng)
        trying.write_bytes(text)
        path.write_bytes(text)
        calls(["rig", str(path)], (0, 4))
        if n % 50 == 0:
            given = ["--rig", str(path), "--out", shot.out, "--backbone", "ratio", "--overwrite", "-q"]
            calls(["render", shot.plate, *given], (0, 2, 4))


def messages(folder: Path, rng: random.Random, count: int, trying: Path) -> None:
    """What a worker may be told: requests with other values, and other bytes. Whatever it is, it answers and goes on."""
    shot = Shot(folder, frames=2)
    job = {"plate": shot.plate, "env": shot.env_b, "source_env": shot.env_a, "out": shot.out, "backbone": "ratio"}
    told = {"schema": "relamp.job/1", "parameters": job}
    methods = {
        "preview": {
            "job": told,
            "stage": "relit",
            "frame": 1001,
            "size": 32,
            "exposure": 0.0,
            "name": "a",
            "dim": [1.0],
        },
        "balls": {"job": told, "frame": 1001, "size": 16},
        "environment": {"job": told, "frame": 1001, "exposure": 0.0},
        "values": {"name": "a", "x": 1, "y": 1},
        "displays": {"config": None},
        "inspect": {"name": "plate", "path": shot.plate, "config": None},
        "made": {"pattern": shot.out, "frames": "1001"},
        "cancel": {"id": 1},
        "queue": {},
        "status": {},
    }
    for start in range(0, count, 100):
        stream = io.BytesIO()
        for n in range(start, min(start + 100, count)):
            method = rng.choice([*methods])
            params = json.loads(json.dumps(methods[method]))
            for _ in range(rng.choice((1, 1, 2))):
                holder = params
                if "job" in params and rng.random() < 0.5:
                    job = params["job"]  # which the first change may have made anything
                    settings = job.get("parameters") if isinstance(job, dict) else None
                    holder = settings if isinstance(settings, dict) else params
                holder[rng.choice([*holder, "new"])] = rng.choice(NASTY)
            one = io.BytesIO()
            with contextlib.suppress(ValueError):  # json refuses lone surrogates in keys on some versions
                write_message(one, {"id": n, "method": method, "params": params})
            stream.write(mutated(one.getvalue(), rng) if n % 4 == 0 else one.getvalue())
        trying.write_bytes(stream.getvalue())
        answers = io.BytesIO()
        requests = Patient(stream.getvalue())
        worker = Worker(requests, answers)
        requests.busy = worker._every_request  # a worker drops what waits when its front end is gone
        with in_time(SECONDS * 10):
            worker.run()
        answers.seek(0)
        while (message := read_message(answers)) is not None:
            error = message.body.get("error")
            if error and error["code"] == 1:
                note(f"the worker answers {error['message']}", str(message.body.get("id")))


class Patient(io.BytesIO):
    """Requests whose end comes only when all of them are answered."""

    busy: Callable[[], list]

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        while not line and self.busy():
            time.sleep(0.01)
        return line


def nothing_written(folder: Path) -> None:
    """A dry run writes nothing, and nobody leaves half a file."""
    if folder.exists() and any(folder.iterdir()):
        note("something was written", f"{folder} holds {[path.name for path in folder.iterdir()]}")


@contextlib.contextmanager
def in_time(seconds: int = SECONDS) -> Iterator[None]:
    """End the process with its stacks when one input takes longer."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


KINDS: dict[str, Callable[[Path, random.Random, int, Path], None]] = {
    kind.__name__: kind for kind in (pictures, headers, jobs, frames, options, cameras, rigs, messages)
}

if __name__ == "__main__":
    kinds, seed, count, place = sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warnings.simplefilter("ignore", ResourceWarning)
    np.seterr(all="ignore")
    for kind in kinds:
        (place / kind).mkdir(parents=True, exist_ok=True)
        KINDS[kind](place / kind, random.Random(seed), count, place / kind / "trying")
    sys.exit("\n".join(wrong.values()) or 0)
