"""Put a run's weights of the network of parts into the package, with their card and the ledger.

python -m relamp.training.parts.ship data/runs/parts
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import load_file

from ...core.errors import InputError
from ...core.shape.estimators.own import SEEN
from ...core.shape.estimators.parts import SCHEMA, SHIPPED, save
from ...core.shape.estimators.parts_network import PartsArchitecture, PartsNetwork
from ...core.shape.seen import PARTS
from ...core.weights.file import LICENCE
from ...core.weights.ledger import LEDGER
from ..ledger import enter, ship_from_command
from ..slices import WEIGHTS, read_slice
from .cache import POINTS
from .train import SHAPE

DATA = "ray-cast views of people and of things under random skies and lamps, as the weights shape-1 see them"
CARD = """# {name}

Relamp's own network of parts: which pixels of a subject are skin, hair, cloth or something else, from the features that `shape-1`
has found. Licence {licence}. {parameters} parameters. SHA-256 `{digest}`.

It reads the features of the weights with SHA-256 `{shape}` and of no others.

- **Data**: {data}.
  {pictures} pictures in the last slice, each in a light of its own, {points} points of each.
  How many were looked at how large: {sizes}.
  No photograph, no downloaded picture or network. `docs/training.md` lists every package a pixel came from. Eyes, teeth,
  the inside of a mouth, glasses, the ground and all things are *something else*; hanging and draped cloth is cloth, too.
- **Recipe**: `relamp.training.parts.train`, {samples} points in {steps} steps and {slices} slices, a fifth of the features
  dropped. The running mean of the weights, in half precision.
- **Scores** on pictures held out of the training (seeds 1 to 3): {scores[accuracy]:.1%} of the points right, {product}.
  Calibration error {scores[calibration]:.1%}.

| part | recall | precision |
| --- | --- | --- |
{table}

## Known failures

{failures}
"""
FAILURES = """\
- Fur is skin and hair: a cat's face is mostly taken for skin. No animal was in the training.
- Thin rods before a face can be skin or hair; the face behind them, with a hat and heavy glasses, is seen in patches.
- Helmets, neck rings and suits of plastic or metal that a person wears are cloth; stripes and folds of orange fabric have patches
  of skin. A close-fitting cap of one colour, or hair without strands, is a mix of cloth and skin.
- The bottom of a chequered curtain, and columns, show patches of all parts; patterned boxes a little cloth.
- The eyes of a small face are mostly skin, though the training calls eyes something else.
"""


def ship(run: Path, target: Path = SHIPPED, ledger: Path = LEDGER) -> Path:
    """Write a run's weights to `target`, with card and ledger; returns the card's path.

    Raises:
        InputError: the run has no weights, or was never scored.
    """
    architecture, state, last = read_slice(run, "relamp.training.parts.train")
    if "accuracy" not in last:
        raise InputError(f"{run} was never scored; cache the views of shards 1 to 3, too, and train a slice more")
    network = PartsNetwork(PartsArchitecture(**{**architecture, "channels": tuple(architecture["channels"])}))
    network.load_state_dict(load_file(run / WEIGHTS))
    names = ("accuracy", "recall", "precision", "calibration")
    card = {
        "schema": SCHEMA, "name": target.stem, "licence": LICENCE, "data": DATA, "shape": (run / SHAPE).read_text(),
        "pictures": {name.split()[1]: value for name, value in last.items() if name.startswith("pictures ")},
        "parameters": sum(p.numel() for p in network.parameters()),
        "scores": {k: round(v, 4) for k, v in last.items() if k.startswith(names)}, **state,
    }  # fmt: skip
    save(network, target, card)
    digest = enter(target, card, ledger)
    page = target.with_suffix(".md")
    page.write_text(_page(card, digest))
    return page


def _page(card: dict, digest: str) -> str:
    scores = card["scores"]
    table = "\n".join(
        f"| {name} | {scores[f'recall {name}']:.1%} | {scores[f'precision {name}']:.1%} |"
        for name in (*PARTS, "else")
        if f"recall {name}" in scores
    )
    at_size = scores.get(f"accuracy {SEEN}")
    product = f"{at_size:.1%} at {SEEN} px, as the product looks" if at_size is not None else f"none at {SEEN} px"
    sizes = ", ".join(f"{count} at {size} px" for size, count in card["pictures"].items())
    told = {**card, "pictures": sum(card["pictures"].values()), "points": POINTS, "sizes": sizes}
    return CARD.format(**told, digest=digest, table=table, product=product, failures=FAILURES.strip())


if __name__ == "__main__":
    sys.exit(ship_from_command(ship, __doc__))
