"""Clips on disk: what takes long to make is made once. One safetensors file, half precision, all clips of one shape."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from ...core.atomic import replacing
from ...core.errors import InputError
from .clips import Clip

SCHEMA = "relamp.deflicker-clips/1"


def save(path: Path, clips: Sequence[Clip], facts: dict[str, object]) -> None:
    """Write clips, all with or all without measured flicker, whole or not at all; `facts` says how they were made."""
    arrays = {}
    for field in fields(Clip):
        values = [getattr(clip, field.name) for clip in clips]
        if values[0] is not None:
            arrays[field.name] = np.stack(values).astype(np.float16)
    with replacing(path, overwrite=True) as temporary:
        save_file(arrays, str(temporary), {"schema": SCHEMA, "facts": json.dumps(facts)})


def load(path: Path) -> list[Clip]:
    """The clips of a file. Raises `InputError`."""
    try:
        with safe_open(str(path), framework="np") as file:
            schema = (file.metadata() or {}).get("schema")
        arrays = load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); make it with python -m relamp.training.deflicker.own or .filmed"
        ) from None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema}, expected {SCHEMA}; make it again")
    count = len(arrays["code"])
    return [Clip(**{name: a[i].astype(np.float32) for name, a in arrays.items()}) for i in range(count)]
