import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from relamp.core import process

process.set_up()  # before anything imports numpy, as the command does

from shots import Shot  # noqa: E402


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A command that ran in this process sends the log elsewhere; the next test finds it as it was."""
    yield
    logger = logging.getLogger("relamp")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """A small real shot."""
    return Shot(tmp_path)
