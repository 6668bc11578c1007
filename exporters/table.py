"""The exporters by name. A new one is a module here with a function `command`, a click command, and a line in this table.

Nothing is imported before it is called: exporters may need libraries that not everybody has.
"""

from __future__ import annotations

from ..core.cli.lazy import LazyCommand

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
