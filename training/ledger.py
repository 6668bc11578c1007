"""The ledger of the weights that ship: what each file is, under which licence, and its hash."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import RelampError
from ..core.weights.file import digest_of
from ..core.weights.ledger import read

SCHEMA = "relamp.ledger/1"


def enter(target: Path, card: dict, ledger: Path) -> str:
    """Put weights into the ledger, in place of those of the same name; returns their digest."""
    digest = digest_of(target)
    entry = {"file": target.name, "sha256": digest, "licence": card["licence"], "production": True, **card}
    write(ledger, [e for e in read(ledger) if e["file"] != target.name] + [entry])
    return digest


def write(ledger: Path, entries: list[dict]) -> None:
    """Write a ledger anew."""
    entries = sorted(entries, key=lambda entry: entry["file"])
    ledger.write_text(json.dumps({"schema": SCHEMA, "weights": entries}, indent=2) + "\n")


def ship_from_command(ship: Callable[[Path], Path], doc: str | None, argv: Sequence[str] | None = None) -> int:
    """Ship the run that a command line names, and print the path of its card; returns the exit code."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a training run")
    try:
        print(ship(parser.parse_args(argv).run))
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
