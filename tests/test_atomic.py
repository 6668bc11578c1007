"""The one door for files that are written."""

import ast
import os
from pathlib import Path

import pytest

from relamp.core.atomic import replacing, require_free
from relamp.core.errors import OutputError, UsageError

ROOT = Path(__file__).parent.parent


def write(path: Path, text: str, overwrite=False) -> None:
    with replacing(path, overwrite) as temporary:
        temporary.write_text(text)


WRITES = {"write_text", "write_bytes", "save_file", "copy", "copy2", "copyfile"}
# The installer of an offline folder runs where Relamp is not installed yet.
BESIDE_THE_DOOR = {"core/cli/offline_install.py": {"copyfile"}}


def writes_outside(tree: ast.AST, inside: bool = False) -> list[ast.Call]:
    """The calls that write a file and stand in no `with replacing(...)`."""
    inside = inside or (isinstance(tree, ast.With) and any("replacing(" in ast.unparse(w) for w in tree.items))
    here = [tree] if isinstance(tree, ast.Call) and _called(tree) in WRITES and not inside else []
    return here + [call for child in ast.iter_child_nodes(tree) for call in writes_outside(child, inside)]


def _called(call: ast.Call) -> str | None:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id == "save_file" else None
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    copies = isinstance(owner, ast.Name) and owner.id == "shutil"  # not copy() of an array
    return name if copies or name in ("write_text", "write_bytes") else None


@pytest.mark.parametrize("folder", ["core", "exporters", "ui", "nuke_plugin", "blender_plugin"])
def test_no_module_writes_a_file_but_through_the_one_door(folder):
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        calls = writes_outside(ast.parse(path.read_text(encoding="utf-8")))
        lines = [call.lineno for call in calls if _called(call) not in BESIDE_THE_DOOR.get(name, ())]
        found |= {name: lines} if lines else {}
    assert found == {}


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "a.json"
    write(path, "first")
    with pytest.raises(UsageError, match="already there and stays"):
        write(path, "second")
    assert path.read_text() == "first"
    write(path, "third", overwrite=True)
    assert path.read_text() == "third"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_appears_while_another_is_written_stays(tmp_path):
    path = tmp_path / "a.json"

    def write_while_another_does() -> None:
        with replacing(path) as temporary:
            temporary.write_text("ours")
            path.write_text("theirs")

    with pytest.raises(UsageError, match="already there"):
        write_while_another_does()
    assert path.read_text() == "theirs"


def test_whether_a_file_may_be_replaced_is_asked_when_the_new_one_is_ready(tmp_path):
    path, asked = tmp_path / "a.json", []

    def only_drafts(found: Path) -> bool:
        asked.append(found)
        return found.read_text() == "draft"

    write(path, "draft", only_drafts)
    assert asked == []
    write(path, "final", only_drafts)
    assert path.read_text() == "final"
    with pytest.raises(UsageError):
        write(path, "another", only_drafts)
    assert path.read_text() == "final"


def test_a_file_system_without_hard_links_is_written_to_all_the_same(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    write(tmp_path / "a.json", "first")
    assert (tmp_path / "a.json").read_text() == "first"
    with pytest.raises(UsageError):
        write(tmp_path / "a.json", "second")


def test_contents_are_on_disk_before_the_name_and_the_name_before_it_returns(tmp_path, monkeypatch):
    path, order = tmp_path / "a.json", []
    sync, link, replace = os.fsync, os.link, os.replace

    def synced(handle: int) -> None:
        order.append(("sync", os.fstat(handle).st_ino))
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", lambda a, b: (order.append(("name", os.stat(a).st_ino)), link(a, b)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(("name", os.stat(a).st_ino)), replace(a, b)))
    folder = os.stat(tmp_path).st_ino
    for overwrite in (False, True):
        order.clear()
        write(path, "text", overwrite)
        assert order == [(what, os.stat(path).st_ino) for what in ("sync", "name")] + [("sync", folder)]


def test_contents_that_do_not_reach_the_disk_get_no_name(tmp_path, monkeypatch):
    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutputError, match="Input/output error"):
        write(tmp_path / "a.json", "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", ["its path", "another path", "a symbolic link", "a hard link", "a path not there yet"])
def test_an_input_is_never_written_over_even_when_asked(tmp_path, by):
    plate = tmp_path / "plate.exr"
    if by != "a path not there yet":
        plate.write_text("plate")
    out = {"its path": plate, "another path": tmp_path / "x" / ".." / "plate.exr", "a path not there yet": plate}.get(
        by, tmp_path / "out.exr"
    )
    (tmp_path / "x").mkdir()
    if by == "a symbolic link":
        out.symlink_to(plate)
    if by == "a hard link":
        os.link(plate, out)
    with pytest.raises(UsageError, match="is an input"):
        require_free([out], True, [plate])
