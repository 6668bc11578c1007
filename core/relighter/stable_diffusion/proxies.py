"""Conversions between the log proxy and what a published model takes and gives: display-encoded pictures of 8 bits.

The clip is exposed so that the 99.5th percentile of the subject is at 0.7 of the display, because there must be room to
brighten. The gain is measured between the model's picture and what its own encoder and decoder make of the unchanged
picture, so that their losses cancel. Such a model has no absolute level, and the level between the two lights is in the
analytic gain. The model's gain therefore keeps its colours and its variation over the picture, and its mean over the
subject is set to that of the analytic gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ...light.environment import AP1_LUMINANCE
from ...pictures.curves import decode_log_tensor, decode_srgb
from ...pictures.rec709 import TO_REC709, display_code
from ...pictures.rec709 import from_display as from_display
from ..own.conditions import Conditions, shade
from .pixels import to_unit

ROOM = 0.7  # of the display, where the subject's brightest is put
PERCENTILE = 99.5
# Light added on both sides of the ratio, at the display's exposure: what is darker is a decoder's noise.
DARK = 0.004
MULTIPLE = 64  # px, the sides of what Stable Diffusion is shown
# The most a white surface can receive of a light of mean radiance 1 is 4, when all of it comes from one point.
BRIGHTEST_IRRADIANCE = 4.0


def to_display(light: np.ndarray) -> np.ndarray:
    """Scene-linear ACEScg, exposed, to display-encoded bytes: (..., 3) uint8, clipped."""
    return np.round(255 * display_code(light)).astype(np.uint8)


@dataclass(frozen=True)
class Clip:
    """Frames as a published model is shown them.

    `subject` (F, H, W, 3) uint8, display-encoded, the plate whole; `matte` (F, H, W, 1) float32. Both are padded to sides
    that are multiples of 64: the plate by its own edge, the matte by 0. `height`, `width`, `top` and `left` say where the
    frame lies; `exposure` is the factor its light was multiplied with.
    """

    subject: np.ndarray
    matte: np.ndarray
    exposure: float
    height: int
    width: int
    top: int
    left: int

    @classmethod
    def of(cls, conditions: Sequence[Conditions], brighter: float = 1.0) -> Clip:
        """The clip of some frames of one size, exposed together; `brighter` multiplies the exposure."""
        light = [picture(decode_log_tensor(c.code)) for c in conditions]
        mattes = [c.matte[0, 0].numpy() for c in conditions]
        factor = exposure(light, mattes) * brighter
        height, width = mattes[0].shape
        rows, columns = -height % MULTIPLE, -width % MULTIPLE
        top, left = rows // 2, columns // 2
        around = ((top, rows - top), (left, columns - left))
        subject = np.stack([np.pad(to_display(x * factor), (*around, (0, 0)), "edge") for x in light])
        matte = np.stack([np.pad(m, around)[..., None] for m in mattes]).astype(np.float32)
        return cls(subject, matte, factor, height, width, top, left)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what the model is shown, px."""
        return self.subject.shape[2], self.subject.shape[1]

    def pad(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures of the frames (F, h, w, ...) extended to the model's size by repeating their edges."""
        rows, columns = self.subject.shape[1] - self.height, self.subject.shape[2] - self.width
        around = ((0, 0), (self.top, rows - self.top), (self.left, columns - self.left))
        return np.pad(pictures, (*around, *[(0, 0)] * (pictures.ndim - 3)), "edge")

    def cut(self, pictures: np.ndarray) -> np.ndarray:
        """The frames cut out of the model's pictures (F, H', W', 3), which may have any size of the same shape; (F, h, w, 3)."""
        width, height = self.size
        fitted = [
            p if p.shape[:2] == (height, width) else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
            for p in pictures
        ]
        rows, columns = slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
        return np.stack([p[rows, columns] for p in fitted])


def exposure(light: Sequence[np.ndarray], mattes: Sequence[np.ndarray]) -> float:
    """The factor that puts the subject's 99.5th percentile at 0.7 of the display; 1 where there is no light on it.

    Args:
        light: (h, w, 3) each, scene-linear ACEScg.
        mattes: (h, w) each; the subject is where they are over a half, else wherever they are over 0.
    """
    inside = [m > 0.5 for m in mattes]
    if not any(i.any() for i in inside):
        inside = [m > 0 for m in mattes]
    values = np.concatenate([(x[i] @ TO_REC709.T).ravel() for x, i in zip(light, inside, strict=True)])
    brightest = float(np.percentile(values, PERCENTILE)) if values.size else 0.0
    return float(decode_srgb(np.array(ROOM))) / brightest if brightest > 1e-6 else 1.0


def log_gain(relit: np.ndarray, unchanged: np.ndarray) -> np.ndarray:
    """The natural log of the ratio of light between two display-encoded pictures, each (h, w, 3) from 0 to 1; (h, w, 3)."""
    return np.log((_light(relit) + DARK) / (_light(unchanged) + DARK)).astype(np.float32)


def at_level(gain: np.ndarray, hint: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A log gain (h, w, 3) plus one number for all channels, so that its mean over the matte (h, w) is that of the
    analytic gain.
    """
    return gain - np.float32(_level(gain, matte) - _level(hint, matte))


def _light(display: np.ndarray) -> np.ndarray:
    return np.maximum(from_display(display), 0)


def _level(gain: np.ndarray, matte: np.ndarray) -> float:
    """The mean over the matte of the log of luminance, in the sense of `analytic.alone`."""
    luminance = np.log(np.exp(gain) @ np.array(AP1_LUMINANCE, np.float32))
    return float(np.average(luminance, weights=matte)) if matte.sum() > 0 else 0.0


def lit_surface(c: Conditions, normals: torch.Tensor) -> np.ndarray:
    """A grey surface of the subject's shape under the target light, display-encoded, (h, w, 3) uint8.

    It is the picture that a run begins with in place of the published gradients. Beside the subject the surface is a
    shallow dome over the picture, so that light from one side gives a gradient from that side. Its albedo is a quarter: the
    brightest that a light of unit level can make it is then exactly white, so nothing is normalised by a map's own maximum.

    Args:
        normals: (1, 3, h, w) unit camera-space vectors of the subject.
    """
    matte = c.matte.to(normals)
    facing = torch.nn.functional.normalize(normals * matte + dome(normals) * (1 - matte), dim=1)
    irradiance = shade(c.target, facing, c.rays)[:, :3].exp()
    return to_display(picture(irradiance) / BRIGHTEST_IRRADIANCE)


def dome(like: torch.Tensor) -> torch.Tensor:
    """Normals (1, 3, h, w) of a dome over the picture: toward the viewer in its middle, 45 degrees aside at its edges."""
    height, width = like.shape[-2:]
    y, x = torch.meshgrid(torch.linspace(1, -1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.nn.functional.normalize(torch.stack([x, y, torch.ones_like(x)])[None], dim=1).to(like)


def view(c: Conditions, exposed: float) -> np.ndarray:
    """The background of the subject, display-encoded at the clip's exposure, (h, w, 3) uint8.

    It is the background given, else the target light as the camera sees it, blurred as much as the smoothest reflection is.
    """
    # A mirror that faces the ray, seen from the other side, shows what lies along it.
    ahead = shade(c.target, c.rays, -c.rays)[:, 3:6].exp()
    light = decode_log_tensor(c.background) if c.background_known[0] > 0 else ahead
    return to_display(picture(light) * exposed)


def picture(planes: torch.Tensor) -> np.ndarray:
    """(1, C, h, w) to (h, w, C) float32."""
    return planes[0].float().cpu().numpy().transpose(1, 2, 0)


def display_light(clip: Clip, pictures: torch.Tensor) -> torch.Tensor:
    """(F, 3, H, W) in the model's range as logs of the plate's anchored light, (F, 3, h, w): what the proxy's code is made of."""
    light = np.maximum(from_display(clip.cut(to_unit(pictures))), 0)
    return torch.from_numpy(np.log((light + DARK) / clip.exposure)).permute(0, 3, 1, 2).float()


def light_display(clip: Clip, logs: torch.Tensor) -> torch.Tensor:
    """The inverse of `display_light`, clipped by the display."""
    light = logs.permute(0, 2, 3, 1).double().exp().numpy() * clip.exposure - DARK
    pictures = clip.pad(display_code(light).astype(np.float32))
    return torch.from_numpy(pictures).permute(0, 3, 1, 2) * 2 - 1
