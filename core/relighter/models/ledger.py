"""The ledger: every published model Relamp runs, with its size, its licence and where it has to lie.

A licence is one of four tags. `commercial` and `restricted` (commercial work allowed, with rules on what for) are used
without a word; `noncommercial` and `unknown` only when the model is accepted by name: that is the production profile, and
there is no other. What was used is written into every frame. Standard library only.
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

    `name` is its file or folder in the models folder. `kind` says what it has to hold (`check`). `size` is in words, since
    files come in several precisions. `home` is where its authors publish it.
    """

    name: str
    kind: str
    what: str
    size: str
    licence: str
    terms: str
    home: str
    backbones: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name it is accepted by: without the extension."""
        return self.name.removesuffix(".safetensors")


BASE = "realistic-vision-v51"
ADAPTER = "animatediff-motion-adapter-v1-5-3"
RELIGHTVID = "relvid_mm_sd15_fbc.safetensors"
_IC_LIGHT_TERMS = "code Apache-2.0; the authors state no licence for the weights themselves"
_IMAGE = ("ic-light", "relightvid", "light-a-video")
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
)  # fmt: skip


def known(name: str) -> Model | None:
    """The ledger's entry for a file or folder name, with or without its extension."""
    return next((model for model in LEDGER if name in (model.name, model.stem)), None)


@dataclass(frozen=True)
class Used:
    """A model that a backbone is about to use: its name, licence tag and terms, and the SHA-256 of its files in hex."""

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
        UsageError: naming the first that is refused and how to accept it.
    """
    for name, licence, terms in models:
        stem = name.removesuffix(".safetensors")
        if licence not in FREE and not {name, stem} & set(accepted):
            why = "may not be used commercially" if licence == NONCOMMERCIAL else "has no licence that is known"
            raise UsageError(
                f"{name} {why} ({terms}); if you may use it all the same, accept it by name: --accept {stem}"
            )
