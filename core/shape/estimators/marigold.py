"""Marigold (Ke et al. 2024; v1-1, Ke et al. 2025): normals, depth, and albedo with roughness and metallicity, by diffusion.

A UNet of Stable Diffusion 2 denoises the latents of T targets, with those of the picture as input, in four DDIM steps with the
empty prompt. The steps are those of diffusers' `MarigoldNormalsPipeline`, `MarigoldDepthPipeline` and
`MarigoldIntrinsicsPipeline`, written out with diffusers' networks, because the pipelines themselves cannot be imported without
the library of the text encoder. The embedding of the empty prompt is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch.nn.functional import interpolate, pad

from ... import plain_json
from ...errors import InputError
from ...pictures.curves import decode_srgb
from ...pictures.rec709 import from_linear
from . import NEAR_TO_FAR, Passes, Picture

LATENTS = 4  # channels of the autoencoder's latents
SIZE = 768  # px, longer side, where the folder's configuration does not state it
STEPS = 4
TARGETS = {"depth": 1, "normals": 1, "intrinsics": 2}  # of each `prediction_type`; intrinsics are the appearance ones
GIVES = {"normals": ("normals",), "depth": ("depth",), "intrinsics": ("albedo", "roughness", "metallic")}
INTRA_OP_THREADS = 2


@dataclass(frozen=True)
class Index:
    """The content of a folder's `model_index.json`: the kind of prediction, denoising steps, and its longer side, px."""

    prediction: str
    steps: int
    size: int
    full_z: bool
    targets: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Index:
        """Read the file. Raises `InputError` for a folder that is none of Marigold's three."""
        path = folder / "model_index.json"
        try:
            values = plain_json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error!s:.100}); download the folder again") from None
        prediction = values.get("prediction_type") if isinstance(values, dict) else None
        if prediction not in TARGETS:
            raise InputError(f"{path}: prediction_type is {prediction!r}; Marigold's are {', '.join(TARGETS)}")
        targets = values.get("target_properties") or {}
        if prediction == "intrinsics" and "material" not in targets.get("target_names", ()):
            raise InputError(
                f"{path}: its targets are {', '.join(targets.get('target_names', ())) or 'not said'}; Relamp uses the appearance "
                "model, which gives albedo and material"
            )
        steps, size = (values.get(f"default_{name}") for name in ("denoising_steps", "processing_resolution"))
        return cls(prediction, steps or STEPS, size or SIZE, bool(values.get("use_full_z_range", True)), targets)


