"""The examples in docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WITH_EXAMPLES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for folder in ("core", "exporters", "ui")
    for path in (ROOT / folder).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(module):
    # Not by --doctest-modules: pytest would import the folders under their own names, where relative imports end.
    done = doctest.testmod(import_module(f"relamp.{module}"))
    assert done.attempted > 0
    assert done.failed == 0
