"""What a dropped file may be: a job, a rig, a light, or a picture of the shot, which only the artist can tell apart."""

from __future__ import annotations

from pathlib import Path

from ..core import plain_json

PICTURES = (".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".mov", ".mp4", ".mxf")
ROLES = ("plate", "matte", "normals", "depth", "passes", "background", "env", "source_env")
"""What a picture may be to a shot."""
_NAMES = {
    "matte": ("matte", "mask", "alpha", "roto"), "normals": ("normal", "_n.", "nrm"), "depth": ("depth", "_z.", "zdepth"),
    "passes": ("passes", "aov"), "background": ("background", "_bg", "bg_"), "env": ("hdri", "_env", "env_", "latlong"),
}  # fmt: skip


def kind_of(path: str, has_plate: bool) -> str:
    """`job`, `rig`, `camera`, one of `ROLES`, `ask` where only the artist knows, or nothing for what is of no use."""
    name, suffix = Path(path).name.lower(), Path(path).suffix.lower()
    if suffix == ".json":
        return _json_kind(path)
    if suffix == ".chan":
        return "camera"
    if suffix == ".hdr":
        return "env"
    if suffix not in PICTURES:
        return ""
    for role, parts in _NAMES.items():
        if any(part in name for part in parts):
            return role
    return "ask" if has_plate else "plate"


def _json_kind(path: str) -> str:
    try:
        data = plain_json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "job"  # opening it says what is wrong
    schema = str(data.get("schema", "")) if isinstance(data, dict) else ""
    if schema.startswith("relamp.rig/"):
        return "rig"
    return "job" if schema.startswith("relamp.job/") else "camera"
