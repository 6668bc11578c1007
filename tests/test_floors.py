import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "torch", "OpenImageIO", "diffusers", "onnxruntime", "PySide6", "cv2")
LIGHT = {
    "relamp.core.errors": (*HEAVY, "click"),
    "relamp.core.frames": (*HEAVY, "click"),
    "relamp.core.parameters": (*HEAVY, "click"),
    "relamp.core.job": (*HEAVY, "click"),
    **dict.fromkeys(
        (
            f"relamp.core.node.{name}"
            for name in ("bake", "install", "knobs", "request", "rig", "rig_slots", "versions")
        ),
        (*HEAVY, "click"),
    ),
    **dict.fromkeys((f"relamp.nuke_plugin.{name}" for name in ("arithmetic", "gizmo", "script")), (*HEAVY, "click")),
    "relamp.nuke_plugin.home": (*HEAVY, "click"),
    "relamp.core.cli.nuke": HEAVY,
    "relamp.core.progress": (*HEAVY, "click", "rich"),
    "relamp.core.report": HEAVY,
    "relamp.core.cli": HEAVY,
    "relamp.core.farm.session": (*HEAVY, "click"),
    "relamp.core.cli.farm": HEAVY,
    "relamp.core.cli.export": HEAVY,
    "relamp.core.cli.render": HEAVY,
    "relamp.core.pictures.exr": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.light.environment": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.gain.finish": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.shot": HEAVY,
    "relamp.core.shot.render": ("torch", "diffusers", "onnxruntime", "PySide6", "scipy"),
}


@pytest.mark.parametrize(("module", "banned"), LIGHT.items())
def test_floor(module, banned):
    code = f"import {module}, sys; print([m for m in {banned!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]", f"importing {module} also loads {out.strip()}"


def test_the_namespace_is_nobodys_package():
    code = "import relamp; print(relamp.__file__ if hasattr(relamp, '__file__') else None)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "None"
    )


def test_nothing_imports_upwards():
    """The contract stands in pyproject.toml."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=Path(__file__).parent.parent, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_file_of_the_core_is_longer_than_350_lines():
    core = Path(__file__).parent.parent / "core"
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in core.rglob("*.py")}
    assert len(lines) > 100
    assert {str(path.relative_to(core)): count for path, count in lines.items() if count > 350} == {}
