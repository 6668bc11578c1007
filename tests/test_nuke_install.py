"""The plugin into a Nuke folder and out again; what lies there in a bare Python; the test for a real Nuke."""

# ruff: noqa: F401, F811

import ast
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import nuke
from nuke_host import host, state, workers
from relamp.core.cli import main
from relamp.core.errors import InputError, UsageError
from relamp.core.launch import find_python, site_file
from relamp.core.node import install as copies
from relamp.nuke_plugin import create, panel_host, selftest
from relamp.nuke_plugin import home as nuke_home

FAKE = Path(__file__).parent / "fake_nuke"
OTHERS = b"# mine\nimport nuke\nnuke.pluginAddPath('./gizmos')"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("before", [None, b"", OTHERS, OTHERS + b"\n", OTHERS.replace(b"\n", b"\r\n"), b"# \xff\n"])
def test_what_was_there_is_there_after_an_install_and_its_taking_back(tmp_path, before):
    if before is not None:
        (tmp_path / "init.py").write_bytes(before)
    (tmp_path / "menu.py").write_bytes(b"# mine\n")
    was = everything(tmp_path)
    assert main(["nuke", "install", "--dir", str(tmp_path)]) == 0
    installed = everything(tmp_path)
    assert (tmp_path / "init.py").read_bytes().startswith(before or b"")
    assert installed["menu.py"] == b"# mine\n"
    assert main(["nuke", "install", "--dir", str(tmp_path)]) == 0
    assert everything(tmp_path) == installed
    assert main(["nuke", "uninstall", "--dir", str(tmp_path)]) == 0
    assert everything(tmp_path) == {name: text for name, text in was.items() if text or name != "init.py"}
    assert main(["nuke", "uninstall", "--dir", str(tmp_path)]) == 0


def test_an_update_removes_what_is_no_more_and_leaves_what_is_not_ours(tmp_path):
    nuke_home.install(tmp_path)
    target = tmp_path / "relamp"
    manifest = json.loads((target / copies.MANIFEST).read_text())
    (target / "nuke_plugin" / "gone.py").write_text("")
    manifest["files"] += ["nuke_plugin/gone.py", "../../outside", "/etc/passwd"]
    (target / copies.MANIFEST).write_text(json.dumps(manifest))
    (target / "notes.txt").write_text("mine")
    nuke_home.install(tmp_path)
    assert not (target / "nuke_plugin" / "gone.py").exists()
    nuke_home.uninstall(tmp_path)
    assert everything(tmp_path) == {"relamp/notes.txt": b"mine"}
    assert Path("/etc/passwd").exists()


def test_a_folder_that_is_not_ours_is_never_written_into(tmp_path):
    (tmp_path / "relamp").mkdir()
    (tmp_path / "relamp" / "work.txt").write_text("mine")
    with pytest.raises(UsageError, match="no installed Relamp"):
        nuke_home.install(tmp_path)
    assert everything(tmp_path) == {"relamp/work.txt": b"mine"}


def test_a_block_somebody_cut_in_two_is_left_to_them(tmp_path):
    (tmp_path / "init.py").write_bytes(nuke_home.BEGIN + b"\nimport nuke\n")
    with pytest.raises(InputError, match="by hand"):
        nuke_home.install(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_an_init_that_is_a_link_stays_one(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "init.py").write_bytes(OTHERS)
    (tmp_path / "nuke").mkdir()
    (tmp_path / "nuke" / "init.py").symlink_to(tmp_path / "dotfiles" / "init.py")
    nuke_home.install(tmp_path / "nuke")
    assert (tmp_path / "nuke" / "init.py").is_symlink()
    nuke_home.uninstall(tmp_path / "nuke")
    assert (tmp_path / "dotfiles" / "init.py").read_bytes() == OTHERS


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A Nuke folder with the plugin in it."""
    folder = tmp_path_factory.mktemp("dot nuke")
    nuke_home.install(folder)
    return folder


def bare(home: Path, code: str, *more: Path, environment: dict[str, str] | None = None) -> str:
    """Run `code` in this Python without any site packages, with the installed plugin, the fake Nuke and `more` on the path."""
    path = [str(home), str(FAKE), *map(str, more)]
    full = f"import sys; sys.path += {path!r}\n{code}"
    environment = {"PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen", **(environment or {})}
    run = subprocess.run([sys.executable, "-I", "-S", "-c", full], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def only_qt(folder: Path) -> Path:
    """A folder with Qt and nothing else in it."""
    PySide6 = pytest.importorskip("PySide6", reason="the panel is optional: pip install 'relamp[panel]'")
    site = Path(PySide6.__file__).parents[1]
    for name in ("PySide6", "shiboken6"):
        (folder / name).symlink_to(site / name)
    return folder


FOREIGN = """
known = set(sys.stdlib_module_names) | {'relamp', 'nuke', 'nukescripts', '__main__', 'PySide6', 'shiboken6', 'shibokensupport',
  '__feature__', 'signature_bootstrap'}  # the last three are Qt's own
print(sorted({name.partition('.')[0] for name in sys.modules} - known))
"""


def test_the_plugin_and_floor_0_load_in_a_bare_python(home):
    code = """
import pkgutil, importlib
import relamp.core, relamp.core.node, relamp.nuke_plugin
for package in (relamp.core, relamp.core.node, relamp.nuke_plugin):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):
        if found.name not in ('relamp.nuke_plugin.panel', 'relamp.nuke_plugin.startup'):
            importlib.import_module(found.name)
"""
    assert bare(home, code + FOREIGN) == "[]"


def test_the_panel_needs_qt_and_nothing_else(home, tmp_path):
    code = """
