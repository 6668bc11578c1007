"""What the node works out live, as expressions of Nuke's own nodes (see `core.node` for the arithmetic). Needs no Nuke.

The nodes inside the Group, plate and matte in, picture out:

    Frames      Switch: the frames of the bake, or of the preview while somebody looks
    Lamps       Expression on them: every lamp's layer added as often as its knobs say, less the once it is in the beauty
    Scratch     Copies: plate with the ratio layer and the matte (in mask.a) beside it
    Change      Expression on Scratch: what grading the ratio adds, in the matte only
    Sum, Mix    MergeExpressions: Lamps + Change, then between the plate and that
    Show        Switch: the plate itself, or Mix

Every term is exactly zero while its knobs rest, and what is not finite is never multiplied.
"""

from __future__ import annotations

from ..core.node.knobs import LIVE_LAMPS, SHOWN

CHANNELS = (("r", "red"), ("g", "green"), ("b", "blue"))
EVERYWHERE, PLATE_ALPHA, MATTE = 0, 1, 2
"""Where a bake changed the light: values of the knobs `baked_weight` and `preview_weight`."""

# What is known of the frames that are shown; user knobs of the node Facts, chosen by the Frames switch.
FACTS = ("scale", "epsilon", "alpha", "weight")

_PLATE, _BAKED, _PREVIEW = range(len(SHOWN))


def frames_which() -> str:
    """Which Read is looked at. A render without a window never delivers a preview."""
    return f"parent.show == {_PREVIEW} && $gui"


def show_which() -> str:
    """0 for the plate, 1 for the result, on the frames that are there."""
    return f"parent.show == {_PLATE} ? 0 : (Frames.which ? parent.preview_frames : parent.baked_frames)"


def fact(name: str) -> str:
    """What the knob `name` of Facts says of the frames that are looked at."""
    return f"Frames.which ? parent.preview_{name} : parent.baked_{name}"


def lamps() -> list[str]:
    """The expressions of Lamps, for red, green and blue."""
    return [
        " + ".join(
            [letter]
            + [
                f"lamp{i}.{channel} * (parent.lamp{i}_dim * parent.lamp{i}_tint.{letter} - 1)"
                for i in range(1, LIVE_LAMPS + 1)
            ]
        )
        for letter, channel in CHANNELS
    ]


def change() -> tuple[dict[str, str], list[str]]:
    """The names and expressions Change works with, and its expressions for red, green and blue."""
    matte = "clamp(mask.a / (Facts.alpha && a > 0 ? a : 1), 0, 1)"
    rest = "parent.change_strength == 1 && parent.change_saturation == 1"
    rest += "".join(f" && parent.change_tint.{letter} == 1" for letter, _ in CHANNELS)
    product = " * ".join(f"max(ratio.{channel}, 1e-6)" for _, channel in CHANNELS)
    names = {
        "inside": f"{rest} ? 0 : (Facts.weight == {MATTE} ? {matte} : (Facts.weight == {PLATE_ALPHA} ? a > 0 : 1))",
        "mean": f"pow({product}, 0.333333333333)",
        "level": "Facts.scale",
        "least": "Facts.epsilon * (Facts.alpha ? a : 1)",
    }
    return names, [_added(letter, channel) for letter, channel in CHANNELS]


def total() -> list[str]:
    """The expressions of Sum, A being Change and B being Lamps."""
    return [f"A{letter} + B{letter}" for letter, _ in CHANNELS]


def mix() -> list[str]:
    """The expressions of Mix, A being the plate and B the result: selected where nothing has to be worked out."""
    return [
        f"parent.mix == 1 || A{x} == B{x} ? B{x} : (parent.mix == 0 ? A{x} : A{x} + parent.mix * (B{x} - A{x}))"
        for x, _ in CHANNELS
    ]


def _added(letter: str, channel: str) -> str:
    scaled = f"level * parent.change_tint.{letter}"
    graded = (
        f"{scaled} * pow(mean / level, parent.change_strength)"
        f" * pow(max(ratio.{channel}, 1e-6) / mean, parent.change_strength * parent.change_saturation)"
    )
    lifted = f"least * (max({graded} - {scaled}, 0) - max(ratio.{channel} - level, 0))"
    # r * 0 is 0 for every number and for nothing else, so what is not finite adds nothing.
    return f"inside > 0 && {letter} * 0 == 0 ? inside * ({letter} * ({graded} - ratio.{channel}) + {lifted}) : 0"
