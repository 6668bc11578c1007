import subprocess
import sys

import pytest

HEAVY = ("numpy", "torch", "OpenImageIO", "diffusers", "onnxruntime", "PySide6", "cv2")
LIGHT = {
    "relamp.core.errors": (*HEAVY, "click"),
    "relamp.core.frames": (*HEAVY, "click"),
    "relamp.core.parameters": (*HEAVY, "click"),
    "relamp.core.job": (*HEAVY, "click"),
    **dict.fromkeys(
        (f"relamp.core.node.{name}" for name in ("bake", "install", "knobs", "request", "versions")), (*HEAVY, "click")
    ),
    **dict.fromkeys((f"relamp.nuke_plugin.{name}" for name in ("arithmetic", "gizmo", "script")), (*HEAVY, "click")),
    "relamp.core.nuke_home": (*HEAVY, "click"),
    "relamp.core.nuke_cli": HEAVY,
    "relamp.core.progress": (*HEAVY, "click", "rich"),
    "relamp.core.report": HEAVY,
    "relamp.core.cli": HEAVY,
    "relamp.core.farm.session": (*HEAVY, "click"),
    "relamp.core.farm.cli": HEAVY,
    "relamp.exporters.cli": HEAVY,
    "relamp.core.pictures.exr": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.light.environment": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.finish": ("torch", "diffusers", "onnxruntime", "PySide6"),
    "relamp.core.shot": ("torch", "diffusers", "onnxruntime", "PySide6"),
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
