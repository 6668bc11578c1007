"""Files of estimators in the models folder: checks them, finds the directions of their axes, and opens them.

The result of a rendered ball and ramp (`shape.estimators.probe`) is noted in `models.json` when a file is added. A file that
was copied there by hand is probed when it is first opened.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...atomic import replacing
from ...errors import InputError
from ...parameters import ESTIMATORS
from .folder import Found, Models
from .ledger import DAVID, MARIGOLD, MOGE, Used, require_allowed

if TYPE_CHECKING:
    import torch

    from ...shape.estimators import Estimator
    from ...shape.estimators.probe import Found as Axes

log = logging.getLogger("relamp")

NAMES = ESTIMATORS
KINDS = ("moge", *(f"david-{kind}" for kind in DAVID), "marigold")
EMPTY_PROMPT = "empty_prompt.safetensors"
_TOLD_BY_NAME = {
    "multi-task": "multi",
    "normal": "normals",
    "depth": "depth",
    "foreground": "matte",
    "segment": "matte",
}


@dataclass(frozen=True)
class LoadedEstimator:
    """A loaded estimator, the record of its files for the frames' headers, and the SHA-256 of them all, in hex."""

    estimator: Estimator
    used: tuple[str, ...]
    digest: str


def load(
    name: str, models: Models, accept: tuple[str, ...] = (), device: str = "cpu", seed: int = 0
) -> LoadedEstimator:
    """Load the estimator of a name on its device.

    Args:
        name: of `NAMES`.
        accept: models to use although their licence forbids commercial work or is unknown.
        device: a torch device; ONNX files run on the processor where ONNX Runtime has no CUDA.
        seed: the shot's, for estimators that start from noise.

    Raises:
        InputError: its files are missing (the message says what to fetch and where to put it), damaged, or of
            another kind.
        UsageError: a file's licence is not accepted.
    """
    if name == "own":
        from ...shape.estimators.own_passes import Own
        from ...weights.file import LICENCE

        own = Own(device)
        return LoadedEstimator(own, (f"own {own.loaded.digest[:12]} commercial ({LICENCE})",), own.digest)
    found = _found(name, models)
    require_allowed([(f.name, f.licence, f.terms) for f in found.values()], accept)
    used = [models.used(f) for f in found.values()]
    first = next(iter(found.values()))
    estimator = _open(
        name, {kind: f.path for kind, f in found.items()}, device, seed, _noted(models, name, found, device)
    )
    log.debug("%s: %s", name, models.note(first.name).get("axes", "axes not noted"))
    return LoadedEstimator(estimator, tuple(str(u) for u in used), _together(used))


def probed(path: Path, kind: str, device: str = "cpu") -> Axes:
    """The axes of a file or folder of a kind of `KINDS`, found with a ball and a ramp. Raises `InputError` if not valid."""
    from ...shape.estimators.probe import look

    name, _, part = kind.partition("-")
    return look(_open(name, {part or "": path}, device, 0, None))


def note_axes(models: Models, found: Found, axes: Axes) -> None:
    """Note the axes of a model in `models.json`."""
    models.note_down(found.name, turn=axes.turn.tolist(), nearer=axes.nearer, axes=axes.words)


def check(path: Path, kind: str) -> str:
    """Check a file or folder of a kind of `KINDS`; returns a line about it. Raises `InputError` as `models.check.check`."""
    if kind == "marigold":
        from ...shape.estimators.marigold import Index

        index = Index.of(path)
        from .layout import DIFFUSERS, weights_files

        for part in ("unet", "vae"):
            weights_files(path / part, DIFFUSERS)
        if not (path / EMPTY_PROMPT).is_file():
            _text_files(path)
        return f"Marigold's {index.prediction}, {index.steps} steps at {index.size} px"
    if kind == "moge":
        from ...shape.estimators.moge import MoGe

        MoGe(path)
        return "MoGe-2 with normals"
    from ...shape.estimators.david import open_file

    open_file(path, kind.removeprefix("david-"))
    return f"DAViD, {kind.removeprefix('david-')}"


