"""Whether there is a display to open a window on. It is checked first, because Qt ends the whole process where there is none."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path


def why_no_display() -> str | None:
    """The sentence on why no window can be opened here, or None where one can. Only Linux and its like can lack one."""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if sys.platform in ("win32", "darwin") or platform not in ("", "xcb", "wayland"):
        return None
    if platform != "xcb" and _has_wayland():
        return None
    if platform != "wayland" and os.environ.get("DISPLAY"):
        if _x_answers():
            return None
        return f"the display {os.environ['DISPLAY']} does not answer; correct DISPLAY, or log in with ssh -Y"
    return "there is no display here; run relamp panel on a desktop or through ssh -Y, and relamp render without one"


def _has_wayland() -> bool:
    name, folder = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(name) and Path(folder, name or "").exists()


def _x_answers() -> bool:
    """Whether the X server of DISPLAY takes a connection, asked through the library Qt asks through."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # Qt's own message names the library that is missing
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers
