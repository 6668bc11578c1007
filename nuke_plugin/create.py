"""A new Relamp node under what is selected, as a Group, so that a farm opens the script without Relamp."""

from __future__ import annotations

from pathlib import Path

import nuke

from ..core.errors import UsageError

PASTED = Path(__file__).parent / "startup" / "Relamp.nk"


def create() -> nuke.Node:
    """Paste the node and return it. Raises `UsageError` when this is no installed copy."""
    if not PASTED.is_file():
        raise UsageError(f"{PASTED} is missing; run `relamp nuke install` again")
    node = nuke.nodePaste(PASTED.as_posix())
    assert node is not None
    return node
