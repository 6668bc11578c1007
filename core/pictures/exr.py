"""The door for EXR files: what reads, writes and looks at them, in one place to import from."""

from ..atomic import remove_stale
from .exr_read import (
    Layer,
    channel_names,
    colour_channels,
    display_window,
    find_depth,
    find_normals,
    header,
    info,
    other_layers,
    read_frame,
    read_layer,
    read_matte,
    read_normals,
    split_layer,
    verify,
    views,
)
from .exr_write import Written, quantise, write_frame

__all__ = [
    "Layer",
    "Written",
    "channel_names",
    "colour_channels",
    "display_window",
    "find_depth",
    "find_normals",
    "header",
    "info",
    "other_layers",
    "quantise",
    "read_frame",
    "read_layer",
    "read_matte",
    "read_normals",
    "remove_stale",
    "split_layer",
    "verify",
    "views",
    "write_frame",
]
