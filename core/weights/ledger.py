"""The ledger of the weights that ship: what each file is, under which licence, and the SHA-256 its bytes must have.

Published weights, which others make, have their own: `relighter.models.ledger`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import plain_json
from ..errors import InputError

NAME = "ledger.json"
LEDGER = Path(__file__).parents[1] / "relighter" / "weights" / NAME
"""Lists every file of weights that ships, whichever folder the file lies in."""
_PACKAGE = Path(__file__).parents[1]


def read(ledger: Path) -> list[dict[str, Any]]:
    """The entries of a ledger, none where there is no file. Raises `InputError` for a file that is no ledger."""
    if not ledger.is_file():
        return []
    try:
        entries = plain_json.loads(ledger.read_text(encoding="utf-8"))["weights"]
        return [{**entry, "file": entry["file"], "sha256": entry["sha256"]} for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{ledger} cannot be read as a ledger of weights ({error!r}); reinstall Relamp") from None


def require_entered(path: Path, digest: str) -> None:
    """Refuse weights that differ from their entry in the ledger; called before weights are used.

    The ledger is the one beside the file, else Relamp's own where the file lies in Relamp's package. A file that has neither,
    such as the weights of a training run, is not checked.

    Args:
        digest: the SHA-256 of the file in hex.

    Raises:
        InputError: the file has no entry, or other bytes than its entry says.
    """
    beside = path.with_name(NAME)
    ledger = LEDGER if not beside.is_file() and _PACKAGE in path.resolve().parents else beside
    if not ledger.is_file() and ledger is beside:
        return
    expected = next((entry["sha256"] for entry in read(ledger) if entry["file"] == path.name), None)
    if expected is None:
        raise InputError(f"{path} is not in {ledger}, which lists the weights that ship; reinstall Relamp")
    if digest != expected:
        raise InputError(
            f"{path} is damaged or was changed: its SHA-256 is {digest[:12]}, {ledger.name} says {str(expected)[:12]}; "
            "reinstall Relamp"
        )
