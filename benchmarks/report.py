"""Where a benchmark says its table: on the terminal, and in a file with the command that made it."""

# pyright: reportMissingImports=false
# relamp is found where it is installed.

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from relamp.core.atomic import replacing


class Report:
    """Prints lines, and when there is a `path` keeps it in step with what was printed.

    The file begins with a title and the command. It is written whole each time, so a run that is stopped leaves what it had.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        name = Path(sys.argv[0]).stem
        command = shlex.join(["python", f"benchmarks/{name}.py", *sys.argv[1:]])
        self._lines = [f"# {name.replace('_', ' ').capitalize()}\n", f"`{command}`\n"]

    def __call__(self, line: str) -> None:
        """Say a line, or several."""
        print(line, flush=True)
        self._lines.append(line)
        if self._path:
            with replacing(self._path, overwrite=True) as temporary:
                temporary.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
