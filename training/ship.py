"""Put a run's weights into the package, with their card and the ledger: spatial ones, or temporal layers beside them.

python -m relamp.training.ship data/runs/first
python -m relamp.training.ship data/runs/motion

Temporal layers belong to the spatial weights they were trained on: shipping others takes them out again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError, RelampError
from ..core.relighter.weights import MOTION_SCHEMA, SCHEMA, SHIPPED, digest_of, motion_path, read_card
from .ledger import enter, read, write

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
- Still frames only: time is the business of the temporal layers."""

MOTION_CARD = """# {name}

Temporal layers for Relamp's own relighter: every pixel attends to itself in the frames of a window. Licence {licence}. SHA-256
`{digest}`, for the spatial weights `{spatial}`.

- **Data**: {data}: still frames under moving light and through moving windows, and rendered clips.
- **Recipe**: `relamp.training.train_temporal`, {samples} clips of {length} frames in {step} steps, {minutes:.0f} minutes; the
  spatial layers frozen. The running mean of the weights, in half precision.
- **Scores** on held-out clips, same renderer; flicker is what the error of the log gain does from a frame to the next along the
  motion, root mean square:

| layers | flicker, stops | PSNR, dB |
| --- | --- | --- |
| spatial | {flicker_spatial:.4f} | {psnr_spatial:.2f} |
| + temporal | {flicker_temporal:.4f} | {psnr_temporal:.2f} |

## Known failures

- A pixel is compared with the same pixel of other frames: what moves far within a window is steadied less.
- The normals net has no temporal layers: where normals are not given, their flicker reaches the hint.
"""

TITLES = {"a": "(a) plate, matte", "b": "(b) + normals", "c": "(c) + source environment", "d": "(d) both"}


def ship(run: Path, target: Path = SHIPPED) -> Path:
    """Copy a run's weights to `target`, or its temporal layers beside it, with card and ledger; returns the card's path."""
    if (run / "motion.safetensors").is_file():
        return _ship_motion(run / "motion.safetensors", target)
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{weights} does not exist; train first with python -m relamp.training.train")
    card = read_card(weights, SCHEMA)
    _copy(weights, target)
    digest = enter(target, card, target.with_name("ledger.json"))
    motion = motion_path(target)
    if motion.is_file() and read_card(motion, MOTION_SCHEMA).get("spatial") != digest:
        print(f"{motion.name} belongs to other spatial weights and is taken out; train_temporal makes it again")
        for path in (motion, motion.with_suffix(".md")):
            path.unlink(missing_ok=True)
        ledger = target.with_name("ledger.json")
        write(ledger, [entry for entry in read(ledger) if entry["file"] != motion.name])
    scores = card["scores"]
    text = CARD.format(
        **{k: card[k] for k in ("name", "licence", "data", "samples", "step", "minutes")},
        digest=digest, table=_table(scores), failures=FAILURES, degrees=scores["normals_degrees"],
        albedo=scores["albedo_stops"], albedo_level=scores["albedo_level_stops"],
    )  # fmt: skip
    page = target.with_suffix(".md")
    page.write_text(text)
    return page


def _ship_motion(layers: Path, spatial: Path) -> Path:
    card = read_card(layers, MOTION_SCHEMA)
    if card["spatial"] != digest_of(spatial):
        raise InputError(
            f"{layers} was trained on the spatial weights {card['spatial'][:12]}, but {spatial.name} is "
            f"{digest_of(spatial)[:12]}; ship those first, or train for these with train_temporal"
        )
    target = motion_path(spatial)
    _copy(layers, target)
    digest = enter(target, card, target.with_name("ledger.json"))
    page = target.with_suffix(".md")
    page.write_text(
        MOTION_CARD.format(**{**card, "digest": digest, "length": card["architecture"]["length"]}, **card["scores"])
    )
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


def main(argv: Sequence[str] | None = None) -> int:
    """Ship; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m relamp.training.ship", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    try:
        print(ship(parser.parse_args(argv).run))
    except RelampError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
