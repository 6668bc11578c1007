"""The ledger of the weights that ship: what each file is, under which licence, and its hash."""

from __future__ import annotations

import json
from pathlib import Path

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
