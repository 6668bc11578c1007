"""What `relamp doctor` looks at: whether this machine can run Relamp, and how to get what it lacks. Floor 4."""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import click

from .. import VERSION
from ..errors import UsageError

# Distribution, the module it gives, and what it is for.
NEEDED = (
    ("cachetools", "cachetools", "bounded caches"),
    ("numpy", "numpy", "every picture"),
    ("OpenImageIO", "OpenImageIO", "reading and writing EXR"),
    ("opencolorio", "PyOpenColorIO", "colour spaces"),
    ("Fileseq", "fileseq", "sequences"),
    ("opencv-python-headless", "cv2", "filters"),
    ("scipy", "scipy", "shapes and light fits"),
    ("torch", "torch", "networks"),
    ("diffusers", "diffusers", "networks"),
    ("onnxruntime", "onnxruntime", "the deflicker head"),
    ("safetensors", "safetensors", "weights"),
    ("threadpoolctl", "threadpoolctl", "the same bits for any number of threads"),
)
OPTIONAL = (
    ("PySide6-Essentials", "PySide6.QtWidgets", "the panel: pip install 'relamp[panel]'"),
    ("av", "av", "movies: pip install 'relamp[movies]'"),
)
QT_LIBRARIES = ("libEGL.so.1", "libGL.so.1", "libxkbcommon.so.0", "libdbus-1.so.3", "libfontconfig.so.1")
QT_PACKAGES = "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is ok, note or MISSING; what is MISSING stops a render."""

    state: str
    what: str
    detail: str

    @property
    def fatal(self) -> bool:
        """Whether Relamp cannot render without it."""
        return self.state == "MISSING"

    def __str__(self) -> str:
        return f"{self.state:8}{self.what:26}{self.detail}"


def examine() -> list[Finding]:
    """Look at this machine, quickest things first."""
    packages = list(_packages())
    found = [*_machine(), *packages]
    if not any(finding.fatal for finding in packages):
        found += [*_colour(), _render()]
    return [*found, *_devices(), *_qt()]


def _machine() -> Iterator[Finding]:
    yield Finding("ok", "relamp", VERSION)
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    version = platform.python_version()
    yield Finding(
        "ok" if good else "note", "python", version if good else f"{version}; Relamp is tested on 3.11 to 3.13"
    )
    yield Finding("ok", "cores", str(os.cpu_count()))
    yield _memory()
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    yield Finding("ok" if free > 2 else "note", "free temporary space", f"{free:.0f} GB")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):
        return Finding("note", "memory", "this system does not say")
    return Finding("ok" if total > 4 else "note", "memory", f"{total:.0f} GB" + ("" if total > 4 else "; 4K wants 4"))


def _packages() -> Iterator[Finding]:
    for distribution, module, purpose in NEEDED:
        yield _package(distribution, module, "MISSING", f"for {purpose}: pip install {distribution}")
    for distribution, module, purpose in OPTIONAL:
        yield _package(distribution, module, "note", f"only for {purpose}")


def _package(distribution: str, module: str, state: str, cure: str) -> Finding:
    try:
        importlib.import_module(module)
        return Finding("ok", distribution, metadata.version(distribution))
    except ImportError as error:
        return Finding(state, distribution, f"{cure} ({error})")


def _colour() -> Iterator[Finding]:
    from ..errors import RelampError
    from ..pictures.colour import Colour

    try:
        colour = Colour()
        source = "$OCIO" if os.environ.get("OCIO") else "the pinned config"
        yield Finding("ok", "colour", f"{source}: {colour.config_id}, working space {colour.working_space}")
    except RelampError as error:
        yield Finding("MISSING", "colour", str(error))


def _render() -> Finding:
    """Relight a small grey plate by words, from file to file, with the colour config that is set."""
    import OpenImageIO as oiio

    from ..errors import RelampError
    from ..job import RelightJob
    from ..parameters import RelightParameters
    from ..shot import relight

    with tempfile.TemporaryDirectory(prefix="relamp-doctor-") as folder:
        plate = Path(folder) / "plate.exr"
        spec = oiio.ImageSpec(8, 8, 7, "half")
        spec.channelnames = ("R", "G", "B", "A", "N.X", "N.Y", "N.Z")
        grey = oiio.ImageBuf(spec)
        oiio.ImageBufAlgo.fill(grey, (0.18, 0.18, 0.18, 1.0, 0.0, 0.0, 1.0))
        grey.write(str(plate))
        parameters = RelightParameters(
            plate=str(plate), out=str(Path(folder) / "relit.exr"), prompt="low warm sun from the left", backbone="ratio",
            colorspace="scene_linear",
        )  # fmt: skip
        try:
            relight(RelightJob(parameters))
        except RelampError as error:
            return Finding("MISSING", "a render", str(error))
    return Finding("ok", "a render", "a small plate, relit by words and written")


def _devices() -> Iterator[Finding]:
    try:
        import torch

        if not torch.cuda.is_available():
            yield Finding("ok", "device", "cpu (no CUDA device; networks run on the processor)")
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            yield Finding("ok", f"device cuda:{index}", f"{properties.name}, {properties.total_memory / 1e9:.0f} GB")
    except ImportError:
        return  # already reported with the packages


def _qt() -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        return
    lacking = [name for name in QT_LIBRARIES if not _loads(name)]
    if lacking:
        system = "apt-get" if Path("/usr/bin/apt-get").exists() else "your package manager"
        yield Finding("note", "Qt's system libraries", f"{', '.join(lacking)}: {system} install {QT_PACKAGES}")
    else:
        yield Finding("ok", "Qt's system libraries", "all there")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


EXAMPLES = """\b
Example:
  relamp doctor
"""


@click.command("doctor", epilog=EXAMPLES)
def command() -> None:
    """Check this machine; show what is missing and how to install it."""
    findings = examine()
    for finding in findings:
        click.echo(str(finding))
    if any(finding.fatal for finding in findings):
        raise UsageError("this machine cannot run Relamp yet; the lines marked MISSING above say what to do")
