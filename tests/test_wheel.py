"""What a user has who installed the wheel, without a checkout: the data beside the modules, and the verbs that need them."""

import ast
import json
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import tomllib

from relamp.core.cli.offline import LEFT_OUT
from shots import Shot, read_exr, write_exr

ROOT = Path(__file__).parent.parent
PACKAGED = ("core", "ui", "exporters", "nuke_plugin", "blender_plugin")
DATA = (".onnx", ".safetensors", ".svg", ".json", ".nk", ".gizmo", ".md", ".py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Relamp's wheel, built from a copy, since building leaves files in the folder it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(*LEFT_OUT))
    build = [
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(folder / "source"),
    ]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    (built,) = folder.glob("relamp-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A virtual environment with the wheel in it; what Relamp depends on is that of this Python, without its editable Relamp."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    places = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    # Folders that a .pth names are put on the path, but the .pth files in them, an editable install's among them, are not read.
    dependencies = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (Path(places["purelib"]) / "dependencies.pth").write_text(
        "\n".join([*dependencies, *site.getsitepackages()]) + "\n"
    )
    python = Path(places["scripts"]) / Path(sys.executable).name
    install = ["--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    return Path(places["scripts"])


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return Shot(tmp_path_factory.mktemp("shot"), frames=3)


def run(scripts: Path, folder: Path, *command: str) -> str:
    """Run a command of the environment away from the checkout; what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RELAMP_"))}
    done = subprocess.run(
        [str(scripts / command[0]), *command[1:]], capture_output=True, text=True, cwd=folder, env=kept
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_kept_beside_the_modules_is_in_the_wheel(wheel):
    listed = subprocess.run(["git", "ls-files", "--", *PACKAGED], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("there is no repository here to compare with")
    kept = {f"relamp/{name}" for name in listed.stdout.split() if name.endswith(DATA) and (ROOT / name).is_file()}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("relamp/")}
    assert any(name.endswith(".onnx") for name in kept)
    assert kept - packed == set()


def test_the_wheel_holds_nothing_that_only_a_checkout_can_use(wheel):
    folders = {name.split("/")[1] for name in zipfile.ZipFile(wheel).namelist() if name.startswith("relamp/")}
    assert folders == set(PACKAGED)


def test_what_is_installed_along_is_what_is_imported():
    """The dependencies of a plain install are imported somewhere, and nothing else is imported but by an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {distribution(requirement) for requirement in project["dependencies"]}
    optional = {distribution(each) for extra in project["optional-dependencies"].values() for each in extra}
    of = metadata.packages_distributions()
    modules = imported(*(ROOT / folder for folder in PACKAGED))
    used = {distribution(found) for name in modules for found in of.get(name, ())}
    assert needed - used == set()
    assert used - needed - optional - {"relamp"} == set()


def distribution(requirement: str) -> str:
    """The name in a requirement, as one spelling of it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def imported(*folders: Path) -> set[str]:
    """The top-level modules that the Python files below `folders` import."""
    found = set()
    for node in (
        node for folder in folders for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_modules_run_are_those_of_the_wheel(installed, shot):
    code = "import relamp.core, relamp.ui; print(relamp.core.__file__, relamp.ui.__file__)"
    for file in run(installed, shot.folder, "python", "-c", code).split():
        assert Path(file).is_relative_to(installed.parent)


def test_relamps_own_network_renders(installed, shot):
    arguments = ["--env", shot.env_b, "--backbone", "relamp", "--frames", "1001", "--working-size", "64", "--quiet"]
    run(installed, shot.folder, "relamp", "render", shot.plate, "--out", shot.out, *arguments)
    (relit, _), (plate, _) = read_exr(shot.out_frame(1001)), read_exr(shot.plate_frame(1001))
    assert np.abs(relit[..., :3] - plate[..., :3]).max() > 0.02


def test_deflicker_has_its_network(installed, shot):
    for frame, level in ((1001, 1.5), (1002, 1.2), (1003, 1.5)):
        pixels, spec = read_exr(shot.plate_frame(frame))
        pixels[..., :3] *= level
        write_exr(shot.folder / f"flickers.{frame}.exr", pixels, tuple(spec.channelnames))
    said = run(
        installed, shot.folder, "relamp", "deflicker", shot.plate, "flickers.####.exr", "--out", "steady.####.exr"
    )
    assert "3 frames" in said
    before, after = (read_exr(shot.folder / f"{name}.1002.exr")[0][24, 24, 0] for name in ("flickers", "steady"))
    assert after > before  # the frame in the middle was the darker one


def test_env_draws_its_sheet(installed, shot):
    assert "lamp 1:" in run(installed, shot.folder, "relamp", "env", shot.env_b, "--png", "sheet.png")
    assert (shot.folder / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_the_nuke_copy_has_its_icons(installed, shot):
    run(installed, shot.folder, "relamp", "nuke", "install", "--dir", "nuke")
    copy = shot.folder / "nuke" / "relamp"
    icons = sorted(path.name for path in (ROOT / "ui").glob("*.svg"))
    assert icons
    assert sorted(path.name for path in (copy / "ui").glob("*.svg")) == icons
    assert (copy / "nuke_plugin" / "startup" / "Relamp.gizmo").is_file()
    assert set(json.loads((copy / "installed.json").read_text())["files"]) >= {f"ui/{name}" for name in icons}


def test_the_blender_add_on_is_put_in_place(installed, shot):
    run(installed, shot.folder, "relamp", "blender", "install", "--dir", "addons")
    assert (shot.folder / "addons" / "relamp" / "blender_plugin" / "group.py").is_file()


def test_the_deflicker_head_is_exported_again(installed, shot):
    pytest.importorskip("onnx", reason="the export is optional: pip install 'relamp[onnx]'")
    run(installed, shot.folder, "relamp", "export", "onnx", "--out", "head")
    assert (shot.folder / "head" / "deflicker-1.onnx").is_file()


def test_the_ledger_of_models_is_read(installed, shot):
    assert "relamp" in run(installed, shot.folder, "relamp", "models", "list").lower()


def test_doctor_finds_nothing_missing(installed, shot):
    assert "MISSING" not in run(installed, shot.folder, "relamp", "doctor")