from PySide6.QtWidgets import QApplication
application = QApplication(['nuke'])
import nuke
exec(open(HOME + '/relamp/nuke_plugin/startup/init.py').read(), {'__file__': HOME + '/relamp/nuke_plugin/startup/init.py'})
exec(open(HOME + '/relamp/nuke_plugin/startup/menu.py').read(), {})
from nuke._state import state
widget, name, id = state.panels[0]
one, two = (eval(widget)() for _ in range(2))
one.fromNode()
assert 'select one Relamp node' in one.panel.said(), one.panel.said()
one.close()
two.deleteLater()
application.processEvents()
"""
    code = f"HOME = {str(home)!r}\n" + code + FOREIGN
    assert bare(home, code, only_qt(tmp_path)) == "[]"


def test_blenders_plugin_loads_beside_it_without_a_third_party_package():
    root = Path(copies.__file__).resolve().parents[2]
    if not (root / "blender_plugin").is_dir():
        pytest.skip("there is no Blender plugin here")
    allowed = {"bpy", "bl_ui", "mathutils", "gpu", "relamp", "nuke", *sys.stdlib_module_names}
    for path in (root / "blender_plugin").rglob("*.py"):
        assert imported(path) <= allowed, path


@pytest.mark.parametrize("folder", ["relamp/core", "relamp/nuke_plugin"])
def test_what_is_installed_reads_in_the_pythons_of_nuke_15(home, folder):
    for path in (home / folder).rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 10))
        if "panel.py" not in path.name:
            assert imported(path) <= {*sys.stdlib_module_names, "nuke", "nukescripts", "relamp"}, path


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_installed_copy_knows_its_worker_and_a_studio_wins(home, tmp_path):
    code = "from relamp.core import launch; print(launch.find_python())"
    assert bare(home, code) == sys.executable
    (tmp_path / "site.json").write_text(json.dumps({"python": "/bin/sh"}))
    assert bare(home, code, environment={"RELAMP_SITE": str(tmp_path / "site.json")}) == "/bin/sh"


def test_nuke_starts_with_the_plugin_and_offers_node_and_panel(host, home, monkeypatch):
    startup = home / "relamp" / "nuke_plugin" / "startup"
    state.layers.pop("lamp1", None)
    runpy.run_path(str(home / "init.py"))
    assert state.paths == ["./relamp/nuke_plugin/startup"]
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(startup / "init.py"))
    assert state.layers["lamp1"] == ("red", "green", "blue")
    assert str(home) in sys.path
    runpy.run_path(str(startup / "menu.py"))
    assert [name for name, _ in state.menu] == ["Nodes/Relamp/Relamp"]
    assert state.panels[0][1:] == ("Relamp", panel_host.PANEL_ID)
    compile(state.menu[0][1], "menu", "exec")


def test_nuke_15_gets_the_node_without_the_panel(host, home, monkeypatch):
    monkeypatch.setattr(nuke, "NUKE_VERSION_MAJOR", 15)
    runpy.run_path(str(home / "relamp" / "nuke_plugin" / "startup" / "menu.py"))
    assert state.menu
    assert state.panels == []


def test_a_broken_plugin_lets_nuke_start(host, home, monkeypatch, capsys):
    for module in ("relamp.nuke_plugin.layers", "relamp.nuke_plugin.panel_host"):
        monkeypatch.setitem(sys.modules, module, None)
    for name in ("init.py", "menu.py"):
        runpy.run_path(str(home / "relamp" / "nuke_plugin" / "startup" / name))
    said = capsys.readouterr().out
    assert "Relamp could not be loaded" in said
    assert "menu could not be made" in said


def test_a_node_from_no_installed_copy_is_a_sentence(host, monkeypatch, tmp_path):
    monkeypatch.setattr(create, "PASTED", tmp_path / "nothing.nk")
    with pytest.raises(UsageError, match="relamp nuke install"):
        create.create()


def test_the_selftest_prints_what_it_says_it_will(host, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "a 'test'"
    outside_nuke = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "relamp.core.cli", "nuke", "selftest", str(folder)]
    written = subprocess.run(command, capture_output=True, text=True, check=True, env=outside_nuke, cwd=tmp_path)
    assert "Nuke17.0 -t" in written.stdout
    ast.parse((folder / "relamp_selftest.py").read_text())
    monkeypatch.setattr(nuke, "GUI", False)
    assert selftest.run(str(folder)) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = (folder / "expected.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith(("PASS", "FAIL"))] == expected
    assert any(line.startswith("ORIENTATION could not be measured") for line in lines)  # the fake has no such node
    checks = json.loads((folder / "checks.json").read_text())
    checks[1]["samples"][1][2][0] += 0.1
    (folder / "checks.json").write_text(json.dumps(checks))
    nuke.scriptClear()
    assert selftest.run(str(folder)) == 1
    assert "FAIL the bake comes out: at 32, 32" in capsys.readouterr().out


def test_a_selftest_is_not_written_into_a_folder_of_something_else(tmp_path, capsys):
    (tmp_path / "checks.json").write_text("mine")
    assert main(["nuke", "selftest", str(tmp_path)]) == 2
    assert "holds no self-test of Relamp" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["checks.json"]
    assert (tmp_path / "checks.json").read_text() == "mine"


def test_where_the_site_file_is_when_nobody_installed_anything(monkeypatch):
    monkeypatch.delenv("RELAMP_SITE", raising=False)
    monkeypatch.delenv("RELAMP_PYTHON", raising=False)
    assert "relamp" in str(site_file())
    if not site_file().is_file():
        with pytest.raises(UsageError, match="RELAMP_PYTHON"):
            find_python()
