"""Writes the reference page from the declarations: python docs/make_reference.py [--check].

With --check nothing is written, and the exit code is 1 where the page is not what the declarations say.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from relamp.core import errors
from relamp.core.cli import relamp
from relamp.core.cli.declared import flag_of
from relamp.core.cli.render import command as render
from relamp.core.job import SCHEMA, plain
from relamp.core.parameters import GROUPS, LAYER_HELP, Knob, default_of, knobs

PAGE = Path(__file__).parent / "reference.md"
HEADINGS = {
    "inputs": "Inputs", "light": "Light", "relight": "How the light is worked out", "output": "Output",
    "run": "Frames and the run", "published": "Published systems",
}  # fmt: skip
SIGNALS = {
    "130, 143": "Stopped by SIGINT (within two seconds) or SIGTERM (frames in work have 25 seconds). Finished frames are kept."
}
FARM = {0: "finish", 1: "retry on another machine", 2: "fail", 3: "retry the missing frames", 4: "fail",
        5: "retry on a bigger machine", 6: "fail", "130, 143": "requeue"}  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = [
        "# Reference",
        "Made by `python docs/make_reference.py` from the declarations in the code; a test compares the two.",
        *_commands(), *_options(), *_layers(), *_exit_codes(),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _commands() -> list[str]:
    rows = [(f"`relamp {name}`", verb.help) for name, verb in sorted(relamp.table.items())]  # type: ignore[attr-defined]
    return ["## Commands", _table(("command", "what it does"), rows)]


def _options() -> list[str]:
    intro = (
        f"Each parameter is an option of `relamp render` and a key of a job file (`{SCHEMA}`, under `parameters`). The key is "
        "the name with underscores. A parameter marked *keys* may change over the shot: `1001=0;1024=90` on the command line, "
        '`{"keys": [[1001, 0], [1024, 90]]}` in a job.'
    )
    parts = ["## Options and job keys", intro]
    for group in GROUPS:
        rows = [(f"`{'PLATE' if n == 'plate' else flag_of(n)}`", f"`{n}`", _values(n, k), k.help)
                for n, k in knobs() if k.group == group]  # fmt: skip
        parts += [f"### {HEADINGS[group]}", _table(("option", "job key", "values", "meaning"), rows)]
    own = [(f"`{max(p.opts, key=len)}`", str(getattr(p, "help", "")))
           for p in render.params if str(p.name) not in dict(knobs())]  # fmt: skip
    return [*parts, "### Options that are no job keys", _table(("option", "meaning"), own)]


def _values(name: str, k: Knob) -> str:
    shown = {"float": "number", "int": "whole number", "bool": "true or false", "picture": "path or sequence", "file": "path",
             "vector": "three numbers", "names": "names", "choice": "", "text": "text"}[k.kind]  # fmt: skip
    words = [", ".join(f"`{choice}`" for choice in k.choices) or k.form or shown]
    if k.kind in ("float", "int") and (math.isfinite(k.lo) or math.isfinite(k.hi)):
        words[0] += f" {k.lo:g} to {k.hi:g}"
    if k.unit:
        words[0] += f" {k.unit}"
    default: Any = plain(default_of(name))
    if default not in (None, "", []) and k.kind != "bool":
        words.append(f"default `{','.join(f'{v:g}' for v in default) if isinstance(default, list) else default}`")
    elif default is True:
        words.append("default true")
    return "; ".join([*words, *(["keys"] if k.animatable else [])])


def _layers() -> list[str]:
    rows = [(f"`{name}`", text) for name, text in LAYER_HELP.items()]
    return ["## Layers", "`--layers` writes these beside the beauty.", _table(("layer", "what it holds"), rows)]


def _exit_codes() -> list[str]:
    kinds = [errors.UsageError, errors.FramesFailedError, errors.InputError, errors.DeviceError, errors.OutputError]
    meanings: dict[Any, str] = {0: "Every frame that was asked for is there and complete.", 1: "An unexpected error."}
    meanings |= {kind.exit_code: str(kind.__doc__).partition("\n")[0] for kind in kinds}
    rows = [(str(code), text, f"should {FARM[code]}") for code, text in (meanings | SIGNALS).items()]
    return ["## Exit codes", _table(("code", "meaning", "a farm"), rows)]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.is_file() and PAGE.read_text("utf-8") == page() else f"{PAGE} is old: run {sys.argv[0]}")
    PAGE.write_text(page(), encoding="utf-8")
