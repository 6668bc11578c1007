"""What the backbones of published systems share.

Before any work, their weights are found, their licences and files are checked, and they are hashed. Networks are loaded at
the first frame. A call converts proxies to pictures, runs the model, and converts its pictures to residuals. An error of
memory is raised as a `DeviceError` that says what to set.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from ...errors import DeviceError, InputError
from ...parameters import RelightParameters
from ...shape.estimators import own as estimator
from ...shape.estimators.shape_network import ShapeNetwork
from ...temporal.windows import Span
from ...weights.file import Loaded
from ..answer import Answer
from ..ic_light.beginnings import ENVIRONMENT, NOISE
from ..ic_light.model import merged_unet
from ..models import layout
from ..models.check import check, parameters
from ..models.folder import Models
from ..models.layout import StableDiffusion
from ..models.ledger import Used, require_allowed
from ..own.backbone import facing
from ..own.conditions import Conditions, analytic_hint, lit
from ..own.ensemble import factors, mean
from . import pixels
from .offload import Home, N
from .prompts import NEGATIVE, QUALITY, Text, encode
from .proxies import Clip, at_level, log_gain, picture

log = logging.getLogger("relamp")

INTRA_OP_THREADS = 2  # a constant, since other counts can give other last bits
OFFSETS = {name: f"iclight_sd15_{name}.safetensors" for name in ("fc", "fcon", "fbc")}
# Feature maps of the largest size that are alive at once in a UNet, and numbers a pixel in the decoder of an autoencoder.
_LIVE_MAPS, _LIVE_DECODED = 40, 1024


@dataclass(frozen=True)
class LitShape:
    """The surface of a frame: `normals` (1, 3, h, w) unit vectors on the CPU, those given and elsewhere those of the
    shape network, and `hint` (h, w, 3), the analytic log gain on them.
    """

    normals: torch.Tensor
    hint: np.ndarray


class Published(ABC):
    """A backbone of a published system. A subclass names its weights, loads its networks and relights pictures; see the
    module.
    """

    name: str
    span: Span
    wants_source = False
    gives = frozenset({"ensemble"})
    levelled = True  # its answers know no absolute level
    any_working_space = False  # pictures are turned from ACEScg to the display's Rec.709 and back
    sees_background = True
    takes_level = True  # so their gains are brought to the hint's
    steps = True

    def __init__(self, given: RelightParameters, device: str) -> None:
        """Find the weights, and check their licences and their files. Networks are loaded at the first frame.

        Raises:
            InputError: weights are missing or do not fit.
            UsageError: a licence that was not accepted, or settings that cannot work together.
        """
        self.parameters = given
        self._models = Models(given.models)
        wanted = self._wanted()
        found = dict(zip(wanted, self._models.find_all(wanted.values()), strict=True))
        require_allowed([(f.name, f.licence, f.terms) for f in found.values()], given.accept)
        self.base = StableDiffusion(found["sd15"].path) if "sd15" in found else None
        for kind, model in found.items():
            log.debug("%s: %s", model.path, check(model.path, kind, self.base))
        self._found = found
        half = {"auto": device != "cpu", "half": True, "float": False}[given.precision]
        self.home = Home(device, torch.float16 if half else torch.float32, given.offload)
        self._device = device
        self._alone = threading.Lock()

    @abstractmethod
    def _wanted(self) -> dict[str, str]:
        """The name of each model by its kind in the ledger; the base first."""

    @abstractmethod
    def _load(self) -> None:
        """Load the networks, once."""

    @abstractmethod
    def _relit(self, clip: Clip, seen: Sequence[Conditions], shapes: Sequence[LitShape], run: Run) -> Pair:
        """Relight a clip: its pictures under the new light, and the unchanged ones after the model's autoencoder."""

    @property
    def used(self) -> tuple[str, ...]:
        """A line with hash, licence tag and terms for each model, for the headers of the frames that it changed."""
        return tuple(map(str, self._used))

    @property
    def weights(self) -> str:
        """One SHA-256 in hex over all weights that decide its pictures."""
        digests = [model.digest for model in self._used]
        return hashlib.sha256(" ".join([*digests, self.shape.digest]).encode()).hexdigest()

    @property
    def network(self) -> Published:
        """This object, which is backbone and network in one."""
        return self

    def seeded(self, steps: int | None) -> bool:
        """True: every published model begins with noise."""
        return True

    def relight(
        self, conditions: Sequence[Conditions], *, frames: Sequence[int], steps: int | None = None, seed: int = 0
    ) -> list[Answer]:
        """Relight frames; see `answer.Network`.

        Raises:
            DeviceError: there is not enough memory; the sentence says what to set.
            InputError: the weights give numbers that are not finite.
        """
        with self._alone, torch.inference_mode(), self._explained(len(conditions)):
            torch.set_num_threads(INTRA_OP_THREADS)
            self._ready()
            groups = [[c] for c in conditions] if self.span == "frame" else [list(conditions)]
            return [answer for group in groups for answer in self._together(group, steps, seed)]

    @cached_property
    def _used(self) -> tuple[Used, ...]:
        return tuple(self._models.used(found) for found in self._found.values())

    def memory(self, width: int, height: int, frames: int) -> float:
        """About how many gigabytes the networks and one call need on their device, for frames of a working size."""
        if self.base is None:
            return 0.0
        size = torch.finfo(self.home.dtype).bits / 8
        numbers = self._numbers()
        resident = max(numbers) if self.parameters.offload else sum(numbers)
        ways = 3 if "relightvid" in self._found else 2  # of guidance, one batch
        batch = ways * (1 if self.span == "frame" else frames)
        widest = self.base.empty_unet().config["block_out_channels"][0]
        pixels_at_once = width * height * self._enlarged() ** 2
        activations = batch * pixels_at_once / 64 * widest * _LIVE_MAPS + pixels_at_once * _LIVE_DECODED
        return (resident + activations) * size / 1e9

    def _enlarged(self) -> float:
        """The factor from the sides at the working size to those of the largest picture that the model makes."""
        return 1.0

    def _numbers(self) -> list[int]:
        """The number of weights of each network."""
        assert self.base is not None
        found = {kind: model.path for kind, model in self._found.items()}
        networks = [self.base.vae_files(), self.base.text_files()]
        if "ic-light" in found:
            networks.append([found["ic-light"]])
        if "relightvid" in found:
            networks.append([found["relightvid"]])
        if "motion-adapter" in found:
            adapter = layout.weights_files(found["motion-adapter"], layout.DIFFUSERS)
            networks.append([*self.base.unet_files(), *adapter])
        return [parameters(layout.headers(files)) for files in networks]

    def text(self, positive: str, negative: str, quality: str = QUALITY) -> Text:
        """Both prompts, encoded; the text encoder is not kept."""
        assert self.base is not None
        encoder = self.home(self.home.take(self.base.text_encoder()))
        text = encode(positive, negative, self.base.tokens().tokens, encoder, quality)
        return text.to(torch.device("cpu"), torch.float32)

    def negative(self, published: str = NEGATIVE) -> str:
        """The negative prompt: the one given, else the published one."""
        given = self.parameters.negative_prompt
        return published if given is None else given

    def relighting_unet(self) -> UNet2DConditionModel:
        """IC-Light's UNet, merged in float32, not yet on its device."""
        assert self.base is not None
        path = self._found["ic-light"].path
        offset = layout.read_tensors(path)
        return merged_unet(self.base.unet_config(), self.base.unet_tensors(), offset, str(path))

    def channels(self) -> int:
        """The number of input channels of IC-Light's weights."""
        return layout.header(self._found["ic-light"].path)["conv_in.weight"].shape[1]

    def begins_with(self, sees_background: bool = False) -> str:
        """The kind of picture that a run of IC-Light begins with: as given, else the environment where there is one and
        the network has no other input that shows it.
        """
        p = self.parameters
        return p.initial_light or (NOISE if sees_background or p.lit_by() == "network" else ENVIRONMENT)

    def sliced(self, network: N) -> N:
        """The network, which computes its attention in slices where `--attention-slicing` is set and the network can."""
        if not self.parameters.attention_slicing:
            return network
        slice_attention = getattr(network, "set_attention_slice", None)
        if slice_attention is None:  # diffusers' motion UNet has none
            log.warning("--attention-slicing: %s has no slices to attend in, so it runs whole", type(network).__name__)
        else:
            slice_attention("auto")
        return network

    @cached_property
    def shape(self) -> Loaded[ShapeNetwork]:
        """Relamp's shape network, for the normals where none are given."""
        return estimator.load(device="cpu")

    def _ready(self) -> None:
        if not self.__dict__.get("_is_ready"):
            self._load()
            self._is_ready = True

    def _together(self, group: Sequence[Conditions], steps: int | None, seed: int) -> list[Answer]:
        shapes = [self._lit_shape(c) for c in group]
        run = Run(steps, seed)
        members = [self._answers(group, shapes, factor, run) for factor in self._exposures()]
        if len(members) == 1:
            return members[0]
        return [mean(answers) for answers in zip(*members, strict=True)]

    def _exposures(self) -> tuple[float, ...]:
        """Factors on the clip's exposure; the answers under each are averaged after the factor is undone."""
        return factors(self.parameters.ensemble)

    def _answers(
        self, group: Sequence[Conditions], shapes: Sequence[LitShape], factor: float, run: Run
    ) -> list[Answer]:
        clip = Clip.of(group, factor)
        pair = self._relit(clip, group, shapes, run)
        if not (pair.relit.isfinite().all() and pair.unchanged.isfinite().all()):
            advice = (
                ""
                if self.home.dtype == torch.float32
                else "; half precision may be too coarse for these: --precision float"
            )
            raise InputError(
                f"{self.name} answers with numbers that are not finite{advice or '; its weights are damaged'}"
            )
        relit, unchanged = (clip.cut(pixels.to_unit(p)) for p in (pair.relit, pair.unchanged))
        gains = [log_gain(r, u) for r, u in zip(relit, unchanged, strict=True)]
        if self.takes_level:
            gains = [at_level(g, s.hint, c.matte[0, 0].numpy()) for g, s, c in zip(gains, shapes, group, strict=True)]
        return [Answer(g - s.hint, s.hint, picture(s.normals)) for g, s in zip(gains, shapes, strict=True)]

    def _lit_shape(self, c: Conditions) -> LitShape:
        normals = facing(estimator.see(self.shape.network, c.code, c.matte).shape, c)
        target, source = lit(c.target, normals), lit(c.source, normals)
        hint = analytic_hint(target, source, c.source_known[:, None, None, None], c.matte)
        return LitShape(normals, picture(hint))

    @contextmanager
    def _explained(self, frames: int) -> Iterator[None]:
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and "allocate memory" not in str(error):
                raise
            clip = "" if self.span == "frame" else f" with {frames} frames at once"
            raise DeviceError(
                f"{self.name} does not fit into the memory of {self._device}{clip}; try a smaller --working-size, "
                "--precision half, --offload, --attention-slicing or --frames-at-once 1"
            ) from error


@dataclass(frozen=True)
class Run:
    """The settings of one call: the number of steps, None for the published one, and the seed of the shot."""

    steps: int | None
    seed: int


@dataclass(frozen=True)
class Pair:
    """(F, 3, H', W') in IC-Light's range each: the relit clip, and the unchanged one through the same autoencoder."""

    relit: torch.Tensor
    unchanged: torch.Tensor


def ic_light_name(given: str) -> str:
    """The file name of IC-Light's weights for `--ic-light`."""
    return OFFSETS.get(given, given)
