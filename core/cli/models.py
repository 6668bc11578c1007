"""`relamp models`: what published weights there are, what lies in the models folder, and whether it is what it says. Floor 4."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..parameters import knob_of

if TYPE_CHECKING:
    from ..relighter.models.folder import Found, Models
    from ..relighter.models.layout import StableDiffusion

EXAMPLES = """\b
Examples:
  relamp models list
  relamp models add moge-2-vits-normal.onnx
"""


@click.group(epilog=EXAMPLES)
@click.option("--models", "folder", metavar="DIR", help=knob_of("models").help)
@click.pass_context
def command(ctx: click.Context, folder: str | None) -> None:
    """List, check, convert and add the weights of the published systems. Nothing is ever downloaded."""
    from ..relighter.models.folder import Models

    ctx.obj = Models(folder)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@click.pass_obj
def list_models(models: Models, as_json: bool) -> None:
    """List the models with their sizes, licences and places, and show which of them are there."""
    rows = _rows(models)
    if as_json:
        click.echo(json.dumps({"folder": str(models.folder), "models": rows}, indent=1))
        return
    click.echo(f"models folder: {models.folder}")
    for row in rows:
        click.echo(f"\n{'present' if row['present'] else 'absent ':8} {row['name']}")
        if row["what"]:
            click.echo(f"         {row['what']}, {row['size']}; for {', '.join(row['users'])}")
        click.echo(f"         {row['licence']}: {row['terms']}")
        if row["axes"]:
            click.echo(f"         axes: {row['axes']}")
        if not row["present"]:
            click.echo(f"         from {row['home']}, to {models.folder / row['name']}")


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--base", metavar="NAME", help="The Stable Diffusion that they belong to. Without it, the published one.")
@click.pass_obj
def check(models: Models, names: tuple[str, ...], base: str | None) -> None:
    """Check the weights that NAME or a path names, or all of the folder: keys, shapes, types, and the hash that was noted."""
    from ..errors import InputError

    base_model = _base(models, base)
    found = models.find_all(names) if names else models.present()
    if not found:
        raise InputError(f"there is nothing to check in {models.folder}; `relamp models list` says what goes there")
    reasons = []
    for model in found:
        try:
            click.echo(f"ok       {_checked(models, model, base_model)}")
        except InputError as error:
            reasons.append(str(error))
            click.echo(f"WRONG    {error}")
    if reasons:
        raise InputError(f"{len(reasons)} of {len(found)} models do not fit: {reasons[0]}")


@command.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path), required=False)
def convert(path: Path, out: Path | None) -> None:
    """Convert a checkpoint pickled by torch, or all in a folder, to safetensors. Only weights are read, never code."""
    from ..errors import InputError, UsageError
    from ..relighter.models.folder import pickles
    from ..relighter.stable_diffusion.checkpoints import convert_pickle

    if path.is_dir():
        if out is not None:
            raise UsageError(f"{path} is a folder: what is in it is converted in place; leave out {out}")
        sources = pickles(path)
        if not sources:
            raise InputError(f"{path} holds no checkpoint that has no safetensors beside it")
        pairs = sources
    else:
        pairs = [(path, out or path.with_suffix(".safetensors"))]
    for source, target in pairs:
        keys = convert_pickle(source, target)
        click.echo(f"{target}: {len(keys)} tensors")


@command.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", default="", help="The name to add it under. Without it, its own.")
@click.option(
    "--licence", default="", metavar="commercial|restricted|noncommercial|unknown", help="What the licence allows."
)
@click.option("--terms", default="", help="The licence in words; they are written into every frame made with it.")
@click.option("--link", is_flag=True, help="Make a link instead of a copy.")
@click.option("--base", metavar="NAME", help="The Stable Diffusion that it belongs to. Without it, the published one.")
@click.pass_obj
def add(models: Models, path: Path, name: str, licence: str, terms: str, link: bool, base: str | None) -> None:
    """Check the file or folder PATH, put it into the models folder, and note its licence and hash."""
    from ..relighter.models import estimator_files
    from ..relighter.models.check import check as check_model
    from ..relighter.models.check import kind_of
    from ..relighter.models.ledger import WEIGHTS, known

    axes, finish = None, None
    if path.is_dir() or (path.is_file() and path.suffix in WEIGHTS):
        entry = known(name or path.name)
        kind = entry.kind if entry and entry.estimator else kind_of(path)
        check_model(path, kind, _base(models, base))
        axes = estimator_files.probed(path, kind) if kind in estimator_files.KINDS else None
        finish = estimator_files.keep_empty_prompt if kind == "marigold" else None
    found = models.add(path, name=name, licence=licence, terms=terms, link=link, finish=finish)
    click.echo(f"{found.path} ({found.licence}: {found.terms})")
    if axes is not None:
        estimator_files.note_axes(models, found, axes)
        click.echo(f"{found.name}: {axes.words}")


def _base(models: Models, name: str | None) -> StableDiffusion | None:
    """The Stable Diffusion that weights go on: the one named, else the published one where it is there, else its sizes."""
    from ..errors import InputError
    from ..relighter.models.layout import StableDiffusion
    from ..relighter.models.ledger import BASE

    try:
        return StableDiffusion(models.find(name or BASE).path)
    except InputError:
        if name:
            raise
        return None


def _rows(models: Models) -> list[dict]:
    from ..relighter.models.ledger import LEDGER, Model

    there = {found.name: found for found in models.present()}
    rows = []
    for model in LEDGER:
        found = there.pop(model.name, None)
        row = {**asdict(model), "present": found is not None, "users": list(model.users)}
        if found is not None:
            axes = models.note(found.name).get("axes", model.axes)
            row |= {"licence": found.licence, "terms": found.terms, "axes": axes}
        rows.append(row)
    # What a user added besides, under its own name.
    others = [Model(f.name, "", "", "", f.licence, f.terms, "") for f in there.values()]
    return rows + [{**asdict(model), "present": True, "users": []} for model in others]


def _checked(models: Models, model: Found, base: StableDiffusion | None) -> str:
    from ..relighter.models.check import check as check_model
    from ..relighter.models.check import kind_of
    from ..relighter.models.ledger import known

    entry = known(model.name)
    said = check_model(model.path, entry.kind if entry else kind_of(model.path), base)
    return f"{model.name}: {said}, SHA-256 {models.used(model).digest[:12]}, {model.licence}"
