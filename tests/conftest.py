from pathlib import Path

import pytest

from relamp.core import process

process.set_up()  # before anything imports numpy, as the command does

from shots import Shot  # noqa: E402


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """A small real shot."""
    return Shot(tmp_path)
