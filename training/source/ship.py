"""Put a run's weights of the light network into the package, with their card and the ledger.

python -m relamp.training.source.ship data/runs/source
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import load_file

from ...core.errors import InputError
from ...core.shape.estimators.light import SCHEMA, SHIPPED, save
from ...core.shape.estimators.light_network import LightArchitecture, LightNetwork
from ...core.weights.file import LICENCE
from ...core.weights.ledger import LEDGER
from ..ledger import enter, ship_from_command
from ..slices import WEIGHTS, read_slice

DATA = "ray-cast views of people and of things under random skies and lamps, as the weights shape-1 see them"
CARD = """# {name}

Relamp's own network of light: the light that a plate was shot under, as amounts of soft lobes before the camera, seen in one
picture, its matte and the shape that `shape-1` sees. Licence {licence}. {parameters} parameters.
SHA-256 `{digest}`.

- **Data**: {data}.
  {views} pictures in the last slice, each view in a light of its own. No photograph, no downloaded picture or network.
  `docs/training.md` lists every package a pixel came from.
- **Recipe**: `relamp.training.source.train`, {samples} pictures in {steps} steps and {slices} slices, half of them
  mirrored, half of them enlarged parts, a third with the true normals. The running mean of the weights, in half precision.
- **Scores** on pictures held out of the training (seeds 1 to 3):

| | key off, degrees, mean | median |
| --- | --- | --- |
| with the shape as it is seen | {scores[degrees]:.1f} | {scores[degrees median]:.1f} |
| with true normals | {scores[degrees +N]:.1f} | {scores[degrees median +N]:.1f} |

A light of these pictures may stand anywhere, behind the subject too.

## Known failures

- It was taught soft skies and at most three lamps. What a street or a forest throws, stripes and spots of light, is new to it.
- The colour of the light is not seen, only how bright it is by direction.
- A print on cloth, or skin beside black hair, can be taken for light and shade; a black or mirroring subject shows it little.
- Light from behind is a guess.
"""


def ship(run: Path, target: Path = SHIPPED, ledger: Path = LEDGER) -> Path:
    """Write a run's weights to `target`, with card and ledger; returns the card's path.

    Raises:
        InputError: the run has no weights, or was never scored.
    """
    architecture, state, last = read_slice(run, "relamp.training.source.train")
    if "degrees" not in last:
        raise InputError(f"{run} was never scored; cache the views of shards 1 to 3, too, and train a slice more")
    network = LightNetwork(LightArchitecture(**architecture))
    network.load_state_dict(load_file(run / WEIGHTS))
    card = {
        "schema": SCHEMA, "name": target.stem, "licence": LICENCE, "data": DATA, "views": last["views"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "scores": {k: round(v, 4) for k, v in last.items() if "degrees" in k or "held" in k}, **state,
    }  # fmt: skip
    save(network, target, card)
    digest = enter(target, card, ledger)
    page = target.with_suffix(".md")
    page.write_text(CARD.format(**card, digest=digest))
    return page


if __name__ == "__main__":
    sys.exit(ship_from_command(ship, __doc__))
