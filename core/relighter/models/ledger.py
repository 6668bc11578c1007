"""The ledger: every published model that Relamp runs, with its size, its licence and its place on disk.

A licence is one of four tags. `commercial` and `restricted` (commercial work allowed, with rules on its purpose) are used
without a message; `noncommercial` and `unknown` only if the model is accepted by name. There is no other mode. The models used
are written into every frame. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import UsageError

COMMERCIAL, RESTRICTED, NONCOMMERCIAL, UNKNOWN = LICENCES = ("commercial", "restricted", "noncommercial", "unknown")
FREE = (COMMERCIAL, RESTRICTED)


@dataclass(frozen=True)
class Model:
    """One set of weights.

    `name` is its file or folder in the models folder. `kind` is the kind of its content (`check`). `size` is text, because
    files exist in several precisions. `home` is where its authors publish it. `estimator` is the value of `--estimator` that
    uses it, and `axes` are the axes of its normals and depth, as published.
    """

    name: str
    kind: str
    what: str
    size: str
    licence: str
    terms: str
    home: str
    backbones: tuple[str, ...] = ()
    estimator: str = ""
    axes: str = ""

    @property
    def stem(self) -> str:
        """The name by which it is accepted: without the extension."""
        return stem(self.name)

    @property
    def users(self) -> tuple[str, ...]:
        """The backbones and the estimator that use it, as typed."""
        return (*self.backbones, *((f"--estimator {self.estimator}",) if self.estimator else ()))


WEIGHTS = (".safetensors", ".onnx")
"""Extensions of files of weights."""


def stem(name: str) -> str:
    """The name of a file or folder of weights without its extension."""
    return next((name.removesuffix(end) for end in WEIGHTS if name.endswith(end)), name)


BASE = "realistic-vision-v51"
ADAPTER = "animatediff-motion-adapter-v1-5-3"
RELIGHTVID = "relvid_mm_sd15_fbc.safetensors"
_IC_LIGHT_TERMS = "code Apache-2.0; the authors state no licence for the weights themselves"
_IMAGE = ("ic-light", "relightvid", "light-a-video")
_MOGE_TERMS = "code MIT; the weights' licence is to be confirmed at their home"
_DAVID_TERMS = "MIT (code and weights); trained on data under CDLA-2.0"
_OPENCV = "normals and points X right, Y down, Z away from the viewer; metres"
_UNSAID = "not published; found on a rendered ball when it is added"
_MARIGOLD = "X right, Y up, Z to the viewer; depth 0 near to 1 far"
MOGE = ("moge-2-vitl-normal.onnx", "moge-2-vitb-normal.onnx", "moge-2-vits-normal.onnx")
DAVID = {
    "multi": ("multi-task-model-vitl16_384.onnx",),
    "normals": ("normal-model-vitl16_384.onnx", "normal-model-vitb16_384.onnx"),
    "depth": ("depth-model-vitl16_384.onnx", "depth-model-vitb16_384.onnx"),
    "matte": ("foreground-segmentation-model-vitl16_384.onnx", "foreground-segmentation-model-vitb16_384.onnx"),
}
MARIGOLD = ("marigold-normals-v1-1", "marigold-depth-v1-1", "marigold-iid-appearance-v1-1")
_DAVID_SHOWS = {"multi": "normals, relative depth and soft matte", "normals": "normals", "depth": "relative depth",
                "matte": "soft matte"}  # fmt: skip
_ESTIMATORS = (
    *(Model(name, "moge", "MoGe-2 as ONNX: normals, depth in metres, mask", size, UNKNOWN, _MOGE_TERMS,
            f"Ruicheng/{stem(name)}-onnx", estimator="moge", axes=_OPENCV)
      for name, size in zip(MOGE, ("1.3 GB", "0.4 GB", "0.15 GB"), strict=True)),
    *(Model(name, f"david-{kind}", f"DAViD as ONNX, people only: {_DAVID_SHOWS[kind]}",
            "1.3 GB" if "vitl" in name else "0.4 GB", COMMERCIAL, _DAVID_TERMS, "github.com/microsoft/DAViD",
            estimator="david", axes=_UNSAID)
      for kind, names in DAVID.items() for name in names),
    *(Model(name, "marigold", f"Marigold v1-1: {shows}", "2.6 to 5.2 GB", RESTRICTED, "CreativeML OpenRAIL++-M",
            f"prs-eth/{name}", estimator="marigold", axes=_MARIGOLD)
      for name, shows in zip(MARIGOLD, ("normals", "relative depth", "albedo, roughness, metallicity"), strict=True)),
)  # fmt: skip
LEDGER = (
    Model(BASE, "sd15", "Stable Diffusion 1.5 that IC-Light was trained on: UNet, VAE, text encoder, tokenizer",
          "2.1 to 4.3 GB", RESTRICTED, "CreativeML OpenRAIL-M", "stablediffusionapi/realistic-vision-v51", _IMAGE),
    Model("stable-diffusion-v1-5", "sd15", "the other base the authors name", "2.1 to 4.3 GB", RESTRICTED,
          "CreativeML OpenRAIL-M", "stable-diffusion-v1-5/stable-diffusion-v1-5", _IMAGE),
    Model("iclight_sd15_fc.safetensors", "ic-light", "IC-Light, told of the foreground", "1.7 GB", UNKNOWN,
          _IC_LIGHT_TERMS, "lllyasviel/ic-light", ("ic-light", "light-a-video")),
    Model("iclight_sd15_fcon.safetensors", "ic-light", "the same, trained with offset noise", "1.7 GB", UNKNOWN,
          _IC_LIGHT_TERMS, "lllyasviel/ic-light", ("ic-light", "light-a-video")),
    Model("iclight_sd15_fbc.safetensors", "ic-light", "IC-Light, told of foreground and background", "1.7 GB", UNKNOWN,
          _IC_LIGHT_TERMS, "lllyasviel/ic-light", ("ic-light", "relightvid")),
    Model(RELIGHTVID, "relightvid", "RelightVid's motion modules; the .pth is converted once", "0.8 to 1.7 GB",
          NONCOMMERCIAL, "CC BY-NC-SA 4.0", "aleafy/RelightVid", ("relightvid",)),
    Model(ADAPTER, "motion-adapter", "AnimateDiff's motion modules", "0.8 to 1.7 GB", COMMERCIAL,
          "Apache-2.0; trained on WebVid-10M, scraped from a stock site", "guoyww/animatediff-motion-adapter-v1-5-3",
          ("light-a-video",)),
    Model("animatediff-motion-adapter-v1-5-2", "motion-adapter", "the version before, with a middle block",
          "0.9 to 1.8 GB", COMMERCIAL, "Apache-2.0; trained on WebVid-10M, scraped from a stock site",
          "guoyww/animatediff-motion-adapter-v1-5-2", ("light-a-video",)),
    *_ESTIMATORS,
)  # fmt: skip


def known(name: str) -> Model | None:
    """The ledger's entry for a file or folder name, with or without its extension."""
    return next((model for model in LEDGER if name in (model.name, model.stem)), None)


@dataclass(frozen=True)
class Used:
    """A model that a backbone uses: its name, licence tag and terms, and the SHA-256 of its files in hex."""

    name: str
    licence: str
    terms: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} {self.digest[:12]} {self.licence} ({self.terms})"


def require_allowed(models: Iterable[tuple[str, str, str]], accepted: tuple[str, ...]) -> None:
    """Refuse models whose licence forbids commercial work, or is not known, unless accepted by name.

    Args:
        models: name, licence tag and terms of each.
        accepted: names, with or without extension.

    Raises:
        UsageError: a model is refused; the message names the first one and how to accept it.
    """
    for name, licence, terms in models:
        plain = stem(name)
        if licence not in FREE and not {name, plain} & set(accepted):
            why = "may not be used commercially" if licence == NONCOMMERCIAL else "has no licence that is known"
            raise UsageError(
                f"{name} {why} ({terms}); if you may use it all the same, accept it by name: --accept {plain}"
            )
