"""`relamp panel`. Floor 4."""

from __future__ import annotations

import click

from ..errors import UsageError

EXAMPLES = """\b
Examples:
  relamp panel plate.1001.exr
  relamp panel shot.relamp.json
"""


@click.command("panel", epilog=EXAMPLES)
@click.argument("path", required=False, metavar="[JOB|PLATE]")
def command(path: str | None) -> None:
    """Open the panel, with a job file or a plate if one is given."""
    from ...ui.display import why_no_display

    lacking = why_no_display()
    if lacking:
        raise UsageError(lacking)
    try:
        from ...ui.panel import main as open_panel
    except ImportError as error:
        raise UsageError(f"the panel needs Qt: pip install 'relamp[panel]' ({error})") from None
    raise SystemExit(open_panel([path] if path else []))