def kind_of_onnx(path: Path) -> str:
    """The kind, of `KINDS`, of an ONNX file, by its inputs and then its name. Raises `InputError` for none."""
    from ...shape.estimators.onnx_file import OnnxFile

    file = OnnxFile(path)
    if "num_tokens" in file.inputs:
        return "moge"
    if len(file.inputs) == 1 and len(file.outputs) == 3:
        return "david-multi"
    for word, kind in _TOLD_BY_NAME.items():
        if word in path.name.lower():
            return f"david-{kind}"
    raise InputError(
        f"{path} takes {', '.join(file.inputs)} and gives {', '.join(file.outputs)}: it is neither MoGe-2 nor, by its name, "
        "one of DAViD's files; keep the name that it was published under, or give it with --name"
    )


def keep_empty_prompt(folder: Path) -> None:
    """Store the embedding of the empty prompt in a Marigold folder, so that no text encoder is needed later."""
    from safetensors.torch import save_file

    if not (folder / EMPTY_PROMPT).is_file():
        with replacing(folder / EMPTY_PROMPT, overwrite=False) as temporary:
            save_file({"embedding": empty_prompt(folder).contiguous()}, str(temporary))


def empty_prompt(folder: Path) -> torch.Tensor:
    """The embedding of the empty prompt, (1, 2, C): stored in a Marigold folder, else its text encoder's."""
    import torch

    from ..stable_diffusion.checkpoints import read_tensors
    from .layout import StableDiffusion

    stored = folder / EMPTY_PROMPT
    if stored.is_file():
        embedding = read_tensors(stored).get("embedding")
        if embedding is None or embedding.ndim != 3:
            raise InputError(f"{stored} holds no embedding; remove it, and add the folder again with relamp models add")
        return embedding.float()
    base = StableDiffusion(folder)
    tokens = base.tokens().tokens
    return base.text_encoder()(torch.tensor([[tokens.begin, tokens.end]])).float()  # Marigold's prompts are not padded


def _text_files(folder: Path) -> None:
    from .layout import StableDiffusion

    StableDiffusion(folder).text_files()


def _found(name: str, models: Models) -> dict[str, Found]:
    """The files of an estimator, by kind; larger networks come first. Raises `InputError` if there are none."""
    there = {found.name: found for found in models.present()}
    if name == "moge":
        return {"": next((there[n] for n in MOGE if n in there), None) or models.find(MOGE[-1])}
    if name == "marigold":
        return {n: there[n] for n in MARIGOLD if n in there} or {MARIGOLD[0]: models.find(MARIGOLD[0])}
    best = {kind: next((there[n] for n in names if n in there), None) for kind, names in DAVID.items()}
    if (whole := best.pop("multi")) is not None:
        return {"multi": whole}
    found = {kind: f for kind, f in best.items() if f is not None}
    return found or {"multi": models.find(DAVID["multi"][0])}


def _open(name: str, paths: dict[str, Path], device: str, seed: int, axes: dict[str, Any] | None) -> Estimator:
    turn = None if axes is None else np.array(axes["turn"], np.float32)
    nearer = 1.0 if axes is None else float(axes["nearer"])
    if name == "moge":
        from ...shape.estimators.moge import MoGe

        return MoGe(next(iter(paths.values())), device, turn)
    if name == "david":
        from ...shape.estimators.david import David

        return David(paths, device, turn, nearer)
    from ...shape.estimators.marigold import Marigold, Part

    parts = [Part(path, empty_prompt(path), device) for path in paths.values()]
    return Marigold({part.index.prediction: part for part in parts}, turn, nearer, seed)


def _noted(models: Models, name: str, found: dict[str, Found], device: str) -> dict[str, Any]:
    """The axes of all the files: as noted when they were added, else probed now."""
    turn, nearer = np.eye(3), 1.0
    for kind, model in found.items():
        note = models.note(model.name)
        if "turn" not in note:
            axes = probed(model.path, name if name != "david" else f"david-{kind}", device)
            log.info("%s: %s", model.name, axes.words)
            note = {"turn": axes.turn.tolist(), "nearer": axes.nearer}
        turn, nearer = np.array(note["turn"]) @ turn, nearer * float(note["nearer"])
    return {"turn": turn, "nearer": nearer}


def _together(used: list[Used]) -> str:
    import hashlib

    return hashlib.sha256("".join(u.digest for u in used).encode()).hexdigest()
