"""Put a run's weights of the shape network into the package, with their card and the ledger.

python -m relamp.training.shape.ship data/runs/shape
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file

from ...core.errors import InputError, RelampError
from ...core.shape.estimators.own import SHIPPED, save
from ...core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork
from ...core.weights.file import LICENCE
from ...core.weights.ledger import LEDGER
from ..ledger import enter

DATA = "ray-cast views of people (bodies of anny, dressed and haired by relamp.training.views) and of things, lit while training"
CARD = """# {name}

Relamp's own network of shape: normals, relief, albedo and its own doubt, seen in one picture and its matte. Licence {licence}.
SHA-256 `{digest}`.

- **Data**: {data}; {views} views in the last slice. No photograph, no downloaded picture or network. `docs/training.md` lists
  every package a pixel came from.
- **Recipe**: `relamp.training.shape.train`, {samples} pictures in {steps} steps and {slices} slices, each picture in a light of
  its own, 128 to 320 px. The running mean of the weights, in half precision.
- **Scores** on views held out of the training (seeds 1 to 3), 256 px, means inside the matte:

| | normals, degrees | albedo, natural logs | relief, pictures' sides |
| --- | --- | --- | --- |
| people | {scores[people normals]:.1f} (skin {scores[skin]:.1f}, hair {scores[hair]:.1f}, cloth {scores[cloth]:.1f}) \
| {scores[people albedo]:.2f} | {scores[people relief]:.3f} |
| things | {scores[things normals]:.1f} | {scores[things albedo]:.2f} | {scores[things relief]:.3f} |

## Known failures

- Every person is one family of bodies with procedural hair and clothes: strands, tulle, jewellery, hats with structure, armour
  and animals are new to it.
- Black and mirroring surfaces show it nothing to tell a shape by; what they mirror is taken for form.
- A print on cloth that looks like shading is taken for folds.
- Relief is only as good as one picture can tell: how far apart two things stand is a guess.
- The level of albedo is a guess, as it must be without a light that is known.
"""


def ship(run: Path, target: Path = SHIPPED, ledger: Path = LEDGER) -> Path:
    """Write a run's weights to `target`, with card and ledger; returns the card's path.

    Raises:
        InputError: the run has no weights, or was never scored.
    """
    weights, progress = run / "weights.safetensors", run / "progress.jsonl"
    if not (weights.is_file() and progress.is_file()):
        raise InputError(f"{run} holds no finished slice; train first with python -m relamp.training.shape.train")
    state = json.loads((run / "state.json").read_text())
    last = json.loads(progress.read_text().splitlines()[-1])
    network = ShapeNetwork(ShapeArchitecture.from_dict(json.loads((run / "architecture.json").read_text())))
    network.load_state_dict(load_file(weights))
    card = {
        "schema": "relamp.shape/1", "name": target.stem, "licence": LICENCE, "data": DATA, "views": last["views"],
        "scores": {k: round(v, 4) for k, v in last.items() if isinstance(v, float)}, **state,
    }  # fmt: skip
    save(network, target, card)
    digest = enter(target, card, ledger)
    page = target.with_suffix(".md")
    page.write_text(CARD.format(**card, digest=digest))
    return page


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    try:
        print(ship(parser.parse_args(argv).run))
    except RelampError as error:
        print(f"ship: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
