"""The knobs of the node classes that the Relamp node and its tests touch, and no others.

A knob is its kind and default; an enumeration's kind is the tuple of its values.
"""

NUMBER, WHOLE, SWITCH, TEXT, FILE, BUTTON, CHANNEL, CODE = (
    "number", "whole", "switch", "text", "file", "button", "channel", "code",
)  # fmt: skip

EVERY = {"name": (TEXT, ""), "label": (TEXT, ""), "xpos": (WHOLE, 0), "ypos": (WHOLE, 0), "selected": (SWITCH, False),
         "disable": (SWITCH, False), "tile_color": (TEXT, "0"), "knobChanged": (CODE, ""), "onCreate": (CODE, "")}  # fmt: skip

_EXPRESSIONS = {
    **{f"temp_name{i}": (TEXT, "") for i in range(4)},
    **{f"temp_expr{i}": (TEXT, "") for i in range(4)},
    **{f"expr{i}": (TEXT, "") for i in range(4)},
}
_COLOUR_SPACES = (
    "default (linear)",
    "linear",
    "sRGB",
    "rec709",
    "scene_linear (ACEScg)",
    "ACEScg",
    "ARRI LogC3 (EI800)",
)
_PLACED = {"translate": ("xyz", 0.0), "rotate": ("xyz", 0.0), "world_matrix": ("world", None)}
_EDGES = ("hold", "loop", "bounce", "black")

KNOBS: dict[str, dict[str, tuple[object, object]]] = {
    "Read": {
        "file": (FILE, ""), "first": (WHOLE, 1), "last": (WHOLE, 1), "origfirst": (WHOLE, 1), "origlast": (WHOLE, 1),
        "before": (_EDGES, "hold"), "after": (_EDGES, "hold"),
        "frame_mode": (("expression", "start at", "offset"), "expression"), "frame": (TEXT, ""),
        "on_error": (("error", "black", "checkerboard", "nearest frame"), "error"),
        "colorspace": (_COLOUR_SPACES, "default (linear)"), "raw": (SWITCH, False), "premultiplied": (SWITCH, False),
        "auto_alpha": (SWITCH, False), "proxy": (FILE, ""), "file_type": (("", "exr", "hdr", "dpx"), ""),
        "localizationPolicy": (("on", "fromAutoLocalizePath", "onDemand", "off"), "fromAutoLocalizePath"),
        "reload": (BUTTON, ""),
    },
    "Write": {
        "file": (FILE, ""), "file_type": (("", "exr", "dpx"), ""), "channels": (("rgb", "rgba", "alpha", "all"), "rgb"),
        "colorspace": (_COLOUR_SPACES, "default (linear)"), "raw": (SWITCH, False), "premultiplied": (SWITCH, False),
        "create_directories": (SWITCH, False), "use_limit": (SWITCH, False), "first": (WHOLE, 1), "last": (WHOLE, 1),
        "on_error": (("error", "black", "checkerboard", "read input"), "error"),
    },
    "Copy": {f"{end}{i}": (CHANNEL, "none") for end in ("from", "to") for i in range(4)},
    "Expression": _EXPRESSIONS,
    "MergeExpression": _EXPRESSIONS,
    "Switch": {"which": (NUMBER, 0.0)},
    "Grade": {"multiply": (NUMBER, 1.0)},
    "Axis2": _PLACED,
    "Camera2": {**_PLACED, "focal": (NUMBER, 50.0), "haperture": (NUMBER, 24.576)},
    "Input": {"number": (WHOLE, 0)},
    "Output": {},
    "NoOp": {},
    "Dot": {},
    "Group": {},
    "Gizmo": {},
    "Root": {
        "proxy": (SWITCH, False), "colorManagement": (("Nuke", "OCIO"), "Nuke"),
        "OCIO_config": (("nuke-default", "fn-nuke_cg-config-v1.0.0_aces-v1.3_ocio-v2.1", "custom"), "nuke-default"),
        "workingSpaceLUT": (TEXT, "linear"), "customOCIOConfigPath": (FILE, ""), "first_frame": (WHOLE, 1),
        "last_frame": (WHOLE, 100),
    },
}  # fmt: skip

EXR_ONLY = {
    "datatype": (("16 bit half", "32 bit float"), "16 bit half"),
    "compression": (("none", "Zip (1 scanline)", "Zip (16 scanlines)", "DWAA"), "Zip (1 scanline)"),
    "metadata": (
        (
            "no metadata",
            "default metadata",
            "default metadata and exr/*",
            "all metadata except input/*",
            "all metadata",
        ),
        "default metadata",
    ),
    "autocrop": (SWITCH, False),
}
"""Of a Write, there once `file_type` is exr."""

USER = {1: TEXT, 2: FILE, 3: WHOLE, 4: "enumeration", 6: SWITCH, 7: NUMBER, 13: "xyz", 18: "colour", 20: "tab", 22: BUTTON,
        26: "shown", 41: "link"}  # fmt: skip
"""Kinds by the type number of `addUserKnob`."""

INPUTS = {
    "Axis2": 1,
    "Camera2": 1,
    "Read": 0,
    "Input": 0,
    "Copy": 2,
    "MergeExpression": 2,
    "Switch": 9,
    "Group": 9,
    "Gizmo": 9,
}
"""The most inputs; 1 where nothing is said."""