class Part:
    """One of Marigold's folders, ready to predict."""

    def __init__(self, folder: Path, empty_prompt: torch.Tensor, device: str = "cpu") -> None:
        """Load UNet, autoencoder and scheduler from safetensors.

        Args:
            empty_prompt: (1, 2, C), the text encoder's output for the empty prompt.

        Raises:
            InputError: the folder lacks something, or its networks do not fit each other.
        """
        self.index = Index.of(folder)
        self._unet = _network(UNet2DConditionModel, folder / "unet", device)
        self._vae = _network(AutoencoderKL, folder / "vae", device)
        self._scheduler = _loaded(
            lambda: DDIMScheduler.from_pretrained(str(folder / "scheduler"), local_files_only=True),
            folder / "scheduler",
        )
        self._prompt, self._device = empty_prompt.to(device, torch.float32), device
        count = TARGETS[self.index.prediction]
        channels = (self._unet.config["in_channels"], self._unet.config["out_channels"])
        if channels != (LATENTS * (1 + count), LATENTS * count):
            raise InputError(
                f"{folder / 'unet'} reads {channels[0]} channels and gives {channels[1]}; Marigold's {self.index.prediction} "
                f"reads {LATENTS * (1 + count)} and gives {LATENTS * count}"
            )
        if self._unet.config["cross_attention_dim"] != empty_prompt.shape[-1]:
            raise InputError(
                f"{folder}: the UNet wants text of width {self._unet.config['cross_attention_dim']}, the text encoder gives "
                f"{empty_prompt.shape[-1]}; they are of different models"
            )

    @torch.inference_mode()
    def predict(self, image: torch.Tensor, seed: int) -> torch.Tensor:
        """The prediction of one picture.

        Args:
            image: (1, 3, H, W) display-encoded, 0 to 1.
            seed: of the initial noise of the targets.

        Returns:
            (T, 3, H, W): unit normals, or values from 0 to 1.
        """
        torch.set_num_threads(INTRA_OP_THREADS)
        height, width = image.shape[-2:]
        count, scale = TARGETS[self.index.prediction], float(self._vae.config["scaling_factor"])
        multiple = 2 ** (len(self._vae.config["block_out_channels"]) - 1)
        longer = max(height, width)
        size = (max(1, height * self.index.size // longer), max(1, width * self.index.size // longer))
        # 1. The picture at the network's size, -1 to 1, padded to a multiple of the latents' factor.
        seen = interpolate(image.to(self._device) * 2 - 1, size, mode="bilinear", antialias=True)
        seen = pad(seen, (0, -size[1] % multiple, 0, -size[0] % multiple), mode="replicate")
        # 2. Latents (1, 4, h, w) of the picture, noise (1, 4 T, h, w) of the targets.
        picture = self._vae.encode(seen).latent_dist.mode() * scale
        noise = torch.Generator("cpu").manual_seed(seed)
        shape = (1, count * LATENTS, *picture.shape[-2:])
        target = torch.randn(shape, generator=noise, dtype=torch.float32).to(self._device)
        # 3. Denoised.
        self._scheduler.set_timesteps(self.index.steps, device=self._device)
        for step in self._scheduler.timesteps:
            told = self._unet(
                torch.cat([picture, target], 1), step, encoder_hidden_states=self._prompt, return_dict=False
            )
            target = self._scheduler.step(told[0], step, target).prev_sample
        # 4. Decoded target by target, (T, 3, H, W), without the padding.
        latents = target.reshape(count, LATENTS, *target.shape[-2:])
        decoded = torch.cat([self._vae.decode(one[None] / scale, return_dict=False)[0] for one in latents])
        decoded = self._as_values(decoded)[..., : size[0], : size[1]]
        enlarged = interpolate(decoded, (height, width), mode="bilinear")
        return (_unit(enlarged) if self.index.prediction == "normals" else enlarged).cpu()

    def _as_values(self, decoded: torch.Tensor) -> torch.Tensor:
        """Decoded pictures (T, 3, h, w), -1 to 1, as normals or values."""
        if self.index.prediction == "normals":
            normals = decoded.clip(-1, 1)
            if not self.index.full_z:
                normals[:, 2] = normals[:, 2] * 0.5 + 0.5
            return _unit(normals)
        if self.index.prediction == "depth":
            decoded = decoded.mean(1, keepdim=True)
        return (decoded.clip(-1, 1) + 1) / 2


class Marigold:
    """See the module and `Estimator`.

    `turn` (3, 3) corrects the normals into camera space, on column vectors; `nearer` is -1 where their depth grows toward the
    viewer, else 1.
    """

    name = "marigold"

    def __init__(
        self, parts: Mapping[str, Part], turn: np.ndarray | None = None, nearer: float = 1.0, seed: int = 0
    ) -> None:
        """`parts` are loaded folders by `prediction_type`. `seed` is the shot's; each frame has the same noise."""
        self._parts = dict(parts)
        self.gives = frozenset(plane for kind in self._parts for plane in GIVES[kind])
        self.size = max(part.index.size for part in self._parts.values())
        self._axes = np.eye(3, dtype=np.float32) if turn is None else np.asarray(turn, np.float32)
        self._nearer, self._seed = nearer, seed

    def estimate(self, picture: Picture) -> Passes:
        """See `Estimator.estimate`; `depth` is 0 near to 1 far, up to scale and shift."""
        image = torch.from_numpy(np.ascontiguousarray(picture.displayed().transpose(2, 0, 1)))[None]  # (1, 3, h, w)
        planes: dict[str, np.ndarray] = {}
        for kind, part in self._parts.items():
            found = part.predict(image, self._seed).numpy().transpose(0, 2, 3, 1)  # (T, h, w, c)
            planes |= self._named(kind, found, part.index.targets)
        return Passes(**planes, depth_kind=NEAR_TO_FAR)  # type: ignore[arg-type]

    def _named(self, kind: str, found: np.ndarray, targets: Mapping[str, Any]) -> dict[str, np.ndarray]:
        if kind == "normals":
            return {"normals": found[0] @ self._axes.T}
        if kind == "depth":
            return {"depth": found[0, ..., 0] if self._nearer > 0 else 1 - found[0, ..., 0]}
        albedo, material = (found[targets["target_names"].index(name)] for name in ("albedo", "material"))
        encoded = targets.get("albedo", {}).get("prediction_space") == "srgb"
        parts = targets["material"]["sub_target_names"]
        return {
            "albedo": np.clip(from_linear(decode_srgb(albedo) if encoded else albedo), 0, 1),
            "roughness": material[..., parts.index("roughness")],
            "metallic": material[..., parts.index("metallicity")],
        }


def _unit(normals: torch.Tensor) -> torch.Tensor:
    return normals / normals.norm(dim=1, keepdim=True).clamp_min(1e-6)


def _network(kind: Any, folder: Path, device: str) -> Any:
    network = _loaded(
        lambda: kind.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False, torch_dtype=torch.float32
        ),
        folder,
    )
    return network.to(device).eval().requires_grad_(False)


def _loaded(load: Callable[[], Any], folder: Path) -> Any:
    try:
        return load()
    # The errors that diffusers raises for a wrong folder.
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{folder} cannot be loaded ({reason:.200}); download the folder again") from None
