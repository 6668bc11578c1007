"""The ledger of the weights that ship: what each file is, under which licence, and its hash."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.relighter.weights import SHIPPED, digest_of

LEDGER = SHIPPED.with_name("ledger.json")
"""Of everything that ships, whichever folder it lies in."""
SCHEMA = "relamp.ledger/1"


def enter(target: Path, card: dict, ledger: Path) -> str:
    """Put weights into the ledger, in place of those of the same name; returns their digest."""
    digest = digest_of(target)
    entry = {"file": target.name, "sha256": digest, "licence": card["licence"], "production": True, **card}
    write(ledger, [e for e in read(ledger) if e["file"] != target.name] + [entry])
    return digest


def read(ledger: Path) -> list[dict]:
    """The entries of a ledger, none where there is no file."""
    return json.loads(ledger.read_text())["weights"] if ledger.is_file() else []


def write(ledger: Path, entries: list[dict]) -> None:
    """Write a ledger anew."""
    entries = sorted(entries, key=lambda entry: len(entry["file"]))  # spatial weights before their temporal layers
    ledger.write_text(json.dumps({"schema": SCHEMA, "weights": entries}, indent=2) + "\n")
