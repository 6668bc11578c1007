"""The exporters by name. A new one is a module here with a function `command`, a click command, and a line in this table.

Nothing is imported before it is called: exporters may need libraries that not everybody has.
"""

from __future__ import annotations

from ..core.lazy import LazyCommand

EXPORTERS: dict[str, LazyCommand] = {
    "exr": LazyCommand("relamp.exporters.exr", "Relit frames again, with the layers chosen, in one part or many."),
    "opencue": LazyCommand("relamp.exporters.opencue", "A job as an OpenCue specification, through pyoutline."),
    "openjd": LazyCommand(
        "relamp.exporters.openjd", "A job as an Open Job Description bundle, for openjd and Deadline Cloud."
    ),
}
