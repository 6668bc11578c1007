"""Put a run's head into the package: its torch weights, the ONNX files made of them, the card and the ledger.

python -m relamp.training.deflicker.ship data/runs/deflicker
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ...core.errors import InputError
from ...core.temporal.deflicker import SHIPPED
from ...core.temporal.head import load
from ...core.weights.ledger import LEDGER
from ...exporters.onnx import OPSET, export, parity
from ..ledger import enter, ship_from_command

CARD = """# {name}

Relamp's deflicker head: weighs six neighbours of a frame, brought onto it along the motion of the plate, and takes out what
comes and goes in the residual log gain. {parameters} parameters. Licence {licence}.

- **Files**: `{file}` (float32, what runs) SHA-256 `{digest}`, `{half}` (float16 within), ONNX opset {opset}, made by
  `relamp export onnx` from `{weights}`. Largest difference from torch {difference:.1e} in float32, {half_difference:.1e} in
  float16, over sizes from 64 x 64 to 512 x 288 and 1 to 40 frames.
- **Data**: procedural clips made while training (`relamp.training.deflicker.clips`, `.flicker`){more}. No
  photograph, no downloaded model.
- **Recipe**: `relamp.training.deflicker.train`, {samples} samples in {step} steps, {minutes:.0f} minutes of a shared core, seed
  {seed}{start}. The running mean of the weights.
- **Scores** on clips of another seed: {left:.2f} of the flicker's change from frame to frame is left (median over mixtures of
  kinds, slow ones among them); where nothing flickers it is off by {harm:.4f} log gain.{filmed} `benchmarks/deflicker.md` has
  more.

## Known failures

- It sees three frames to each side: breathing slower than that stays.
- It corrects surroundings of 20 px and more, at 256 px or the working size where that is less: finer flicker stays.
- Lightning that no environment tells of looks like a pop, and is taken out.
- A lamp that no environment tells of is told from flicker by its step: where the step is not well above the flicker, part of
  the step goes or more flicker stays beside it. At the first and last frame of a shot a step looks like a pop.
- Where the motion of the plate cannot be followed (no texture, very fast) it does little.
"""


def ship(run: Path, target: Path = SHIPPED, ledger: Path = LEDGER) -> Path:
    """Copy a run's weights beside `target`, export both files, write card and ledger; returns the card's path."""
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights} does not exist; train first with python -m relamp.training.deflicker.train")
    _, card = load(weights)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept, half = target.with_suffix(".safetensors"), target.with_name(f"{target.stem}-half.onnx")
    shutil.copyfile(weights, kept)
    export(kept, target)
    export(kept, half, half=True)
    differences = {"difference": parity(kept, target), "half_difference": parity(kept, half)}
    digest = enter(target, card, ledger)
    for other in (half, kept):
        enter(other, card, ledger)
    page = target.with_suffix(".md")
    more = f", {card['filmed']} clips off the light stage (`.filmed`)" if card.get("filmed") else ""
    more += f", {card['own']} clips of what our own relighter leaves (`.own`)" if card.get("own") else ""
    begun = f", begun from weights of {card.get('earlier', 0)} samples (SHA-256 {card.get('start', '')[:12]})"
    start = begun if card.get("start") else ""
    held = {k.removeprefix("filmed "): v for k, v in card["scores"].items() if k.startswith("filmed ")}
    scores = " Off held-out frames of the stage: " + ", ".join(f"{k} {v:.3f}" for k, v in held.items()) + "."
    text = CARD.format(
        **{k: card[k] for k in ("name", "licence", "parameters", "samples", "step", "minutes", "seed")},
        **differences, left=card["scores"]["left"], harm=card["scores"]["harm"], more=more, start=start,
        filmed=scores if held else "", file=target.name, half=half.name, weights=kept.name, digest=digest, opset=OPSET,
    )  # fmt: skip
    page.write_text(text)
    return page


if __name__ == "__main__":
    sys.exit(ship_from_command(ship, __doc__))
