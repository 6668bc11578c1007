"""Relief from normals, and the reconciling of both."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from depth_scene import ball_and_box
from relamp.core.shape.depth import LONGEST, STEP, heights, held_to_normals, relief_of, seen_along
from relamp.core.shape.depth_fit import Fit

SIZE = 48


def _grid(size: int = SIZE) -> tuple[torch.Tensor, torch.Tensor]:
    axis = torch.arange(size, dtype=torch.float32) - size / 2 + 0.5
    return torch.meshgrid(axis, axis, indexing="ij")


def _from_height(height: torch.Tensor) -> torch.Tensor:
    """Normals (1, 3, h, w) of a height field in pixels, rows going down."""
    down, right = torch.gradient(height)
    n = torch.stack([-right, down, torch.ones_like(height)])
    return torch.nn.functional.normalize(n, dim=0)[None]


def _error(found: torch.Tensor, true: torch.Tensor, where: torch.Tensor) -> float:
    off = (found - true)[where]
    return float((off - off.mean()).std() / (true[where]).std())


def test_normals_add_up_to_the_height_they_were_made_of() -> None:
    y, x = _grid()
    height = 6 * torch.exp(-(x**2 + y**2) / 120) + 0.1 * x
    found = heights(_from_height(height), torch.ones(1, 1, SIZE, SIZE))[0]
    assert _error(found, height, torch.ones_like(height).bool()) < 0.05


def test_a_ball_cut_out_by_its_matte_has_its_height() -> None:
    y, x = _grid(160)
    radius = 70.0
    inside = x**2 + y**2 < radius**2
    height = (radius**2 - x**2 - y**2).clamp_min(0).sqrt()
    normals = torch.where(inside, torch.stack([x, -y, height]) / radius, torch.tensor([0.0, 0, 1])[:, None, None])[None]
    found = heights(normals, inside[None, None].float())[0]
    assert _error(found, height, inside) < 0.04


def test_what_stands_apart_does_not_pull_on_what_it_never_touches() -> None:
    y, x = _grid()
    matte = (x.abs() > 4).float()[None, None]
    tilted = torch.where(x < 0, 0.5 * y, -0.5 * y)
    found = heights(_from_height(tilted), matte)[0]
    assert torch.allclose(found[30, :15] - found[18, :15], torch.full((15,), 6.0), atol=0.5)
    assert torch.allclose(found[30, -15:] - found[18, -15:], torch.full((15,), -6.0), atol=0.5)


def test_a_step_of_the_relief_that_no_normal_explains_is_kept() -> None:
    _, x = _grid()
    step = 4 * STEP * SIZE
    relief = torch.where(x > 0, step, 0.0)[None, None]
    flat = torch.tensor([0.0, 0, 1])[None, :, None, None].expand(1, 3, SIZE, SIZE)
    found = heights(flat, torch.ones(1, 1, SIZE, SIZE), relief)[0]
    across = found[SIZE // 2]
    assert abs(float(across[SIZE // 2] - across[SIZE // 2 - 1]) - step) < 0.1 * step
    assert float((across[: SIZE // 2] - across[0]).abs().max()) < 0.05 * step


def test_ripples_of_the_relief_give_way_to_the_normals() -> None:
    y, x = _grid()
    height = 6 * torch.exp(-(x**2 + y**2) / 120)
    relief = (height + 0.4 * torch.sin(3 * x))[None, None]
    found = heights(_from_height(height), torch.ones(1, 1, SIZE, SIZE), relief)[0]
    assert _error(found, height, torch.ones_like(height).bool()) < 0.05


def test_the_relief_decides_what_normals_cannot_tell_apart() -> None:
    _, x = _grid()
    matte = (x.abs() > 4).float()[None, None]
    relief = torch.where(x > 0, 10.0, 0.0)[None, None]
    flat = torch.tensor([0.0, 0, 1])[None, :, None, None].expand(1, 3, SIZE, SIZE)
    found = heights(flat, matte, relief)[0]
    assert abs(float(found[24, -10] - found[24, 10]) - 10) < 1.0


def test_relief_is_in_pixels_of_the_picture_it_is_asked_for() -> None:
    y, x = _grid(2 * LONGEST)
    height = 60 * torch.exp(-(x**2 + y**2) / 5000)
    found = relief_of(_from_height(height), torch.ones(1, 1, 2 * LONGEST, 2 * LONGEST))[0]
    assert _error(found, height, torch.ones_like(height).bool()) < 0.05


def test_a_frame_in_a_batch_comes_out_as_alone() -> None:
    torch.manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(2, 3, 40, 30) + torch.tensor([0, 0, 2.0])[:, None, None], dim=1)
    matte, relief = torch.rand(2, 1, 40, 30), torch.randn(2, 1, 40, 30)
    both = heights(normals, matte, relief)
    assert torch.allclose(both[1:], heights(normals[1:], matte[1:], relief[1:]), atol=1e-3)


def planes(picture):
    """(h, w) or (h, w, C) as (1, C, h, w)."""
    picture = picture if picture.ndim == 3 else picture[..., None]
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


SCENE = ball_and_box()


def given(depth):
    """The fit of a depth of the scene, and its heights (1, h, w)."""
    fit = Fit.of(depth, "z", SCENE.rays, SCENE.normals, SCENE.matte, SCENE.matte > 0)
    return fit, torch.from_numpy(fit.heights(depth, SCENE.rays, SCENE.matte))[None]


def held(depth):
    fit, found = given(depth)
    shape = (planes(a) for a in (SCENE.normals, SCENE.rays, SCENE.matte))
    return held_to_normals(found, fit.noise, *shape)


def away(one, other):
    error = (one - other)[0].numpy()[SCENE.z > 0]
    return float(np.abs(error - np.median(error)).mean())


def test_an_exact_depth_is_not_drawn_to_its_normals():
    _, exact = given(SCENE.z)
    assert torch.equal(held(SCENE.z), exact)


def test_a_noisy_depth_is_drawn_to_its_normals():
    noise = gaussian_filter(np.random.default_rng(0).normal(size=SCENE.z.shape), 4)
    noisy = np.where(SCENE.z > 0, SCENE.z + noise * (0.3 / noise.std()), 0).astype(np.float32)
    _, exact = given(SCENE.z)
    assert away(held(noisy), exact) < 0.5 * away(given(noisy)[1], exact)


def test_heights_from_normals_stand_under_perspective():
    ball = planes(((SCENE.z > 0) & (SCENE.z < 5.2)).astype(np.float32))
    inside = ball[0, 0].numpy() > 0
    normals, rays = planes(SCENE.normals), planes(SCENE.rays)
    exact = given(SCENE.z)[1][0].numpy()[inside]

    def error(facing):
        found = relief_of(facing, ball)[0].numpy()[inside]
        return np.abs((found - found.mean()) - (exact - exact.mean())).mean() / np.ptp(exact)

    assert error(seen_along(normals, rays)) < 0.6 * error(normals)
