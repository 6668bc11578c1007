"""IC-Light's pixels: 8-bit display-encoded pictures on grey 127, and their way to the network's range and back.

The network's range puts 127 at exactly 0, so white is 1.0079; the way back truncates. Both are the authors', and a
picture returns unchanged but for 254, which becomes 255. Pictures are (..., H, W, 3) uint8, tensors (N, 3, H, W).
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

GREY = 127
SIDES = ("left", "right", "top", "bottom")


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32, -1 to 1.0079."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2) / 127.0 - 1.0


def to_bytes(tensor: torch.Tensor) -> np.ndarray:
    """(N, 3, H, W) to (N, H, W, 3) uint8, clipped and truncated."""
    planes = tensor.float().mul(127.5).add(127.5).clamp(0, 255)
    return planes.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)


def to_unit(tensor: torch.Tensor) -> np.ndarray:
    """(N, 3, H, W) to (N, H, W, 3) float32, clipped to 0..1, display-encoded."""
    return tensor.float().mul(0.5).add(0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()


def on_grey(picture: np.ndarray, alpha: np.ndarray, lift: float = 0.0) -> np.ndarray:
    """The foreground over neutral grey, truncated to uint8.

    Args:
        picture: (..., H, W, 3) uint8, not premultiplied.
        alpha: (..., H, W, 1), clipped to 0..1.
        lift: added to the foreground; 16 for IC-Light's normals from four lights, else 0.
    """
    rgb, alpha = picture.astype(np.float32), np.clip(alpha.astype(np.float32), 0, 1)
    return np.clip(GREY + (rgb - GREY + lift) * alpha, 0, 255).astype(np.uint8)


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture (H, W, 3) uint8 at another size, by Lanczos."""
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def cropped(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture scaled until it covers `width` x `height` px, then cropped around its centre to exactly that size."""
    h, w = picture.shape[:2]
    scale = max(width / w, height / h)
    wide, tall = round(w * scale), round(h * scale)
    x, y = round((wide - width) / 2), round((tall - height) / 2)
    return resized(picture, wide, tall)[y : y + height, x : x + width]


def gradient(side: str, width: int, height: int, bright: float = 255, dark: float = 0) -> np.ndarray:
    """A grey ramp, (height, width, 3) uint8, bright at `side` (one of `SIDES`); both end values occur.

    255 to 0 is what a run of IC-Light fc begins with; 224 to 32 is a background for fbc.
    """
    across = side in ("left", "right")
    first, last = (bright, dark) if side in ("left", "top") else (dark, bright)
    ramp = np.linspace(first, last, width if across else height)
    plane = ramp[None, :] if across else ramp[:, None]
    return np.broadcast_to(plane.astype(np.uint8)[..., None], (height, width, 3)).copy()


def grey(width: int, height: int, value: int = 64) -> np.ndarray:
    """A uniform grey background for fbc, (height, width, 3) uint8."""
    return np.full((height, width, 3), value, np.uint8)
