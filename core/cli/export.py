"""`relamp export NAME`: what another program reads. A new exporter is a module of `exporters` and a line in the table here.

The attribute `command` of the module is a click command. No exporter is imported before it is called: they may need libraries
that are not installed everywhere.
"""

from __future__ import annotations

import click

from .lazy import LazyCommand, LazyGroup

EXPORTERS: dict[str, LazyCommand] = {
    "onnx": LazyCommand(
        "relamp.exporters.onnx", "The deflicker head as ONNX, float32 and float16, checked against torch."
    ),
    "exr": LazyCommand("relamp.exporters.exr", "Relit frames again, with the layers chosen, in one part or many."),
    "nuke": LazyCommand("relamp.exporters.nuke", "The relight rebuilt from its layers as a Nuke script."),
    "opencue": LazyCommand("relamp.exporters.opencue", "A job as an OpenCue specification, through pyoutline."),
    "openjd": LazyCommand(
        "relamp.exporters.openjd", "A job as an Open Job Description bundle, for openjd and Deadline Cloud."
    ),
    "usd": LazyCommand("relamp.exporters.usd", "The light as a UsdLux rig, for CG to match the relit plate."),
}

EXAMPLES = """\b
Example:
  relamp export nuke shot.relamp.json --out relight.nk
"""


@click.group("export", cls=LazyGroup, table=EXPORTERS, epilog=EXAMPLES)
def command() -> None:
    """Write files for other programs."""
