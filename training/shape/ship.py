"""Put a run's weights of the shape network into the package, with their card and the ledger.

python -m relamp.training.shape.ship data/runs/shape
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import load_file

from ...core.shape.estimators.own import SHIPPED, save
from ...core.shape.estimators.shape_network import ShapeArchitecture, ShapeNetwork
from ...core.weights.file import LICENCE
from ...core.weights.ledger import LEDGER
from ..ledger import enter, ship_from_command
from ..slices import WEIGHTS, read_slice

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
    architecture, state, last = read_slice(run, "relamp.training.shape.train")
    network = ShapeNetwork(ShapeArchitecture.from_dict(architecture))
    network.load_state_dict(load_file(run / WEIGHTS))
    card = {
        "schema": "relamp.shape/1", "name": target.stem, "licence": LICENCE, "data": DATA, "views": last["views"],
        "scores": {k: round(v, 4) for k, v in last.items() if isinstance(v, float)}, **state,
    }  # fmt: skip
    save(network, target, card)
    digest = enter(target, card, ledger)
    page = target.with_suffix(".md")
    page.write_text(CARD.format(**card, digest=digest))
    return page


if __name__ == "__main__":
    sys.exit(ship_from_command(ship, __doc__))
