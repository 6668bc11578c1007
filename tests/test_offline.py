import json
import subprocess
import sys
from pathlib import Path

import pytest

from relamp.core import VERSION
from relamp.core.cli import main, offline

ROOT = Path(__file__).parent.parent


def install(folder, *arguments):
    return subprocess.run([sys.executable, str(folder / "install.py"), *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """Relamp's own wheel and some weights, without what it depends on, which would take a network."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "models" / "a-model").mkdir(parents=True)
    (folder / "models" / "a-model" / "weights.safetensors").write_bytes(b"weights")
    offline.gather(folder / "kit", ROOT, (), folder / "models", "--no-deps", "--no-build-isolation")
    return folder / "kit"


def test_the_folder_holds_the_wheel_with_its_weights_and_a_manifest(gathered):
    manifest = json.loads((gathered / "manifest.json").read_text())
    (wheel,) = (gathered / "wheels").glob("relamp-*.whl")
    assert manifest["version"] == VERSION
    assert {f"wheels/{wheel.name}", "install.py", "weights/a-model/weights.safetensors"} <= manifest["files"].keys()
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True).stdout
    for name in ("relamp/exporters/usd.py", "relamp/core/shape/weights/shape-1.safetensors"):
        assert name in listed


def test_a_file_that_changed_on_the_way_is_named_and_nothing_is_installed(gathered, tmp_path):
    weights = gathered / "weights" / "a-model" / "weights.safetensors"
    weights.write_bytes(b"WEIGHTS")
    try:
        done = install(gathered, str(tmp_path / "venv"))
    finally:
        weights.write_bytes(b"weights")
    assert done.returncode == 4
    assert "weights/a-model/weights.safetensors: not as gathered" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_another_python_is_refused(gathered, tmp_path):
    manifest = gathered / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(text) | {"python": "2.7"}))
    try:
        done = install(gathered, str(tmp_path / "venv"))
    finally:
        manifest.write_text(text)
    assert done.returncode == 4
    assert "for Python 2.7" in done.stderr


def test_what_is_no_checkout_cannot_be_gathered(tmp_path, capsys):
    assert main(["offline", str(tmp_path / "kit"), "--source", str(tmp_path)]) == 2
    assert "is no checkout" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["install.py", "manifest.json"])
def test_a_folder_with_an_installer_of_something_else_is_not_gathered_into(tmp_path, capsys, name):
    (tmp_path / name).write_text("print('mine')")
    assert main(["offline", str(tmp_path)]) == 2
    assert f"{name} is there and was not gathered by relamp offline" in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "print('mine')"


def test_weights_that_are_there_already_are_not_installed_over(gathered, tmp_path):
    models = tmp_path / "models"
    (models / "a-model").mkdir(parents=True)
    (models / "a-model" / "weights.safetensors").write_bytes(b"mine")
    done = install(gathered, str(tmp_path / "venv"), str(models))
    assert done.returncode == 2
    assert "already there and not these weights" in done.stderr
    assert (models / "a-model" / "weights.safetensors").read_bytes() == b"mine"
    assert not (tmp_path / "venv").exists()


@pytest.mark.slow
def test_a_machine_without_a_network_gets_a_relamp_that_renders(shot, tmp_path):
    """Gathers everything, which takes a package index, and installs it with the index out of reach."""
    assert main(["offline", str(tmp_path / "kit"), "--extras", "none"]) == 0
    done = install(tmp_path / "kit", str(tmp_path / "venv"))
    assert done.returncode == 0, done.stderr
    relamp = tmp_path / "venv" / "bin" / "relamp"
    arguments = ["render", shot.plate, "--env", shot.env_b, "--out", shot.out, "-F", "1001", "-q"]
    subprocess.run([str(relamp), *arguments], check=True, cwd=tmp_path)
    assert shot.out_frame(1001).exists()
