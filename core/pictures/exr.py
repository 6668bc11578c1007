"""The functions that read, write and inspect EXR files, in one place to import from."""

from ..atomic import remove_stale
from .exr_info import (
    channel_names,
    colour_channels,
    display_window,
    header,
    info,
    other_layers,
    stored_as,
    verify,
    views,
)
from .exr_passes import only_colour, only_plane, pass_colour, pass_depth, pass_normals, pass_plane
from .exr_plan import quantise
from .exr_read import Layer, find_depth, find_normals, read_depth, read_frame, read_layer, read_matte, read_normals
from .exr_write import Written, require_writable_name, write_frame
from .layers import split_layer

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
    "only_colour",
    "only_plane",
    "other_layers",
    "pass_colour",
    "pass_depth",
    "pass_normals",
    "pass_plane",
    "quantise",
    "read_depth",
    "read_frame",
    "read_layer",
    "read_matte",
    "read_normals",
    "remove_stale",
    "require_writable_name",
    "split_layer",
    "stored_as",
    "verify",
    "views",
    "write_frame",
]
