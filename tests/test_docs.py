"""The pages say what is so: the reference is that of the code, the tutorial runs, links lead somewhere, words are an artist's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import OpenImageIO as oiio
import pytest

from relamp.core.cli import main, relamp
from relamp.core.parameters import LAYER_HELP, knobs

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ARTISTS_PAGES = [page for page in PAGES if page.name not in ("training.md",)]
PRIVATE = re.compile(r"(?<![-_/`.\w])(backbones?|anchors?|hints?|prox(?:y|ies))(?![-_`\w])", re.IGNORECASE)


def in_prose(text: str) -> str:
    """A page without its code: options, keys and paths keep their names."""
    return re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)


def test_the_reference_page_is_that_of_the_declarations():
    script = ROOT / "docs" / "make_reference.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    for name in (*dict(knobs()), *LAYER_HELP):
        assert f"`{name}`" in page or name == "plate"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ARTISTS_PAGES, ids=lambda page: page.name)
def test_no_page_for_artists_uses_the_words_of_the_code(page):
    assert not (found := PRIVATE.findall(in_prose(page.read_text("utf-8")))), found


def test_no_help_text_uses_the_words_of_the_code():
    for name, k in knobs():
        assert not PRIVATE.search(k.help), name
    for name, verb in relamp.table.items():
        assert not PRIVATE.search(verb.help), name
        command = verb.load()
        for each in (command, *getattr(command, "commands", {}).values()):
            assert not PRIVATE.search(each.help or ""), each.name
            for option in each.params:
                assert not PRIVATE.search(getattr(option, "help", None) or ""), (each.name, option.name)


@pytest.fixture
def small_example(tmp_path, monkeypatch):
    """The example shot's first two frames at an eighth of their size, under the paths of the tutorial."""
    (tmp_path / "renders").mkdir()
    (tmp_path / "examples" / "plate").mkdir(parents=True)
    (tmp_path / "examples" / "environments").symlink_to(ROOT / "examples" / "environments")
    for frame in (1001, 1002):
        name = f"examples/plate/plate.{frame}.exr"
        whole = oiio.ImageBufAlgo.crop(oiio.ImageBuf(str(ROOT / name)), oiio.ROI(0, 640, 0, 360))
        small = oiio.ImageBufAlgo.resize(whole, roi=oiio.ROI(0, 80, 0, 45, 0, 1, 0, whole.nchannels))
        small.specmod().attribute("colorInteropID", "lin_rec709_scene")
        assert small.write(str(tmp_path / name), "half")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_the_tutorial_do_what_it_says(small_example, capsys):
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    commands = [
        shlex.split(line) for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    assert len(commands) == 7
    said = []
    for command in commands:
        assert command[0] == "relamp"
        code = main(command[1:])
        said.append(capsys.readouterr())
        assert code == (2 if command is commands[-1] else 0), said[-1].err
    assert "lamp 1: 120 deg right of the view, +16 deg up" in said[1].out
    assert said[5].out.splitlines()[-2].startswith(("Good", "Fair", "Poor"))
    assert "--skip-existing" in said[6].err
    assert "--overwrite" in said[6].err
    made = {path.name for path in (small_example / "renders").iterdir()}
    assert {"words.png", "sun.mp4", "sun.job.json", "words.1001.exr", "sun.1002.exr", "turned.1001.exr"} <= made
