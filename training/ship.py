"""Put a run's weights into the package, with their card and their entry in the ledger.

python -m relamp.training.ship data/runs/first
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ..core.errors import InputError
from ..core.relighter.weights import SCHEMA
from ..core.weights.file import read_card
from ..core.weights.ledger import LEDGER
from .ledger import enter, ship_from_command

TARGET = LEDGER.with_name("relamp-2.safetensors")
LARGEST = 40e6  # bytes of everything that ships

CARD = """# {name}

Relamp's own relighter: a denoiser of the residual log gain over the analytic hint, and a net that sees normals
and albedo. Licence {licence}. SHA-256 `{digest}`.

- **Data**: {data}. No photograph, no downloaded model, no human face: every frame was rendered by `relamp.training.stage`,
  every light painted by `relamp.training.environments`.
- **Recipe**: `relamp.training.train`, {samples} samples in {step} steps, {minutes:.0f} minutes. The running mean of the
  weights, in half precision.
- **Scores** on frames held out of the training, same renderer, sRGB PSNR in dB inside the matte, absolute level, 128 px:

{table}

  Normals of its own: {degrees} degrees off. Albedo: {albedo} stops off, its mean over the subject {albedo_level}.

## Known failures

{failures}
"""

FAILURES = """- Scenes of one renderer, 128 to 192 px: photographs and finer detail are new to it.
- Cast shadows under small lamps are softened.
- Metal is told by the light it was shot under: without a source light it is lit too much like something matte, and with one
  matte folds and curls are taken for a little glossy.
- Where strong colours fill the frame they are partly taken for coloured light, and skin turns grey.
- Without a source light the level is a guess; without normals, shapes that fill the frame (cloth, ground) come out flat.
- Frames are relit one by one: nothing in it knows of time."""

TITLES = {"a": "(a) plate, matte", "b": "(b) + normals", "c": "(c) + source environment", "d": "(d) both"}


def ship(run: Path, target: Path = TARGET) -> Path:
    """Copy a run's weights to `target`, with card and ledger; returns the card's path."""
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights} does not exist; train first with python -m relamp.training.train")
    card = read_card(weights, SCHEMA)
    _copy(weights, target)
    digest = enter(target, card, target.with_name("ledger.json"))
    scores = card["scores"]
    text = CARD.format(
        **{k: card[k] for k in ("name", "licence", "data", "samples", "step", "minutes")},
        digest=digest, table=_table(scores), failures=FAILURES, degrees=scores["normals_degrees"],
        albedo=scores["albedo_stops"], albedo_level=scores["albedo_level_stops"],
    )  # fmt: skip
    page = target.with_suffix(".md")
    page.write_text(text)
    return page


def _copy(weights: Path, target: Path) -> None:
    others = [p for p in target.parent.glob("*.safetensors") if p != target]
    if weights.stat().st_size + sum(p.stat().st_size for p in others) > LARGEST:
        raise InputError(f"with {weights} more than the {LARGEST / 1e6:.0f} MB that may ship; use a smaller network")
    shutil.copyfile(weights, target)


def _table(scores: dict) -> str:
    lines = ["| inputs | plate unchanged | ratio | Relamp | level free |", "| --- | --- | --- | --- | --- |"]
    for s, title in TITLES.items():
        numbers = (scores["unchanged"], scores["ratio"][s], scores["network"][s], scores["free"][s])
        lines.append(f"| {title} | " + " | ".join(f"{n:.2f}" for n in numbers) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(ship_from_command(ship, __doc__))
