"""The lines that the test for a real Nuke prints. Imports no nuke, because `relamp nuke selftest` reads them outside Nuke."""

from __future__ import annotations

from typing import Any

STEPS = ("the node pastes as a Group", "its inputs are numbered", "the worker bakes")
REOPENED = "the script comes back as it was"


def expected_lines(checks: list[dict[str, Any]]) -> list[str]:
    """What a good run prints, but for the lines on lat-longs and on what to try by hand."""
    return [f"PASS {name}" for name in (*STEPS, *(check["name"] for check in checks), REOPENED)]
